"""A terminal's file of any size, made by hand, in which every screen tells its own moment.

Seven eighths of each stretch of events are coloured lines that scroll, the rest a full-screen program that paints all
over the alternate screen. Event `n` comes `n / PER_SECOND` seconds after the start.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from jupyter_recorder.asciicast.emulator import Emulator

COLS, ROWS = 120, 32
PER_SECOND = 400
STRETCH = 4000
_PLAIN = re.compile(r"\x1b\[[0-9;]*m")
_WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel")
_BYTES_AN_EVENT = 143


def events_for(size: int) -> int:
    """Return how many events make a file of about `size` bytes."""
    return size // _BYTES_AN_EVENT


def stamp(number: int) -> str:
    """Return what stands on the screen after event `number` and not before, unless a program has just come or gone."""
    return f"{number:08d}"


def tells_about(number: int, near: int) -> bool:
    """Tell whether, for all of the `near` events before and after, the screen tells which one it is."""
    place = number % STRETCH
    return all(abs(place - edge) > near for edge in (0, STRETCH * 7 // 8, STRETCH))


def screen(number: int) -> list[str]:
    """Return the screen's rows after event `number`, without blanks at their ends."""
    place = number % STRETCH
    if STRETCH * 7 // 8 <= place < STRETCH - 1:
        emulator = Emulator(COLS, ROWS)
        for before in range(number - place + STRETCH * 7 // 8, number + 1):
            emulator.feed(_output(before))
        lines = emulator.lines()
        return lines + [""] * (ROWS - len(lines))
    logged = [before for before in range(max(0, number - STRETCH), number + 1) if before % STRETCH < STRETCH * 7 // 8]
    rows = [_PLAIN.sub("", _output(before)).rstrip() for before in logged[1 - ROWS :]]
    return rows + [""] * (ROWS - len(rows))


def write(path: Path, events: int) -> None:
    """Write the file."""
    header = {"version": 2, "width": COLS, "height": ROWS, "timestamp": 1_795_216_501}
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(header) + "\n")
        file.writelines(_lines(events))


def _lines(events: int) -> Iterator[str]:
    for number in range(events):
        yield f'[{number / PER_SECOND}, "o", {json.dumps(_output(number))}]\n'


def _output(number: int) -> str:
    place, word, colour = number % STRETCH, _WORDS[number % 8], 31 + number % 7
    if place == STRETCH - 1:
        return "\x1b[?1049l"
    if place == STRETCH * 7 // 8:
        return "\x1b[?1049h\x1b[2J\x1b[H\x1b[7mfull screen\x1b[0m"
    if place > STRETCH * 7 // 8:
        at = f"\x1b[{2 + number % (ROWS - 3)};{1 + number * 7 % (COLS - 60)}H"
        bar = "=" * (number % 40)
        return f"{at}\x1b[{colour}m{stamp(number)}\x1b[0m {word} \x1b[K{bar}\x1b[{ROWS};1H\x1b[K{stamp(number)}"
    ending = "\x1b[1mwarning\x1b[22m: unused" if number % 3 == 0 else "done"
    line = f"compiling module_{number % 997} of something/long/{word}.c with -O2 -g -Wall -Wextra"
    return f"\x1b[{colour}m{stamp(number)}\x1b[0m {word} {line} {ending}\r\n"
