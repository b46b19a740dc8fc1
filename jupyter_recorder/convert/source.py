"""What an exporter reads from: a recording as streams, and how far reading has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..asciicast.reader import Cast, read
from ..errors import RecError
from ..journal.blobs import join_payloads
from ..journal.reader import Report, last_event, segments
from ..library.casts import cast_segments
from ..library.recording import Recording
from .outputs import CommandOutputs

Progress = Callable[[int, int], None]
_LONGEST: Final = 1e9


@dataclass(frozen=True)
class ExportOptions:
    """What of a recording is exported: one `track` (None: all), from `start` seconds after its beginning on."""

    track: str | None = None
    start: float = 0.0


class Source:
    """A recording being exported; `progress(done, total)` is told bytes of the recording's files."""

    def __init__(self, recording: Recording, options: ExportOptions, progress: Progress | None = None) -> None:
        self.recording = recording
        self.options = options
        self._progress = progress
        self._done = self._told = 0.0
        self._files = list(recording.cast_files())
        self.journal_size = sum(path.stat().st_size for _, path in segments(recording.path))
        self._cast_size = {file: _size(recording, file) for file in self._files}
        self._total = self.journal_size + sum(self._cast_size.values())
        self._passes = 1
        self.outputs = CommandOutputs(self)

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest as people see it; of a recording whose manifest is damaged, what its folder tells."""
        if self.recording.error:
            return {"id": self.recording.id, "name": self.recording.id, "tags": [], "kind": "", "started_at": 0}
        return {**self.recording.shown}

    @property
    def title(self) -> str:
        """What the recording is called."""
        return str(self.recording.title or self.recording.name)

    @property
    def start(self) -> float:
        """The options' `start` in seconds; 0 for what is no time."""
        return self.options.start if 0 < self.options.start < _LONGEST else 0.0

    @property
    def start_at(self) -> int:
        """The moment in Unix ms from which on things are exported; 0 for all."""
        return int(self.manifest.get("started_at", 0)) + round(self.start * 1000) if self.start else 0

    def passes(self, count: int) -> None:
        """Say that the journal will be read `count` times, so that progress ends at its total."""
        self._total += self.journal_size * (count - self._passes)
        self._passes = count

    def events(self, report: Report | None = None, *, payloads: bool = True) -> Iterator[dict[str, Any]]:
        """Yield the journal's events without what only this machine needs, payloads joined in unless told not to."""
        last = (last_event(self.recording.path) or {}).get("seq", 1)
        before = self._done
        for event in self.recording.events(report):
            event.pop("raw", None)
            yield join_payloads(self.recording.path, event) if payloads else event
            self._advance(before + self.journal_size * event["seq"] / max(1, last) - self._done)

    def casts(self) -> list[str]:
        """Return the terminals' files that are to be exported, by the options' `track`."""
        track = self.options.track
        return self._files if track is None else [file for file in self._files if file == f"{track}.cast"]

    def only_cast(self) -> str:
        """Return the one terminal's file; raises `RecError` if there is none, or several and no track was chosen."""
        found = self.casts()
        if len(found) == 1:
            return found[0]
        name = self.recording.name
        if not found:
            what = f"no terminal called {self.options.track!r}" if self.options.track else "no terminal"
            raise RecError(f"{name!r} has {what} to export as asciicast")
        names = ", ".join(file.removesuffix(".cast") for file in found)
        raise RecError(f"{name!r} has several terminals: choose one with --track ({names})")

    def cast_size(self, file: str) -> int:
        """Return what a terminal's file takes, in bytes."""
        return self._cast_size[file]

    def cast(self, file: str) -> Cast:
        """Return a terminal as a stream of events; raises `InvalidCast`, `StorageError`."""
        return read(self._counted(self.recording.cast_lines(file)))

    def cast_text(self, file: str) -> Iterator[bytes]:
        """Yield a terminal's whole lines as they stand."""
        yield from self._counted(self.recording.cast_lines(file))

    def _counted(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        for line in lines:
            yield line
            self._advance(len(line))

    def finish(self) -> None:
        """Say that all is done."""
        self._advance(self._total - self._done, last=True)

    def _advance(self, count: float, *, last: bool = False) -> None:
        self._done += count
        if self._progress is not None and (last or self._done - self._told >= max(1, self._total) / 200):
            self._told = self._done
            self._progress(min(round(self._done), self._total), self._total)


def _size(recording: Recording, file: str) -> int:
    return sum(path.lstat().st_size for path in cast_segments(recording.path, file))
