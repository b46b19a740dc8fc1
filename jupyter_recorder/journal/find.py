"""One event of a journal by its number, in a few reads whatever the journal's length."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, Final

from ..files import open_regular
from .codec import LINE_BYTES, decode_object
from .reader import segments

# Where so little is left, reading on is quicker than halving.
_NEAR: Final = 1 << 12


def find_event(folder: Path, seq: int) -> dict[str, Any] | None:
    """Return the event numbered `seq`, from the highest segment that has it; raises `OSError`."""
    for _, path in reversed(segments(folder)):
        with os.fdopen(open_regular(path), "rb") as file:
            event = _scan(file, _before(file, seq), seq)
        if event is not None:
            return event
    return None


def offset_before(path: Path, seq: int) -> int:
    """Return an offset of `path`, one segment, at or before the line numbered `seq`, and near it; raises `OSError`."""
    with os.fdopen(open_regular(path), "rb") as file:
        return _before(file, seq)


def _before(file: io.BufferedReader, seq: int) -> int:
    """Return the offset of a line at or before the one numbered `seq`, and near it."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > _NEAR:
        middle = (low + high) // 2
        found = _next_event(file, middle, high)
        if found is None or found[1] > seq:
            high = middle
        else:
            low = found[0]
    return low


def _next_event(file: io.BufferedReader, start: int, end: int) -> tuple[int, int] | None:
    """Return (offset, seq) of the first event whose line begins after `start` and before `end`."""
    file.seek(start)
    start += len(file.readline(LINE_BYTES))  # the rest of a line that began before
    while start < end and (line := file.readline(LINE_BYTES)):
        number = _seq(decode_object(line))
        if number is not None:
            return start, number
        start += len(line)
    return None


def _scan(file: io.BufferedReader, start: int, seq: int) -> dict[str, Any] | None:
    file.seek(start)
    while line := file.readline(LINE_BYTES):
        event = decode_object(line) if line.endswith(b"\n") else None
        number = _seq(event)
        if number == seq:
            return event
        if number is not None and number > seq:
            return None
    return None


def _seq(event: dict[str, Any] | None) -> int | None:
    number = None if event is None else event.get("seq")
    return number if type(number) is int else None
