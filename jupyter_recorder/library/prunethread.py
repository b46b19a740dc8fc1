"""Keeps a library within its limits in the background."""

from __future__ import annotations

import logging
import threading
from typing import Final

from ..errors import RecError
from .library import Library
from .retention import Retention, prune

log = logging.getLogger(__name__)

_FIRST_SECONDS: Final = 30.0  # a server's start has other things to do
_EVERY_SECONDS: Final = 600.0


class PruneThread(threading.Thread):
    """Deletes what `retention` does not keep, soon after `start()` and every ten minutes; says what it deleted.

    Without limits it ends at once.
    """

    def __init__(self, library: Library, retention: Retention, *, first_seconds: float = _FIRST_SECONDS) -> None:
        super().__init__(name="jupyter-recorder prune", daemon=True)
        self._library, self._retention = library, retention
        self._pause = first_seconds
        self._stop_event = threading.Event()

    def run(self) -> None:
        """Prune until stopped."""
        while self._retention.limits and not self._stop_event.wait(self._pause):
            self._pause = _EVERY_SECONDS
            try:
                for one in prune(self._library, self._retention):
                    if one.error:
                        log.warning("%s should be deleted (%s): %s", one.id, one.why, one.error)
                    else:
                        log.info("%s was deleted: %s", one.id, one.why)
            except RecError as error:
                log.warning("%s", error)

    def stop(self) -> None:
        """Let it end; the recording that is being deleted is deleted."""
        self._stop_event.set()
