"""Keeps a catalog current in the background."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from ...errors import RecError
from .catalog import Catalog

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
_BUDGET_SECONDS: Final = 0.5
_AFTER_ERROR_SECONDS: Final = 30.0
# Python that computes lets go of the interpreter every 5 ms, and a server's loop asks for it several times for each
# piece of a terminal: it would wait for most of the time that the index takes. An event that meets a turn of one
# millisecond waits for all of it, on its way in and again after its sync.
_WORK_SECONDS: Final = 0.00025
_SHARE: Final = 1 / 3
_LONGEST_REST_SECONDS: Final = 0.01
_LOOK_SECONDS: Final = 0.25


class Pace:
    """Called often by who computes in the background: rests after each quarter of a millisecond that it has worked.

    Twice as long as it has worked (half a millisecond) where nobody else in this process has anything to do, and up to
    ten milliseconds the more they have: the interpreter is one, and what is shown and recorded just now comes first.
    """

    def __init__(self) -> None:
        self._since = time.perf_counter()
        self._rest_seconds = rest_seconds(0.0)
        self._looked: tuple[float, float] | None = None  # by the clock, and what the others had used by then

    def __call__(self) -> None:
        """Rest, if it is time to."""
        now = time.perf_counter()
        worked = now - self._since
        if worked < _WORK_SECONDS:
            return
        self._look(now)
        time.sleep(min(self._rest_seconds * worked / _WORK_SECONDS, _LONGEST_REST_SECONDS))
        self._since = time.perf_counter()

    def _look(self, now: float) -> None:
        others = time.process_time() - time.thread_time()
        if self._looked is None:
            self._looked = now, others
        elif (passed := now - self._looked[0]) >= _LOOK_SECONDS:
            self._rest_seconds = rest_seconds((others - self._looked[1]) / passed)
            self._looked = now, others


def rest_seconds(others: float) -> float:
    """Return how long to rest after a turn while the other threads use so much of a processor."""
    free = max(0.0, 1.0 - others)
    share = max(_SHARE * free * free, 1e-6)
    return min(_WORK_SECONDS * (1 / share - 1), _LONGEST_REST_SECONDS)


class CatalogThread(threading.Thread):
    """Updates `catalog` every half a second, from `start()` to `stop()`.

    It takes at most a third of a processor, a fraction of a millisecond at a time, and less while others need it.
    """

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(name="jupyter-recorder catalog", daemon=True)
        self.catalog = catalog
        catalog.give_way = Pace()
        self._stop_event = threading.Event()

    def run(self) -> None:
        """Update until stopped; what goes wrong is told in the log, and tried again."""
        pause = 0.0
        while not self._stop_event.wait(pause):
            began = time.monotonic()
            try:
                done = self.catalog.update(_BUDGET_SECONDS, patient=True)
                # What is soon over and not done is done by another process.
                pause = 0.0 if not done and time.monotonic() - began >= _BUDGET_SECONDS else POLL_SECONDS
            except RecError as error:
                log.warning("%s", error)
                pause = _AFTER_ERROR_SECONDS
        self.catalog.close()

    def stop(self, timeout: float = 5.0) -> None:
        """End it and wait for that, at most `timeout` seconds."""
        self._stop_event.set()
        if self.is_alive():
            self.join(timeout)
