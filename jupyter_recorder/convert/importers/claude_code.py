"""Sessions of Claude Code: `~/.claude/projects/<folder>/<id>.jsonl`.

A line is `{type, uuid, parentUuid, sessionId, timestamp, cwd, message: {role, content, model, …}}`; `parentUuid` makes
a tree. Lines of other types tell about the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..chats import Conversation, as_mapping, as_text, conversation, heading
from ..input import Input, json_value
from ..jsonl import objects
from ..parts import Part, plain_text
from ..sink import Sink
from .anthropic import parts_of, unknown_blocks

_SPOKEN: Final = ("user", "assistant")
_TOLD: Final = frozenset({
    "summary", "system", "file-history-snapshot", "queue-operation", "progress", "attachment", "custom-title",
    "ai-title", "last-prompt", "pr-link", "agent-name", "tag", "mode", "permission-mode",
})  # fmt: skip


class _Peek(NamedTuple):
    title: str = ""
    first_text: str = ""
    session_id: str | None = None
    started: Any = None
    cwd: str | None = None
    model: str | None = None


def matches(head: bytes, _path: Path) -> bool:
    """Tell such a session by the fields of its first lines."""
    for line in head.split(b"\n")[:20]:
        found = as_mapping(json_value(line))
        if "sessionId" in found and ("uuid" in found or "parentUuid" in found or "operation" in found):
            return True
        if found.get("type") in ("summary", "file-history-snapshot") and ("leafUuid" in found or "snapshot" in found):
            return True
    return b'"parentUuid"' in head and b'"sessionId"' in head


def load(file: Input, sink: Sink) -> None:
    """Make one recording of a session."""
    peek = _peek(file)
    with conversation(
        sink,
        "claude-code",
        session_id=peek.session_id or file.path.stem,
        started=peek.started,
        title=peek.title or heading(peek.first_text),
        otherwise_ms=file.modified_ms,
        workspace_path=peek.cwd,
        model=peek.model,
    ) as chat:
        reader = _Reader(chat)
        for number, found in objects(file, sink, chat.draft):
            reader.take(number, found)


class _Reader:
    def __init__(self, chat: Conversation) -> None:
        self._chat = chat
        self._above: dict[str, str] = {}  # of lines that are no messages: the line before, by their ids

    def take(self, number: int, found: dict[str, Any]) -> None:
        """Take the next line."""
        kind = as_text(found.get("type"))
        if kind in _SPOKEN and isinstance(found.get("message"), Mapping):
            self._message(found, found["message"])
            return
        if own := as_text(found.get("uuid")):
            self._above[own] = as_text(found.get("parentUuid") or found.get("logicalParentUuid"))
        keep = self._chat.draft.keep if kind in _TOLD else self._chat.draft.keep_unknown
        keep(f"line {number}", found)

    def _message(self, found: dict[str, Any], message: Mapping[str, Any]) -> None:
        parts = parts_of(message.get("content"))
        self._chat.draft.unknown += unknown_blocks(message.get("content"))
        self._chat.add(
            _role(as_text(message.get("role")) or found["type"], parts),
            parts,
            message_id=found.get("uuid"),
            parent=self._message_above(as_text(found.get("parentUuid"))),
            at=found.get("timestamp"),
            model=message.get("model"),
            finish_reason=message.get("stop_reason"),
            sidechain=found.get("isSidechain") or None,
            raw=found,
        )

    def _message_above(self, parent: str) -> str:
        """Return the nearest message on the way up: other lines (attachments, notices) stand between them."""
        seen: set[str] = set()
        while parent in self._above and parent not in seen:
            seen.add(parent)
            parent = self._above[parent]
        return parent


def _role(role: str, parts: list[Part]) -> str:
    """Return `tool` for what tools answered: it travels under the user's name."""
    return "tool" if parts and all(part["type"] == "tool_call_response" for part in parts) else role


def _peek(file: Input) -> _Peek:
    """Look for what names the session: its first message, and a summary wherever it stands."""
    peek = _Peek()
    for _, line in file.lines():
        if line is None or (peek.first_text and not any(word in line for word in (b'"summary"', b'-title"'))):
            continue
        found = as_mapping(json_value(line))
        title = as_text(found.get("customTitle") or found.get("aiTitle") or found.get("summary"))
        message = as_mapping(found.get("message"))
        kind = as_text(found.get("type"))
        spoken = kind == "user" and not found.get("isMeta")
        peek = _Peek(
            title=peek.title if kind in _SPOKEN else title or peek.title,
            first_text=peek.first_text or (plain_text(parts_of(message.get("content"))) if spoken else ""),
            session_id=peek.session_id or as_text(found.get("sessionId")) or None,
            started=peek.started or found.get("timestamp"),
            cwd=peek.cwd or as_text(found.get("cwd")) or None,
            model=peek.model or as_text(message.get("model")) or None,
        )
    return peek
