"""What is recorded of a chat, and the events that bring it up to what the chat is now; pure.

A chat of JupyterLab replaces a message's whole body for each token: what was added is the delta. What is recorded is
never taken back by a file that lost something: the difference is noted, and what was said stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any, Final

# A longer body goes in pieces: an event has its limit.
_PIECE_CHARACTERS: Final = 500_000
_KEPT: Final = ("sender", "time", "attachments", "mentions", "metadata", "mime_model")

Event = dict[str, Any]


class Recorded:
    """The messages of one session as they are recorded: each body, None once it was deleted."""

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id
        self._bodies: dict[str, str | None] = {}

    def learn(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Take in what a session was recorded with: `message_id`, `content` and `deleted` of each."""
        for message in messages:
            self._bodies[str(message["message_id"])] = None if message.get("deleted") else str(message["content"])

    def growth(self, message: Mapping[str, Any]) -> str | None:
        """Return what a message has beyond what is recorded of it; None if it has not only become longer."""
        before, body = self._bodies.get(str(message["id"])), body_of(message)
        if before is None or message.get("deleted") or not body.startswith(before):
            return None
        return body[len(before) :]

    def changes(self, message: Mapping[str, Any], role: str) -> Iterator[Event]:
        """Yield the events that bring a message of the chat up to date; its sender has `role`."""
        message_id, body = str(message["id"]), body_of(message)
        if message_id not in self._bodies:
            if message.get("deleted"):  # nobody knows any more what it was
                return
            yield from self._add(message_id, role, body, message)
        before = self._bodies[message_id]
        if message.get("deleted"):
            yield from self.delete(message_id)
        elif before is None:  # taken back, and back again
            yield from self._add(message_id, role, body, message)
        elif body != before:
            yield from self._grow(message_id, before, body)

    def delete(self, message_id: str) -> Iterator[Event]:
        """Yield the event for a message that is deleted; none if it was deleted before."""
        if self._bodies.get(message_id) is not None:
            self._bodies[message_id] = None
            yield self._event("message_delete", message_id)

    def gone(self, message_ids: Set[str]) -> list[str]:
        """Return which messages are recorded, not deleted, and not among those."""
        return [one for one, body in self._bodies.items() if body is not None and one not in message_ids]

    def reconcile(
        self, messages: Iterable[Mapping[str, Any]], redacted: Callable[[str], str]
    ) -> tuple[list[Event], list[dict[str, str]]]:
        """Hold what was learned, which is without its secrets, against the chat, after a time when nobody listened.

        Returns the events for messages that have grown, and in what the chat has less than was recorded: `{message_id,
        why}`, `missing` or `shorter`. From then on the chat's text counts: what comes is compared with that.
        """
        now = {str(message["id"]): message for message in messages}
        grown: list[Event] = []
        found: list[dict[str, str]] = []
        for message_id, before in list(self._bodies.items()):
            message = now.get(message_id)
            if before is None or (message is not None and message.get("deleted")):
                continue
            if message is None:
                found.append({"message_id": message_id, "why": "missing"})
                continue
            body = body_of(message)
            text = redacted(body)
            if text.startswith(before):
                grown += self._grow(message_id, before, text)
            elif before.startswith(text):
                found.append({"message_id": message_id, "why": "shorter"})
            else:
                continue
            self._bodies[message_id] = body
        return grown, found

    def _add(self, message_id: str, role: str, body: str, message: Mapping[str, Any]) -> Iterator[Event]:
        metadata = {key: message[key] for key in _KEPT if message.get(key) not in (None, [], {})}
        first = body[:_PIECE_CHARACTERS]
        self._bodies[message_id] = first
        yield {**self._event("message_add", message_id), "role": role, "content": first, "metadata": metadata}
        yield from self._grow(message_id, first, body)

    def _grow(self, message_id: str, before: str, body: str) -> Iterator[Event]:
        if not body.startswith(before):
            before = body[:_PIECE_CHARACTERS]
            yield {**self._event("message_update", message_id), "content": before, "is_complete": True}
        for start in range(len(before), len(body), _PIECE_CHARACTERS):
            delta = body[start : start + _PIECE_CHARACTERS]
            yield {**self._event("message_append", message_id), "content_delta": delta}
        self._bodies[message_id] = body

    def _event(self, kind: str, message_id: str) -> Event:
        return {"type": kind, "session_id": self._session_id, "message_id": message_id}


def body_of(message: Mapping[str, Any]) -> str:
    """Return a chat message's text."""
    return str(message.get("body") or "")
