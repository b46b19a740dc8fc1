"""Messages that grow: tokens gathered into one event, and how long each message is; pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Tokens of one message that come within this time share an event: one each would be 27 times the text on the disk.
COALESCE_SECONDS: Final = 0.1
# What grows faster is sent at once.
COALESCE_CHARACTERS: Final = 16_000
_LENGTHS: Final = 10_000


@dataclass
class Gathering:
    """Pieces of one message since `since` (monotonic seconds), which are in no event yet."""

    session_id: str
    message_id: str
    since: float
    pieces: list[str] = field(default_factory=list)
    characters: int = 0

    def add(self, text: str) -> None:
        """Take one more piece."""
        self.pieces.append(text)
        self.characters += len(text)

    @property
    def due(self) -> float:
        """When it becomes an event, in monotonic seconds."""
        return self.since + COALESCE_SECONDS if self.characters < COALESCE_CHARACTERS else 0.0


class Lengths:
    """How many UTF-8 bytes of each message were sent, as far as it is known (of the last 10,000 messages)."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], int] = OrderedDict()

    def of(self, session_id: str, message_id: str) -> int | None:
        """Return a message's length, or None."""
        return self._known.get((session_id, message_id))

    def forget(self, session_id: str, message_id: str) -> None:
        """Know it no more: somebody else changes the message too."""
        self._known.pop((session_id, message_id), None)

    def note(self, event: Mapping[str, Any]) -> None:
        """Take in what an event does to a message's length."""
        match event.get("type"):
            case "message_add" | "message_update":
                self._set(event, len(event["content"].encode()))
            case "message_append":
                before = event.get("offset", self.of(event["session_id"], event["message_id"]))
                if before is not None:
                    self._set(event, before + len(event["content_delta"].encode()))
            case "message_delete" | "session_snapshot":
                for message in event.get("messages", [event]):
                    if isinstance(message, Mapping):
                        self.forget(event["session_id"], str(message.get("message_id")))

    def _set(self, event: Mapping[str, Any], length: int) -> None:
        key = (event["session_id"], event["message_id"])
        self._known[key] = length
        self._known.move_to_end(key)
        if len(self._known) > _LENGTHS:
            self._known.popitem(last=False)
