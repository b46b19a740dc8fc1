"""ChatGPT's export: `conversations.json`, or `conversations-000.json` and so on.

An array of `{title, create_time, mapping: {id: {id, parent, children, message}}, current_node}`, up to a gigabyte: one
conversation is in memory at a time. Each becomes a recording with its whole tree.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .. import parts
from ..chats import Conversation, as_list, as_mapping, as_text, conversation, exported
from ..input import Input
from ..names import millis
from ..parts import Part
from ..sink import Sink

_TEXTS: Final = ("text", "multimodal_text", "user_editable_context", "model_editable_context")
_KNOWN: Final = frozenset({*_TEXTS, "code", "execution_output", "thoughts", "reasoning_recap", "tether_quote",
                           "tether_browsing_display", "system_error"})  # fmt: skip


def matches(head: bytes, _path: Path) -> bool:
    """Tell such an export by the members of its first conversation."""
    return head.lstrip()[:1] in (b"[", b"{") and b'"mapping"' in head and b'"title"' in head


def load(file: Input, sink: Sink) -> None:
    """Make a recording of each conversation."""
    for found in exported(file, sink, "chatgpt", "mapping", dict):
        _load_one(file, sink, found)


def _load_one(file: Input, sink: Sink, found: dict[str, Any]) -> None:
    nodes = {key: as_mapping(node) for key, node in found["mapping"].items()}
    beside = {key: value for key, value in found.items() if key != "mapping"}
    with conversation(
        sink,
        "chatgpt",
        session_id=found.get("conversation_id") or found.get("id"),
        started=found.get("create_time") or _first_time(nodes),
        title=found.get("title"),
        fallback="ChatGPT",
        otherwise_ms=file.modified_ms,
        model=as_text(found.get("default_model_slug")) or None,
        metadata={"chatgpt": beside},
    ) as chat:
        for key in _in_order(nodes):
            _add(chat, key, nodes[key], nodes)


def _add(chat: Conversation, key: str, node: Any, nodes: dict[str, Any]) -> None:
    message = node.get("message")
    if message is None:  # the root of the tree holds nothing
        return
    if not isinstance(message, dict):
        chat.draft.keep_unknown(f"node {key}", node)
        return
    metadata = as_mapping(message.get("metadata"))
    content = as_mapping(message.get("content"))
    chat.draft.unknown += as_text(content.get("content_type")) not in _KNOWN
    chat.add(
        as_text(as_mapping(message.get("author")).get("role")),
        _parts(content),
        message_id=key,
        parent=_parent(node, nodes),
        at=message.get("create_time"),
        model=metadata.get("model_slug"),
        finish_reason=as_text(as_mapping(metadata.get("finish_details")).get("type")) or None,
        hidden=metadata.get("is_visually_hidden_from_conversation") or None,
        raw=message,
    )


def _parent(node: Any, nodes: dict[str, Any]) -> str | None:
    """Return the nearest node above that is a message."""
    above, seen = as_text(node.get("parent")), set()
    while above in nodes and above not in seen:
        if isinstance(nodes[above].get("message"), dict):
            return above
        seen.add(above)
        above = as_text(nodes[above].get("parent"))
    return None


def _in_order(nodes: dict[str, Any]) -> Iterator[str]:
    """Yield the nodes by time, each after the one that it answers; those in a circle last."""
    above = {key: as_text(node.get("parent")) for key, node in nodes.items()}
    waiting = {key: parent for key, parent in above.items() if parent in nodes}
    below: dict[str, list[str]] = {}
    for key, parent in waiting.items():
        below.setdefault(parent, []).append(key)
    order = {key: number for number, key in enumerate(nodes)}
    ready = [(_time(nodes[key]), order[key], key) for key in nodes if key not in waiting]
    heapq.heapify(ready)
    while ready:
        time, _, key = heapq.heappop(ready)
        yield key
        for child in below.get(key, ()):
            del waiting[child]
            heapq.heappush(ready, (max(time, _time(nodes[child])), order[child], child))
    yield from waiting


def _time(node: Any) -> int:
    at = millis(as_mapping(node.get("message")).get("create_time"))
    return at if at is not None else 0


def _first_time(nodes: dict[str, Any]) -> Any:
    times = [at for node in nodes.values() if (at := _time(node))]
    return min(times) if times else None


def _parts(content: Any) -> list[Part]:
    kind = content.get("content_type")
    if kind == "thoughts":
        thoughts = map(as_mapping, as_list(content.get("thoughts")))
        return [parts.reasoning(as_text(one.get("content") or one.get("summary"))) for one in thoughts]
    if kind == "reasoning_recap":
        return [parts.reasoning(as_text(content.get("content")))]
    if kind == "code":
        return [parts.tool_call(content.get("language") or "code", as_text(content.get("text")))]
    if kind == "execution_output":
        return [parts.tool_response(as_text(content.get("text")))]
    listed = [found for part in as_list(content.get("parts")) for found in _part(part)]
    said = as_text(content.get("text") or content.get("result"))
    return listed or ([parts.text(said)] if said else [])


def _part(part: Any) -> list[Part]:
    if isinstance(part, str):
        return [parts.text(part)] if part else []
    fields = as_mapping(part)
    if isinstance(fields.get("text"), str):
        return [parts.text(fields["text"])]
    if isinstance(fields.get("asset_pointer"), str):
        kind = "image/*" if "image" in as_text(fields.get("content_type")) else None
        return [parts.uri(fields["asset_pointer"], kind)]
    return []
