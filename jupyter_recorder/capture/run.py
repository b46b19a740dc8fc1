"""Runs a program in a terminal of its own, shows it live, and records it as a track."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..asciicast.format import Utf8Decoder
from .pty import PtyProgram
from .shell import MarkedCommands, WholeCommand, marked_shell

if TYPE_CHECKING:
    from ..recorder import Recorder
    from .terminal import TerminalTrack

DEFAULT_SIZE: Final = (100, 30)

# A notebook's stream shows colours, not cursor moves: of the escape sequences only SGR is passed on.
_SEQUENCES: Final = re.compile(
    r"""\x1b\[[0-9;:]*m                                  # colours stay
    |(\x1b\[[0-?]*[ -/]*[@-~]                            # what else begins with CSI goes,
    |\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)             # titles, links and other strings,
    |\x1b[ -/]*[0-OQ-WYZ\\`-~]                           # other escape sequences,
    |\r(?=\n)                                            # the terminal's own line ends,
    |[\x00-\x07\x0e-\x1a])                               # and control characters""",
    re.VERBOSE,
)
_UNFINISHED: Final = re.compile(r"(?:\x1b(?:\[[0-?]{0,256}[ -/]{0,16}|[\]PX^_][^\x07\x1b]{0,4096}\x1b?)?|\r)\Z")


class Ended(NamedTuple):
    """How a program ended: its exit code, 128+n after signal n, and whether Ctrl-C was sent to it."""

    code: int
    interrupted: bool


def run_program(
    recorder: Recorder,
    command: str,
    *,
    size: tuple[int, int] | None = None,
    record_input: bool = False,
    on_start: Callable[[PtyProgram], object] | None = None,
) -> Ended:
    """Run a shell command in a terminal, and tell how it ended.

    What it shows appears live where this process prints, and in the recording's next terminal. In a real terminal
    its size is taken and keys reach the program (recorded if `record_input`). Ctrl-C goes to the program. It is
    recorded as one command; of a bash or zsh alone, each command that it runs is. `on_start` is given the program
    before anything is shown. Raises `RecError` if it can't be run, `StorageError` if it can't be recorded: then it is
    not run.
    """
    interactive = _own_terminal()
    cols, rows = size or (_own_size() if interactive else DEFAULT_SIZE)
    shell = marked_shell(command)
    track = recorder.terminal(cols, rows, command=command)
    commands = MarkedCommands(recorder, track, shell.nonce) if shell else WholeCommand(recorder, track)
    if shell is None:
        commands.begin(command, _folder())
    try:
        program = PtyProgram(shell.command if shell else command, cols, rows, shell.environment if shell else {})
    except BaseException:
        _finish(track, commands, None)
        raise
    try:
        if on_start is not None:
            on_start(program)
        with program.taking_interrupts():
            view = _TerminalView(program, track) if interactive else CellView()
            _pump(program, commands, view, track.input if record_input else None)
            code = program.wait()
    finally:
        program.close()
        _finish(track, commands, program.wait())
    return Ended(code, program.interrupted > 0)


def _pump(program: PtyProgram, commands: WholeCommand, view: Any, on_keys: Callable[[bytes], None] | None) -> None:
    with view.shown() as keys:
        for chunk in program.chunks(keys, on_keys):
            view.settle()
            view.show(commands.output(chunk))
        view.show(commands.rest())


def _folder() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was removed under this process
        return None


def _finish(track: TerminalTrack, commands: WholeCommand, code: int | None) -> None:
    commands.end(code)
    track.end(code)


class CellView:
    """Shows a program's output as a cell's stream: its text and colours, without what moves the cursor."""

    def __init__(self) -> None:
        self._decoder = Utf8Decoder()
        self._rest = ""

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show what comes; nobody types."""
        yield None
        sys.stdout.write(self._plain(self._decoder.finish(), last=True))
        sys.stdout.flush()

    def settle(self) -> None:
        """Nothing: a cell has no size."""

    def show(self, chunk: bytes) -> None:
        """Show the next bytes."""
        if text := self._plain(self._decoder.feed(chunk)):
            sys.stdout.write(text)

    def _plain(self, text: str, *, last: bool = False) -> str:
        text = self._rest + text
        unfinished = None if last else _UNFINISHED.search(text)
        self._rest = unfinished[0] if unfinished else ""
        text = text[: unfinished.start()] if unfinished else text
        return _SEQUENCES.sub(lambda match: match[0] if match[1] is None else "", text)


class _TerminalView:
    """Shows a program in the terminal that this process sits in, byte by byte, and passes its keys on."""

    def __init__(self, program: PtyProgram, track: TerminalTrack) -> None:
        self._program, self._track = program, track
        self._new_size: tuple[int, int] | None = None

    @contextlib.contextmanager
    def shown(self) -> Iterator[int]:
        """Hand the terminal over: raw keys, and its changes of size."""
        import termios
        import tty

        keys = sys.__stdin__.fileno()  # type: ignore[union-attr]
        before = termios.tcgetattr(keys)
        old: Any = signal.signal(signal.SIGWINCH, self._resized)
        sys.stdout.flush()
        try:
            tty.setraw(keys, termios.TCSADRAIN)  # what was typed ahead is the program's
            yield keys
        finally:
            termios.tcsetattr(keys, termios.TCSADRAIN, before)
            signal.signal(signal.SIGWINCH, old)
            self.settle()

    def settle(self) -> None:
        """Record a change of size before what the program shows in answer to it."""
        if self._new_size is not None:
            size, self._new_size = self._new_size, None
            self._track.resize(*size)

    def show(self, chunk: bytes) -> None:
        """Show the next bytes."""
        out = sys.__stdout__
        out.buffer.write(chunk)  # type: ignore[union-attr]
        out.flush()  # type: ignore[union-attr]

    def _resized(self, *_: object) -> None:
        # Only told here: a signal may come while this thread holds the track's locks.
        self._new_size = _own_size()
        self._program.resize(*self._new_size)


def _own_terminal() -> bool:
    """Tell whether a person sits at this process' own terminal (a kernel's stdin is none, whatever started it)."""
    if "ipykernel" in sys.modules and _in_kernel():
        return False
    streams = (sys.__stdin__, sys.__stdout__)
    return all(stream is not None and not stream.closed and stream.isatty() for stream in streams)


def _in_kernel() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


def _own_size() -> tuple[int, int]:
    size = shutil.get_terminal_size(DEFAULT_SIZE)
    return size.columns, size.lines
