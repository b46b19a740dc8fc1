"""Chats of jupyterlab-chat: `.chat` files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import parts
from ..chats import Conversation, as_list, as_mapping, as_text, conversation, heading
from ..input import Input
from ..sink import Sink
from ..streams import members, values

_BESIDE = ("users", "attachments", "metadata")


def matches(head: bytes, path: Path) -> bool:
    """Tell such a chat by its ending, or by its messages' fields."""
    named = all(word in head for word in (b'"messages"', b'"sender"', b'"body"'))
    return head.lstrip().startswith(b"{") and (path.suffix == ".chat" or named)


def load(file: Input, sink: Sink) -> None:
    """Make one recording of a chat."""
    beside = _beside(file)
    first = as_mapping(next(_messages(file, None), None))
    with conversation(
        sink,
        "jupyterlab-chat",
        session_id=beside["metadata"].get("id") or file.path.stem,
        started=first.get("time"),
        title=file.path.stem,
        fallback=heading(as_text(first.get("body"))),
        otherwise_ms=file.modified_ms,
        metadata={"chat": beside},
    ) as chat:
        for number, message in enumerate(_messages(file, sink), 1):
            _add(chat, number, message, beside)


def _messages(file: Input, sink: Sink | None) -> Iterator[Any]:
    return values(file, "messages.item", sink)


def _add(chat: Conversation, number: int, message: Any, beside: dict[str, Any]) -> None:
    if not isinstance(message, dict) or not isinstance(message.get("body"), str):
        chat.draft.keep_unknown(f"message {number}", message)
        return
    sender = as_text(message.get("sender"))
    user = as_mapping(beside["users"].get(sender))
    message_id = chat.add(
        "assistant" if user.get("bot") else "user",
        [parts.text(message["body"]), *_attached(message, beside)],
        message_id=message.get("id"),
        at=message.get("time"),
        content=message["body"],
        raw=message,
    )
    if message.get("deleted") is True:
        chat.delete(message_id)


def _attached(message: dict[str, Any], beside: dict[str, Any]) -> list[parts.Part]:
    found = (as_mapping(beside["attachments"].get(one)) for one in as_list(message.get("attachments")) if _is_key(one))
    return [parts.uri(as_text(one["value"]), one.get("mimetype")) for one in found if isinstance(one.get("value"), str)]


def _is_key(value: Any) -> bool:
    return isinstance(value, str)


def _beside(file: Input) -> dict[str, Any]:
    """Return what stands beside the messages, wherever in the file."""
    found: dict[str, Any] = {name: {} for name in _BESIDE}
    for name in _BESIDE:
        found[name] = dict(members(file, name))
    return found
