"""Output as the text that it showed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..asciicast.format import Event
from ..asciicast.screen import Screen, all_lines

_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_COLOURS: Final = re.compile(r"\x1b\[[0-9;:]*m")
_MOVES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")


def stream_text(stream: str) -> str:
    """Return a cell's output as a notebook shows it: no terminal, so only colours and carriage returns count."""
    text = _CONTROL.sub("", _ESCAPES.sub("", stream)).replace("\r\n", "\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))


def screen_text(stream: str, cols: int, rows: int) -> str:
    """Return the lines that a piece of a terminal's output leaves on a screen of `cols` x `rows`."""
    plain = _COLOURS.sub("", stream)
    if not _MOVES.search(plain):  # most commands only print: no screen is needed for them
        lines = plain.replace("\r\n", "\n").expandtabs(8).removesuffix("\n").split("\n")
        return "".join(f"{line.rstrip()}\n" for line in lines) if plain else ""
    screen = Screen(cols, rows)
    screen.feed(stream)
    lines = [*screen.scrolled(), *screen.lines()]
    return "".join(f"{line}\n" for line in lines)


def shown_lines(events: Iterator[Event], cols: int, rows: int) -> Iterator[str]:
    """Yield the lines that a terminal of `cols` x `rows` showed, those that scrolled away first."""
    return all_lines(events, cols, rows)
