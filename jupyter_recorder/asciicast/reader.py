"""Read a whole asciicast as a stream, one line in memory at a time."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias, cast

from ..errors import InvalidCast
from ..files import open_regular
from .format import MAX_TIME, Event, Header, read_event, read_header

MAX_LINE: Final = 64 * 2**20
"""The longest line that is read, in bytes; a longer one is damage."""
_TOLD_LINES: Final = 100
_BOM: Final = b"\xef\xbb\xbf"

_Lines: TypeAlias = Generator[bytes | None]
"""Lines of a file, None for an over-long one."""


@dataclass
class Damage:
    """What was skipped so far: how many `lines`, the first hundred of their `numbers` (from 1), and a `torn` tail."""

    lines: int = 0
    numbers: list[int] = field(default_factory=list)
    torn: bool = False

    def add(self, number: int) -> None:
        """Count one damaged line."""
        self.lines += 1
        if len(self.numbers) < _TOLD_LINES:
            self.numbers.append(number)


@dataclass(frozen=True)
class Cast:
    """An asciicast being read: its header, its events in order, and the damage met so far (whole after the last)."""

    header: Header
    events: Iterator[Event]
    damage: Damage


def read(source: str | os.PathLike[str] | BinaryIO | Iterable[bytes]) -> Cast:
    """Read the asciicast at a path, in a binary file, or in an iterable of lines.

    A path is opened here and closed with the last event, or when `events` is dropped. Events have absolute times.
    Raises `InvalidCast` for a header that can't be read, and `OSError` for a file that can't be opened or is no
    regular one.
    """
    lines = _opened(source)
    try:
        header = _header(lines)
    except InvalidCast:
        lines.close()
        raise
    damage = Damage()
    return Cast(header, _events(lines, header.version, damage), damage)


def _opened(source: str | os.PathLike[str] | BinaryIO | Iterable[bytes]) -> _Lines:
    if isinstance(source, (str, os.PathLike)):
        return _lines_at(Path(source))
    return _lines(cast("BinaryIO", source)) if hasattr(source, "readline") else _bounded(source)


def _header(lines: _Lines) -> Header:
    try:
        first = next(lines)
    except StopIteration:
        raise InvalidCast("it is empty") from None
    if first is None:
        raise InvalidCast(f"its first line is over {MAX_LINE // 2**20} MiB", line=1)
    return read_header(first.removeprefix(_BOM))


def _events(lines: _Lines, version: int, damage: Damage) -> Iterator[Event]:
    last = 0.0
    bad = 0
    for number, line in enumerate(lines, 2):
        if line is not None and (not line.strip() or (version == 3 and line.startswith(b"#"))):
            continue
        if bad:
            damage.add(bad)
        event = None if line is None else read_event(line)
        time = None if event is None else _absolute(event.time, last, version)
        if event is None or time is None:
            bad = number
            continue
        bad, last = 0, time
        yield event._replace(time=time)
    damage.torn = bool(bad)


def _absolute(time: float, last: float, version: int) -> float | None:
    absolute = last + time if version == 3 else time
    return max(last, absolute) if absolute <= MAX_TIME else None


def _lines_at(path: Path) -> _Lines:
    with os.fdopen(open_regular(path), "rb") as file:
        yield from _lines(file)


def _lines(file: BinaryIO) -> _Lines:
    """Yield the lines of a file; an over-long one as None."""
    while line := file.readline(MAX_LINE + 1):
        if len(line) <= MAX_LINE:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(2**20)
        yield None


def _bounded(lines: Iterable[bytes]) -> _Lines:
    for line in lines:
        yield line if len(line) <= MAX_LINE else None
