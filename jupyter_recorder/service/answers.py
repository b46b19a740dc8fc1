"""Events on their way: what was sent, by whom, and the answers that its sender is owed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..errors import EventTooLarge, RecError
from ..journal.codec import encode
from ..protocol import Answer, error_answer

if TYPE_CHECKING:
    from .runs import Run

# A character's JSON takes at most so many bytes.
_MOST_BYTES: Final = 6
# An event of more bytes goes to a worker, that a loop's others need not wait: looking for secrets in it takes some
# milliseconds, and in lists and objects each value is looked at by itself.
_LARGE_TEXT: Final = 1 << 16
_LARGE_VALUES: Final = 1 << 13


# One for all: it is held for an addition.
_counting: Final = threading.Lock()


class Submission(msgspec.Struct, gc=False):
    """The events of one frame or body: `done` is called once, with all answers in order, from any thread.

    (In no cycle, so the garbage collector need not look at it, as of a ticket.)
    """

    done: Callable[[list[Answer]], object]
    answers: list[Answer | None]
    left: int

    @classmethod
    def of(cls, count: int, done: Callable[[list[Answer]], object]) -> Submission:
        """Return one of so many events."""
        if count == 0:
            done([])
        return cls(done, [None] * count, count)

    def answer(self, answers: Sequence[tuple[int, Answer]]) -> None:
        """Answer events by their places, each once."""
        for index, answer in answers:
            self.answers[index] = answer
        self._count(len(answers))

    def answer_run(self, place: int, answers: Sequence[Answer]) -> None:
        """Answer events that follow each other, from a place on."""
        self.answers[place : place + len(answers)] = answers
        self._count(len(answers))

    def _count(self, answered: int) -> None:
        with _counting:
            self.left -= answered
            left = self.left
        if left == 0:
            self.done(self.answers)  # type: ignore[arg-type]  # each has its answer by now


class Unfit:
    """What was wrong with an event, as an error that has been raised nowhere.

    One that was raised holds all that the calls had that it went through, the ticket that it is kept with among it.
    """

    def __init__(self, error: RecError) -> None:
        self._kind, self._args, self._more = type(error), error.args, vars(error)

    def error(self) -> RecError:
        """Return the error anew."""
        error = self._kind.__new__(self._kind, *self._args)
        vars(error).update(self._more)
        return error


class Ticket(msgspec.Struct, gc=False):
    """One event, and the place of its answer.

    `unfit` is what was wrong with it when it came; then `event` holds no more than its names. `origin` is what it came
    by, for others to be told and not its sender. (In no cycle, so the garbage collector need not look at it.)
    """

    submission: Submission
    index: int
    event: dict[str, Any]
    by: str | None = None
    origin: object = None
    kind: str = ""
    unfit: Unfit | None = None
    is_large: bool = False  # working on it takes longer than others should wait
    run: Run | None = None  # what it stands for, if that is more than this event

    @property
    def message_id(self) -> str:
        """The message that it is about."""
        return str(self.event.get("message_id"))

    @property
    def event_id(self) -> str | None:
        """The id that its sender gave it."""
        return self.event.get("event_id")

    @property
    def count(self) -> int:
        """How many events it stands for."""
        return 1 if self.run is None else len(self.run.events)

    @property
    def text(self) -> str:
        """What it appends, if it does."""
        return str(self.event["content_delta"]) if self.run is None else self.run.text

    def check(self) -> None:
        """Raise what was wrong with it when it came."""
        if self.unfit is not None:
            raise self.unfit.error()

    def singles(self) -> list[Ticket]:
        """Return a ticket for each event that it stands for."""
        return [self] if self.run is None else self.run.singles(self.by, self.origin)

    def answer(self, answer: Answer) -> None:
        """Answer it; it stands for one event."""
        self.submission.answer([(self.index, answer)])

    def fail(self, error: Exception) -> None:
        """Answer all that it stands for with an error."""
        for one in self.singles():
            one.answer(error_answer(error, one.event_id))


def is_large(event: dict[str, Any], limit: int) -> bool:
    """Tell whether an event is large; raises `EventTooLarge` for one over `limit` bytes."""
    size, most = 0, _LARGE_TEXT
    for value in event.values():
        if type(value) is str:
            size += len(value)
        elif type(value) in (dict, list):
            most = _LARGE_VALUES
    if size * _MOST_BYTES > limit or most == _LARGE_VALUES:  # how much it is takes a look
        size = len(encode(event))
        if size > limit:
            raise EventTooLarge(f"the event takes {size:,} bytes", limit)
    return size > most
