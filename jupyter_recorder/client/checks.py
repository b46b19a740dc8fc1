"""Holding what a program gives against the protocol, before it is kept; pure."""

from __future__ import annotations

from typing import Final

from ..errors import InvalidEvent
from ..events import ID_BYTES, check
from ..journal.codec import decode, encode
from .lines import Event

TYPES: Final = frozenset(
    f"{what}_{verb}"
    for what, verbs in (("session", "start update snapshot end"), ("message", "add update append delete"))
    for verb in verbs.split()
)
EVENT_BYTES: Final = 4 * 2**20


def checked(event: Event) -> Event:
    """Return an event as JSON has it, without what the outbox and the server give; raises `InvalidEvent`."""
    if not isinstance(event, dict) or event.get("type") not in TYPES:
        kind = event.get("type") if isinstance(event, dict) else type(event).__name__
        raise InvalidEvent(
            f"{str(kind)[:60]!r} is no event that a client records; there are {', '.join(sorted(TYPES))}"
        )
    data = encode({key: value for key, value in event.items() if key not in ("producer", "producer_seq")})
    if len(data) > EVENT_BYTES:
        raise InvalidEvent(
            f"{event['type']} of {len(data)} bytes: a server takes at most {EVENT_BYTES}; send it in parts"
        )
    clean: Event = decode(data)
    check(clean)
    for key in ("session_id", *(["message_id"] if clean["type"].startswith("message_") else [])):
        value = clean.get(key)
        if not isinstance(value, str) or not 1 <= len(value.encode()) <= ID_BYTES:
            raise InvalidEvent(f"{clean['type']}: {key} has to be a string of 1 to {ID_BYTES} bytes of UTF-8")
    if not isinstance(clean.get("content", ""), str) or not isinstance(clean.get("content_delta", ""), str):
        raise InvalidEvent(f"{clean['type']}: content has to be a string")
    return clean
