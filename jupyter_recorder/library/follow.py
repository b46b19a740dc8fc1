"""Following one track of a recording, whoever writes it: the whole lines that have come since the last look.

A file that another process writes is looked at by its size, since inotify does not work on NFS. Nothing is kept open
between two looks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..asciicast.format import is_whole_line
from ..files import open_regular
from ..journal.codec import LINE_BYTES, decode, decode_object
from ..journal.find import offset_before
from ..journal.reader import STEM, SUFFIX, merge_segments, segments
from .casts import FIRST_EVENT, cast_segments

POLL_SECONDS: Final = 0.25
JOURNAL: Final = "journal"
READ_BYTES: Final = 1 << 20

_CHAT: Final = frozenset(
    {"session_start", "session_update", "session_snapshot", "session_end"}
    | {"message_add", "message_update", "message_append", "message_delete"}
)
_CELLS: Final = frozenset(("cell_start", "output", "clear_output", "update_display", "cell_end"))
# Tracks that stand in the journal, and what each leaves out of it: the rest (markers, gaps, …) belongs to both.
_LEFT_OUT: Final[dict[str, frozenset[str]]] = {JOURNAL: frozenset(), "chat": _CELLS, "cells": _CHAT}


class TailLine(NamedTuple):
    """One line of a track: its index (`number`) and its JSON, without newline.

    The index is an event's `seq` in the journal; in a terminal it counts events from 1, and 0 is the header.
    """

    number: int
    data: bytes
    decoded: dict[str, Any] | None = None

    @property
    def event(self) -> Any:
        """The line's JSON value."""
        return decode(self.data) if self.decoded is None else self.decoded


class TrackTail:
    """The lines of `track` of the recording in `folder` from index `start` on, given once each, in order.

    `track` is `journal` (all of its events), `chat` or `cells` (the journal without the other's events), or a
    terminal's name. A terminal that does not exist yet has no lines. Not safe to be used by two threads at once.
    """

    def __init__(self, folder: Path, track: str, start: int = 0) -> None:
        self._folder, self._track = folder, track
        self._last = start - 1
        self._left_out = _LEFT_OUT.get(track)
        self._parts: dict[Path, _SegmentTail] = {}

    def read(self, limit: int = READ_BYTES) -> list[TailLine]:
        """Return the whole lines that are new, about `limit` bytes of them at most; empty if there are none.

        Raises `OSError` if the recording is gone or cannot be read.
        """
        return list(self.lines(limit))

    def lines(self, limit: int = READ_BYTES) -> Iterator[TailLine]:
        """Yield what `read` returns, read as it is asked for; who breaks off gets the rest the next time."""
        size = 0
        for index, line in self._new():
            if index <= self._last:
                continue
            self._last = index
            size += len(line.data)
            if self._is_wanted(line):
                yield line
            if size >= limit:
                break

    def _new(self) -> Iterator[tuple[int, TailLine]]:
        parts = [self._part(path).read() for path in self._paths()]
        return parts[0] if len(parts) == 1 else merge_segments(parts)  # merging costs as much as reading

    def _paths(self) -> list[Path]:
        if self._left_out is not None:
            return [path for _, path in segments(self._folder, STEM, SUFFIX)]
        try:
            return cast_segments(self._folder, f"{self._track}.cast")
        except FileNotFoundError:
            os.stat(self._folder)  # a recording that is gone is an error, a terminal that has not begun is none
            return []

    def _part(self, path: Path) -> _SegmentTail:
        if path not in self._parts:
            is_journal = self._left_out is not None
            self._parts[path] = _JournalTail(path, self._last) if is_journal else _CastTail(path)
        return self._parts[path]

    def _is_wanted(self, line: TailLine) -> bool:
        if not self._left_out:
            return True
        return line.decoded is not None and line.decoded.get("type") not in self._left_out


class _SegmentTail:
    """One file: reads on from `offset`, which stands after the last line that was asked past."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path, self._offset = path, offset
        self._count = 0  # of the lines between where it began and `offset`
        self._seen: tuple[int, int] | None = None  # size and time when all of it was read

    def read(self) -> Iterator[tuple[int, TailLine]]:
        """Yield each whole line's index and the line; one that was yielded last before a break is yielded again."""
        stat = os.stat(self._path)
        seen = (stat.st_size, stat.st_mtime_ns)
        if seen == self._seen:
            return
        self._offset = min(self._offset, stat.st_size)  # a repair cuts off what had looked like a line
        with os.fdopen(open_regular(self._path), "rb") as file:
            file.seek(self._offset)
            end, count = self._offset, self._count
            while (line := file.readline(LINE_BYTES)).endswith(b"\n"):
                found, is_whole = self._judge(line[:-1], count)
                if found is not None:
                    yield found.number, found
                end, count = end + len(line), count + 1
                if is_whole:  # else a repair may still cut it off
                    self._offset, self._count = end, count
        self._seen = seen

    def _judge(self, line: bytes, count: int) -> tuple[TailLine | None, bool]:
        """Return a line with its index (None: it has none) and whether it is whole; `count` lines came before it."""
        raise NotImplementedError


class _JournalTail(_SegmentTail):
    def __init__(self, path: Path, after: int) -> None:
        super().__init__(path, offset_before(path, after) if after > 0 else 0)

    def _judge(self, line: bytes, count: int) -> tuple[TailLine | None, bool]:  # noqa: ARG002  # its number is in it
        event = decode_object(line)
        seq = None if event is None else event.get("seq")
        return (TailLine(seq, line, event) if type(seq) is int else None), event is not None


class _CastTail(_SegmentTail):
    _first = 1

    def _judge(self, line: bytes, count: int) -> tuple[TailLine | None, bool]:
        if not is_whole_line(line):
            return None, False
        if count == 0:
            first = (decode_object(line) or {}).get(FIRST_EVENT, 1)
            self._first = first if type(first) is int else 1
            return TailLine(0, line), True
        return TailLine(self._first + count - 1, line), True
