"""What a recording service has to answer and to hold, in plain Python: no files, no threads, nothing forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]

# What an event that is refused so leaves undone, and its number free for another.
NOT_USED_UP = ("session_not_found", "persist_failed", "gap")


@dataclass
class Message:
    """A message: what it began with, and what it is now."""

    first: str
    content: str


@dataclass
class Chat:
    """One session: its messages by id, its title, and whether its end was the last that came."""

    messages: dict[str, Message] = field(default_factory=dict)
    title: str | None = None
    over: bool = False


@dataclass
class Done:
    """What became of an event that used up its number: `ack`, `duplicate` (of another event), or a code."""

    event: Event
    outcome: str
    seq: int | None = None


class Oracle:
    """All that was sent and settled, in the order of each session."""

    def __init__(self) -> None:
        self.chats: dict[str, Chat] = {}
        self.done: dict[tuple[str, str], list[Done]] = {}

    def next_number(self, session: str, producer: str) -> int:
        """Return the number that the producer's next event of the session has."""
        return len(self.done.get((session, producer), ())) + 1

    def apply(self, event: Event) -> str:
        """Take an event in and return its outcome: `ack`, `duplicate`, or the code of an error."""
        outcome = self._outcome(event)
        if outcome not in NOT_USED_UP:
            self.done.setdefault((event["session_id"], event["producer"]), []).append(Done(event, outcome))
        return outcome

    def last(self, session: str, producer: str) -> Done:
        """Return what became of the latest event of a producer."""
        return self.done[session, producer][-1]

    def _outcome(self, event: Event) -> str:
        kind = event["type"]
        chat = self.chats.get(event["session_id"])
        if kind == "session_start":
            chat = self.chats.setdefault(event["session_id"], Chat())
        if chat is None:
            return "session_not_found"
        outcome = self._message(chat, event) if "message_id" in event else "ack"
        if outcome == "ack":
            chat.title = event.get("title", chat.title)
            chat.over = kind == "session_end"
        elif outcome != "ack":
            chat.over = False  # a number is used up in a session that goes on
        return outcome

    @staticmethod
    def _message(chat: Chat, event: Event) -> str:
        kind, message_id = event["type"], event["message_id"]
        message = chat.messages.get(message_id)
        if kind == "message_add":
            if message is None:
                chat.messages[message_id] = Message(event["content"], event["content"])
                return "ack"
            return "duplicate" if event["content"] in (message.first, message.content) else "conflict"
        if message is None:
            return "message_not_found"
        if kind == "message_update":
            message.content = event["content"]
        elif kind == "message_delete":
            del chat.messages[message_id]
        else:
            return _append(message, event)
        return "ack"


def _append(message: Message, event: Event) -> str:
    sent, delta = message.content.encode(), event["content_delta"].encode()
    offset = event.get("offset", len(sent))
    if offset == len(sent):
        message.content += event["content_delta"]
        return "ack"
    return "duplicate" if sent[offset : offset + len(delta)] == delta else "offset_mismatch"
