"""Keeps Ctrl-C from landing between two steps that belong together.

Python raises KeyboardInterrupt between any two bytecodes of the main thread: an event that was numbered but not
queued would leave the journal a number short. Signals that come meanwhile are handled right after.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, ClassVar


def shielded() -> _Shield:
    """Put off SIGINT until the block has ended (in the main thread; others never see it)."""
    return _Shield()


class _Shield:
    # A class and no generator, and what is within asks no signal: a server does this for every piece of a terminal.
    __slots__ = ("_before", "_came")
    is_up: ClassVar[bool] = False  # in the main thread

    def __init__(self) -> None:
        self._before: Any = None
        self._came: list[tuple[int, FrameType | None]] = []

    def __enter__(self) -> None:
        if _Shield.is_up or threading.current_thread() is not threading.main_thread():
            return
        before = signal.getsignal(signal.SIGINT)
        if callable(before):  # else it is not Python's to put off
            signal.signal(signal.SIGINT, self._put_off)
            self._before = before
            _Shield.is_up = True

    def __exit__(self, *_: object) -> None:
        before, self._before = self._before, None
        if before is not None:
            _Shield.is_up = False  # first: the next step may raise
            signal.signal(signal.SIGINT, before)
            if self._came:
                before(*self._came[-1])

    def _put_off(self, number: int, frame: FrameType | None) -> None:
        self._came.append((number, frame))
