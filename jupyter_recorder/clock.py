"""Integer Unix milliseconds that never go back: the wall time at the start plus the monotonic time since."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

DRIFT_MS: Final = 1000


class RecordingClock:
    """Gives each event of one recording its `at`.

    The wall clock may be set or the machine suspended; `at` goes on evenly, and `drift()` tells when the
    two have come apart by more than a second, so that a `clock` line can say so.
    """

    def __init__(
        self,
        *,
        not_before: int = 0,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._origin_ms = max(wall_ns() // 1_000_000, not_before)
        self._origin_ns = monotonic_ns()
        self._told_ms = 0
        self.start_ms: Final = self._origin_ms

    def now(self) -> int:
        """Return the present `at` in milliseconds."""
        return self._origin_ms + (self._monotonic_ns() - self._origin_ns) // 1_000_000

    def drift(self) -> int | None:
        """Return the wall time in ms if it has moved against `at` by over a second since last told, else None."""
        wall = self._wall_ns() // 1_000_000
        apart = wall - self.now()
        if abs(apart - self._told_ms) <= DRIFT_MS:
            return None
        self._told_ms = apart
        return wall
