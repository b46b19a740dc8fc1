"""Which events a recording has already: exact, derived from its journal, without a time window.

In memory stand, for each open recording, a fingerprint of each `event_id` (24 bytes) and, for each producer, which of
its numbers are which of ours: they run side by side, so one pair says it for a whole run. Both are hints: a hit is held
against the journal's own line. They are taken from the journal when a recording is opened.

The content of an event is its JSON with sorted keys, without the fields in `OUTSIDE`. A line whose text was redacted
carries in `raw` the keyed hash of what was sent, and `raw_bytes`.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, overload

import msgspec

from ..errors import EventConflict, EventRefused, InvalidEvent, SequenceGap
from .blobs import join_payloads
from .codec import decode, encode
from .find import find_event
from .fingerprints import Fingerprints

HASH_BYTES: Final = 16
OUTSIDE: Final = frozenset(
    ("event_id", "producer", "producer_seq", "session_id", "seq", "at", "by", "raw", "raw_bytes")
)
_sorted: Final = msgspec.json.Encoder(order="sorted")


class Dedupe:
    """What the recording in `folder` has; `key` is its `dedupe.key`. Not safe to be called by two threads at once."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder, self._key = folder, key
        self._ids = Fingerprints()
        self._producers: dict[str, _Numbers] = {}

    def add(self, seq: int, event: Mapping[str, Any]) -> None:
        """Take in the event that stands in the journal as number `seq`; called for every event, in order."""
        producer, number = _producer_of(event)
        if producer is not None:
            numbers = self._producers.get(producer)
            if numbers is None:
                numbers = self._producers[producer] = _Numbers()
            numbers.add(number, seq)
        event_id = event.get("event_id")
        if isinstance(event_id, str) and event_id != implied_id(producer, number):
            self._ids.add(event_id, seq)

    def add_run(self, seq: int, producer: str, number: int, count: int, named: Sequence[str] = ()) -> None:
        """Take in `count` events of a producer, its numbers from `number` on, in the journal from `seq` on.

        `named` are the ids that they were given: none, or one for each, like none that a number implies.
        """
        numbers = self._producers.setdefault(producer, _Numbers())
        numbers.add(number, seq)
        numbers.last = number + count - 1
        for at, event_id in enumerate(named, seq):
            self._ids.add(event_id, at)

    def is_new_run(self, producer: str, number: int, named: Sequence[str] = (), ahead: int = 0) -> bool:
        """Tell whether events, numbered from `number` on, are surely new and the producer's next; see `suspects`."""
        if number != self.committed(producer) + ahead + 1 or len(set(named)) < len(named):
            return False
        return not any(self._ids.find(one) or self._implied(one, (None, 0)) for one in named)

    def committed(self, producer: str, up_to: int | None = None) -> int:
        """Return the highest number of `producer` that is used up (0: none), in the journal up to number `up_to`."""
        numbers = self._producers.get(producer)
        if numbers is None:
            return 0
        return numbers.last if up_to is None else numbers.last_up_to(up_to)

    def suspects(self, event: Mapping[str, Any], ahead: int = 0) -> list[int]:
        """Return the numbers as which this event may be recorded already; none: it is surely new.

        `ahead` of its producer's numbers are taken and not added yet. Reads no disk. Raises `SequenceGap` for a number
        above the next one.
        """
        found: list[int] = []
        producer, number = _producer_of(event)
        if producer is not None:
            expected = self.committed(producer) + ahead + 1
            if number > expected:
                raise SequenceGap(producer, number, expected)
            if number < expected - ahead:
                found = self._producers[producer].find(number)
            elif number < expected:
                found = [0]  # one of those that are taken: the answer must wait until it stands in the journal
        event_id = event.get("event_id")
        if isinstance(event_id, str):
            found += self._ids.find(event_id)
            found += self._implied(event_id, (producer, number))
        return found

    def check(self, event: Mapping[str, Any], suspects: list[int]) -> int | None:
        """Return the number as which exactly this event is recorded, or None if it is new; all suspects are readable.

        Raises `EventConflict` for the same id or producer number with other content, `EventRefused` for a number that
        a refused event has used up, and `OSError`.
        """
        found: list[int] = []
        refused: EventRefused | None = None
        for seq in sorted(set(suspects)):
            line = find_event(self._folder, seq)
            words = None if line is None else _shared_name(event, line)
            if line is None or words is None:  # another name with its fingerprint
                continue
            if line["type"] == "refused":
                refused = refused or EventRefused(words, str(line.get("code", "")), seq)
            elif not self.is_same(event, line):
                raise EventConflict(words, seq)
            else:
                found.append(seq)
        if refused is not None and not found:
            raise refused
        return found[0] if found else None

    def is_same(self, event: Mapping[str, Any], line: Mapping[str, Any]) -> bool:
        """Tell whether a journal's line is what became of `event`."""
        raw = line.get("raw")
        if isinstance(raw, str):
            return raw == self.content_hash(event)
        return _canonical(event) == _canonical(join_payloads(self._folder, dict(line)))

    def content_hash(self, event: Mapping[str, Any]) -> str:
        """Return the keyed hash of an event's content, as `raw` holds it for a redacted line."""
        return hashlib.blake2b(_canonical(event), key=self._key, person=b"c", digest_size=HASH_BYTES).hexdigest()

    def _implied(self, event_id: str, own: tuple[str | None, int]) -> list[int]:
        producer, colon, number = event_id.rpartition(":")
        numbers = self._producers.get(producer) if colon and number.isdecimal() and len(number) < 16 else None
        if numbers is None or (producer, int(number)) == own or implied_id(producer, int(number)) != event_id:
            return []
        return numbers.find(int(number))


@overload
def implied_id(producer: str, number: int) -> str: ...
@overload
def implied_id(producer: str | None, number: int) -> str | None: ...
def implied_id(producer: str | None, number: int) -> str | None:
    """Return the `event_id` that an event of a producer has if it names none: nothing need be kept to know it again."""
    return None if producer is None else f"{producer}:{number}"


def implying_producer(event_id: str) -> str:
    """Return the producer of which a number would imply this id; one with another name has no number that does."""
    return event_id.rpartition(":")[0]


class _Numbers:
    """One producer's numbers, from 1, and ours: pairs where a run of both begins."""

    def __init__(self) -> None:
        self.last = 0
        self._theirs, self._ours = array("Q"), array("Q")

    def add(self, number: int, seq: int) -> None:
        if not self.last < number < 1 << 63:  # only damage or a foreign journal has that
            return
        if not self._theirs or seq - self._ours[-1] != number - self._theirs[-1]:
            self._theirs.append(number)
            self._ours.append(seq)
        self.last = number

    def last_up_to(self, seq: int) -> int:
        run = bisect_right(self._ours, seq) - 1
        if run < 0:
            return 0
        end = self._theirs[run + 1] - 1 if run + 1 < len(self._theirs) else self.last
        return min(end, self._theirs[run] + seq - self._ours[run])

    def find(self, number: int) -> list[int]:
        run = bisect_right(self._theirs, number) - 1
        return [] if run < 0 or number > self.last else [self._ours[run] + number - self._theirs[run]]


def _shared_name(event: Mapping[str, Any], line: Mapping[str, Any]) -> str | None:
    """Return in words which name both have; None if they have none in common."""
    producer, number = _producer_of(event)
    if producer is not None and (producer, number) == _producer_of(line):
        return f"number {number} of producer {producer!r}"
    event_id = event.get("event_id")
    if isinstance(event_id, str) and event_id in (line.get("event_id"), implied_id(*_producer_of(line))):
        return f"event {event_id!r}"
    return None


def _producer_of(event: Mapping[str, Any]) -> tuple[str | None, int]:
    producer = event.get("producer")
    if producer is None:  # the usual case
        return None, 0
    number = event.get("producer_seq")
    if not isinstance(producer, str) or type(number) is not int:
        return None, 0
    if number < 1:
        raise InvalidEvent(f"producer numbers count from 1, not {number}")
    return producer, number


def _canonical(event: Mapping[str, Any]) -> bytes:
    inside = {key: value for key, value in event.items() if key not in OUTSIDE}
    try:
        return _sorted.encode(inside)
    except (TypeError, ValueError, OverflowError):  # what the journal itself writes in another form
        return _sorted.encode(decode(encode(inside)))
