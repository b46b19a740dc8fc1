"""The lines of a file from its end: what a journal's last line is, without reading the rest."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from .codec import LINE_BYTES

_STEP: Final = 1 << 16


class Line(NamedTuple):
    """A line without its newline, and the offset in bytes after that newline."""

    data: bytes
    end: int


def lines_from_end(file: io.FileIO) -> Iterator[Line]:
    """Yield the lines that end in a newline, the last one first; one over 64 MiB comes as empty bytes."""
    end: int | None = None
    for newline in _newlines_from_end(file):
        if end is not None:
            yield _line(file, newline + 1, end)
        end = newline
    if end is not None:
        yield _line(file, 0, end)


def _line(file: io.FileIO, start: int, end: int) -> Line:
    return Line(_read(file, start, end) if end - start <= LINE_BYTES else b"", end + 1)


def _newlines_from_end(file: io.FileIO) -> Iterator[int]:
    position = file.seek(0, os.SEEK_END)
    while position > 0:
        start = max(0, position - _STEP)
        chunk = _read(file, start, position)
        found = chunk.rfind(b"\n")
        while found >= 0:
            yield start + found
            found = chunk.rfind(b"\n", 0, found)
        position = start


def _read(file: io.FileIO, start: int, end: int) -> bytes:
    file.seek(start)
    parts = []
    while start < end and (part := file.read(end - start)):
        parts.append(part)
        start += len(part)
    return b"".join(parts)
