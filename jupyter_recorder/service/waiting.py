"""Who waits for which line to be safe, in the order of the lines."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

import msgspec

from .. import protocol
from ..errors import PersistFailed
from ..protocol import Answer
from .answers import Submission, Ticket


class Waiter(msgspec.Struct, gc=False):
    """An event whose answer is due when all up to `seq` is safe."""

    seq: int
    ticket: Ticket
    answer: Answer


class Waiting:
    """The waiters of one session; safe to be used from any thread."""

    def __init__(self) -> None:
        self._waiters: deque[Waiter] = deque()
        self._lock = threading.Lock()

    def extend(self, waiters: Sequence[Waiter]) -> None:
        """Let more wait; their numbers follow those that wait already."""
        with self._lock:
            self._waiters.extend(waiters)

    def answer_up_to(self, safe: int) -> list[tuple[int, object]]:
        """Answer those whose line is safe; return its number and their origin, for each that was recorded."""
        ready: list[Waiter] = []
        with self._lock:
            waiters = self._waiters
            while waiters and waiters[0].seq <= safe:
                ready.append(waiters.popleft())
        _answer(ready)
        return [(waiter.seq, waiter.ticket.origin) for waiter in ready]

    def fail(self, error: PersistFailed) -> None:
        """Answer all that nothing is known to be safe."""
        with self._lock:
            failed, self._waiters = list(self._waiters), deque()
        _answer([Waiter(w.seq, w.ticket, protocol.error_answer(error, w.answer.event_id)) for w in failed])


def _answer(waiters: list[Waiter]) -> None:
    """Answer tickets, those of one submission together."""
    mine: list[tuple[int, Answer]] = []
    submission: Submission | None = None
    for waiter in waiters:
        ticket = waiter.ticket
        if ticket.submission is not submission:
            if submission is not None:
                submission.answer(mine)
            submission, mine = ticket.submission, []
        mine.append((ticket.index, waiter.answer))
    if submission is not None:
        submission.answer(mine)
