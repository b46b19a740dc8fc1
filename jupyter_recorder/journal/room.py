"""Whether one more item is still taken while the disk lags behind, and the count of those that were not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .commit import Committer

# A kernel whose disk hangs goes on: so much is held in memory, then it waits so long once, then it counts.
HELD_BYTES: Final = 64 << 20
WAIT_SECONDS: Final = 2.0
# How often a log that had no room is looked at: what was refused is told though nothing more may come.
LOOK_SECONDS: Final = 0.25


class Room:
    """A bound on what is held back from a slow disk; `wait_room(limit, seconds)` is the log's.

    `dropped_events` and `dropped_bytes` count what was refused since the start. `on_free` is called from a worker once
    there is room again and something refused was not told yet: it takes `untold()`, under its caller's lock.
    """

    def __init__(
        self,
        wait_room: Callable[[int, float], bool],
        on_free: Callable[[], None],
        committer: Committer,
        *,
        held_bytes: int = HELD_BYTES,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._wait_room, self._on_free, self._committer = wait_room, on_free, committer
        self._looking = False
        self._held, self._seconds = held_bytes, wait_seconds
        self._dropping = False
        self._untold = (0, 0)
        self.dropped_events = self.dropped_bytes = 0

    def take(self, size: int) -> bool:
        """Tell whether an item of `size` bytes is taken; waits for room at most once, until there was room again."""
        # Half the room must be free before the next one is taken again: not one event, one gap, one event …
        limit = self._held // 2 if self._dropping else self._held
        self._dropping = not self._wait_room(max(limit - size, 1), 0.0 if self._dropping else self._seconds)
        if self._dropping:
            self.dropped_events += 1
            self.dropped_bytes += size
            self._untold = (self._untold[0] + 1, self._untold[1] + size)
            self._look_later()
        return not self._dropping

    def untold(self) -> tuple[int, int]:
        """Return (events, bytes) refused since the last call."""
        told, self._untold = self._untold, (0, 0)
        return told

    def _look_later(self) -> None:
        if not self._looking:
            self._looking = True
            self._committer.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._looking = False
        if self._untold[0] == 0:
            return
        if self._wait_room(self._held // 2, 0.0):
            self._on_free()
        else:
            self._look_later()
