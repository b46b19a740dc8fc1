"""A session's open recording: the pipeline from an event that came to its line in the journal, and to its answer."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

from .. import protocol
from ..errors import EventRefused, PersistFailed, RecError
from ..journal.commit import Timer
from ..journal.dedupe import implied_id
from ..journal.writer import Batch
from ..protocol import Ack
from ..recorder import Recorder
from .answers import Ticket
from .folded import Folded, utf8_bytes
from .runs import Run
from .streams import Held, Streams
from .waiting import Waiter, Waiting

log = logging.getLogger(__name__)

HOLD_SECONDS: Final = 0.1
_TITLED: Final = frozenset(("session_start", "session_update", "session_snapshot"))


class Means(NamedTuple):
    """What an open recording needs of its surroundings."""

    durability: str
    new_id: Callable[[], str]
    call_later: Callable[[float, Callable[[], object]], Timer]
    settle_later: Callable[[], object]  # have `settle_held` called in the session's turn


class Opened:
    """The session `session_id`, whose recording is open; used by one thread at a time, but for `settle`."""

    def __init__(self, session_id: str, recorder: Recorder, folded: Folded, streams: Streams, means: Means) -> None:
        self.id = session_id
        self.recorder, self.folded = recorder, folded
        self._streams, self._means = streams, means
        self.waiting = Waiting()
        self._new: list[Waiter] = []
        self._held: Held | None = None
        self._hold_timer: Timer | None = None
        self._is_written_enough = means.durability == protocol.WRITTEN

    # -- the pipeline

    def take(self, tickets: Sequence[Ticket]) -> int:
        """Journal events as long as that needs no look at the disk; return how many were dealt with."""
        done = 0
        with self._batch() as out:
            for ticket in tickets:
                if not (self._take_one(ticket, out) if ticket.run is None else self._take_run(ticket, ticket.run, out)):
                    break
                done += 1
            self._settle_held(out)
        return done

    def put_one(self, ticket: Ticket) -> None:
        """Journal a new event that was checked."""
        with self._batch() as out:
            self._put(ticket, out)
            self._settle_held(out)

    def _take_one(self, ticket: Ticket, out: Batch) -> bool:
        """Journal one event, or its refusal; false if that takes the disk to decide."""
        try:
            ahead = self._ahead(ticket, out)
            if ticket.kind == "session_end" or self.folded.dedupe.suspects(ticket.event, ahead):
                return False
            if not self._check(ticket):
                return False
            self._put(ticket, out)
        except Exception as error:  # noqa: BLE001  # whatever it was: it is this event's answer, and the next one's turn
            self._settle_held(out, at_once=True)  # a refusal uses up its number, and those before it come first
            self.refuse(ticket, error, out)
        return True

    def _take_run(self, ticket: Ticket, run: Run, out: Batch) -> bool:
        """Journal a run; false if it has to be taken one by one: nothing of it is taken then."""
        try:
            ahead = self._ahead(ticket, out)
            if not self.folded.may_run(run, ahead):
                return False
        except Exception:  # whatever it was: each has its own answer then
            log.exception("session %r: a run of events could not be looked at", self.id)
            return False
        self._hold(ticket)
        return True

    def _put(self, ticket: Ticket, out: Batch) -> None:
        """Journal a new event; what grows is held back to the end of its batch, or as it may end in half a secret."""
        if ticket.kind == "message_append":
            self._hold(ticket)
            return
        answer = self._journal(ticket, self._streams.whole(ticket.event, self._line(ticket)), out)
        if answer is not None:
            self._wait(ticket, answer)

    def _journal(self, ticket: Ticket, line: dict[str, Any], out: Batch, *, grown: bool = False) -> Ack | None:
        """Journal one line and return what its sender is told once it is safe; None if there was no room for it."""
        recorded = out.put(line)
        if recorded is None:
            if grown:
                self._grow(ticket, -1)
            self.refuse(ticket, self._no_room())
            return None
        self.folded.add(recorded.seq, line, grown=grown)
        if ticket.kind in _TITLED:
            self.recorder.retitle(line.get("title"))
        return Ack(
            event_id=line["event_id"],
            session_id=self.id,
            status=protocol.STATUSES[ticket.kind],
            seq=recorded.seq,
            durability=self._means.durability,
        )

    @contextlib.contextmanager
    def _batch(self) -> Iterator[Batch]:
        """Journal events in one go; who waits for them does so before anything can be safe."""
        with self.recorder.batch() as out:
            try:
                yield out
            finally:
                if self._new:
                    new, self._new = self._new, []
                    self.waiting.extend(new)

    def end_line(self, ticket: Ticket) -> Ack | None:
        """Journal a `session_end`; return its answer, which has to wait for the recording's end."""
        self.settle_held()
        with self._batch() as out:
            answer = self._journal(ticket, self._streams.whole(ticket.event, self._line(ticket)), out)
            claimed, count = ticket.event.get("final_message_count"), self.folded.message_count
            if answer is not None and claimed not in (None, count):
                answer.warning = f"final_message_count is {claimed}, and {count} messages are recorded"
                out.put({"type": "note", "text": answer.warning})
        return answer

    def _check(self, ticket: Ticket) -> bool:
        """Raise what is wrong with an event; false if that takes the disk to tell."""
        ticket.check()
        return self.folded.check(ticket.event)

    def _line(self, ticket: Ticket) -> dict[str, Any]:
        """Return an event as its journal has it: with an id and who sent it, without the session that all have."""
        line = dict(ticket.event)
        del line["session_id"]
        if "event_id" not in line:
            line["event_id"] = implied_id(line.get("producer"), line.get("producer_seq", 0)) or self._means.new_id()
        if ticket.by is not None:
            line["by"] = ticket.by
        return line

    # -- text that may end in half a secret

    def _hold(self, ticket: Ticket) -> None:
        if self._held is None:
            self._held = Held(ticket.message_id)
        self._held.take(ticket)
        self._grow(ticket, 1)

    def _ahead(self, ticket: Ticket, out: Batch) -> int:
        """Return how many of the event's producer's numbers are held; what it does not follow is settled first."""
        held = self._held
        if held is None:
            return 0
        if ticket.kind == "message_append" and ticket.event.get("message_id") == held.message_id:
            ahead = held.ahead(ticket)
            if ahead is not None:
                return ahead
        self._settle_held(out, at_once=True)
        return 0

    @property
    def held_count(self) -> int:
        """How many events are held back."""
        return 0 if self._held is None else self._held.count

    def settle_held(self) -> None:
        """Write what is held back, as it stands."""
        if self._held is not None:
            with self._batch() as out:
                self._settle_held(out, at_once=True)

    def _settle_held(self, out: Batch, *, at_once: bool = False) -> None:
        """Write what is held back if its text is settled, or `at_once` as it stands."""
        held = self._held
        if held is None:
            return
        if not at_once and not self._streams.feed(held):
            if self._hold_timer is None:
                self._hold_timer = self._means.call_later(HOLD_SECONDS, self._means.settle_later)
            return
        if at_once:
            self._streams.finish(held)
        self._held = None
        if self._hold_timer is not None:
            self._hold_timer.cancel()
            self._hold_timer = None
        for ticket, text in self._streams.split(held):
            if ticket.run is None:
                self._write_held(ticket, text, out)
            elif not self._write_run(ticket, ticket.run, out):
                for single in ticket.singles():
                    self._write_held(single, text, out)

    def _write_run(self, ticket: Ticket, run: Run, out: Batch) -> bool:
        """Write a run as it was sent; false if that can't be done in one go."""
        seq = out.put_run(ticket.kind, ticket.count, lambda seq, at: run.lines(seq, at, ticket.by))
        if seq is None:
            return False
        self.folded.add_run(seq, run)
        self._new.append(Waiter(seq + len(run.events) - 1, ticket, run.acks(seq, self._means.durability)))
        return True

    def _write_held(self, ticket: Ticket, text: str | None, out: Batch) -> None:
        try:
            line = self._line(ticket)
            line = line if text is None else self._streams.redacted(ticket.event, line, text)
            answer = self._journal(ticket, line, out, grown=True)
        except Exception as error:  # noqa: BLE001  # the others are not to suffer from it
            self._grow(ticket, -1)
            self.refuse(ticket, error, out)
        else:
            if answer is not None:
                self._wait(ticket, answer)

    def _grow(self, ticket: Ticket, sign: int) -> None:
        size = utf8_bytes(ticket.event["content_delta"]) if ticket.run is None else ticket.run.size
        self.folded.grow(ticket.message_id, sign * size)

    # -- answers

    def refuse(self, ticket: Ticket, error: Exception, out: Batch | None = None) -> None:
        """Answer an event with an error; one that is final uses up its producer's number, on the disk, before that."""
        if not isinstance(error, RecError):
            log.error("session %r: an event could not be recorded", self.id, exc_info=error)
        answer = protocol.error_answer(error, ticket.event_id)
        if answer.code in protocol.FINAL_CODES and not isinstance(error, EventRefused):
            seq = self.use_up(ticket, answer.code, out)
            if seq:
                waiter = Waiter(seq, ticket, [answer])
                if out is not None:
                    self._new.append(waiter)
                else:
                    self.waiting.extend([waiter])
                    self.settle()
                return
        ticket.answer(answer)

    def use_up(self, ticket: Ticket, code: str, out: Batch | None = None) -> int:
        """Journal that a producer's next number went to an event that is not recorded; 0 if it is not the next."""
        producer, number = ticket.event.get("producer"), ticket.event.get("producer_seq")
        if producer is None or number is None or number != self.folded.dedupe.committed(producer) + 1:
            return 0
        line = {"type": "refused", "producer": producer, "producer_seq": number, "code": code}
        with contextlib.nullcontext(out) if out is not None else self._batch() as batch:
            recorded = batch.put(line)
        if recorded is None:
            return 0
        self.folded.add(recorded.seq, line)
        return recorded.seq

    def _no_room(self) -> PersistFailed:
        why = f": {self.recorder.error}" if self.recorder.error else ""
        return PersistFailed(
            f"session {self.id!r}: the disk lags too far behind; the event was not taken{why}; resend it"
        )

    def _wait(self, ticket: Ticket, answer: Ack) -> None:
        self._new.append(Waiter(cast(int, answer.seq), ticket, [answer]))

    def settle(self) -> tuple[int, list[tuple[range, object]]]:
        """Answer what is safe; and all, if nothing can be written. Called from any thread.

        Returns up to where all is safe, and the numbers that became so with the origin of each.
        """
        safe = self.recorder.safe_seq(written=self._is_written_enough)
        new = self.waiting.answer_up_to(safe)
        failure = self.recorder.error
        if failure is not None:
            self.waiting.fail(PersistFailed(f"{failure}; resend it with the same event_id"))
        return safe, new

    def abandon(self) -> None:
        """Another process has taken the recording over: nothing of what waits is known to be there."""
        error = PersistFailed(f"session {self.id!r}: {self.recorder.error or 'it was taken over'}; resend it")
        self.waiting.fail(error)
        held, self._held = self._held, None
        for ticket in held.tickets if held is not None else ():
            ticket.fail(error)
