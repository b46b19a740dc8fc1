"""`jupyter recorder …`: what can be done with recordings from a shell.

One module a command (`COMMANDS` says which), imported when it is wanted. A module offers `add(parser)`, which declares
its options, and `run(given, library)`, which returns the exit code: 0 done; 1 failed in whole or in part, or `doctor`
found something; 2 wrong usage. `rec` passes the command's own.

argparse, because a shell waits for its import at every key of Tab.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

from ..errors import RecError

DONE: Final = 0
FAILED: Final = 1
_WRONG: Final = 2
_INTERRUPTED: Final = 130
_ROOT_HELP: Final = "the folder of recordings (default: JUPYTER_RECORDER_DIR, else Jupyter's data folder)"


class Command(NamedTuple):
    """A command's name, its module, and what it does in one line."""

    name: str
    module: str
    about: str


GROUPS: Final[tuple[tuple[str, tuple[Command, ...]], ...]] = (
    ("record", (
        Command("rec", "rec", "record a command, or a shell, in this terminal"),
        Command("status", "status", "what is being recorded now, and by whom"),
        Command("demo", "demo", "record a small demonstration, to try the other commands on"),
    )),
    ("find and look", (
        Command("list", "listing", "the recordings, newest first"),
        Command("show", "show", "what one recording holds"),
        Command("search", "search", "find words in all recordings"),
        Command("play", "play", "play a terminal, a chat or cells in this terminal"),
    )),
    ("take along", (
        Command("export", "export", "write a recording in another format"),
        Command("import", "importing", "make recordings of other programs' files"),
    )),
    ("change", (
        Command("trim", "trim", "cut parts and pauses out, into a new recording"),
        Command("redact", "redact", "take secrets out, into a new recording"),
        Command("prune", "prune", "delete old recordings"),
    )),
    ("keep well", (
        Command("recover", "recover", "get back what dead processes left unfinished"),
        Command("doctor", "doctor", "check everything, and say what to do"),
        Command("completion", "completion", "complete commands and names in your shell"),
    )),
)  # fmt: skip
COMMANDS: Final = tuple(command for _, commands in GROUPS for command in commands)

EXAMPLES: Final = """examples:
  jupyter recorder rec                          a shell: record until you leave it
  jupyter recorder rec --name build -- make -j4
  jupyter recorder list
  jupyter recorder play build --speed 2 --idle 1
  jupyter recorder search 'disk full'
  jupyter recorder export build --to html -o build.html

`jupyter recorder COMMAND --help` explains each with examples.
exit codes: 0 done; 1 failed, or doctor found something; 2 wrong usage; rec: the command's own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; wrong usage is `SystemExit` 2."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):  # a terminal of another encoding, or a file name that is no text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        given = parse(words)
        from ..library.folders import default_root
        from ..library.library import Library

        code: int = given.run(given, Library(default_root(given.root)))
        sys.stdout.flush()
    except RecError as error:
        from .output import as_shell

        print(f"jupyter recorder: {as_shell(str(error))}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # `… | head`: who read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return _INTERRUPTED
    return code


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return what the words say; `run` in it does it. Wrong usage, and help, are `SystemExit`."""
    root: str | None = None
    left = list(words)
    while left and left[0].startswith("-"):
        option, _, value = left.pop(0).partition("=")
        if option in ("-h", "--help"):
            print(help_text(), end="")
            raise SystemExit(DONE)
        if option == "--version":
            from importlib.metadata import version

            print(f"jupyter-recorder {version('jupyter-recorder')}")
            raise SystemExit(DONE)
        if option != "--root" or not (value or left):
            _wrong(f"{option[:40]!r} is no option here" if option != "--root" else "--root names a folder")
        root = value or left.pop(0)
    if not left:
        _wrong("say a command")
    chosen = next((command for command in COMMANDS if command.name == left[0]), None)
    if chosen is None:
        _wrong(_unknown(left[0]))
    return parser_of(chosen).parse_args(left[1:], argparse.Namespace(root=root))


def parser_of(command: Command) -> argparse.ArgumentParser:
    """Return the parser of one command."""
    module: Any = importlib.import_module(f".{command.module}", __name__)
    parser = argparse.ArgumentParser(
        prog=f"jupyter recorder {command.name}",
        description=command.about[0].upper() + command.about[1:] + ".",
        epilog=getattr(module, "EXAMPLES", None),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", metavar="DIR", default=argparse.SUPPRESS, help=_ROOT_HELP)
    module.add(parser)
    parser.set_defaults(run=module.run)
    return parser


def help_text() -> str:
    """Return what there is, by what one wants to do."""
    lines = ["usage: jupyter recorder [--root DIR] COMMAND …", "", "Record terminals, and use recordings.", ""]
    for group, commands in GROUPS:
        lines += [f"{group}:", *(f"  {command.name:<12}{command.about}" for command in commands), ""]
    lines += ["options:", f"  {'--root DIR':<12}{_ROOT_HELP}", f"  {'--version':<12}say which version this is"]
    return "\n".join([*lines, "", EXAMPLES, ""])


def _wrong(why: str) -> NoReturn:
    """Say what is wrong in one line, and where to look."""
    print(f"jupyter recorder: {why}; `jupyter recorder --help` shows what there is", file=sys.stderr)
    raise SystemExit(_WRONG)


def _unknown(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, [command.name for command in COMMANDS], n=1)
    return f"{word[:40]!r} is no command" + (f" (did you mean {near[0]}?)" if near else "")
