"""The terminals of a recording: which `.cast` files it has, and each one's segments as one file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from ..asciicast.format import is_whole_line
from ..journal.codec import decode_object, encode_line
from ..journal.reader import Report, merge_segments, read_lines, segments
from ..journal.repair import whole_size

SUFFIX: Final = ".cast"
FIRST_EVENT: Final = "first_event"
_FILE: Final = re.compile(r"(?P<stem>[A-Za-z0-9][A-Za-z0-9_-]{0,80})(?:\.[1-9][0-9]{0,8})?\.cast")
_DIGITS: Final = re.compile(r"[0-9]+")


def cast_files(folder: Path) -> list[str]:
    """Return the first segments' names (`terminal.cast`, `terminal-2.cast`, …), in the order of their numbers."""
    stems = {match["stem"] for name in os.listdir(folder) if (match := _FILE.fullmatch(name))}
    return [stem + SUFFIX for stem in sorted(stems, key=_natural)]


def cast_segments(folder: Path, file: str) -> list[Path]:
    """Return the paths of the segments of `file`, in order; raises `OSError` for what is no name of a `.cast`."""
    match = _FILE.fullmatch(file)
    if match is None or file != match["stem"] + SUFFIX:
        raise FileNotFoundError(f"{file[:80]!r} is not the name of a terminal's file")
    found = [path for _, path in segments(folder, match["stem"], SUFFIX)]
    if not found:
        raise FileNotFoundError(f"there is no {file}")
    return found


def read_cast(folder: Path, file: str) -> bytes:
    """Return a terminal's whole lines, header first, each event from the highest segment that has it."""
    return b"".join(cast_lines(folder, file))


def cast_lines(folder: Path, file: str) -> Iterator[bytes]:
    """Yield what `read_cast` returns, a line at a time."""
    paths = cast_segments(folder, file)
    streams = [_numbered(path) for path in paths]
    headers = [next(stream, (0, b""))[1] for stream in streams]
    yield next((_plain(line) for line in headers if line), b"")
    for _, line in merge_segments(streams):
        yield line + b"\n"


def event_lines(path: Path) -> Iterator[bytes]:
    """Yield the event lines of one segment, header and torn tail left out."""
    lines = _whole_lines(path)
    first = next(lines, b"")
    yield from (line for line in chain([first], lines) if line.startswith(b"["))


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (0, header), then each following line with its event's number."""
    lines = _whole_lines(path)
    header = next(lines, b"")
    yield 0, header
    first = (decode_object(header) or {}).get(FIRST_EVENT, 1)
    yield from enumerate(lines, first if type(first) is int else 1)


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines up to the last whole one."""
    end, _ = whole_size(path, is_whole_line)
    for offset, line in read_lines(path, Report()):
        if offset >= end:
            return
        yield line


def _plain(header: bytes) -> bytes:
    """Return a header as a file of its own has it."""
    fields = decode_object(header)
    if fields is None or FIRST_EVENT not in fields:
        return header + b"\n"
    del fields[FIRST_EVENT]
    return encode_line(fields)


def _natural(stem: str) -> tuple[str, int, str]:
    number = _DIGITS.search(stem)
    return _DIGITS.sub("", stem).rstrip("-"), int(number[0]) if number else 0, stem
