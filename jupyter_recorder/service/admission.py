"""From what was sent to what sessions work on; what needs no session is answered at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import protocol
from ..errors import InvalidEvent, RecError
from ..protocol import Ack
from . import runs
from .answers import Submission, Ticket, Unfit, is_large
from .config import ServiceConfig

log = logging.getLogger(__name__)


class Admission:
    """Reads events as `config` has it; `heard(session_id)` is told of a session whose client lives."""

    def __init__(self, config: ServiceConfig, new_id: Callable[[], str], heard: Callable[[str], object]) -> None:
        self._config, self._new_id, self._heard = config, new_id, heard

    def tickets(
        self, sent: Sequence[tuple[Sequence[Any], Submission]], by: str | None, origin: object
    ) -> Iterator[Ticket]:
        """Yield what goes to sessions of what one sender has sent, in order; the rest is answered."""
        together = self._run(sent, by, origin)
        if together is not None:
            yield from together
            return
        for one in sent:
            events, submission = one
            run = self._run([one], by, origin) if len(sent) > 1 else None
            for index, raw in enumerate(events if run is None else ()):
                ticket = self._admit(submission, index, raw, by, origin)
                if ticket is not None:
                    yield ticket
            yield from run or ()

    def _run(
        self, sent: Sequence[tuple[Sequence[Any], Submission]], by: str | None, origin: object
    ) -> list[Ticket] | None:
        if self._config.max_event_bytes < runs.MOST_EVENT_BYTES:
            return None
        events = sent[0][0] if len(sent) == 1 else [raw for events, _ in sent for raw in events]
        return runs.tickets(events, [runs.Share(submission, 0, len(part)) for part, submission in sent], by, origin)

    def _admit(self, submission: Submission, index: int, raw: Any, by: str | None, origin: object) -> Ticket | None:
        """Return what goes to a session; what needs none is answered."""
        try:
            event = protocol.parse(raw)
            large = is_large(event, self._config.max_event_bytes)
        except RecError as error:
            unfit = Unfit(error)
        except Exception:  # whatever it was: it is this event's answer, and the others have theirs
            log.exception("an event could not be read")
            unfit = Unfit(InvalidEvent("the event could not be read"))
        else:
            if event["type"] != "heartbeat":
                return Ticket(submission, index, event, by, origin, event["type"], None, large)
            submission.answer([(index, self._heartbeat(event))])
            return None
        ticket = Ticket(submission, index, protocol.names_of(raw), by, origin)
        if "session_id" in ticket.event and "producer_seq" in ticket.event:  # its producer's number is used up by that
            ticket.unfit = unfit
            return ticket
        ticket.fail(unfit.error())
        return None

    def _heartbeat(self, event: dict[str, Any]) -> Ack:
        session_id = event.get("session_id") or ""
        self._heard(session_id)
        return Ack(
            event_id=str(event.get("event_id") or self._new_id()),
            session_id=session_id,
            status=protocol.STATUSES["heartbeat"],
            durability=self._config.durability,
        )
