"""A terminal's screen from its stream: what stood on it at a moment, all that it showed, and what it showed when.

    text_at(events, cols, rows, time)    the screen at a moment
    all_lines(events, cols, rows)        every line in order: those that scrolled away, then the last screen
    ScreenLog                            what stood on the screen and since when, what was overwritten too

Events are those of a `.cast`; only what was printed and resized counts. Memory does not grow with a stream's length.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final, NamedTuple

from .emulator import Emulator
from .format import Event, parse_size

# What nobody had the time to read, in seconds.
_GLANCE: Final = 0.05
# A line that grows (a prompt being typed at) is told once it has stood so long, in seconds.
_SETTLED: Final = 2.0
# Before these a screen is looked at even within a glance, so often: what they wipe out may have been all there was.
_WIPES: Final = re.compile(r"\r(?![\r\n])|\x1b\[(?:[01]?(?:;[01]?)?H|[0-3]?J|\?(?:47|104[79])[hl])|\x1bc")
_LOOKS_A_GLANCE: Final = 20
_PIECE: Final = 1 << 14


class Shown(NamedTuple):
    """A line that stood on the screen: from when on, in seconds since the terminal's start, and its text."""

    time: float
    text: str


class Screen(Emulator):
    """A terminal of `cols` x `rows` that takes the events of a `.cast`; those that change no screen are ignored."""

    def event(self, event: Event) -> None:
        """Take the next event."""
        if event.code == "o":
            self.feed(event.data)
        elif event.code == "r" and (size := parse_size(event.data)):
            self.resize(*size)


def text_at(events: Iterable[Event], cols: int, rows: int, time: float) -> str:
    """Return what stood on the screen `time` seconds after the start."""
    screen = Screen(cols, rows)
    for event in events:
        if event.time > time:
            break
        screen.event(event)
        screen.scrolled()
    return "\n".join(screen.lines())


def all_lines(events: Iterable[Event], cols: int, rows: int) -> Iterator[str]:
    """Yield every line that scrolled away, in order, then those of the last screen."""
    screen = Screen(cols, rows)
    for event in events:
        screen.event(event)
        yield from screen.scrolled()
    yield from screen.lines()


class ScreenLog:
    """Tells what stood on a terminal of `cols` x `rows` and when, each line once for each time that it appeared.

    A line that grows is told when it has done so. What stood for less than 50 ms is told too if it scrolled away or was
    wiped out as a whole, within bounds.
    """

    def __init__(self, cols: int, rows: int) -> None:
        self._screen = Screen(cols, rows)
        self._before: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}  # of either screen
        self._waiting: dict[str, float] = {}
        self._ready: list[Shown] = []
        self._last = self._looked_at = 0.0
        self._looks = 0
        self._dirty = False

    def event(self, event: Event) -> list[Shown]:
        """Take the next event, and return what can be told now, in order of time."""
        if self._dirty and event.time - self._looked_at >= _GLANCE:
            self._look(self._last)
        self._last = event.time
        if event.code == "o":
            for start in range(0, len(event.data), _PIECE):
                self._feed(event.data[start : start + _PIECE])
        elif event.code == "r":
            self._screen.event(event)
            self._dirty = True
        return self._told()

    def settle(self) -> list[Shown]:
        """Return what stands there and was not told yet: nothing more comes, or not soon."""
        if self._dirty:
            self._look(self._last)
        self._ready += (Shown(time, text) for text, time in self._waiting.items())
        self._waiting.clear()
        return self._told()

    def _told(self) -> list[Shown]:
        ready, self._ready = self._ready, []
        return sorted(ready, key=attrgetter("time"))

    def _feed(self, text: str) -> None:
        at = 0
        while self._looks < _LOOKS_A_GLANCE and (wipe := _WIPES.search(text, at if self._dirty else at + 1)):
            self._print(text[at : wipe.start()])
            self._looks += 1
            self._look(self._last)
            at = wipe.start()
        self._print(text[at:])

    def _print(self, text: str) -> None:
        self._screen.feed(text)
        self._dirty = True
        before = self._before[False]
        for line in self._screen.scrolled():
            if before[line] > 0:  # it was seen as it stood there
                before[line] -= 1
                if (since := self._waiting.pop(line, None)) is not None:  # and grows no more
                    self._ready.append(Shown(since, line))
            elif line:
                self._ready.append(Shown(self._last, line))

    def _look(self, time: float) -> None:
        if time - self._looked_at >= _GLANCE:
            self._looks = 0
        self._looked_at, self._dirty = time, False
        now = Counter(line for line in self._screen.lines() if line)
        before = self._before[self._screen.is_alternate]
        new = [line for line in now if now[line] > before[line]]
        for text, since in list(self._waiting.items()):
            gone = text not in now
            if gone or time - since >= _SETTLED:
                del self._waiting[text]
                if not (gone and any(line.startswith(text) for line in new)):
                    self._ready.append(Shown(since, text))
        for line in new:
            self._waiting.setdefault(line, time)
        self._before[self._screen.is_alternate] = now
