"""Whether one more item is still taken while the disk lags behind, and the count of those that were not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

# A kernel whose disk hangs goes on: so much is held in memory, then it waits so long once, then it counts.
HELD_BYTES: Final = 64 << 20
WAIT_SECONDS: Final = 2.0


class Room:
    """A bound on what is held back from a slow disk; `wait_room(limit, seconds)` is the log's.

    `dropped_events` and `dropped_bytes` count what was refused since the start.
    """

    def __init__(
        self,
        wait_room: Callable[[int, float], bool],
        *,
        held_bytes: int = HELD_BYTES,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._wait_room = wait_room
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
        return not self._dropping

    def free(self) -> bool:
        """Tell whether the next item would be taken without waiting."""
        return self._wait_room(self._held // 2 if self._dropping else self._held, 0.0)

    @property
    def lacking(self) -> bool:
        """Whether something was refused that `untold()` has not told yet."""
        return self._untold[0] > 0

    def untold(self) -> tuple[int, int]:
        """Return (events, bytes) refused since the last call."""
        told, self._untold = self._untold, (0, 0)
        return told
