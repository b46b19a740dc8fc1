"""Which stretches of a recording's time go, and where the rest moves; pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import TypeAlias

Span: TypeAlias = tuple[float, float]
"""A stretch of time, in seconds from the recording's start; its end may be infinite."""


class TimeMap:
    """Leaves `spans` out, in any order, overlapping or not; `idle` is what no pause may exceed, in seconds."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._spans = _merged(spans)
        self._starts = [start for start, _ in self._spans]
        self._gone: list[float] = []
        total = 0.0
        for start, end in self._spans:
            self._gone.append(total)
            total += end - start

    @property
    def removed(self) -> float:
        """How much goes, in seconds; infinite if the end goes."""
        return sum(end - start for start, end in self._spans)

    def is_cut(self, time: float) -> bool:
        """Tell whether what happened at `time` goes; a stretch's end belongs to what stays."""
        number = bisect_right(self._starts, time) - 1
        return number >= 0 and time < self._spans[number][1]

    def __call__(self, time: float) -> float:
        """Return where `time` moves: what is cut moves to where its stretch began."""
        number = bisect_right(self._starts, time) - 1
        if number < 0:
            return time
        start, end = self._spans[number]
        return start - self._gone[number] + max(0.0, time - end)

    def without(self, spans: Iterable[Span]) -> TimeMap:
        """Return a map that leaves out `spans` as well."""
        return TimeMap([*self._spans, *spans])


def pauses(times: Iterable[float], idle: float, cuts: TimeMap) -> list[Span]:
    """Return what goes of the pauses between `times` (in order) so that none is longer than `idle` seconds."""
    found: list[Span] = []
    last: float | None = None
    for time in times:
        if cuts.is_cut(time):
            continue
        if last is not None and (shortened := cuts(time) - cuts(last) - idle) > 0:
            # At its end, so that what stood on the screen is seen for `idle` seconds; cuts inside it are gone already.
            found.append((_before(time, shortened, cuts), time))
        last = time
    return found


def _before(time: float, seconds: float, cuts: TimeMap) -> float:
    """Return the moment from which to `time` so many seconds of what stays pass."""
    left = seconds
    for start, end in reversed(cuts._spans):
        if end > time:
            continue
        if time - end >= left:
            break
        left -= time - end
        time = start
    return time - left


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted((max(0.0, start), end) for start, end in spans if end > max(0.0, start)):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
