"""JupyterLab's own terminals, recorded where the server reads them: whatever the browsers do, each byte once.

A tap is one more client of terminado's terminal, so two tabs or none make no difference. It is guarded: the terminal
goes on whatever becomes of its recording.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from ..errors import InvalidName, NoActiveRecording, RecError, TerminalNotFound
from ..ids import check_name
from ..recorder import Recorder
from ..service.served import ServedService
from .terminal import TerminalTrack

log = logging.getLogger(__name__)

# What is kept while a recording is being made: a disk that hangs then costs what comes beyond, not the server's memory.
_WAITING_BYTES: Final = 16 << 20


class LabTerminals:
    """The recorded ones among the terminals of `manager` (terminado's; None where there are no terminals).

    All of it runs on the server's loop. `record_input` says whether what is typed is recorded where nobody said.
    """

    def __init__(self, manager: Any, service: ServedService, *, record_input: bool = False) -> None:
        self._manager, self._service = manager, service
        self._record_input = record_input
        self._taps: dict[str, Tap] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def record_all(self) -> None:
        """Record every terminal that is opened from now on, from its first byte."""
        if self._manager is None:
            return
        start_reading = self._manager.start_reading

        def start_and_record(terminal: Any) -> None:
            with _guarded("a new terminal"):
                if not self._closed:
                    self._tap(terminal, self._record_input, seed="")
            start_reading(terminal)

        self._manager.start_reading = start_and_record

    async def start(self, name: str, *, record_input: bool | None = None, redact_patterns: Sequence[str] = ()) -> str:
        """Record the terminal `name` from now on, with what is left of its past; return the recording's id.

        What `redact_patterns` (regular expressions) match is taken out, too. One that is recorded already stays so.
        Raises `TerminalNotFound`, `InvalidPattern`, `NoActiveRecording` once closed, and `StorageError` if it can't be
        recorded.
        """
        if self._closed:
            raise NoActiveRecording("the recorder is stopping")
        terminal = None if self._manager is None else self._manager.terminals.get(name)
        if terminal is None:
            raise TerminalNotFound(name)
        tap = self._taps.get(name)
        if tap is None:
            wanted = self._record_input if record_input is None else record_input
            tap = self._tap(terminal, wanted, "".join(terminal.read_buffer), redact_patterns)
        return await asyncio.shield(tap.ready)

    async def stop(self, name: str) -> str:
        """Record the terminal `name` no more; return the recording's id. Raises `TerminalNotFound`, `PersistFailed`."""
        tap = self._taps.get(name)
        if tap is None:
            raise TerminalNotFound(name, recorded=False)
        recording_id = await asyncio.shield(tap.ready)
        await self._end(tap, None)
        return recording_id

    async def close(self, patience: float) -> None:
        """Begin no more recordings, and wait up to `patience` seconds for what the begun ones were to take up.

        The service ends them, which is to come after that: a recording that has ended takes nothing.
        """
        self._closed = True
        beginning = {tap.ready: tap for tap in self._taps.values() if not tap.ready.done()}
        if not beginning:
            return
        _, late = await asyncio.wait(beginning, timeout=patience)
        for ready in late:
            log.warning(
                "terminal %s is not recorded: the disk was too slow to begin before the server stopped",
                beginning[ready].name,
            )

    def recorded(self) -> dict[str, str | None]:
        """Return the names of the terminals that are recorded, with their recordings' ids (None: it is being made)."""
        return {name: tap.recording_id for name, tap in self._taps.items()}

    # -- inside

    def _tap(self, terminal: Any, record_input: bool, seed: str, redact_patterns: Sequence[str] = ()) -> Tap:
        name = str(terminal.term_name)
        tap = Tap(terminal, name, seed, self._died)
        self._taps[name] = tap
        tap.attach(record_input)
        self._run(self._begin(tap, redact_patterns))
        return tap

    async def _begin(self, tap: Tap, redact_patterns: Sequence[str]) -> None:
        rows, cols = tap.terminal.ptyproc.getwinsize()
        try:
            recorder, track = await self._service.start_terminal(_name(tap.name), cols, rows, redact_patterns)
        except RecError as error:
            log.warning("terminal %s can't be recorded: %s", tap.name, error)
            self._forget(tap)
            tap.fail(error)
        else:
            tap.record(recorder, track)

    def _died(self, tap: Tap) -> None:
        """Hear, while terminado goes through its clients, that a terminal has ended: its recording ends soon after."""
        self._service.loop.call_soon(lambda: self._run(self._end_of(tap)))

    async def _end_of(self, tap: Tap) -> None:
        with contextlib.suppress(RecError):  # it was told when the recording could not be made, or not be ended
            await asyncio.shield(tap.ready)
            await self._end(tap, _exit_code(tap.terminal.ptyproc))

    async def _end(self, tap: Tap, exit_code: int | None) -> None:
        self._forget(tap)
        recorder, track = tap.recorder, tap.track
        if recorder is not None and track is not None and recorder.active:
            await asyncio.to_thread(track.end, exit_code)
            await self._service.stop_terminal(recorder)

    def _forget(self, tap: Tap) -> None:
        tap.detach()
        if self._taps.get(tap.name) is tap:
            del self._taps[tap.name]

    def _run(self, work: Any) -> None:
        task = self._service.loop.create_task(work)
        self._tasks.add(task)  # the loop itself holds no task
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a terminal's recording failed", exc_info=error)


class Tap:
    """One terminal's tap: a client to terminado, which asks a client for `size` and calls `on_pty_…`."""

    size = (None, None)  # it has none, and does not count when the terminal takes its clients' smallest size

    def __init__(self, terminal: Any, name: str, seed: str, died: Callable[[Tap], object]) -> None:
        self.terminal, self.name = terminal, name
        self._died = died
        self._lock = threading.Lock()  # a terminal is typed in from threads, too
        self._waiting: list[Callable[[TerminalTrack], object]] = []
        self._bytes = 0
        self._lost_events = self._lost_bytes = 0
        self.recorder: Recorder | None = None
        self.track: TerminalTrack | None = None
        self.ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ready.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be waiting
        if seed:
            self.on_pty_read(seed)

    @property
    def recording_id(self) -> str | None:
        """The recording's id; None while it is being made."""
        return None if self.recorder is None else self.recorder.id

    def attach(self, record_input: bool) -> None:
        """Hear of all that the terminal shows, of its sizes and, if asked, of what is typed."""
        self.terminal.clients.append(self)
        process = self.terminal.ptyproc
        set_size, write = process.setwinsize, process.write

        def set_size_and_tell(rows: int, cols: int) -> Any:
            done = set_size(rows, cols)
            with _guarded(self.name):
                self._tell(lambda track: track.resize(cols, rows), 0)
            return done

        def write_and_tell(text: Any) -> Any:
            with _guarded(self.name):
                data = text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogatepass")
                self._tell(lambda track: track.input(data), len(data))
            return write(text)

        process.setwinsize = set_size_and_tell
        if record_input:
            process.write = write_and_tell

    def detach(self) -> None:
        """Hear of nothing more."""
        with contextlib.suppress(ValueError):
            self.terminal.clients.remove(self)
        for name in ("setwinsize", "write"):
            with contextlib.suppress(AttributeError):
                delattr(self.terminal.ptyproc, name)

    def record(self, recorder: Recorder, track: TerminalTrack) -> None:
        """Go on into a recording, with what has come meanwhile."""
        while waiting := self._taken(track):
            for tell in waiting:
                with _guarded(self.name):
                    tell(track)
        if self._lost_events:
            self._tell_lost(track)
        self.recorder = recorder
        self.ready.set_result(recorder.id)

    def _taken(self, track: TerminalTrack) -> list[Callable[[TerminalTrack], object]]:
        """Return what waits; once nothing does, what comes goes to the track."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if not waiting:
                self.track = track
            return waiting

    def _tell_lost(self, track: TerminalTrack) -> None:
        """Record what there was no room for, which may have been a new size."""
        with _guarded(self.name):
            track.gap("the disk was too slow", self._lost_events, self._lost_bytes)
            rows, cols = self.terminal.ptyproc.getwinsize()
            track.resize(cols, rows)

    def fail(self, error: RecError) -> None:
        """Say that there is no recording."""
        with self._lock:
            self._waiting.clear()
        self.ready.set_exception(error)

    def on_pty_read(self, text: str) -> None:
        """Hear what the terminal shows (terminado's name)."""
        with _guarded(self.name):
            data = text.encode("utf-8", "surrogatepass")
            self._tell(lambda track: track.output(data), len(data))

    def on_pty_died(self) -> None:
        """Hear that it has ended (terminado's name)."""
        with _guarded(self.name):
            self._died(self)

    def _tell(self, tell: Callable[[TerminalTrack], object], size: int) -> None:
        with self._lock:
            track = self.track
            if track is None and self._bytes <= _WAITING_BYTES:
                self._bytes += size
                self._waiting.append(tell)
            elif track is None:
                self._lost_events += 1
                self._lost_bytes += size
        if track is not None:
            tell(track)


@contextlib.contextmanager
def _guarded(name: str) -> Any:
    """Keep the recorder's mistakes from the terminal."""
    try:
        yield
    except Exception:
        log.exception("terminal %s: what it showed could not be recorded", name)


def _name(terminal: str) -> str:
    """Return what the recording of a terminal is called."""
    with contextlib.suppress(InvalidName):
        return check_name(f"terminal-{terminal}")
    return "terminal"


def _exit_code(process: Any) -> int | None:
    """Return a program's exit status, 128+n after signal n; None if it is not known."""
    signal = getattr(process, "signalstatus", None)
    if isinstance(signal, int):
        return 128 + signal
    status = getattr(process, "exitstatus", None)
    return status if isinstance(status, int) else None
