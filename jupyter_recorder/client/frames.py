"""What is in flight, and what the answers to it mean: events leave the outbox, rest, or are numbered anew."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ..errors import StorageError
from .answers import Verdict, verdict
from .backlog import Entry, Lane
from .intake import Intake

# What may be in flight; a frame has at most so much of it.
WINDOW_EVENTS: Final = 1000
FRAME_EVENTS: Final = 250
FRAME_BYTES: Final = 2**20
_FIRST_DELAY: Final = 0.1
_LAST_DELAY: Final = 5.0
_NO_ANSWER: Final = {"type": "error", "code": "persist_failed", "message": "the server gave no answer"}
_TOO_LARGE: Final = {"type": "error", "code": "too_large", "message": "the event is over the server's limit"}


@dataclass
class Reports:
    """Who hears of what: a refused event with its answer; a problem and where (a session's id, or ""); all is safe."""

    refused: Callable[[dict[str, Any], dict[str, Any]], None]
    problem: Callable[[str, str], None]
    solved: Callable[[str], None]
    safe: Callable[[], None]


@dataclass
class Frame:
    """One frame in flight: its events in order, and when it was sent (monotonic seconds)."""

    number: int
    entries: list[Entry]
    sent: float

    @property
    def data(self) -> bytes:
        """Its events as JSON, with commas between them."""
        return b",".join([entry.data for entry in self.entries])


class Frames:
    """The frames in flight; `beats` are sessions (None: none) whose heartbeat goes with the next one."""

    def __init__(self, intake: Intake, reports: Reports) -> None:
        self._intake, self._reports = intake, reports
        self._frames: deque[Frame] = deque()
        self._number = 0
        self._careful = False  # a message was too large: one event at a time
        self.beats: deque[str | None] = deque(maxlen=100)

    def oldest(self) -> Frame | None:
        """Return the frame whose answer comes next."""
        return self._frames[0] if self._frames else None

    def take(self) -> Frame | None:
        """Put what may be sent now in flight; None if there is nothing, or enough is in flight."""
        now = time.monotonic()
        room = WINDOW_EVENTS - sum(len(frame.entries) for frame in self._frames)
        if self._careful:
            room = 0 if self._frames else 1
        with self._intake.lock:
            self._cut(now)
            self._intake.backlog.wake(now)
            if room <= 0:
                return None
            self._number += 1
            entries = [_beat(self.beats.popleft()) for _ in range(len(self.beats))]
            entries += self._intake.backlog.take(self._number, min(room, FRAME_EVENTS), FRAME_BYTES)
        if not entries:
            return None
        self._frames.append(Frame(self._number, entries, now))
        return self._frames[-1]

    def answered(self, answers: list[Any]) -> bool:
        """Judge the oldest frame by its answers; returns whether anything was answered for good."""
        frame = self._frames.popleft()
        done: dict[str, Entry] = {}
        for entry, answer in _pairs(frame, answers):
            if entry.number and entry.frame == frame.number:  # else a heartbeat, or taken back in the meantime
                self._judge(entry, answer, done)
        if done:
            self._intake.note_done(done)
            if not self._intake.unacked:
                self._reports.safe()
        return bool(done)

    def take_back(self) -> None:
        """Have nothing in flight any more: all of it is sent again."""
        self._frames.clear()
        with self._intake.lock:
            self._intake.backlog.rewind()

    def too_large(self) -> None:
        """Send one event at a time from now on; one that was too large by itself is refused."""
        entries = [entry for frame in self._frames for entry in frame.entries if entry.number]
        if self._careful and len(entries) == 1:
            self._refuse_unsent(entries[0])
        self._careful = True

    def compare(self, producer: str, committed: dict[str, Any]) -> None:
        """Find the sessions of which the server lacks what it acknowledged, by what a `welcome` says."""
        with self._intake.lock:
            for session_id, number in committed.items():
                lane = self._intake.backlog.lane(session_id)
                head = lane.entries[0] if lane else None
                if lane and head and head.producer == producer and isinstance(number, int) and number < head.number - 1:
                    self._missing(lane)

    # -- judging

    def _judge(self, entry: Entry, answer: dict[str, Any], done: dict[str, Entry]) -> None:
        with self._intake.lock:
            lane = self._intake.backlog.lane(entry.session_id)
            if lane is None or lane.entries[0] is not entry:
                return  # a server that answers out of order: what is not settled is sent again
            what = verdict(answer)
            if entry.reckoned and answer.get("code") == "offset_mismatch":
                self._reports.problem(
                    lane.session_id, "a message is not as this client believed; the rest is appended at its end"
                )
                self._insist(lane, lambda: self._intake.reckon_no_more(lane, entry))
            elif what in (Verdict.SAFE, Verdict.REFUSED):
                done[entry.session_id] = entry
                self._settle(entry, None if what is Verdict.SAFE else answer)
            elif what is Verdict.MISSING:
                self._missing(lane)
            elif not (what is Verdict.NO_SESSION and self._renumber(lane, restart=True)):
                self._reports.problem(entry.session_id, f"{answer.get('code')}: {answer.get('message')}")
                self._intake.backlog.rest(lane, time.monotonic() + backoff(lane.failures))

    def _settle(self, entry: Entry, refusal: dict[str, Any] | None) -> None:
        if refusal is not None:
            self._intake.forget_length(entry)
            self._reports.refused(msgspec.json.decode(entry.data), refusal)
        self._reports.solved(entry.session_id)
        self._careful = False
        self._intake.settle(entry, acked=refusal is None)

    def _missing(self, lane: Lane) -> None:
        self._reports.problem(
            lane.session_id,
            "the server lacks events that it had acknowledged (was it set back to a backup?); the recording goes on "
            "with what is in the outbox",
        )
        self._renumber(lane, restart=False)

    def _renumber(self, lane: Lane, *, restart: bool) -> bool:
        return self._insist(lane, lambda: self._intake.renumber(lane, restart=restart))

    def _insist(self, lane: Lane, change: Callable[[], object]) -> bool:
        """Change the outbox; if this machine's disk refuses, let the lane rest."""
        try:
            return change() is not False
        except StorageError as error:
            self._reports.problem(lane.session_id, str(error))
            self._intake.backlog.rest(lane, time.monotonic() + _LAST_DELAY)
            return True

    def _refuse_unsent(self, entry: Entry) -> None:
        with self._intake.lock:
            lane = self._intake.backlog.lane(entry.session_id)
            if lane is None or lane.entries[0] is not entry:
                return
            self._settle(entry, _TOO_LARGE)
            if rest := self._intake.backlog.lane(entry.session_id):
                self._renumber(rest, restart=False)  # the server knows nothing of the number that was dropped

    def _cut(self, now: float) -> None:
        try:
            self._intake.cut(now)
        except StorageError as error:
            self._reports.problem("", str(error))


def backoff(failures: int) -> float:
    """Return a delay in seconds: doubled each time, up to five, and a little at random so that clients spread."""
    delay: float = min(_LAST_DELAY, _FIRST_DELAY * 2.0 ** min(failures, 10))
    return delay * (0.5 + random.random() / 2)  # noqa: S311  # no secret


def _beat(session_id: str | None) -> Entry:
    event: dict[str, Any] = {"type": "heartbeat", "timestamp": time.time_ns() // 1_000_000}
    if session_id is not None:
        event["session_id"] = session_id
    return Entry("", "", 0, "", msgspec.json.encode(event))


def _pairs(frame: Frame, answers: list[Any]) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """Yield each event with its answer; one without an answer is an event to be sent again."""
    for number, entry in enumerate(frame.entries):
        answer = answers[number] if number < len(answers) else _NO_ANSWER
        yield entry, answer if isinstance(answer, dict) else _NO_ANSWER
