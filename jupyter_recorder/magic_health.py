"""A recording that is not safe is told in the notebook: in the cell that runs, else in the next."""

from __future__ import annotations

import sys
import threading

from . import active


class Health:
    """Says once that a recording is not safe, and once that it is again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_cell = False
        self._told: str | None = None

    def before_cell(self, *_: object) -> None:
        """Note that a cell runs, in which something can be said."""
        with self._lock:
            self._in_cell = True

    def after_cell(self, *_: object) -> None:
        """Say what there is to be said in the cell that has just run."""
        with self._lock:
            self._tell()
            self._in_cell = False

    def changed(self) -> None:
        """Say at once, in the cell that runs, what has changed (called from a worker).

        Between cells nothing is said: it would go to a cell that its reader, or a program, has done with.
        """
        with self._lock:
            if self._in_cell:
                self._tell()
                sys.stdout.flush()

    def _tell(self) -> None:
        recorder = active.current()
        error = recorder.error if recorder is not None else None
        if (lost := active.given_up()) is not None:
            print(f"%record: NOT RECORDING: {lost.error}")
        told, self._told = self._told, None if error is None else str(error)
        if error is not None and told is None:
            print(f"%record: NOT SAFE: {error}")
        elif error is None and told is not None and recorder is not None:
            print(f"%record: {recorder.name!r} is safe on the disk again")
