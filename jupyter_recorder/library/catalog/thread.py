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


class CatalogThread(threading.Thread):
    """Updates `catalog` every half a second, from `start()` to `stop()`; takes at most half of a processor."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(name="jupyter-recorder catalog", daemon=True)
        self.catalog = catalog
        self._stop_event = threading.Event()

    def run(self) -> None:
        """Update until stopped; what goes wrong is told in the log, and tried again."""
        pause = 0.0
        while not self._stop_event.wait(pause):
            began = time.monotonic()
            try:
                self.catalog.update(_BUDGET_SECONDS, patient=True)
                pause = max(POLL_SECONDS, time.monotonic() - began)
            except RecError as error:
                log.warning("%s", error)
                pause = _AFTER_ERROR_SECONDS
        self.catalog.close()

    def stop(self, timeout: float = 5.0) -> None:
        """End it and wait for that, at most `timeout` seconds."""
        self._stop_event.set()
        if self.is_alive():
            self.join(timeout)
