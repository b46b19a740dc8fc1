"""What went wrong with one session's recording, and how much of it is missing."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import RecError

log = logging.getLogger(__name__)


@dataclass
class Lost:
    """Events that could not be recorded; `size` is their text's, in bytes of UTF-8."""

    events: int = 0
    size: int = 0

    def add(self, size: int) -> None:
        """Count one event."""
        self.events += 1
        self.size += size

    def __str__(self) -> str:
        return f"{self.events} event{'s' * (self.events != 1)} ({self.size} bytes) could not be recorded"


class Failures:
    """The latest failure in `error`, each told once to the log and to `on_error`, and `lost` over all of them.

    The message of `error` says how much is lost by now, so that it is the same object that was told.
    """

    def __init__(self, on_error: Callable[[Exception], object] | None) -> None:
        self.on_error = on_error
        self.error: RecError | None = None
        self.lost = Lost()
        self._why = ""
        self._untold: deque[RecError] = deque()

    def add(self, error: RecError) -> None:
        """Note a failure, to be told by `tell()`."""
        self.error, self._why = error, str(error)
        self._untold.append(error)
        self._update()

    def lose(self, size: int) -> None:
        """Count one event of `size` bytes that could not be recorded."""
        self.lost.add(size)
        self._update()

    def tell(self) -> None:
        """Tell what was not told yet; called with no lock held, since `on_error` is the program's."""
        while self._untold:
            try:
                error = self._untold.popleft()
            except IndexError:  # another thread told it
                return
            log.error("%s", error)
            if self.on_error is not None:
                self._call(self.on_error, error)

    def _update(self) -> None:
        if self.error is not None and self.lost.events:
            self.error.args = (f"{self._why}; {self.lost}",)

    @staticmethod
    def _call(on_error: Callable[[Exception], object], error: RecError) -> None:
        try:
            on_error(error)
        except Exception:
            log.exception("on_error failed")
