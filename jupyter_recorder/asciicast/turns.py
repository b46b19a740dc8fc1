"""Calls that come from threads, event loops and signal handlers, done one at a time, in order, and never raising."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable

from ..interrupts import shielded

Turn = Callable[[], object]


class Turns:
    """Gives each call its turn; what one raises goes to `on_error(error)`, and `after()` is called outside the turns.

    In a child forked after `own()` no turn is taken.
    """

    def __init__(self, on_error: Callable[[Exception], None], after: Callable[[], None]) -> None:
        self._on_error, self._after = on_error, after
        self._pid: int | None = None
        self._lock = threading.RLock()
        self._waiting: deque[Turn] = deque()
        self._taken = False

    @property
    def forked(self) -> bool:
        """Whether this is a child of the process that owns what the turns do."""
        return self._pid is not None and self._pid != os.getpid()

    def own(self) -> None:
        """Make this process the owner."""
        self._pid = os.getpid()

    def take(self, turn: Turn, *, quiet: bool = False) -> None:
        """Do `turn` now, or after the one that this call interrupted; `quiet` leaves `after()` to the caller."""
        if self.forked:  # before the lock: in a child it may be held for ever
            return
        with shielded(), self._lock:
            self._waiting.append(turn)
            if self._taken:  # this is a signal handler, called in the midst of a turn
                return
            self._taken = True
            try:
                while self._waiting:
                    self._attempt(self._waiting.popleft())
            finally:
                self._taken = False
        if not quiet:
            self._after()

    def _attempt(self, turn: Turn) -> None:
        try:
            turn()
        except Exception as error:  # noqa: BLE001  # the session that is recorded must not hear of it
            self._on_error(error)
