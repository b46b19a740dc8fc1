"""Records one terminal session into a `.cast` and a sidecar, for a program to embed: an SSH proxy, a shell, a test rig.

All of this is called from within somebody's session, so nothing is raised into it: what goes wrong is in `error`, goes
to `on_error` and the log, and stands in the sidecar. While the disk takes nothing, events are counted as lost; once
there is room, a marker in the `.cast` says how many. After a failed sync, or when the file was removed, nothing more is
written to it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import InvalidEvent, PersistFailed, RecError, StorageError
from ..files import SYSTEM, Files, make_folders
from ..journal.codec import encode
from ..journal.commit import Timer, shared_committer
from ..redact import Redactor
from .failures import Failures, Lost
from .format import Event, Header, encode_event, encode_header, parse_size
from .linefile import LineFile, in_worker
from .sidecar import CAST, Sidecar, claim, plain_metadata, with_ending
from .sidecar import SUFFIX as SIDECAR
from .text import TextStream, as_bytes, pieces
from .turns import Turns

FORMAT: Final = "asciicast"
STOP_SECONDS: Final = 2.0
HOLD_SECONDS: Final = 0.1
DEFAULT_SIZE: Final = (80, 24)
_ENVIRONMENT_KEPT: Final = ("SHELL", "TERM")


@dataclass
class RecordingConfig:
    """What a program records of its terminals.

    `output_dir` is made, 0700, if it is missing. `format` is `asciicast`. Without `capture_metadata` the `.cast` has no
    metadata and there is no sidecar. `redact` takes secrets of common kinds out; without it, bytes are kept as they
    came.
    """

    enabled: bool = True
    output_dir: Path | str = "/data/recordings"
    format: str = FORMAT
    capture_metadata: bool = True
    record_input: bool = True
    redact: bool = False


class TerminalRecorder:
    """Streams one terminal session to `<output_dir>/<session_id>.cast` as it happens.

    `width` and `height` are in characters (80x24 if that is no size), `metadata` is what JSON can hold, and
    `on_error(error)` is called once for each failure, in the thread that met it. Every method can be called from any
    thread, from an event loop and from a signal handler, in any order and again; none raises. In a forked child they
    do nothing.
    """

    def __init__(
        self,
        config: RecordingConfig,
        session_id: str,
        width: int,
        height: int,
        metadata: Any = None,
        *,
        on_error: Callable[[Exception], object] | None = None,
        files: Files = SYSTEM,
    ) -> None:
        self.config, self.metadata = config, metadata
        self.session_id = session_id if isinstance(session_id, str) else repr(session_id)
        self.width, self.height = width, height
        self.path: Path | None = None
        self.exit_status: int | None = None
        self._files, self._committer = files, shared_committer()
        self._failures = Failures(on_error)
        self._turns = Turns(self._failed, self._after_turns)
        self._due: deque[Callable[[], None]] = deque()  # what waits for the disk, and so is done outside the turns
        self._doing = threading.RLock()
        self._file: LineFile | None = None
        self._open = self._taking = self._failing = False
        self._gap: Lost | None = None
        self._texts: dict[str, TextStream] = {}
        self._release: Timer | None = None
        self._counts = {"o": 0, "i": 0, "r": 0}
        self._sidecar: Sidecar | None = None
        self._sidecar_failed = False
        self._sync_error: OSError | None = None
        self._plain_metadata: Any = {}
        self._metadata_refused = False
        self._started_ms: int | None = None
        self._origin_ns = 0
        self._last = 0.0
        self._duration: float | None = None

    @property
    def active(self) -> bool:
        """Whether the file is open."""
        return self._open and not self._turns.forked

    @property
    def error(self) -> RecError | None:
        """The latest failure, whose message says how much is lost by now; None if all is there."""
        return self._failures.error

    @property
    def on_error(self) -> Callable[[Exception], object] | None:
        """What is called with each failure."""
        return self._failures.on_error

    @on_error.setter
    def on_error(self, on_error: Callable[[Exception], object] | None) -> None:
        self._failures.on_error = on_error

    @property
    def events(self) -> dict[str, int]:
        """How many events of output (`o`), input (`i`) and new sizes (`r`) were written."""
        return dict(self._counts)

    def start(self) -> None:
        """Make the `.cast` and begin; after a failure it may be tried again."""
        self._turns.take(self._start)

    def record_output(self, data: bytes) -> None:
        """Record what the terminal showed."""
        self._turns.take(lambda: self._record("o", data))

    def record_input(self, data: bytes) -> None:
        """Record what was typed, if the configuration says so."""
        self._turns.take(lambda: self._record("i", data))

    def record_resize(self, width: int, height: int) -> None:
        """Record a new size in characters; one with a nought in it says nothing (RFC 4254, section 6.2)."""
        self._turns.take(lambda: self._resize(width, height))

    def stop(self, exit_status: int | None = None) -> None:
        """End the recording with all of it on the disk; one that takes over 2 s is told, and goes on by itself."""
        self._turns.take(lambda: self._end(exit_status))
        self._do_due()

    def write_metadata(self) -> None:
        """Write the sidecar as things stand, in the place of an earlier one; over 2 s as for `stop`.

        Nothing is written before `start()`, nor by a configuration that is off or captures no metadata.
        """
        self._turns.take(self._take_fields)
        self._do_due()

    # -- starting

    def _start(self) -> None:
        if not self.config.enabled or self._open:
            return
        if self._duration is not None:
            raise RecError(f"session {self._shown} has ended; a new TerminalRecorder records the next one")
        self._turns.own()
        self._taking = True  # if the file can't be made, what comes counts as lost
        self._started_ms, self._origin_ns = time.time_ns() // 1_000_000, time.monotonic_ns()
        if self.config.format != FORMAT:
            raise RecError(f"session {self._shown} can't be recorded as {self.config.format!r}; {FORMAT!r} can be had")
        self._texts = {code: TextStream(self.config.redact) for code in "oi"}
        header = self._header()
        folder = self._folder()
        try:
            make_folders(self._files, folder)
            self._file = claim(folder, self.session_id, lambda stem: self._make_file(stem, header))
        except OSError as error:
            message = f"session {self._shown} can't be recorded: {error.strerror or error} ({folder})"
            raise StorageError(message, path=str(folder), errno=error.errno) from error
        self.path, self._open = self._file.path, True
        self._sidecar = Sidecar(self._files, folder, self.session_id, self.path.with_suffix(SIDECAR))

    def _folder(self) -> Path:
        return Path(self.config.output_dir).expanduser().absolute()

    def _make_file(self, stem: Path, header: bytes) -> LineFile:
        path = with_ending(stem, CAST)
        return LineFile(path, header, files=self._files, committer=self._committer, on_failure=self._sync_failed)

    def _header(self) -> bytes:
        metadata = self._take_metadata() if self.config.capture_metadata else None
        extra = {"metadata": metadata} if metadata else {}
        env = {name: os.environ[name] for name in _ENVIRONMENT_KEPT if name in os.environ}
        timestamp = (self._started_ms or 0) // 1000
        return encode_header(Header(*self._first_size(), timestamp=timestamp, env=env, extra=extra))

    def _first_size(self) -> tuple[int, int]:
        size = parse_size(f"{self.width}x{self.height}")
        if size is None and 0 not in (self.width, self.height):
            self._failures.add(self._no_size(self.width, self.height))
        return size or DEFAULT_SIZE

    def _take_metadata(self) -> Any:
        """Return the metadata as it is now; what can't be recorded is told, and what was there before stands."""
        try:
            plain = plain_metadata(self.metadata)
        except InvalidEvent as error:
            if not self._metadata_refused:
                self._failures.add(InvalidEvent(f"the metadata of session {self._shown} can't be recorded: {error}"))
            self._metadata_refused = True
        else:
            self._plain_metadata = Redactor().value(plain) if self.config.redact else plain
        return self._plain_metadata

    # -- recording

    def _record(self, code: str, data: Any) -> None:
        if not self._taking or (code == "i" and not self.config.record_input):
            return
        try:
            taken = as_bytes(data)
        except InvalidEvent:
            self._failures.lose(0)
            raise
        if code not in self._texts:  # it could not be begun
            self._failures.lose(len(taken))
            return
        text = self._texts[code]
        self._put_text(code, text.feed(taken))
        if text.pending and self._release is None:
            self._release = self._committer.call_later(HOLD_SECONDS, lambda: self._turns.take(self._release_held))

    def _resize(self, width: Any, height: Any) -> None:
        if not self._taking or 0 in (width, height):
            return
        if parse_size(f"{width}x{height}") is None:
            self._failures.lose(0)
            raise self._no_size(width, height)
        self._release_held()  # it was shown before
        self._put("r", f"{width}x{height}")

    def _release_held(self) -> None:
        if self._release is not None:
            self._release.cancel()
            self._release = None
        for code, text in self._texts.items():
            self._put_text(code, text.release())

    def _put_text(self, code: str, text: str) -> None:
        for piece in pieces(text):
            self._put(code, piece)

    def _put(self, code: str, data: str) -> None:
        size = len(data.encode()) if code != "r" else 0
        if not self._open or self._file is None:
            self._failures.lose(size)
            return
        try:
            self._append((code, data))
        except OSError as error:
            self._failures.lose(size)
            self._gap = self._gap or Lost()
            self._gap.add(size)
            if not self._failing:
                self._failing = True
                self._fail(error.strerror or str(error), error)
        else:
            self._counts[code] += 1

    def _append(self, *events: tuple[str, str]) -> None:
        """Append events, each a code and its data, after a marker if some are missing there; raises `OSError`."""
        self._last = max(self._last, self._elapsed())
        missing = [] if self._gap is None else [("m", str(self._gap))]
        lines = [encode_event(Event(self._last, code, data)) for code, data in (*missing, *events)]
        if self._file is not None:
            self._file.append(b"".join(lines))
        self._gap, self._failing = None, False

    def _elapsed(self) -> float:
        return (time.monotonic_ns() - self._origin_ns) / 1e9

    # -- ending

    def _end(self, exit_status: int | None) -> None:
        self.exit_status = exit_status if self.exit_status is None else self.exit_status
        if not self._taking:
            return
        self._release_held()
        for code, text in self._texts.items():
            self._put_text(code, text.finish())
        if self._open and self._gap is not None:
            with contextlib.suppress(OSError):  # it was told when it began
                self._append()
        self._duration = self._elapsed()
        if self._open:
            self._due.append(self._close)
        self._open = self._taking = False

    def _close(self) -> None:
        if self._file is None:
            return
        if not self._file.close(STOP_SECONDS):
            self._note_failure("the disk has not said in time that it is safe")
        if self._file.failure is not None:
            self._turns.take(functools.partial(self._give_up, self._file.failure, True), quiet=True)
        if self._file.torn:
            self._note_failure("its last line is torn and can't be cut off")

    def _take_fields(self) -> None:
        """Have a sidecar written that says how things stand now."""
        if self._started_ms is None or not self.config.capture_metadata:
            return
        duration = self._elapsed() if self._duration is None else self._duration
        fields = {
            "session_id": self.session_id,
            "metadata": self._take_metadata(),
            "started_at": self._started_ms,
            "ended_at": None if self._duration is None else self._started_ms + round(duration * 1000),
            "duration": round(duration, 6),
            "events": self.events,
            "bytes": self._file.size if self._file is not None else 0,
            "exit_status": self.exit_status,
            "error": str(self.error) if self.error is not None else None,
        }
        sidecar = self._sidecar = self._sidecar or Sidecar(self._files, self._folder(), self.session_id)
        data = encode(fields) + b"\n"
        self._due.append(lambda: self._write_sidecar(sidecar, data))

    def _write_sidecar(self, sidecar: Sidecar, data: bytes) -> None:
        failed_before, self._sidecar_failed = self._sidecar_failed, True
        try:
            self._sidecar_failed = not in_worker(self._committer, lambda: sidecar.write(data), STOP_SECONDS)
            why, cause = "the disk has not taken its sidecar in time", None
        except OSError as error:
            why, cause = f"its sidecar can't be written: {error.strerror or error}", error
        if self._sidecar_failed and not failed_before:  # an `on_error` may try again
            self._note_failure(why, cause)

    def _do_due(self, *, wait: bool = True) -> None:
        if self._turns.forked or not self._doing.acquire(blocking=wait):  # in a child it may be held for ever
            return
        try:
            while self._due:
                self._attempt(self._due.popleft())
        finally:
            self._doing.release()
        self._failures.tell()

    def _attempt(self, due: Callable[[], None]) -> None:
        try:
            due()
        except Exception as error:  # noqa: BLE001  # as in a turn
            self._turns.take(functools.partial(self._failed, error), quiet=True)

    def _after_turns(self) -> None:
        if self._due:  # left by a signal handler in the midst of a turn; who has begun with them does them all
            self._do_due(wait=False)
        self._failures.tell()

    # -- failures

    @property
    def _shown(self) -> str:
        return repr(self.session_id if len(self.session_id) <= 60 else self.session_id[:57] + "…")

    def _no_size(self, width: Any, height: Any) -> InvalidEvent:
        return InvalidEvent(f"session {self._shown}: {f'{width}x{height}'[:40]} is no size of a terminal")

    def _fail(self, why: str, cause: OSError | None = None) -> None:
        place = self.path or self._folder()
        number = cause.errno if cause is not None else None
        failure = PersistFailed(f"session {self._shown}: {why} ({place})", path=str(place), errno=number)
        failure.__cause__ = cause
        self._failures.add(failure)

    def _note_failure(self, why: str, cause: OSError | None = None) -> None:
        self._turns.take(lambda: self._fail(why, cause), quiet=True)

    def _failed(self, error: Exception) -> None:
        """Note what a turn raised."""
        if not isinstance(error, RecError):
            told = RecError(f"session {self._shown} can't be recorded: {error or type(error).__name__}")
            told.__cause__ = error
            error = told
        self._failures.add(error)

    def _sync_failed(self, error: OSError, given_up: bool) -> None:
        self._turns.take(lambda: self._give_up(error, given_up))

    def _give_up(self, error: OSError, given_up: bool) -> None:
        if error is self._sync_error:  # told both when it came and at the end
            return
        self._sync_error = error
        why = error.strerror or str(error)
        if given_up:
            self._open = False
            why = f"what was recorded last may be lost, and nothing more is: {why}"
        self._fail(why, error)
