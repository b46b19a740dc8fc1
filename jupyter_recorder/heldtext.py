"""Text that comes in pieces, redacted across their edges and handed on in order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from .interrupts import shielded
from .journal.commit import Committer, Timer
from .redact import Redactor, StreamRedactor

# An unfinished match is held back for at most so long: a person who watches live must not wait for a secret to end.
HOLD_SECONDS: Final = 0.1


class HeldText:
    """Passes text to `emit(text, urgent)` as soon as it can hold no unfinished secret, at the latest after 100 ms.

    `urgent` is true for what was held back: it has had its delay already.
    """

    def __init__(self, redactor: Redactor, committer: Committer, emit: Callable[[str, bool], None]) -> None:
        self._stream = StreamRedactor(redactor)
        self._committer = committer
        self._emit = emit
        self._lock = threading.RLock()
        self._timer: Timer | None = None

    def feed(self, text: str) -> None:
        """Take the next piece."""
        with shielded(), self._lock:
            waited = self._timer is not None
            safe = self._stream.feed(text)
            if not self._stream.pending:
                self._stop_timer()
            elif self._timer is None:
                self._timer = self._committer.call_later(HOLD_SECONDS, self.flush)
            if safe:
                self._emit(safe, waited)

    def flush(self) -> None:
        """Hand on what is held back, as it stands."""
        with shielded(), self._lock:
            self._stop_timer()
            if self._stream.pending:
                self._emit(self._stream.flush(), True)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
