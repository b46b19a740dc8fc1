"""What a chat message is made of, in the form of OpenTelemetry's GenAI conventions, and as text that people read; pure.

A part is a JSON object by `type`: `text` and `reasoning` {content}, `tool_call` {id?, name, arguments},
`tool_call_response` {id?, response}, `blob` {mime_type, modality, content}, `file` {modality, file_id}, `uri`
{mime_type?, modality, uri}. A message keeps its parts in `metadata.parts`, unless it is nothing but its text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..timeline import Message
from .quoting import fenced, one_line

Part = dict[str, Any]
_MODALITIES: Final = ("image", "audio", "video")


def text(content: str) -> Part:
    """Return a part that is text."""
    return {"type": "text", "content": content}


def reasoning(content: str) -> Part:
    """Return a part that is what a model thought."""
    return {"type": "reasoning", "content": content}


def tool_call(name: Any, arguments: Any, call_id: Any = None) -> Part:
    """Return a part by which a model calls a tool; arguments that are JSON as text become values."""
    part = {"type": "tool_call", "name": str(name), "arguments": _parsed(arguments)}
    return part if call_id is None else {**part, "id": str(call_id)}


def tool_response(response: Any, call_id: Any = None) -> Part:
    """Return a part by which a tool answers."""
    part = {"type": "tool_call_response", "response": response}
    return part if call_id is None else {**part, "id": str(call_id)}


def blob(mime_type: Any, content: str) -> Part:
    """Return a part that is base64 of a file."""
    return {"type": "blob", "mime_type": str(mime_type), "modality": _modality(mime_type), "content": content}


def uri(address: str, mime_type: Any = None) -> Part:
    """Return a part that stands elsewhere."""
    kind = {} if mime_type is None else {"mime_type": str(mime_type)}
    return {"type": "uri", "modality": _modality(mime_type), "uri": address, **kind}


def shown(parts: Iterable[Part]) -> str:
    """Return the parts as Markdown."""
    return "\n\n".join(found for part in parts if (found := _shown(part)))


def plain_text(parts: Iterable[Part]) -> str:
    """Return the text of the parts, without reasoning and tools."""
    return "\n\n".join(part["content"] for part in parts if part["type"] == "text")


def is_plain(parts: list[Part]) -> bool:
    """Tell whether the parts say no more than their text."""
    return len(parts) == 1 and parts[0]["type"] == "text"


def parts_of(message: Message) -> list[Part]:
    """Return a recorded message's parts: those that it came with, else its text."""
    kept = message.metadata.get("parts")
    if isinstance(kept, list) and all(isinstance(part, Mapping) and "type" in part for part in kept):
        return [dict(part) for part in kept]
    return [text(message.content)]


def _shown(part: Part) -> str:
    kind = part["type"]
    if kind == "text":
        return str(part["content"])
    if kind == "reasoning":
        return "\n".join(f"> {line}".rstrip() for line in str(part["content"]).split("\n"))
    if kind == "tool_call":
        return f"**→ {one_line(part['name'])}**\n\n{fenced(_as_text(part['arguments']), 'json')}"
    if kind == "tool_call_response":
        return fenced(_as_text(part["response"]))
    if kind == "uri":
        return f"[{part['modality']}: {one_line(str(part['uri']))[:200]}]"
    return f"[{part.get('modality', kind)}]"


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):  # content blocks, as tools answer with
        texts = [item.get("text") for item in value if isinstance(item, Mapping)]
        if texts and all(isinstance(found, str) for found in texts):
            return "\n".join(texts)  # type: ignore[arg-type]
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


def _parsed(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    return found if isinstance(found, dict | list) else arguments


def _modality(mime_type: Any) -> str:
    kind = str(mime_type).partition("/")[0]
    return kind if kind in _MODALITIES else "file"
