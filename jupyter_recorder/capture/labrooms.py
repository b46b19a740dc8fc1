"""Chats as shared documents: their messages as plain values, and what an event of theirs tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def plain_value(value: Any) -> Any:
    """Return a value of a shared document as Python's own."""
    return value.to_py() if hasattr(value, "to_py") else value


def plain(message: Any) -> Mapping[str, Any] | None:
    """Return a shared document's message; None if it is none: a client may put anything there."""
    found = plain_value(message)
    return found if isinstance(found, Mapping) and "id" in found else None


def plain_messages(shared: Iterable[Any]) -> list[Mapping[str, Any]]:
    """Return a shared document's messages, each once."""
    found = [message for message in map(plain, shared) if message is not None]
    return list({str(message["id"]): message for message in found}.values())


def inserted(delta: Any) -> list[int]:
    """Return the places of what was inserted into a shared array."""
    place = 0
    found: list[int] = []
    for change in delta:
        if "retain" in change:
            place += int(change["retain"])
        elif "insert" in change:
            found += range(place, place + len(change["insert"]))
            place += len(change["insert"])
    return found


def new_body(event: Any) -> str | None:
    """Return a message's new body if nothing else of it has changed."""
    keys: Mapping[str, Any] = getattr(event, "keys", {})
    if len(event.path) != 1 or len(keys) != 1 or "body" not in keys:
        return None
    body = keys["body"].get("newValue")
    return body if isinstance(body, str) else None
