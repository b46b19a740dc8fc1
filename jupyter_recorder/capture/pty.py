"""A program in a terminal of its own, on Linux and macOS."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, Final

from ..errors import RecError
from .ahead import Ahead

_READ_BYTES: Final = 1 << 16
# A child left in the background keeps the terminal open; after the program has ended, so much quiet ends the reading,
# or so much time in all: what the program itself showed was in the terminal by then.
_QUIET_SECONDS: Final = 0.2
_LINGER_SECONDS: Final = 1.0
_CTRL_C: Final = b"\x03"
# So many Ctrl-C with no effect, and the program is ended.
_PATIENCE: Final = 3
# They count together if they follow each other within so many seconds; a program that is deaf to it is killed after.
_INSIST_SECONDS: Final = 5.0
_GRACE_SECONDS: Final = 1.0

_TERMINAL_SIGNALS: Final = [
    getattr(signal, name) for name in ("SIGINT", "SIGQUIT", "SIGHUP", "SIGTSTP") if hasattr(signal, name)
]

# The child opens its terminal by name, as leader of a new session: that makes it the controlling terminal, without
# code between fork and exec in a process that has threads (which can deadlock).
_OPEN_TERMINAL: Final = 'exec <>"$0" >&0 2>&0; exec "$@"'
_TAKE_TERMINAL: Final = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


class PtyProgram:
    """A shell command that runs in a new terminal of `cols` x `rows` characters; raises `RecError` if it can't.

    `added` goes into its environment.
    """

    def __init__(self, command: str, cols: int, rows: int, added: Mapping[str, str] | None = None) -> None:
        if os.name == "nt":
            raise RecError("programs can't be recorded on Windows: it has no PTY that Python can open")
        self.interrupted = self._insistence = 0
        self._interrupted_at = float("-inf")
        self._kill_at: float | None = None
        self._untyped: deque[bytes] = deque()
        self._typing = threading.Lock()
        self._ahead: Ahead[tuple[bytes, bool]] | None = None
        try:
            self._begin(command, cols, rows, added or {})
        except (OSError, ValueError) as error:  # no terminal left, a command too long or with a NUL in it
            raise RecError(f"the program can't be run: {getattr(error, 'strerror', None) or error}") from error

    def _begin(self, command: str, cols: int, rows: int, added: Mapping[str, str]) -> None:
        self._master, slave = os.openpty()
        os.set_blocking(self._master, False)
        try:
            self.resize(cols, rows)
            with _heeded_signals():
                self._process = subprocess.Popen(
                    [*_launcher(os.ttyname(slave)), _shell(), "-c", command],
                    stdin=slave,
                    stdout=slave,
                    stderr=slave,
                    start_new_session=True,
                    env={**_environment(), **added},
                )
        except BaseException:
            os.close(self._master)
            raise
        finally:
            os.close(slave)

    def resize(self, cols: int, rows: int) -> None:
        """Tell the program the terminal's new size."""
        import termios

        termios.tcsetwinsize(self._master, (rows, cols))

    def write(self, data: bytes) -> None:
        """Type `data`; a program that has gone takes nothing.

        What a terminal has no room for, whose program reads nothing, is typed by `chunks` when it has. Safe to be
        called in a signal handler.
        """
        self._untyped.append(data)
        self._type_on()

    def _type_on(self) -> None:
        """Type what is to be typed, as far as there is room; in one thread at a time, or pieces would be mixed.

        Nobody waits: who types now looks again when it is done (a signal handler may have come in between).
        """
        while self._untyped and self._typing.acquire(blocking=False):
            try:
                if not self._type_all():
                    return
            finally:
                self._typing.release()

    def _type_all(self) -> bool:
        """Type all that waits; false if there is no room for it."""
        while self._untyped:
            data = self._untyped.popleft()
            try:
                taken = os.write(self._master, data)
            except BlockingIOError:
                taken = 0
            except OSError:  # the program has gone
                continue
            if taken < len(data):
                self._untyped.appendleft(data[taken:])
                return False
        return True

    def chunks(self, keys: int | None = None, on_keys: Callable[[bytes], None] | None = None) -> Iterator[bytes]:
        """Yield what the program shows, until it has ended and all was read.

        `keys` is a descriptor whose bytes go to the program (None: nobody types); `on_keys` sees them too, among what
        is shown in the order in which they were typed. The terminal is read while what it showed last is worked on:
        it holds 4 KiB, and the program waits while it is full.
        """
        self._ahead = Ahead(self._pieces(keys))
        for data, is_typed in self._ahead:
            if not is_typed:
                yield data
            elif on_keys is not None:
                on_keys(data)

    def _pieces(self, keys: int | None) -> Iterator[tuple[bytes, bool] | None]:
        """Yield what is shown and what is typed (then true), and None whenever there was nothing for a while."""
        sources = [self._master] if keys is None else [self._master, keys]
        ended_at: float | None = None
        while True:
            waiting = [self._master] if self._untyped else []
            ready, typing, _ = select.select(sources, waiting, [], 0.5 if ended_at is None else _QUIET_SECONDS)
            if typing:
                self._type_on()
            if not ready:
                yield None
            if keys in ready and keys is not None and (typed := self._type(keys, sources)):
                yield typed, True
            if self._master in ready:
                data = self._read()
                if data == b"":
                    return
                if data is not None:
                    yield data, False
            elif ended_at is not None:
                return
            if ended_at is not None and time.monotonic() - ended_at > _LINGER_SECONDS:
                return
            self._kill_if_deaf()
            if ended_at is None and self._process.poll() is not None:
                ended_at = time.monotonic()

    def pass_on(self, number: int) -> None:
        """Send a signal to the program and what it has started."""
        self._signal(number)

    def wait(self) -> int:
        """Wait for the program's end and return its exit code, 128+n after signal n."""
        code = self._process.wait()
        return 128 - code if code < 0 else code

    def close(self) -> None:
        """Let go of the terminal; a program that still runs is hung up."""
        if self._ahead is not None:
            self._ahead.end()  # first: its descriptor's number may soon be another's
        os.close(self._master)
        if self._process.poll() is None:
            self._signal(signal.SIGHUP)
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()

    @contextlib.contextmanager
    def taking_interrupts(self) -> Iterator[None]:
        """Send Ctrl-C to the program while the block runs (in the main thread), not to Python."""
        try:
            before = signal.signal(signal.SIGINT, self._on_interrupt)
        except ValueError:  # not the main thread: nothing interrupts here
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        self._insistence = self._insistence + 1 if now - self._interrupted_at < _INSIST_SECONDS else 1
        self._interrupted_at = now
        self.interrupted += 1
        self.write(_CTRL_C)
        if self._insistence >= _PATIENCE:
            self._hang_up(now)

    def _hang_up(self, now: float) -> None:
        self._kill_at = self._kill_at or now + _GRACE_SECONDS
        self._signal(signal.SIGHUP)

    def _kill_if_deaf(self) -> None:
        # A program that ignores SIGHUP as well must not hold the kernel for ever.
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _type(self, keys: int, sources: list[int]) -> bytes:
        """Type what was typed, and return it; nothing if nobody types any more."""
        try:
            data = os.read(keys, _READ_BYTES)
        except OSError:  # the terminal that this process sat in is gone
            data = b""
        if not data:
            sources.remove(keys)
        else:
            self.write(data)
        return data

    def _read(self) -> bytes | None:
        """Return what there is to be read; nothing at the end, None if there is nothing yet.

        A PTY gives 4 KiB at a time: in a flood, what is there by then is taken together, since each piece that is
        recorded costs more than what is in it.
        """
        parts: list[bytes] = []
        size = 0
        while size < _READ_BYTES:
            try:
                data = os.read(self._master, _READ_BYTES)
            except BlockingIOError:
                return b"".join(parts) or None
            except OSError:  # EIO: the last one that had the terminal open has closed it
                break
            if not data:
                break
            parts.append(data)
            size += len(data)
        return b"".join(parts)


@contextlib.contextmanager
def _heeded_signals() -> Iterator[None]:
    """Have a program begun in the block heed the signals of a terminal, even where this process ignores them.

    What is ignored stays so across exec, as under nohup or in the background of a script; what is caught becomes the
    default again. Only the main thread can do so.
    """
    ignored = [number for number in _TERMINAL_SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    if not ignored or threading.current_thread() is not threading.main_thread():
        yield
        return
    for number in ignored:
        signal.signal(number, lambda *_: None)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


def _launcher(terminal: str) -> list[str]:
    if sys.platform == "linux":
        return ["/bin/sh", "-c", _OPEN_TERMINAL, terminal]
    return [sys.executable, "-c", _TAKE_TERMINAL]  # pragma: no cover  # on systems that are not Linux


def _shell() -> str:
    return shutil.which("bash") or "/bin/sh"


def _environment() -> dict[str, str]:
    # COLUMNS and LINES would hide the terminal's own size; a kernel's TERM and pagers are for pipes.
    dropped: Any = {"COLUMNS", "LINES", "PAGER", "GIT_PAGER"}
    return {**{key: value for key, value in os.environ.items() if key not in dropped}, "TERM": "xterm-256color"}
