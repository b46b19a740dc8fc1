"""A foreign chat to a recording: what all chat formats share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..events import ID_BYTES
from .draft import Draft
from .input import Input
from .names import as_id, millis
from .parts import Part, is_plain, shown
from .sink import Sink
from .streams import values

_TITLE: Final = 80


class Conversation:
    """One chat that is being made; messages come in the order in which they are to stand."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._ids: dict[str, int] = {}
        self.last_id: str | None = None

    def add(
        self,
        role: str,
        parts: list[Part],
        *,
        message_id: Any = None,
        parent: Any = None,
        at: Any = None,
        raw: Any = None,
        content: str | None = None,
        **fields: Any,
    ) -> str:
        """Add a message and return its id.

        `at` is a time in any form that `names.millis` reads; `raw` the payload as it came; `content` the text that is
        shown, unless it follows from the parts; `fields` are `model`, `finish_reason` and further metadata, those that
        are None left out.
        """
        own = self._unused(as_id(message_id) if message_id not in (None, "") else f"m{len(self._ids) + 1}")
        given = {key: value for key, value in fields.items() if value is not None}
        event: dict[str, Any] = {"message_id": own, "role": role or "unknown"}
        event["content"] = shown(parts) if content is None else content
        if parent not in (None, ""):
            event["parent_id"] = as_id(parent)
        if isinstance(model := given.pop("model", None), str):
            event["model"] = model
        metadata = {**given, **({} if is_plain(parts) or not parts else {"parts": parts})}
        if raw is not None:
            metadata["raw"] = raw
        self.draft.message({**event, **({"metadata": metadata} if metadata else {})}, millis(at))
        self.last_id = own
        return own

    def delete(self, message_id: str) -> None:
        """Say that a message was taken back."""
        self.draft.event({"type": "message_delete", "message_id": message_id})

    def _unused(self, message_id: str) -> str:
        """Return the id, numbered if it was used: a second message of an id would be lost in the fold."""
        count = self._ids.get(message_id, 0) + 1
        self._ids[message_id] = count
        if count == 1:
            return message_id
        numbered = f"{message_id}#{count}"
        return numbered if len(numbered.encode()) <= ID_BYTES else as_id(numbered * 2)


@contextlib.contextmanager
def conversation(
    sink: Sink,
    provider: str,
    *,
    session_id: Any,
    started: Any,
    title: Any = "",
    fallback: str = "",
    otherwise_ms: int = 0,
    **fields: Any,
) -> Iterator[Conversation]:
    """Give a chat to fill, begun with its `session_start`.

    `started` is a time in any form (unreadable: `otherwise_ms`); `fields` are `model`, `workspace_path` and `metadata`.
    """
    shown_title = title.strip() if isinstance(title, str) else ""
    begun = millis(started)
    identity = as_id(session_id) if session_id not in (None, "") else ""
    with sink.recording(
        shown_title,
        "chat",
        otherwise_ms if begun is None else begun,
        fallback=fallback,
        provider=provider,
        **({"session_id": identity} if identity else {}),
    ) as draft:
        draft.session_id = identity or draft.session_id
        event: dict[str, Any] = {"type": "session_start", "session_id": draft.session_id, "provider": provider}
        event |= {"title": shown_title or None, **fields}
        draft.event({key: value for key, value in event.items() if value is not None}, begun)
        yield Conversation(draft)


def exported(file: Input, sink: Sink, provider: str, key: str, kind: type) -> Iterator[dict[str, Any]]:
    """Yield the conversations of an export: an array of them, or one by itself.

    One has a value of `kind` under `key`; what has none becomes a recording that holds it as it came.
    """
    prefix = "item" if file.head().lstrip().startswith(b"[") else ""
    for number, found in enumerate(values(file, prefix, sink), 1):
        if isinstance(found, dict) and isinstance(found.get(key), kind):
            yield found
        else:
            _keep_odd(file, sink, provider, f"conversation {number}", found)


def _keep_odd(file: Input, sink: Sink, provider: str, place: str, found: Any) -> None:
    """Make a recording of what should be a conversation and is none that is known: it holds that as it came."""
    sink.warn(f"{place} is none that is known; it was kept as it came")
    title = f"{provider} {place}"
    with conversation(sink, provider, session_id="", started=None, title=title, otherwise_ms=file.modified_ms) as chat:
        chat.draft.keep_unknown(place, found)


def heading(text: str) -> str:
    """Return a title for a chat that has none: the beginning of what was first said."""
    line = " ".join(text.split())
    return line if len(line) <= _TITLE else line[: _TITLE - 1] + "…"


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return `value` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    """Return `value` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return `value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""
