"""One track of a recording on its way into the index: what came since the last look, as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

from ...asciicast.format import MAX_TIME, Event, read_event, read_header
from ...asciicast.screen import ScreenLog, Shown
from ...errors import InvalidCast
from ..follow import JOURNAL, READ_BYTES, TailLine, TrackTail
from .texts import Growing, JournalTexts, Row, Text

# A screen takes in a megabyte a second, a third of that in a server: others wait for the end of a read.
_SCREEN_BYTES: Final = 16 << 10


class Reader(Protocol):
    """Reads a track; `next` is the number of the line that it will read next."""

    next: int

    def read(self, give_way: Callable[[], object]) -> list[Row] | None:
        """Return the rows of what is new, None if nothing is; raises `OSError`. Calls `give_way` for each line."""

    def settle(self) -> list[Row]:
        """Return what was held back."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is held back, so that another reader can go on from `next`."""

    def wrote(self, rows: list[Row], numbers: list[int]) -> None:
        """Be told which rows of the index hold what was returned last."""


class JournalReader:
    """The journal of the recording in `folder`, from line `start` on."""

    is_whole = True

    def __init__(self, folder: Path, start: int, main: str) -> None:
        self.next = start
        self._tail = TrackTail(folder, JOURNAL, start)
        self._texts = JournalTexts(folder, main)
        self._growing = Growing()

    def read(self, give_way: Callable[[], object]) -> list[Row] | None:
        """Return the rows of what is new."""
        is_new = False
        size = 0
        rows: list[Row] = []
        for line in self._tail.lines():
            give_way()
            is_new = True
            self.next = line.number + 1
            for text in self._texts.of(line.event):
                rows += self._growing.add(text)
                size += len(text.text)
            if size >= READ_BYTES:  # a short line may stand for a large file
                break
        return [*rows, *self._growing.changed()] if is_new else None

    def settle(self) -> list[Row]:
        """Nothing is held back."""
        return []

    def wrote(self, rows: list[Row], numbers: list[int]) -> None:
        """Keep the rows of what may still grow."""
        for row, number in zip(rows, numbers, strict=True):
            if row.text.key is not None:
                self._growing.wrote(row.text.key, number)


class TerminalReader:
    """The terminal `track`, from line `start` on; `origin` is its zero in Unix ms.

    What a screen shows depends on all that came before, so reading begins at the file's beginning all the same.
    """

    def __init__(self, folder: Path, track: str, start: int, origin: int) -> None:
        self.next = start
        self._track, self._origin = track, origin
        self._tail = TrackTail(folder, track)
        self._log: ScreenLog | None = None
        self._is_whole = True
        self._last = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether all that stands on the screen was told."""
        return self._is_whole

    def read(self, give_way: Callable[[], object]) -> list[Row] | None:
        """Return the rows of what the screen showed."""
        is_new = False
        shown: list[Shown] = []
        for line in self._tail.lines(_SCREEN_BYTES):
            give_way()
            is_new = True
            before = line.number < self.next
            found = self._shown(line)
            if not before:
                shown += found
                self.next, self._is_whole = line.number + 1, False
            elif line.number == self.next - 1 and self._log is not None:
                self._log.settle()  # it was told before
        return self._rows(shown) if is_new else None

    def settle(self) -> list[Row]:
        """Return what stands on the screen and was not told yet."""
        if self._is_whole or self._log is None:
            return []
        self._is_whole = True
        return self._rows(self._log.settle())

    def wrote(self, rows: list[Row], numbers: list[int]) -> None:
        """Nothing grows here."""

    def _shown(self, line: TailLine) -> list[Shown]:
        if line.number == 0:
            try:
                header = read_header(line.data)
            except InvalidCast:
                return []
            self._log = ScreenLog(header.width, header.height)
        event = read_event(line.data) if self._log is not None and line.number else None
        if event is None or self._log is None or not 0 <= event.time <= MAX_TIME:
            return []
        self._last = max(self._last, event.time)
        return self._log.event(Event(self._last, event.code, event.data))

    def _rows(self, shown: Iterable[Shown]) -> list[Row]:
        # The millisecond after: it is to stand there at that moment.
        return [Row(None, Text(self._track, self._origin + int(one.time * 1000) + 1, one.text)) for one in shown]
