"""A session's queue: any thread puts events in, one at a time takes them out."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from .answers import Ticket

# So many events are taken at once where they come in; the rest goes on in a worker, that nobody else must wait.
AT_ONCE: Final = 256


class Inbox:
    """The events of one session that are still to be worked on, and whether somebody is at it."""

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._queue: deque[Ticket] = deque()
        self._draining = False
        self._closed = False

    def put(self, tickets: Iterable[Ticket]) -> bool | None:
        """Queue events; tell whether who puts them is to drain the queue too. None: it is closed, they are not in."""
        with self._gate:
            if self._closed:
                return None
            self._queue.extend(tickets)
            if self._draining:
                return False
            self._draining = True
            return True

    def put_back(self, tickets: Sequence[Ticket]) -> None:
        """Put back what was taken and not worked on, before what came since."""
        with self._gate:
            self._queue.extendleft(reversed(tickets))

    def take(self, close: Callable[[], bool]) -> list[Ticket]:
        """Return the next events, at most `AT_ONCE` or one run; without any the draining ends.

        Then `close` is asked, while nothing can be put in, whether nothing ever is to be put in again.
        """
        batch: list[Ticket] = []
        with self._gate:
            room = AT_ONCE
            while self._queue and (room >= self._queue[0].count or not batch):
                batch.append(self._queue.popleft())
                room -= batch[-1].count
            if not batch:
                self._draining = False
                self._closed = close()
            return batch
