"""Reading a journal or a `.cast` of several segments: streaming, up to the last whole line, damage skipped and told."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from ..files import open_regular
from .codec import LINE_BYTES, decode_object
from .tail import lines_from_end

STEM: Final = "session"
SUFFIX: Final = ".ndjson"
_CHUNK: Final = 1 << 20


class Damage(NamedTuple):
    """A place that could not be read: the file's name, the offset and size in bytes, and why."""

    file: str
    offset: int
    size: int
    why: str


@dataclass
class Report:
    """What reading found beside events: the headers, the last footer, damage, and the size of a torn tail."""

    header: dict[str, Any] | None = None
    footer: dict[str, Any] | None = None
    damage: list[Damage] = field(default_factory=list)
    torn_bytes: int = 0

    def damaged(self, file: str, offset: int, size: int, why: str) -> None:
        """Add one damaged place; beyond 1,000 only the first thousand are kept."""
        if len(self.damage) < 1000:
            self.damage.append(Damage(file, offset, size, why))


def segment_path(folder: Path, stem: str, suffix: str, segment: int) -> Path:
    """Return the path of a segment: `session.ndjson`, `session.1.ndjson`, …"""
    return folder / (f"{stem}.{segment}{suffix}" if segment else f"{stem}{suffix}")


def segments(folder: Path, stem: str = STEM, suffix: str = SUFFIX) -> list[tuple[int, Path]]:
    """Return the numbers and paths of the segments that stand in `folder`, in order."""
    pattern = re.compile(rf"{re.escape(stem)}(?:\.([1-9][0-9]{{0,8}}))?{re.escape(suffix)}")
    found = []
    for name in os.listdir(folder):
        if match := pattern.fullmatch(name):
            found.append((int(match[1] or 0), folder / name))
    return sorted(found)


def read_lines(path: Path, report: Report, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, line without newline) for each whole line; what follows the last newline counts as torn."""
    with os.fdopen(open_regular(path), "rb", buffering=0) as file:
        file.seek(start)
        offset = start
        parts: list[bytes] = []  # of the line that began at `offset`
        size = 0
        while chunk := file.read(_CHUNK):
            *lines, rest = chunk.split(b"\n")
            for piece in lines:
                size += len(piece)
                if size <= LINE_BYTES:
                    yield offset, b"".join([*parts, piece])
                else:
                    report.damaged(path.name, offset, size + 1, "a line too long to be one of ours")
                offset += size + 1
                parts, size = [], 0
            size += len(rest)
            parts = [*parts, rest] if size <= LINE_BYTES else []
        report.torn_bytes += size


def read_events(folder: Path, report: Report | None = None, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the events of the journal in `folder` with `seq` > `after`, in order of `seq`.

    Each `seq` comes from the highest segment that has it. `report` is filled as reading goes on.
    Raises `OSError` if a segment cannot be opened.
    """
    report = report if report is not None else Report()
    streams = [_numbered(path, report) for _, path in segments(folder)]
    last = after
    for seq, event in merge_segments(streams):
        if seq > last:
            last = seq
            yield event


def _numbered(path: Path, report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    last = 0
    for offset, line in read_lines(path, report):
        event = decode_object(line)
        if event is None:
            report.damaged(path.name, offset, len(line) + 1, "not a JSON object")
            continue
        seq = event.get("seq")
        if type(seq) is int and seq > last:
            last = seq
            yield seq, event
        elif event.get("type") == "header":
            report.header = report.header or event
        elif event.get("type") == "footer":
            report.footer = event
        else:
            report.damaged(path.name, offset, len(line) + 1, "seq is missing or out of order")


T = TypeVar("T")


def merge_segments(streams: Iterable[Iterator[tuple[int, T]]]) -> Iterator[tuple[int, T]]:
    """Merge numbered streams, given from the lowest segment to the highest; of equal numbers the highest's counts."""
    merged: Iterator[tuple[int, T]] = iter(())
    for stream in streams:
        merged = _merge_two(merged, stream)
    return merged


def _merge_two(lower: Iterator[tuple[int, T]], higher: Iterator[tuple[int, T]]) -> Iterator[tuple[int, T]]:
    low, high = next(lower, None), next(higher, None)
    while low is not None and high is not None:
        if high[0] <= low[0]:
            if high[0] == low[0]:
                low = next(lower, None)
            yield high
            high = next(higher, None)
        else:
            yield low
            low = next(lower, None)
    if low is not None:
        yield low
        yield from lower
    if high is not None:
        yield high
        yield from higher


def last_event(folder: Path) -> dict[str, Any] | None:
    """Return the event with the highest `seq` of all segments, found from their ends; raises `OSError`."""
    found = [event for _, path in segments(folder) if (event := _last_in(path)) is not None]
    return max(reversed(found), key=lambda event: int(event["seq"]), default=None)


def _last_in(path: Path) -> dict[str, Any] | None:
    with os.fdopen(open_regular(path), "rb", buffering=0) as file:
        for line in lines_from_end(file):
            event = decode_object(line.data)
            if event is not None and type(event.get("seq")) is int:
                return event
    return None
