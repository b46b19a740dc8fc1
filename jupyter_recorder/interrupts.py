"""Keeps Ctrl-C from landing between two steps that belong together.

Python raises KeyboardInterrupt between any two bytecodes of the main thread: an event that was numbered but not
queued would leave the journal a number short. Signals that come meanwhile are handled right after.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def shielded() -> Iterator[None]:
    """Put off SIGINT until the block has ended (in the main thread; others never see it)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or isinstance(before, _Collector):  # not Python's to put off, or put off already
        yield
        return
    signal.signal(signal.SIGINT, _Collector(came))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(*came[-1])


class _Collector:
    def __init__(self, came: list[tuple[int, FrameType | None]]) -> None:
        self._came = came

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._came.append((number, frame))
