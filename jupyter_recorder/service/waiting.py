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
    """An event whose answer is due when all up to `seq` is safe; or a run of them, of which that is the last."""

    seq: int
    ticket: Ticket
    answers: Sequence[Answer]

    @property
    def seqs(self) -> range:
        """The numbers of its events."""
        return range(self.seq - len(self.answers) + 1, self.seq + 1)


class Waiting:
    """The waiters of one session; safe to be used from any thread."""

    def __init__(self) -> None:
        self._waiters: deque[Waiter] = deque()
        self._lock = threading.Lock()

    def extend(self, waiters: Sequence[Waiter]) -> None:
        """Let more wait; their numbers follow those that wait already."""
        with self._lock:
            self._waiters.extend(waiters)

    def answer_up_to(self, safe: int) -> list[tuple[range, object]]:
        """Answer those whose line is safe; return the numbers of the lines with the origin of each."""
        ready: list[Waiter] = []
        with self._lock:
            waiters = self._waiters
            while waiters and waiters[0].seq <= safe:
                ready.append(waiters.popleft())
        _answer(ready)
        return [(waiter.seqs, waiter.ticket.origin) for waiter in ready]

    def fail(self, error: PersistFailed) -> None:
        """Answer all that nothing is known to be safe."""
        with self._lock:
            failed, self._waiters = list(self._waiters), deque()
        for one in failed:
            one.answers = [protocol.error_answer(error, answer.event_id) for answer in one.answers]
        _answer(failed)


def _answer(waiters: list[Waiter]) -> None:
    """Answer tickets, those of one submission together."""
    mine: list[tuple[int, Answer]] = []
    submission: Submission | None = None
    for waiter in waiters:
        ticket = waiter.ticket
        if ticket.run is not None:
            ticket.run.answer(waiter.answers)
            continue
        if ticket.submission is not submission:
            if submission is not None:
                submission.answer(mine)
            submission, mine = ticket.submission, []
        mine.append((ticket.index, waiter.answers[0]))
    if submission is not None:
        submission.answer(mine)
