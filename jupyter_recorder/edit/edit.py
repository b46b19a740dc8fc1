"""`trim` and `redact`: a finished recording to a new one."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..convert.draft import Draft
from ..convert.source import ExportOptions, Progress, Source
from ..errors import InvalidCast, RecError, RecordingInProgress
from ..library.library import Library
from ..library.manifest import Labels, change_labels
from ..library.recording import Recording
from ..redact import BUILTIN, Pattern, Redactor
from .copy import Copy
from .streams import StreamedTexts
from .timemap import Span, TimeMap, pauses


@dataclass(frozen=True)
class Edited:
    """What an edit made: the new recording's id (None: a dry run), the old one's, seconds and secrets taken out.

    `redacted` counts secrets by their kind.
    """

    id: str | None
    source: str
    replaced: bool
    removed_seconds: float
    redacted: dict[str, int]


def trim(
    library: Library,
    recording: Recording,
    *,
    cuts: Iterable[Span] = (),
    idle: float | None = None,
    name: str | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> Edited:
    """Cut stretches of time out (in seconds from the start), and pauses down to `idle` seconds.

    What began in a stretch goes: messages, cells, commands, markers, and what terminals showed. Raises `RecError` for
    a recording that is not finished, or if nothing would be left out.
    """
    _check_finished(recording)
    move = TimeMap(cuts)
    if idle is not None:
        move = move.without(pauses(_times(recording), idle, move))
    length = max(_times(recording), default=0.0)
    removed = length - move(length)
    if removed <= 0:
        raise RecError(f"nothing of {recording.name!r} would go: it is {length:.0f} s long and has no such pause")
    made = _copied(
        library, recording, "trim", Redactor(enabled=False), move=move, name=name, replace=replace, progress=progress
    )
    return Edited(made, recording.id, replace, removed, {})


def redact(
    library: Library,
    recording: Recording,
    *,
    patterns: tuple[Pattern, ...] = (),
    name: str | None = None,
    replace: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Edited:
    """Take secrets out: the built-in kinds, and `patterns`; `dry_run` only counts.

    Raises `RecError` for a recording that is not finished.
    """
    _check_finished(recording)
    redactor = Redactor((*BUILTIN, *patterns))
    made = _copied(
        library, recording, "redact", redactor, name=name, replace=replace, dry_run=dry_run, progress=progress
    )
    return Edited(made, recording.id, replace and made is not None, 0.0, dict(redactor.removed))


def _copied(
    library: Library,
    recording: Recording,
    edit: str,
    redactor: Redactor,
    *,
    move: TimeMap | None = None,
    name: str | None,
    replace: bool,
    dry_run: bool = False,
    progress: Progress | None,
) -> str | None:
    source = Source(recording, ExportOptions(), progress)
    tags = [redactor.text(tag) for tag in recording.tags]
    new_name = name or (recording.name if replace else f"{recording.name}-{_ENDINGS[edit]}")
    draft = Draft.begin(
        library,
        new_name,
        recording.manifest["kind"],
        recording.manifest["started_at"],
        title=recording.title,
        redactor=redactor,
        imported={"format": "jupyter-recorder", "file": recording.id, "edit": edit},
    )
    try:
        Copy(source, draft, move or TimeMap(), StreamedTexts(redactor)).run()
        source.finish()
        if dry_run:
            draft.abandon()
            return None
        made = draft.publish()
    except BaseException:
        draft.abandon()
        raise
    if tags:
        change_labels(library.find(made).path, Labels(tags=tags), library.files)
    if replace:  # only now: the new one is whole and on the disk
        library.delete(recording)
    return made


_ENDINGS = {"trim": "trimmed", "redact": "redacted"}


def _check_finished(recording: Recording) -> None:
    if recording.state == "recording":
        writer = recording.manifest["writer"]
        hint = "stop it first"
        raise RecordingInProgress(recording.name, pid=writer.get("pid"), host=writer.get("host"), hint=hint)
    recording.manifest  # noqa: B018  # CorruptState names the file


def _times(recording: Recording) -> Iterator[float]:
    """Yield when something happened, in order, in seconds from the start: one event at a time of each track."""
    start = recording.manifest["started_at"]
    source = Source(recording, ExportOptions())
    origins: dict[str, float] = {}
    last = 0.0
    for event in recording.events():
        if event.get("type") == "terminal_start" and type(event.get("at")) is int:
            origins[str(event.get("file"))] = (event["at"] - start) / 1000

    def journal() -> Iterator[float]:
        for event in recording.events():
            if type(at := event.get("at")) is int:
                yield (at - start) / 1000

    def terminal(file: str) -> Iterator[float]:
        try:
            yield from (origins[file] + event.time for event in source.cast(file).events)
        except InvalidCast:
            return

    streams: list[Callable[[], Any]] = [journal, *(lambda f=f: terminal(f) for f in origins.keys() & source.casts())]
    for time in heapq.merge(*(stream() for stream in streams)):
        last = max(last, time)
        if math.isfinite(last):
            yield last
