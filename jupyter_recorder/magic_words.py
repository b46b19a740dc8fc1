"""The words after `%record`, taken apart; a mistake is one line that says what to do."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from IPython.core.error import UsageError

from .asciicast.format import parse_size

_OPTION: Final = re.compile(
    r"""\s*(?:--name[= ]\s*(?P<name>'[^']*'|"[^"]*"|\S+)|--size[= ]\s*(?P<size>\S+)|(?P<input>--input))(?=\s|\Z)"""
)


class Parser(argparse.ArgumentParser):
    """The options of one word; a mistake is a `UsageError`, never an exit."""

    def __init__(self, word: str) -> None:
        super().__init__(prog=f"%record {word}", add_help=False, allow_abbrev=False)

    def read(self, rest: str) -> argparse.Namespace:
        """Return what stands in `rest`."""
        return self.parse_args(_split(self.prog, rest))

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line."""
        raise UsageError(f"{self.prog}: {message} (%record? explains)")


def _split(prog: str, rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError as error:
        raise UsageError(f"{prog}: {error}") from None


def free_text(word: str, what: str, rest: str) -> str:
    """Return free text, with or without quotes around it."""
    text = rest.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    if not text:
        raise UsageError(f"%record {word}: give it a {what}")
    return text


def one_name(line: str) -> str | None:
    """Return the one name that `%%record` takes, or None."""
    words = _split("%%record", line)
    if len(words) > 1:
        raise UsageError("%%record takes one NAME (in quotes if it has spaces); the options are %record start's")
    return words[0] if words else None


class ShellWords(NamedTuple):
    """The options of `sh`, and the command just as it was typed, quotes and all."""

    name: str | None
    size: tuple[int, int] | None
    record_input: bool
    command: str


def shell_words(rest: str) -> ShellWords:
    """Take the options off a shell command; all after the first word that is none belongs to the command."""
    name, size, record_input = None, None, False
    while match := _OPTION.match(rest):
        if match["name"] is not None:
            name = match["name"].strip("'\"")
        elif match["size"] is not None:
            size = _size(match["size"])
        else:
            record_input = True
        rest = rest[match.end() :]
    rest = rest.lstrip(" ")
    if rest.startswith("--"):
        raise UsageError(f"%record sh: {rest.split()[0]!r} is no option; there are --name, --size and --input")
    return ShellWords(name, size, record_input, rest)


def check_replay(speed: float, idle: float | None, start: float) -> None:
    """Hold the options of a replay against what a player can do."""
    for option, value, least in (("--speed", speed, 0.01), ("--idle", idle, 0.0), ("--start", start, 0.0)):
        if value is not None and not least <= value <= 1e6:  # also what is not a number
            raise UsageError(f"%record replay: {option} takes a number from {least:g} on, not {value:g}")


def _size(word: str) -> tuple[int, int]:
    size = parse_size(word)
    if size is None:
        raise UsageError(f"%record sh: --size takes COLSxROWS, such as 100x30, not {word[:40]!r}")
    return size


def name_of_command(command: str) -> str:
    """Return a recording's name for a shell command: its program."""
    words = re.findall(r"[\w./+-]+", command)
    return (Path(words[0]).name.lstrip(".-")[:40] if words else "") or "terminal"
