"""One session: a queue of its events, and who decides what a disk has to be asked for."""

from __future__ import annotations

import contextlib
import errno
import logging
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, cast

from .. import protocol
from ..errors import (
    EventConflict,
    EventRefused,
    PersistFailed,
    RecError,
    RecordingNotFound,
    SequenceGap,
    SessionNotFound,
    StorageError,
)
from ..files import storage_errors
from ..ids import check_name, session_folder_id, slug
from ..journal.dedupe import implied_id
from ..library.create import read_key
from ..library.manifest import SERVER_STOPPED, TIMED_OUT, State
from ..library.recording import Recording
from ..protocol import Ack
from ..recorder import Recorder
from .answers import Ticket
from .folded import Folded
from .inbox import AT_ONCE, Inbox
from .opened import Means, Opened
from .waiting import Waiter

if TYPE_CHECKING:
    from .service import RecordingService

log = logging.getLogger(__name__)

# How long a repeat waits for its first to be on the disk.
_PATIENCE_SECONDS: Final = 2.0
_DUPLICATE: Final = "duplicate"
# Only these can be a repeat of what another number brought.
_MAY_REPEAT: Final = frozenset(("message_add", "message_append"))
# Lines that no client has caused: a session of nothing else has not begun.
_OF_THE_SERVER: Final = frozenset(("resume", "gap", "clock"))

# Orders stand in the queue among the events.
SETTLE: Final = "\0settle"
EXPIRE: Final = "\0expire"
STOP: Final = "\0stop"
_ORDERS: Final = frozenset((SETTLE, EXPIRE, STOP))


class Session:
    """The session `session_id`; all of its state but the queue belongs to whoever drains that."""

    def __init__(self, service: RecordingService, session_id: str) -> None:
        self.id = session_id
        self._service = service
        self._inbox = Inbox()
        self._opened: Opened | None = None
        self._recording: Recording | None = None
        self._folded: Folded | None = None
        self._failure: RecError | None = None
        self.last_activity = time.time()
        self.last_used = time.monotonic()

    # -- how it stands

    @property
    def recording_id(self) -> str:
        """The id of its recording."""
        return session_folder_id(self.id)

    @property
    def recorder(self) -> Recorder | None:
        """Its open recording (None: it has none at present)."""
        return None if self._opened is None else self._opened.recorder

    @property
    def folded(self) -> Folded | None:
        """What is known of its messages, if it was read."""
        return self._folded

    @property
    def unsynced(self) -> int:
        """How many of its events are not on the disk yet."""
        opened = self._opened
        return 0 if opened is None else opened.held_count + opened.recorder.seq - opened.recorder.safe_seq()

    def committed(self, producer: str) -> int:
        """Return up to which of its numbers a producer's events are safe."""
        opened = self._opened
        if opened is None:
            return 0
        opened.recorder.wait_for(opened.recorder.seq, _PATIENCE_SECONDS)
        return opened.folded.dedupe.committed(producer, up_to=opened.recorder.safe_seq())

    def park(self) -> bool:
        """Close the journal's descriptor until the next event; False if one is under way."""
        return self._opened is None or self._opened.recorder.park()

    # -- the queue

    def take(self, tickets: Iterable[Ticket]) -> bool:
        """Queue events and work on them as far as that needs no disk; false if this session was let go meanwhile."""
        is_mine = self._inbox.put(tickets)
        if is_mine:
            self._drain(may_wait=False)
        return is_mine is not None

    def _drain(self, *, may_wait: bool) -> None:
        taken = 0
        while batch := self._inbox.take(self._is_done):
            taken += sum([ticket.count for ticket in batch])
            rest = self._work(batch, may_wait)
            if rest or (taken >= AT_ONCE and not may_wait):
                self._inbox.put_back(rest)
                self._service.call(lambda: self._drain(may_wait=True))
                return

    def _is_done(self) -> bool:
        """Let a session with nothing open go."""
        if self._opened is not None:
            return False
        self._service.let_go(self)
        return True

    def _work(self, batch: list[Ticket], may_wait: bool) -> list[Ticket]:
        """Work on events in their order; return those that are left since the first is one to wait for."""
        at = 0
        while at < len(batch):
            end = len(batch) if may_wait else _first_large(batch, at)
            at += self._quick(batch[at:end]) if at < end else 0
            if at < len(batch) and batch[at].run is not None:
                batch[at : at + 1] = batch[at].singles()
            elif at < len(batch):
                if not may_wait:
                    return batch[at:]
                self._slow(batch[at])
                at += 1
        return []

    # -- what needs no disk

    def _quick(self, batch: list[Ticket]) -> int:
        """Journal events as long as that needs no look at the disk; return how many were dealt with."""
        opened = self._opened
        if opened is None:
            return 0
        if not opened.recorder.active:
            self._lost(opened)
            return 0
        if batch[0].kind in _ORDERS:
            if batch[0].kind != SETTLE:
                return 0
            opened.settle_held()
            return 1
        events = batch if all(ticket.kind not in _ORDERS for ticket in batch) else batch[: _first_order(batch)]
        try:
            done = opened.take(events)
        except RecError as error:  # it ended just now
            log.debug("%s", error)
            return 0
        self.last_activity, self.last_used = time.time(), time.monotonic()
        if opened.recorder.error is not None:
            self.settle()
        self._service.used(self)
        return done

    def settle(self) -> None:
        """Answer what is safe, and tell of it: called from any thread."""
        opened = self._opened
        if opened is None:
            return
        if opened.recorder.is_lost:  # nothing is acked any more: it is let go in the session's turn
            self._settle_later()
            return
        safe, new = opened.settle()
        self._service.progressed(self, safe, new)
        failure = opened.recorder.error
        if failure is not self._failure:
            self._failure = failure
            self._service.health_changed(self, failure)

    # -- what may need the disk

    def _slow(self, ticket: Ticket) -> None:
        try:
            if ticket.kind in _ORDERS:
                self._obey(ticket.kind)
            else:
                self._decide(ticket)
        except Exception as error:  # noqa: BLE001  # whatever it was: it is this event's answer, and the next one's turn
            self._refuse(ticket, error)

    def _refuse(self, ticket: Ticket, error: Exception) -> None:
        if self._opened is None and self._takes_number(ticket, error):
            try:
                self._open(ticket)
            except Exception as failure:  # noqa: BLE001  # then it is still to be used up: it is to be sent again
                error = failure
        if self._opened is not None:
            self._opened.refuse(ticket, error)
            return
        if not isinstance(error, RecError):
            log.error("session %r: an event could not be recorded", self.id, exc_info=error)
        ticket.fail(error)

    def _takes_number(self, ticket: Ticket, error: Exception) -> bool:
        """Tell whether a refusal uses up its producer's next number, which takes a line in the journal."""
        if isinstance(error, EventRefused) or protocol.code_of(error) not in protocol.FINAL_CODES:
            return False
        producer, number = ticket.event.get("producer"), ticket.event.get("producer_seq")
        if producer is None:
            return False
        return number == (0 if self._folded is None else self._folded.dedupe.committed(producer)) + 1

    def _decide(self, ticket: Ticket) -> None:
        if self._opened is not None:
            self._opened.settle_held()
        folded = self._folded or self._load(ticket)
        seq = None if folded is None else self._repeated(ticket, folded)
        if seq is not None:
            if ticket.kind != "session_end" or self._finish_end(ticket, seq):
                self._answer_repeat(ticket, seq)
            return
        ticket.check()
        opened = self._opened or self._open(ticket)
        if ticket.kind == "session_end":
            self._end_session(ticket, opened)
            return
        opened.put_one(ticket)
        self._service.used(self)

    def _obey(self, order: str) -> None:
        if self._opened is None:
            return
        self._opened.settle_held()
        if order != SETTLE:
            self._end("interrupted", TIMED_OUT if order == EXPIRE else SERVER_STOPPED)

    # -- repeats

    def _load(self, ticket: Ticket) -> Folded | None:
        """Read what is recorded of the session; None if there is nothing and the event begins it."""
        try:
            recording = self._service.library.find_session(self.id)
        except RecordingNotFound:
            ticket.check()
            if ticket.kind not in protocol.BEGINS_SESSION:
                raise SessionNotFound(self.id) from None
            _check_first(ticket)
            return None
        self._recording = recording
        folded = Folded(recording.path, read_key(recording.path), self.id)
        begun = False
        for line in recording.events():
            folded.take_in(line)
            begun = begun or line.get("type") not in _OF_THE_SERVER
        if not begun and ticket.kind not in protocol.BEGINS_SESSION:  # its maker died before its first event was there
            raise SessionNotFound(self.id)
        self._folded = folded
        return folded

    def _repeated(self, ticket: Ticket, folded: Folded) -> int | None:
        """Return the number of the line that this event repeats; None if it is new."""
        seq, used_up = self._recorded_as(ticket, folded)
        if seq is not None or ticket.unfit is not None:
            return seq
        if ticket.kind == "session_end":
            return folded.end_seq if self._is_over(folded) and "producer" not in ticket.event else None
        if folded.is_old(ticket.event):
            with self._readable(folded, folded.last_seq):
                folded.recall(ticket.event)
        if folded.check(ticket.event):
            if used_up is not None and ticket.kind not in _MAY_REPEAT:
                producer, number = ticket.event["producer"], ticket.event["producer_seq"]
                raise EventConflict(f"number {number} of producer {producer!r}", used_up)
            return used_up
        with self._readable(folded, folded.last_seq):
            return folded.compare(ticket.event)

    def _recorded_as(self, ticket: Ticket, folded: Folded) -> tuple[int | None, int | None]:
        """Return as which line the event is recorded, and which one used up its number as a repeat of another."""
        suspects = folded.dedupe.suspects(ticket.event)
        if not suspects:
            return None, None
        try:
            with self._readable(folded, max(suspects)):
                return folded.dedupe.check(ticket.event, suspects), None
        except EventRefused as error:
            if error.refused_as != _DUPLICATE:
                raise
            return None, error.seq

    def _is_over(self, folded: Folded) -> bool:
        """Tell whether it ended in order and nothing has come since."""
        recording = self._recording
        return self._opened is None and folded.over and recording is not None and recording.state == "completed"

    @contextlib.contextmanager
    def _readable(self, folded: Folded, seq: int) -> Iterator[None]:
        """Read the journal in this block, with the line `seq` and all before it on the disk."""
        if self._opened is None:
            if self._recording is not None:
                self._service.make_safe(self._recording)
        elif not self._opened.recorder.wait_for(min(seq, self._opened.recorder.seq), _PATIENCE_SECONDS):
            raise PersistFailed(f"session {self.id!r}: not on the disk yet; resend it with the same event_id")
        with storage_errors(f"session {self.id!r} can't be read", folded.folder):
            yield

    def _answer_repeat(self, ticket: Ticket, seq: int) -> None:
        folded = self._folded
        producer, number = ticket.event.get("producer"), ticket.event.get("producer_seq", 0)
        if self._opened is None and folded is not None and producer is not None:
            is_next = number == folded.dedupe.committed(producer) + 1
            if is_next:  # it is still to be used up
                self._open(ticket)
        line = None if folded is None else folded.line(seq)
        answer = Ack(
            event_id=ticket.event_id or implied_id(producer, number) or str((line or {}).get("event_id", "")),
            session_id=self.id,
            status=protocol.STATUSES[ticket.kind],
            seq=seq,
            durability=self._service.config.durability,
            duplicate=True,
        )
        if self._opened is None:
            ticket.answer(answer)
            return
        used_up = self._opened.use_up(ticket, _DUPLICATE)
        self._opened.waiting.extend([Waiter(max(seq, used_up, self._opened.recorder.safe_seq()), ticket, [answer])])
        self.settle()

    # -- opening and ending

    def _open(self, ticket: Ticket) -> Opened:
        """Make the session's recording, or go on with it."""
        service = self._service
        service.make_way()
        recording, folded = self._recording, self._folded
        if recording is None:
            try:
                recorder = service.create(self.id, _name(self.id), ticket.event.get("title"))
            except StorageError as error:
                if error.errno != errno.EEXIST:
                    raise
                self._load(ticket)  # another process was quicker
                return self._open(ticket)
            folded = Folded(recorder.path, read_key(recorder.path), self.id)
        else:
            folded = folded or Folded(recording.path, read_key(recording.path), self.id)
            recorder = service.resume(recording, folded.take_in)
        self._recording, self._folded = Recording(recorder.path), folded
        means = Means(service.config.durability, service.new_id, service.call_later, self._settle_later)
        self._failure = None
        self._opened = Opened(self.id, recorder, folded, service.streams(folded.dedupe), means)
        recorder.on_progress = self.settle
        recorder.on_written = self.settle if service.is_written_enough else None
        service.opened(self, "started" if recording is None else "resumed")
        return self._opened

    def _settle_later(self) -> None:
        self.take([self._service.order(SETTLE)])

    def _end_session(self, ticket: Ticket, opened: Opened) -> None:
        """Journal the end and end the recording: its sender is told when that is done, not when the line is safe."""
        answer = opened.end_line(ticket)
        if answer is not None:
            failure = self._end("completed", None)
            ticket.answer(answer if failure is None else protocol.error_answer(failure, answer.event_id))

    def _finish_end(self, ticket: Ticket, seq: int) -> bool:
        """Bring to its end what a crash or a failing disk left with no more than the line of it; false if it fails."""
        folded = self._folded
        if folded is None or not folded.over or seq != folded.end_seq or self._is_over(folded):
            return True
        if self._opened is None:
            self._open(ticket)
        failure = self._end("completed", None)
        if failure is not None:
            ticket.fail(failure)
        return failure is None

    def _end(self, state: State, reason: str | None) -> RecError | None:
        """End the recording; return what kept it from that: then it stays open."""
        opened = self._opened
        if opened is None:
            return None
        try:
            opened.recorder.stop(reason=reason, state=state)
        except RecError as error:
            self.settle()
            return error
        seq = opened.recorder.seq
        self._service.progressed(self, seq, opened.waiting.answer_up_to(seq))
        self._opened = None
        self._service.closed(self, opened.recorder, state)
        return None

    def _lost(self, opened: Opened) -> None:
        self._opened = self._folded = self._recording = None
        opened.abandon()
        self._service.closed(self, opened.recorder, "lost")


def _check_first(ticket: Ticket) -> None:
    """Raise `SequenceGap` for a number other than a producer's first, where nothing is recorded yet."""
    number = ticket.event.get("producer_seq")
    if ticket.event.get("producer") is not None and number != 1:
        raise SequenceGap(ticket.event["producer"], cast(int, number), 1)


def _first_large(batch: list[Ticket], begin: int) -> int:
    for at in range(begin, len(batch)):
        if batch[at].is_large:
            return at
    return len(batch)


def _first_order(batch: list[Ticket]) -> int:
    return next(at for at, ticket in enumerate(batch) if ticket.kind in _ORDERS)


def _name(session_id: str) -> str:
    """Return what the recording is called: the session's id, if a recording may be called so."""
    try:
        return check_name(session_id)
    except RecError:
        return slug(session_id)
