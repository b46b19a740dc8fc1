"""What happens to an event on entry: checked, named, numbered, kept in the outbox; and what happens on its answer.

Safe to be called from any thread. Numbers belong to a producer, and each opening of an outbox is a producer of its own:
an outbox that lost its end by a loss of power, or that came back from a backup, can never give a number twice.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ..errors import OutboxFull, StorageError
from ..interrupts import shielded
from ..journal.codec import clean_text, decode, encode
from .backlog import Backlog, Entry, Lane
from .checks import checked
from .growing import Gathering, Lengths
from .lines import Event, done_line, event_line, joined_line, piece_line
from .outbox import Outbox

# A file with this much that was answered is written anew, if that is most of it.
_TIDY_BYTES: Final = 2**20
# Sessions whose numbers are remembered; those that have nothing in the outbox go first.
_SESSIONS: Final = 10_000

log = logging.getLogger("jupyter_recorder.client")


@dataclass
class _Count:
    """The numbers given in one session, and how it was started (None: not by this client)."""

    producer: str
    last: int = 0
    start: Event | None = None


@dataclass
class Waiter:
    """Somebody who waits until the first `upto` events given are answered; `done` is called then."""

    upto: int
    remaining: int
    done: Callable[[], None]


@dataclass
class Intake:
    """The one place where events enter and leave; `moved` is called after an entry, to wake whoever sends."""

    outbox: Outbox
    max_bytes: int
    moved: Callable[[], None]
    backlog: Backlog = field(default_factory=Backlog)
    lock: threading.RLock = field(default_factory=threading.RLock)
    acked: int = 0

    def __post_init__(self) -> None:
        self._producer = uuid.uuid4().hex
        self._counts: dict[str, _Count] = {}
        self._gathering: dict[str, Gathering] = {}
        self._lengths = Lengths()
        self._given = 0
        self._waiters: list[Waiter] = []
        self._load()

    @property
    def unacked(self) -> int:
        """How many events are not acknowledged; pieces that are in no event yet count as one."""
        return self.backlog.count + len(self._gathering)

    @property
    def producer(self) -> str:
        """Who numbers what is given now."""
        return self._producer

    def oldest(self) -> int:
        """Return the place (from 1, in the order of entry) of the oldest event that is not answered; 0: none."""
        with self.lock:
            return min((entry.order for entry in self.backlog.heads()), default=0)

    def newest(self) -> int:
        """Return the place of the event that was given last."""
        return self._given

    def due(self) -> float | None:
        """Return when the next pieces become an event, in monotonic seconds."""
        with self.lock:
            return min((one.due for one in self._gathering.values()), default=None)

    # -- entry

    def send(self, event: Event) -> str:
        """Take an event and return its `event_id`; from then on a kill of this process does not lose it.

        Raises `InvalidEvent` for what no server would take, `OutboxFull` and `StorageError` if it cannot be kept.
        """
        event = checked(event)
        with shielded(), self.lock:
            self._cut(event["session_id"])
            self._make_room()
            entry = self._keep(event, lambda entry, _: event_line(entry.data))
        self.moved()
        return entry.event_id

    def grow(self, session_id: str, message_id: str, text: str) -> None:
        """Take a piece of a message, to be sent within 100 ms together with what comes in the meantime."""
        text = clean_text(text)
        with shielded(), self.lock:
            gathering = self._gathering.get(session_id)
            if gathering is not None and gathering.message_id != message_id:
                self._cut(session_id)
                gathering = None
            if gathering is None:
                checked(_append(session_id, message_id, text))
                self._make_room()
                gathering = Gathering(session_id, message_id, time.monotonic())
            self.outbox.append(piece_line(session_id, message_id, text))
            gathering.add(text)
            self._gathering[session_id] = gathering
            wake = len(gathering.pieces) == 1 or not gathering.due
        if wake:
            self.moved()

    def cut(self, now: float) -> None:
        """Make events of the pieces that are due by `now` (monotonic seconds); raises `StorageError`."""
        with self.lock:
            for gathering in list(self._gathering.values()):
                if gathering.due <= now:
                    self._cut(gathering.session_id)

    # -- answers

    def settle(self, entry: Entry, *, acked: bool) -> None:
        """Drop an event that was answered for good; `note_done` tells the file, after a group of them."""
        with self.lock:
            self.backlog.settle(entry)
            self.acked += acked
            for waiter in [one for one in self._waiters if entry.order <= one.upto]:
                waiter.remaining -= 1
                if not waiter.remaining:
                    self._waiters.remove(waiter)
                    waiter.done()

    def note_done(self, entries: dict[str, Entry]) -> None:
        """Tell the file what was answered: the last event of each session. It is tidied when it pays.

        A file that cannot be written only means that answered events are sent once more at the next opening.
        """
        with self.lock:
            try:
                for entry in entries.values():
                    self.outbox.append(done_line(entry.session_id, entry.producer, entry.number))
                if self.outbox.size > _TIDY_BYTES + 2 * self.backlog.size:
                    self.outbox.rewrite(self._lines())
            except StorageError as error:
                log.warning("%s", error)

    def renumber(self, lane: Lane, *, restart: bool) -> bool:
        """Give a session's events to a new producer, numbered from 1; `restart` puts the session's own start before.

        For a server that lacks what it acknowledged (its recording was deleted, or it went back to a backup). False if
        `restart` is asked for and this client did not start the session, or its start is there already.
        """
        with self.lock:
            count = self._counts.get(lane.session_id)
            start = count.start if count else None
            events = [(decode(entry.data), entry) for entry in lane.entries]
            if not restart:
                self._replace(lane, start, events)
            elif start is None or events[0][0]["type"] in ("session_start", "session_snapshot"):
                return False
            else:
                first = Entry(lane.session_id, "", 0, "", b"", order=self._next_order())
                self._replace(lane, start, [({**start, "event_id": uuid.uuid4().hex}, first), *events])
        return True

    def reckon_no_more(self, lane: Lane, refused: Entry) -> None:
        """Send a message's appends without offsets, from a refused one on: the message is not as this client believed.

        Another program may be writing to it, or an earlier append was refused. Its text is kept, at the message's end.
        """
        with self.lock:
            message_id = decode(refused.data)["message_id"]
            self._lengths.forget(lane.session_id, message_id)
            events = [(decode(entry.data), entry) for entry in lane.entries]
            for event, entry in events:
                if entry.reckoned and event["message_id"] == message_id:
                    del event["offset"]
                    entry.reckoned = False
                if entry is refused:
                    event["event_id"] = uuid.uuid4().hex
            count = self._counts.get(lane.session_id)
            self._replace(lane, count.start if count else None, events)

    def forget_length(self, entry: Entry) -> None:
        """Give no offset for the message of a refused event any more: it is not as this client believes."""
        event = decode(entry.data)
        with self.lock:
            self._lengths.forget(entry.session_id, str(event.get("message_id")))

    def wait(self, done: Callable[[], None]) -> Waiter | None:
        """Have `done` called once all that was given until now is answered for good; None: it was called at once."""
        with self.lock:
            self.cut(math.inf)
            if not self.backlog.count:
                done()
                return None
            waiter = Waiter(self._given, self.backlog.count, done)
            self._waiters.append(waiter)
        self.moved()
        return waiter

    def wait_no_more(self, waiter: Waiter) -> None:
        """Forget who waited."""
        with self.lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    # -- within the lock

    def _load(self) -> None:
        kept = self.outbox.kept
        for events in kept.events.values():
            for event in events:
                self._accept(_entry(event, encode(event)), event)
        for (session_id, message_id), pieces in kept.pieces.items():
            self._accept(*self._numbered(self._with_offset(_append(session_id, message_id, "".join(pieces)))))
        self.outbox.rewrite(self._lines())

    def _cut(self, session_id: str) -> None:
        gathering = self._gathering.get(session_id)
        if gathering is None:
            return
        event = self._with_offset(_append(session_id, gathering.message_id, "".join(gathering.pieces)))
        self._keep(event, lambda _, event: joined_line(event)).reckoned = "offset" in event
        del self._gathering[session_id]

    def _keep(self, event: Event, line: Callable[[Entry, Event], bytes]) -> Entry:
        entry, event = self._numbered(event)
        try:
            self.outbox.append(line(entry, event))
        except BaseException:  # its number is the next one's
            self._counts[event["session_id"]].last -= 1
            raise
        self._accept(entry, event)
        return entry

    def _with_offset(self, event: Event) -> Event:
        length = self._lengths.of(event["session_id"], event["message_id"])
        return event if length is None else {**event, "offset": length}

    def _replace(self, lane: Lane, start: Event | None, events: list[tuple[Event, Entry]]) -> None:
        """Give events to a new producer; each comes with the entry whose place it takes."""
        self._counts[lane.session_id] = _Count(uuid.uuid4().hex, 0, start)
        entries = []
        for event, old in events:
            entry = self._numbered(event)[0]
            entry.order, entry.reckoned = old.order, old.reckoned
            entries.append(entry)
        self.backlog.replace(lane, entries)
        self.outbox.rewrite(self._lines())

    def _make_room(self) -> None:
        if self.backlog.size > self.max_bytes:
            raise OutboxFull(str(self.outbox.folder), self.max_bytes)

    def _numbered(self, event: Event) -> tuple[Entry, Event]:
        count = self._counts.get(event["session_id"])
        if count is None:
            self._forget_idle()
            count = self._counts[event["session_id"]] = _Count(self._producer)
        event = {
            **event,
            "event_id": event.get("event_id") or uuid.uuid4().hex,
            "producer": count.producer,
            "producer_seq": count.last + 1,
        }
        data = encode(event)
        count.last += 1
        return _entry(event, data), event

    def _forget_idle(self) -> None:
        """Forget sessions that have nothing to be sent; what they say next is another producer's."""
        if len(self._counts) >= _SESSIONS:
            self._counts = {key: one for key, one in self._counts.items() if self.backlog.lane(key)}
            self._producer = uuid.uuid4().hex

    def _accept(self, entry: Entry, event: Event) -> None:
        entry.order = self._next_order()
        self._lengths.note(event)
        if event["type"] == "session_start" and (count := self._counts.get(entry.session_id)):
            count.start = event
        self.backlog.add(entry)

    def _next_order(self) -> int:
        self._given += 1
        return self._given

    def _lines(self) -> Iterator[bytes]:
        for entry in self.backlog:
            yield event_line(entry.data)
        for gathering in self._gathering.values():
            yield piece_line(gathering.session_id, gathering.message_id, "".join(gathering.pieces))


def _entry(event: Event, data: bytes) -> Entry:
    return Entry(event["session_id"], event["producer"], event["producer_seq"], event["event_id"], data)


def _append(session_id: str, message_id: str, text: str) -> Event:
    return {"type": "message_append", "session_id": session_id, "message_id": message_id, "content_delta": text}
