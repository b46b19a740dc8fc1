"""A recording's chat as a `.chat` file of jupyterlab-chat.

    {"messages": […], "users": {username: {…}}, "attachments": {…}, "metadata": {"id": …}}

What came from such a file goes back as it was, but for what was redacted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ...journal.codec import encode
from ...timeline import Message
from ..items import items
from ..source import Source

# jupyterlab-chat refuses a file with a field that it doesn't know.
_FIELDS: Final = (
    "type", "body", "id", "time", "sender", "attachments", "mentions", "raw_time", "deleted", "edited", "metadata",
    "mime_model",
)  # fmt: skip


def export(source: Source) -> Iterator[bytes]:
    """Yield the file, a message a line."""
    kept = _kept(source)
    users = dict(kept.get("users", {}))
    yield b'{"messages": ['
    between = b"\n"
    for kind, value in items(source):
        if kind == "message":
            message = _message(value)
            users.setdefault(message["sender"], _user(value, message["sender"]))
            yield between + encode(message)
            between = b",\n"
    rest = {"users": users, "attachments": kept.get("attachments", {})}
    rest["metadata"] = {"id": source.recording.id, **kept.get("metadata", {})}
    yield b"\n], " + encode(rest)[1:] + b"\n"


def _kept(source: Source) -> dict[str, dict[str, Any]]:
    """Return what a `.chat` file that was imported held beside its messages."""
    for event in source.events():
        if event.get("type") == "session_start":
            found = (event.get("metadata") or {}).get("chat")
            if isinstance(found, Mapping):
                return {key: dict(value) for key, value in found.items() if isinstance(value, Mapping)}
            break
        if event.get("type") == "message_add":
            break
    return {}


def _message(message: Message) -> dict[str, Any]:
    raw = message.metadata.get("raw")
    came = raw if isinstance(raw, Mapping) and isinstance(raw.get("sender"), str) and "body" in raw else {}
    fields = {key: came[key] for key in _FIELDS if key in came}
    sender = message.by or (message.model if message.role == "assistant" else None) or message.role
    fields = {"type": "msg", "mentions": [], "sender": sender, "time": message.created_at / 1000, **fields}
    fields |= {"body": "" if message.deleted else message.content, "id": message.message_id}
    return fields | ({"deleted": True} if message.deleted else {})


def _user(message: Message, name: str) -> dict[str, Any]:
    fields = {"username": name, "name": name, "display_name": name, "initials": name[:1].upper()}
    return {**fields, "color": None, "avatar_url": None, "bot": message.role == "assistant"}
