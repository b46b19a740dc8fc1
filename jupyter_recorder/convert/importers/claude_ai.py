"""Claude.ai's export: an array of `{uuid, name, created_at, chat_messages: [{uuid, text, content, sender, …}]}`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import parts
from ..chats import Conversation, as_list, as_mapping, as_text, conversation, exported
from ..input import Input
from ..sink import Sink
from .anthropic import parts_of, unknown_blocks

_ROLES = {"human": "user"}


def matches(head: bytes, _path: Path) -> bool:
    """Tell such an export by the members of its first conversation."""
    return head.lstrip()[:1] in (b"[", b"{") and b'"chat_messages"' in head


def load(file: Input, sink: Sink) -> None:
    """Make a recording of each conversation."""
    for found in exported(file, sink, "claude.ai", "chat_messages", list):
        _load_one(file, sink, found)


def _load_one(file: Input, sink: Sink, found: dict[str, Any]) -> None:
    with conversation(
        sink,
        "claude.ai",
        session_id=found.get("uuid"),
        started=found.get("created_at"),
        title=found.get("name"),
        fallback="Claude",
        otherwise_ms=file.modified_ms,
        model=as_text(found.get("model")) or None,
        metadata={"claude.ai": {key: value for key, value in found.items() if key != "chat_messages"}},
    ) as chat:
        ids = {as_text(as_mapping(message).get("uuid")) for message in found["chat_messages"]}
        for number, message in enumerate(found["chat_messages"], 1):
            _add(chat, number, message, ids)


def _add(chat: Conversation, number: int, message: Any, ids: set[str]) -> None:
    if not isinstance(message, dict):
        chat.draft.keep_unknown(f"message {number}", message)
        return
    sender = as_text(message.get("sender"))
    found = parts_of(message.get("content"))
    chat.draft.unknown += unknown_blocks(message.get("content"))
    files = [as_mapping(one) for one in (*as_list(message.get("attachments")), *as_list(message.get("files")))]
    attached = [parts.uri(as_text(one.get("file_name") or one.get("file_uuid")), one.get("file_type")) for one in files]
    chat.add(
        _ROLES.get(sender, sender),
        [*(found or [parts.text(as_text(message.get("text")))]), *attached],
        message_id=message.get("uuid"),
        parent=_parent(message, chat.last_id, ids),
        at=message.get("created_at"),
        raw=message,
    )


def _parent(message: dict[str, Any], before: str | None, ids: set[str]) -> str | None:
    """Return the message that one answers: older exports don't tell, and the root of newer ones is no message."""
    if "parent_message_uuid" not in message:
        return before
    parent = as_text(message["parent_message_uuid"])
    return parent if parent in ids else None
