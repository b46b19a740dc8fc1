"""Appends to one message that follow each other, taken as one: most of what is streamed is just that.

Where anything about them is not as usual, they are taken one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from .. import protocol
from ..journal.dedupe import implied_id, implying_producer
from ..protocol import Ack, Answer
from .answers import Submission, Ticket
from .folded import utf8_bytes

KIND: Final = "message_append"
# What an event of a run takes at most, as JSON: with names and ids, nothing else is in it.
MOST_EVENT_BYTES: Final = 1 << 16
# Characters of a delta: no line of a run is large, or has a payload of its own.
_LONGEST: Final = 1 << 12
# As many as are taken in one go, between which others have their turn.
_MOST: Final = 256


class Share(msgspec.Struct, gc=False):
    """Which events of a run one submission has sent: from which of its own places on, and how many."""

    submission: Submission
    place: int
    size: int


class Line(msgspec.Struct, omit_defaults=True, gc=False):
    """An append as its journal has it."""

    seq: int
    at: int
    type: str
    message_id: str
    content_delta: str
    producer: str
    producer_seq: int
    event_id: str
    offset: int | UnsetType = UNSET
    by: str | UnsetType = UNSET


class Run:
    """At least two appends, numbered one after the other by one producer; `first` is the first one's number.

    `events` are as they came, `found` the same as structs; `event_ids` are those that they have, given or implied.
    """

    __slots__ = (
        "event_ids", "events", "first", "found", "message_id", "named", "offset", "producer", "shares", "size", "text",
    )  # fmt: skip

    def __init__(self, events: Sequence[dict[str, Any]], found: Sequence[Any], shares: Sequence[Share]) -> None:
        first = found[0]
        self.events, self.found, self.shares = events, found, shares
        self.message_id: str = first.message_id
        self.producer: str = first.producer
        self.first: int = first.producer_seq
        self.offset: int | UnsetType = first.offset
        self.named: list[str] = [one.event_id for one in found if one.event_id is not UNSET]  # all were given, or none
        self.event_ids = self.named or [implied_id(self.producer, one.producer_seq) for one in found]
        self.text = "".join([one.content_delta for one in found])
        self.size = utf8_bytes(self.text)

    def lines(self, seq: int, at: int, by: str | None) -> list[Line]:
        """Return the lines of a journal from number `seq` on, at Unix ms `at`."""
        said = UNSET if by is None else by
        message_id, producer = self.message_id, self.producer
        return [
            Line(seq, at, KIND, message_id, one.content_delta, producer, one.producer_seq, event_id, one.offset, said)
            for seq, (one, event_id) in enumerate(zip(self.found, self.event_ids, strict=True), seq)
        ]

    def acks(self, seq: int, durability: str) -> list[Answer]:
        """Return the answers to events that stand in the journal from number `seq` on."""
        status, session_id = protocol.STATUSES[KIND], self.found[0].session_id
        return [
            Ack(event_id=event_id, session_id=session_id, status=status, seq=seq, durability=durability)
            for seq, event_id in enumerate(self.event_ids, seq)
        ]

    def answer(self, answers: Sequence[Answer]) -> None:
        """Answer all events."""
        begin = 0
        for share in self.shares:
            share.submission.answer_run(share.place, answers[begin : begin + share.size])
            begin += share.size

    def singles(self, by: str | None, origin: object) -> list[Ticket]:
        """Return a ticket for each event."""
        places = [(one.submission, one.place + at) for one in self.shares for at in range(one.size)]
        return [
            Ticket(submission, index, event, by, origin, KIND)
            for (submission, index), event in zip(places, self.events, strict=True)
        ]


def tickets(events: Sequence[Any], shares: Sequence[Share], by: str | None, origin: object) -> list[Ticket] | None:
    """Return what stands for events that are nothing but one run; None if they are more than that."""
    found = protocol.usual_appends(events) if len(events) > 1 else None
    if found is None or not (_is_one(found) and _is_plain(found) and _fits(found)):
        return None
    made: list[Ticket] = []
    for begin in range(0, len(events), _MOST):
        part, end = shares if len(events) <= _MOST else _cut(shares, begin, _MOST), begin + _MOST
        run = Run(events[begin:end], found[begin:end], part) if len(events) - begin > 1 else None
        made.append(Ticket(part[0].submission, part[0].place, events[begin], by, origin, KIND, run=run))
    return made


def _is_one(found: Sequence[Any]) -> bool:
    """Tell whether they are one producer's, one after the other, and about one message."""
    first, count = found[0], len(found)
    number = first.producer_seq
    return (
        type(number) is int
        and [one.producer_seq for one in found] == list(range(number, number + count))
        and [one.message_id for one in found].count(first.message_id) == count
        and [one.session_id for one in found].count(first.session_id) == count
        and [one.producer for one in found].count(first.producer) == count
    )


def _is_plain(found: Sequence[Any]) -> bool:
    """Tell whether none is large, and all are named or none is; no name is like one that a number implies."""
    named = [one.event_id for one in found if one.event_id is not UNSET]
    return (
        max([len(one.content_delta) for one in found]) <= _LONGEST
        and len(named) in (0, len(found))
        and found[0].producer not in map(implying_producer, named)
    )


def _fits(found: Sequence[Any]) -> bool:
    """Tell whether each goes on where the one before ends, as far as they say."""
    offsets = [one.offset for one in found]
    if offsets[0] is UNSET:
        return offsets.count(UNSET) == len(offsets)
    sizes = [utf8_bytes(one.content_delta) for one in found[:-1]]
    return type(offsets[0]) is int and offsets == list(accumulate(sizes, initial=offsets[0]))


def _cut(shares: Sequence[Share], begin: int, count: int) -> list[Share]:
    """Return the shares of at most `count` events from `begin` on."""
    found, at = [], 0
    for share in shares:
        low, high = max(begin - at, 0), min(begin + count - at, share.size)
        if low < high:
            found.append(Share(share.submission, share.place + low, high - low))
        at += share.size
    return found
