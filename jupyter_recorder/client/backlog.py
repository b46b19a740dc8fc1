"""What is not yet acknowledged, in memory: a lane for each session, in order; pure.

A lane's events are sent in order, and answered in order. What is kept after an error is sent again from the lane's
head on, since the server accepts no number before the one below it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice


@dataclass(slots=True, eq=False)
class Entry:
    """One event: `data` is its JSON as it is sent, `order` its place among all; `frame` 0: not in flight.

    `reckoned` says that its offset is this client's own reckoning, which may be given up.
    """

    session_id: str
    producer: str
    number: int
    event_id: str
    data: bytes
    order: int = 0
    frame: int = 0
    reckoned: bool = False


@dataclass(slots=True)
class Lane:
    """One session's events that are not acknowledged; the first `flying` ones are in flight."""

    session_id: str
    entries: deque[Entry] = field(default_factory=deque)
    flying: int = 0
    failures: int = 0
    retry_at: float | None = None

    def sendable(self) -> Iterator[Entry]:
        """Yield what may be sent now: of one producer at a time, since numbers order nothing between two."""
        if self.retry_at is None and self.entries:
            producer = self.entries[0].producer
            for entry in islice(self.entries, self.flying, None):
                if entry.producer != producer:
                    return
                yield entry

    def rewind(self) -> None:
        """Take back what is in flight, to be sent again."""
        for entry in islice(self.entries, self.flying):
            entry.frame = 0
        self.flying = 0


class Backlog:
    """All lanes; `count` events of `size` bytes."""

    def __init__(self) -> None:
        self.count = 0
        self.size = 0
        self._lanes: dict[str, Lane] = {}
        self._ready: dict[str, Lane] = {}
        self._resting: dict[str, Lane] = {}

    def __iter__(self) -> Iterator[Entry]:
        for lane in self._lanes.values():
            yield from lane.entries

    def heads(self) -> Iterator[Entry]:
        """Yield the oldest event of each session."""
        for lane in self._lanes.values():
            yield lane.entries[0]

    def lane(self, session_id: str) -> Lane | None:
        """Return the lane of a session that has events; None for any other."""
        return self._lanes.get(session_id)

    def producers(self) -> dict[str, list[str]]:
        """Return the producer of each lane's head, with its sessions."""
        found: dict[str, list[str]] = {}
        for head in self.heads():
            found.setdefault(head.producer, []).append(head.session_id)
        return found

    def add(self, entry: Entry) -> None:
        """Put an event at the end of its lane."""
        lane = self._lanes.get(entry.session_id)
        if lane is None:
            lane = self._lanes[entry.session_id] = Lane(entry.session_id)
        lane.entries.append(entry)
        self.count += 1
        self.size += len(entry.data)
        if lane.retry_at is None:
            self._ready[lane.session_id] = lane

    def take(self, frame: int, events: int, size: int) -> list[Entry]:
        """Mark as in flight what may be sent now, at most so many events and (but for a first one) bytes."""
        taken: list[Entry] = []
        while self._ready and len(taken) < events and size > 0:
            session_id, lane = next(iter(self._ready.items()))
            del self._ready[session_id]
            for entry in lane.sendable():
                if len(taken) >= events or (taken and len(entry.data) > size):
                    self._ready[session_id] = lane  # at the end: the others' turn comes first
                    size = 0
                    break
                entry.frame = frame
                size -= len(entry.data)
                taken.append(entry)
                lane.flying += 1
        return taken

    def settle(self, entry: Entry) -> None:
        """Drop the head of a lane, which was answered for good."""
        lane = self._lanes[entry.session_id]
        lane.entries.popleft()
        lane.flying -= 1
        lane.failures = 0
        self.count -= 1
        self.size -= len(entry.data)
        if not lane.entries:
            self._forget(lane.session_id)
        elif lane.entries[0].producer != entry.producer:
            self._ready[lane.session_id] = lane

    def rest(self, lane: Lane, until: float) -> None:
        """Send nothing of a lane before `until` (monotonic seconds), and then from its head on."""
        lane.rewind()
        lane.failures += 1
        lane.retry_at = until
        self._ready.pop(lane.session_id, None)
        self._resting[lane.session_id] = lane

    def wake(self, now: float) -> None:
        """Let lanes go on whose time has come."""
        for session_id, lane in list(self._resting.items()):
            if lane.retry_at is None or lane.retry_at <= now:
                lane.retry_at = None
                del self._resting[session_id]
                self._ready[session_id] = lane

    def due(self) -> float | None:
        """Return when the next resting lane goes on, in monotonic seconds."""
        return min((lane.retry_at for lane in self._resting.values() if lane.retry_at is not None), default=None)

    def rewind(self) -> None:
        """Take back all that is in flight: the connection is gone."""
        for lane in self._lanes.values():
            lane.rewind()
            if lane.retry_at is None:
                self._ready[lane.session_id] = lane

    def replace(self, lane: Lane, entries: list[Entry]) -> None:
        """Put other events in the place of a lane's, to be sent at once."""
        self.count += len(entries) - len(lane.entries)
        self.size += sum(len(one.data) for one in entries) - sum(len(one.data) for one in lane.entries)
        lane.rewind()
        lane.entries = deque(entries)
        lane.retry_at = None
        self._resting.pop(lane.session_id, None)
        if entries:
            self._ready[lane.session_id] = lane
        else:
            self._forget(lane.session_id)

    def _forget(self, session_id: str) -> None:
        for lanes in (self._lanes, self._ready, self._resting):
            lanes.pop(session_id, None)
