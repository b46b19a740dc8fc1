"""Sessions of Codex: `~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl`.

A line is `{timestamp, type, payload}`. `response_item` is the transcript; of `event_msg` those that repeat its text are
left out. Before the end of 2025 a line was the payload itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

from .. import parts
from ..chats import Conversation, as_list, as_mapping, as_text, conversation, heading
from ..input import Input, json_value
from ..jsonl import objects
from ..parts import Part
from ..sink import Sink

_ITEMS: Final = frozenset({
    "message", "reasoning", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output",
    "local_shell_call", "web_search_call",
})  # fmt: skip
_TOLD: Final = frozenset({"session_meta", "turn_context", "compacted", "event_msg", "ghost_snapshot", "state"})
_REPEATED: Final = frozenset({"user_message", "agent_message", "agent_reasoning", "agent_reasoning_raw_content"})


class _Peek(NamedTuple):
    first_text: str = ""
    session_id: str | None = None
    started: Any = None
    cwd: str | None = None
    model: str | None = None
    has_items: bool = False


def matches(head: bytes, path: Path) -> bool:
    """Tell such a session by its first lines."""
    for line in head.split(b"\n")[:20]:
        found = as_mapping(json_value(line))
        if found.get("type") in (*_TOLD, "response_item") and "payload" in found:
            return True
    first = as_mapping(json_value(head.split(b"\n", 1)[0]))
    return path.name.startswith("rollout-") and ("instructions" in first or as_text(first.get("type")) in _ITEMS)


def load(file: Input, sink: Sink) -> None:
    """Make one recording of a session."""
    peek = _peek(file)
    with conversation(
        sink,
        "codex",
        session_id=peek.session_id or file.path.stem,
        started=peek.started,
        title=heading(peek.first_text),
        otherwise_ms=file.modified_ms,
        workspace_path=peek.cwd,
        model=peek.model,
    ) as chat:
        reader = _Reader(chat, has_items=peek.has_items)
        for number, found in objects(file, sink, chat.draft):
            reader.take(number, found)


class _Reader:
    def __init__(self, chat: Conversation, *, has_items: bool) -> None:
        self._chat = chat
        self._has_items = has_items
        self._model: str | None = None

    def take(self, number: int, line: dict[str, Any]) -> None:
        item = _item(line)
        kind = as_text(line.get("type"))
        self._model = as_text(as_mapping(line.get("payload")).get("model")) or self._model
        if item is not None:
            self._add(number, line, item)
        elif kind == "event_msg" and as_text(as_mapping(line.get("payload")).get("type")) in _REPEATED:
            if not self._has_items:
                self._add_event(line)
        elif kind in _TOLD or "instructions" in line or line.get("record_type") == "state":
            self._chat.draft.keep(f"line {number}", line)
        else:
            self._chat.draft.keep_unknown(f"line {number}", line)

    def _add(self, number: int, line: dict[str, Any], item: dict[str, Any]) -> None:
        found = _parts(item)
        role = _role(item)
        self._chat.add(
            role,
            found,
            message_id=item.get("id") or f"line-{number}",
            parent=self._chat.last_id,
            at=line.get("timestamp"),
            model=self._model if role == "assistant" else None,
            raw=line,
        )

    def _add_event(self, line: dict[str, Any]) -> None:
        payload = as_mapping(line["payload"])
        kind = as_text(payload.get("type"))
        said = as_text(payload.get("message") or payload.get("text"))
        found = [parts.reasoning(said) if "reasoning" in kind else parts.text(said)]
        role = "user" if kind == "user_message" else "assistant"
        self._chat.add(role, found, parent=self._chat.last_id, at=line.get("timestamp"), raw=line)


def _item(line: dict[str, Any]) -> dict[str, Any] | None:
    """Return the item of a line, in its old form or today's; None for another line."""
    payload = line.get("payload")
    if line.get("type") == "response_item" and isinstance(payload, dict) and as_text(payload.get("type")) in _ITEMS:
        return payload
    return line if as_text(line.get("type")) in _ITEMS and "payload" not in line else None


def _role(item: dict[str, Any]) -> str:
    if item["type"] == "message":
        return as_text(item.get("role")) or "unknown"
    return "tool" if item["type"].endswith("_output") else "assistant"


def _parts(item: dict[str, Any]) -> list[Part]:
    kind = item["type"]
    if kind == "message":
        return _content(item.get("content"))
    if kind == "reasoning":
        blocks = [*as_list(item.get("summary")), *as_list(item.get("content"))]
        return [parts.reasoning(said) for block in blocks if (said := as_text(as_mapping(block).get("text")))]
    if kind in ("function_call", "custom_tool_call"):
        return [parts.tool_call(item.get("name"), item.get("arguments", item.get("input")), item.get("call_id"))]
    if kind.endswith("_output"):
        return [parts.tool_response(_output(item.get("output")), item.get("call_id"))]
    return [parts.tool_call(kind.removesuffix("_call"), item.get("action"), item.get("call_id"))]


def _content(content: Any) -> list[Part]:
    if isinstance(content, str):
        return [parts.text(content)]
    found: list[Part] = []
    for block in map(as_mapping, as_list(content)):
        if isinstance(block.get("text"), str):
            found.append(parts.text(block["text"]))
        elif isinstance(block.get("image_url"), str):
            found.append(_image(block["image_url"]))
    return found


def _image(address: str) -> Part:
    head, _, data = address.partition(";base64,")
    return parts.blob(head.removeprefix("data:"), data) if data else parts.uri(address)


def _output(output: Any) -> Any:
    """Return what a tool answered; some versions wrap it in JSON as text."""
    return output.get("content", output) if isinstance(output, dict) else output


def _peek(file: Input) -> _Peek:
    peek = _Peek()
    for _, line in file.lines():
        if line is None or (peek.has_items and peek.first_text):
            break
        found = as_mapping(json_value(line))
        payload = as_mapping(found.get("payload"))
        meta = payload if found.get("type") == "session_meta" else found if "instructions" in found else {}
        item = _item(dict(found))
        peek = _Peek(
            first_text=peek.first_text or _first_words(found, item),
            session_id=peek.session_id or as_text(meta.get("id")) or None,
            started=peek.started or found.get("timestamp") or meta.get("timestamp"),
            cwd=peek.cwd or as_text(payload.get("cwd")) or None,
            model=peek.model or as_text(payload.get("model")) or None,
            has_items=peek.has_items or item is not None,
        )
    return peek


def _first_words(found: Any, item: dict[str, Any] | None) -> str:
    """Return what the user said, but not what Codex says in the user's name, which begins with a tag."""
    if item is not None and item["type"] == "message" and item.get("role") == "user":
        said = parts.plain_text(_content(item.get("content"))).strip()
        return "" if said.startswith(("<", "# AGENTS.md")) else said
    payload = as_mapping(found.get("payload"))
    return as_text(payload.get("message")) if payload.get("type") == "user_message" else ""
