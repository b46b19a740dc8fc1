"""A recording's chat as JSON, its messages in the form of OpenTelemetry's GenAI semantic conventions.

    {"gen_ai.conversation.id": …, "gen_ai.provider.name"?, "gen_ai.request.model"?, "messages": [{"role", "parts": […],
     "finish_reason"?, "id", "parent_id"?, "created_at", "model"?}, …]}

The whole tree is there, not one way through it: `parent_id` names the message that each one answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...journal.codec import encode
from ...timeline import Message
from ..items import items
from ..parts import parts_of
from ..source import Source


def export(source: Source) -> Iterator[bytes]:
    """Yield the object, a message a line."""
    head = encode({"gen_ai.conversation.id": source.recording.id, "title": source.title, **_session(source)})
    yield head[:-1] + b',"messages":['
    between = b"\n"
    for kind, value in items(source):
        if kind == "message" and not value.deleted:
            yield between + encode(_message(value))
            between = b",\n"
    yield b"\n]}\n"


def _session(source: Source) -> dict[str, Any]:
    """Return what the chat's first line tells of it."""
    for event in source.recording.events():
        if event.get("type") in ("session_start", "session_snapshot"):
            named = {
                "gen_ai.conversation.id": event.get("session_id"),
                "gen_ai.provider.name": event.get("provider"),
                "gen_ai.request.model": event.get("model"),
            }
            return {key: value for key, value in named.items() if isinstance(value, str)}
        if event.get("type") == "message_add":
            break
    return {}


def _message(message: Message) -> Mapping[str, Any]:
    fields: dict[str, Any] = {"role": message.role, "parts": parts_of(message)}
    if isinstance(reason := message.metadata.get("finish_reason"), str):
        fields["finish_reason"] = reason
    fields |= {"id": message.message_id, "created_at": message.created_at}
    if isinstance(message.parent_id, str):
        fields["parent_id"] = message.parent_id
    return fields | ({"model": message.model} if isinstance(message.model, str) else {})
