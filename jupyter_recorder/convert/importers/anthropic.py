"""Content blocks of Anthropic's messages as parts; pure. Claude Code and Claude.ai share them."""

from __future__ import annotations

from typing import Any

from .. import parts
from ..chats import as_list, as_mapping, as_text
from ..parts import Part

_KNOWN = ("text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "tool_result", "image", "document")


def parts_of(content: Any) -> list[Part]:
    """Return the parts of a message's content: a string, or an array of blocks."""
    if isinstance(content, str):
        return [parts.text(content)]
    return [part for block in as_list(content) for part in _parts(block)]


def unknown_blocks(content: Any) -> int:
    """Count the blocks whose type is not known; they are kept in the raw payload."""
    blocks = as_list(content)
    return sum(as_mapping(block).get("type") not in _KNOWN and not isinstance(block, str) for block in blocks)


def _parts(block: Any) -> list[Part]:
    fields = {"type": "text", "text": block} if isinstance(block, str) else as_mapping(block)
    kind = as_text(fields.get("type"))
    if kind == "text":
        return [parts.text(as_text(fields.get("text")))]
    if kind == "thinking":
        return [parts.reasoning(found)] if (found := as_text(fields.get("thinking"))) else []
    if kind in ("tool_use", "server_tool_use"):
        return [parts.tool_call(fields.get("name"), fields.get("input"), fields.get("id"))]
    if kind == "tool_result":
        return [parts.tool_response(_without_images(fields.get("content")), fields.get("tool_use_id"))]
    if kind in ("image", "document"):
        return _source(as_mapping(fields.get("source")))
    return []


def _source(source: Any) -> list[Part]:
    if isinstance(source.get("data"), str):
        return [parts.blob(source.get("media_type"), source["data"])]
    return [parts.uri(source["url"], source.get("media_type"))] if isinstance(source.get("url"), str) else []


def _without_images(content: Any) -> Any:
    """Return a tool's answer; pictures in it stay in the raw payload."""
    if not isinstance(content, list):
        return content
    return [f"[{block.get('type')}]" if "source" in (block := as_mapping(item)) else item for item in content]
