"""Secrets out of events: whole ones at once, and those that come in the pieces of a growing message.

Pieces of one message that follow each other are searched as one text. While it ends in what may be the beginning of a
secret, they are held back, for at most `HOLD_SECONDS`, and acked only after: what is written is written whole.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..journal.dedupe import Dedupe, implying_producer
from ..redact import Redactor, StreamRedactor
from .answers import Ticket
from .folded import utf8_bytes

# Names and numbers: by them events and messages are found again.
_NAMES: Final = frozenset(
    ("type", "session_id", "message_id", "event_id", "parent_id", "producer", "producer_seq", "offset", "role", "by")
)


class Held:
    """Appends to one message that are accepted and not written: they go together."""

    def __init__(self, message_id: str) -> None:
        self.message_id = message_id
        self.tickets: list[Ticket] = []
        self._ids: set[str] = set()
        self._counts: dict[str, int] = {}
        self._fed = 0
        self.given = ""

    def take(self, ticket: Ticket) -> None:
        """Take one more, or a run."""
        self.tickets.append(ticket)
        event = ticket.event
        self._ids.update(_named_ids(ticket))
        if (producer := event.get("producer")) is not None:
            self._counts[producer] = self._counts.get(producer, 0) + ticket.count

    def ahead(self, ticket: Ticket) -> int | None:
        """Return how many of its producer's numbers are held; None if it may be one of those that are."""
        named = _named_ids(ticket)
        if not self._ids.isdisjoint(named) or any(implying_producer(name) in self._counts for name in named):
            return None
        return self._counts.get(ticket.event.get("producer", ""), 0)

    @property
    def count(self) -> int:
        """How many events are held."""
        return sum([ticket.count for ticket in self.tickets])

    def unfed(self) -> str:
        """Return the text that has come since the last call."""
        fed, self._fed = self._fed, len(self.tickets)
        return "".join([ticket.text for ticket in self.tickets[fed:]])

    @property
    def text(self) -> str:
        """The whole text as it was sent."""
        return "".join([ticket.text for ticket in self.tickets])


class Streams:
    """Takes secrets out of a session's events; of at most `limit` growing messages it knows what came before."""

    def __init__(self, redactor: Redactor, dedupe: Dedupe, limit: int) -> None:
        self._redactor, self._dedupe, self._limit = redactor, dedupe, max(1, limit)
        self._streams: OrderedDict[str, StreamRedactor] = OrderedDict()

    def whole(self, event: Mapping[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        """Return the line of `event` without its secrets."""
        if not self._redactor.enabled:
            return line
        searched = {key: value for key, value in line.items() if key not in _NAMES}
        clean = self._redactor.value(searched)
        if clean is searched:
            return line
        if event["type"] == "session_snapshot":
            clean = {
                **clean,
                "messages": [_named(*pair) for pair in zip(event["messages"], clean["messages"], strict=True)],
            }
        sent = {"raw_bytes": utf8_bytes(event["content"])} if "content" in event else {}
        return {**line, **clean, "raw": self._dedupe.content_hash(event), **sent}

    def feed(self, held: Held) -> bool:
        """Search what has come; tell whether its text may be written now."""
        stream = self._stream(held.message_id)
        held.given += stream.feed(held.unfed())
        if stream.pending and stream.may_go:
            held.given += stream.flush()
        return not stream.pending

    def finish(self, held: Held) -> None:
        """Settle what is held as it stands."""
        self.feed(held)
        held.given += self._stream(held.message_id).flush()

    def split(self, held: Held) -> list[tuple[Ticket, str | None]]:
        """Return what is held, each with its text: None for its own, else the first has all of it, in one line."""
        if held.given == held.text:
            return [(ticket, None) for ticket in held.tickets]
        singles = [one for ticket in held.tickets for one in ticket.singles()]
        return [(one, "" if at else held.given) for at, one in enumerate(singles)]

    def redacted(self, event: Mapping[str, Any], line: dict[str, Any], text: str) -> dict[str, Any]:
        """Return an append's line with `text` in place of what was sent."""
        sent = utf8_bytes(event["content_delta"])
        return {**line, "content_delta": text, "raw": self._dedupe.content_hash(event), "raw_bytes": sent}

    def _stream(self, message_id: str) -> StreamRedactor:
        stream = self._streams.get(message_id)
        if stream is None:
            stream = self._streams[message_id] = StreamRedactor(self._redactor)
            if len(self._streams) > self._limit:
                self._streams.popitem(last=False)
        else:
            self._streams.move_to_end(message_id)
        return stream


def _named_ids(ticket: Ticket) -> Sequence[str]:
    if ticket.run is not None:
        return ticket.run.named
    return [] if ticket.event_id is None else [ticket.event_id]


def _named(sent: Mapping[str, Any], clean: Mapping[str, Any]) -> dict[str, Any]:
    """Return a snapshot's message with its own names, and its length as it was sent."""
    kept = {key: sent[key] for key in ("message_id", "parent_id", "role") if key in sent}
    return {**clean, **kept, "raw_bytes": utf8_bytes(sent["content"])}
