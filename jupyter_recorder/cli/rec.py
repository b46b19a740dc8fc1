"""`jupyter recorder rec`."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..library.library import Library
from .output import as_shell

if TYPE_CHECKING:
    from ..capture.pty import PtyProgram

EXAMPLES = """examples:
  jupyter recorder rec                               your shell, until you leave it
  jupyter recorder rec --name build -- make -j4
  jupyter recorder rec --tag demo -- 'make && ./run | head'    one word: a shell's command line
  ssh -t host jupyter recorder rec

The program sits in a terminal of this one's size, and follows its resizes. Each command of a bash or zsh becomes a
chapter. Secrets are taken out of what is recorded, not of what you see. The exit code is the program's own (128+n
after signal n)."""

_PASSED_ON = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
]


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--name", help="what to call the recording (default: the program's name)")
    parser.add_argument("--title", help="a title")
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="a tag; again for more")
    parser.add_argument("--dir", metavar="DIR", help="put the recording there instead of the recordings' folder")
    parser.add_argument("--size", metavar="COLSxROWS", help="a size of its own")
    parser.add_argument("--input", action="store_true", help="record what is typed, too (it may hold passwords)")
    parser.add_argument(
        "--pattern", action="append", default=[], metavar="REGEX", help="take out what this matches, too"
    )
    parser.add_argument("--no-redact", action="store_true", help="leave secrets in")
    parser.add_argument("--quiet", action="store_true", help="say nothing but what the program says")
    parser.add_argument(
        "program", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command (default: a shell)"
    )


def run(given: argparse.Namespace, library: Library) -> int:
    """Record a program in this terminal; return its exit code."""
    from .. import text
    from ..asciicast.format import parse_size
    from ..capture.run import run_program
    from ..recorder import Recorder
    from ..redact import redactor_with

    size = parse_size(given.size) if given.size else None
    if given.size and size is None:
        print(f"jupyter recorder rec: --size takes COLSxROWS, such as 100x30, not {given.size[:40]!r}", file=sys.stderr)
        return 2
    command = command_line(given.program)
    recorder = Recorder.start(
        library,
        given.name or name_of(command),
        "terminal",
        title=given.title,
        tags=tuple(given.tag),
        directory=None if given.dir is None else Path(given.dir),
        redactor=redactor_with(given.pattern, enabled=not given.no_redact),
    )
    try:
        if not given.quiet:
            print(f"● recording {recorder.name!r}; it ends with the program", file=sys.stderr, flush=True)
        with _signals_passed_on() as passed:
            ended = run_program(recorder, command, size=size, record_input=given.input, on_start=passed.to)
    finally:
        stopped = recorder.stop()
        if not given.quiet:
            print(as_shell(text.stopped(stopped)), file=sys.stderr)
    return ended.code


def command_line(words: list[str]) -> str:
    """Return a shell's command line: one word is one already, several are quoted, none is the user's shell."""
    words = words[1:] if words[:1] == ["--"] else words
    if not words:
        return shlex.quote(os.environ.get("SHELL") or "/bin/sh")
    return words[0] if len(words) == 1 else shlex.join(words)


def name_of(command: str) -> str:
    """Return a recording's name for a command line: its program."""
    words = re.findall(r"[\w./+-]+", command)
    return (Path(words[0]).name.lstrip(".-")[:40] if words else "") or "terminal"


class _Passed:
    """Signals that this process gets, for the program once it runs."""

    def __init__(self) -> None:
        self._program: PtyProgram | None = None
        self._early: list[int] = []

    def to(self, program: PtyProgram) -> None:
        """Pass them on to `program` from now on, those that came before too."""
        self._program = program
        for number in self._early:
            program.pass_on(number)

    def got(self, number: int, _frame: Any) -> None:
        """Take a signal."""
        if self._program is None:
            self._early.append(number)
        else:
            self._program.pass_on(number)


@contextlib.contextmanager
def _signals_passed_on() -> Iterator[_Passed]:
    """Pass signals on to the program: it decides what they mean, and its end is recorded."""
    passed = _Passed()
    before: dict[int, Any] = {number: signal.signal(number, passed.got) for number in _PASSED_ON}
    try:
        yield passed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
