"""Chats of VS Code's Copilot: `chatSessions/<id>.jsonl`, a log of changes to one object, or the older flat `.json`.

A line is `{kind: 0, v: state}`, `{kind: 1, k: path, v}` (set), `{kind: 2, k: path, v: […], i?}` (push, after cutting at
`i`) or `{kind: 3, k: path}` (delete).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ...errors import ImportFailed
from .. import parts
from ..chats import Conversation, as_list, as_mapping, as_text, conversation, heading
from ..input import Input, json_value
from ..parts import Part
from ..sink import Sink
from ..whole import LIMIT, read_json

_SILENT: Final = frozenset({
    "codeblockUri", "undoStop", "mcpServersStarting", "progressTaskSerialized", "prepareToolInvocation", "warning",
    "progressMessage", "confirmation", "command", "references", "elicitation", "markdownVuln", "notebookEditGroup",
})  # fmt: skip
_LONGEST: Final = 1_000_000


def matches(head: bytes, _path: Path) -> bool:
    """Tell such a chat by its first line, or by the members of the flat form."""
    first = as_mapping(json_value(head.split(b"\n", 1)[0]))
    if first.get("kind") == 0 and "v" in first:
        return True
    flat = head.lstrip().startswith(b"{") and b'"requests"' in head
    return (flat and b'"responderUsername"' in head) or head.lstrip().startswith(b'{"kind":0,')


def load(file: Input, sink: Sink) -> None:
    """Make one recording of a chat."""
    state, troubles = _state(file)
    if not isinstance(state.get("requests"), list):
        raise ImportFailed("it holds no requests")
    first = as_mapping(state["requests"][0] if state["requests"] else {})
    with conversation(
        sink,
        "vscode-copilot",
        session_id=state.get("sessionId") or file.path.stem,
        started=state.get("creationDate") or first.get("timestamp"),
        title=state.get("customTitle") or heading(_asked(first)),
        otherwise_ms=file.modified_ms,
        metadata={"copilot": {key: value for key, value in state.items() if key != "requests"}},
    ) as chat:
        for number, request in enumerate(state["requests"], 1):
            _add(chat, number, request)
        for place, raw in troubles:
            sink.warn(f"{place} is no change that can be applied; it was kept")
            chat.draft.keep_unknown(place, raw)


def _add(chat: Conversation, number: int, request: Any) -> None:
    if not isinstance(request, dict):
        chat.draft.keep_unknown(f"request {number}", request)
        return
    own = request.get("requestId") or f"request-{number}"
    asked = chat.add(
        "user",
        [parts.text(_asked(request))],
        message_id=own,
        parent=chat.last_id,
        at=request.get("timestamp"),
        raw={key: value for key, value in request.items() if key not in ("response", "result")},
    )
    response = as_list(request.get("response"))
    chat.draft.unknown += sum(_is_unknown(item) for item in response)
    result = as_mapping(request.get("result"))
    chat.add(
        "assistant",
        _joined(response),
        message_id=request.get("responseId") or f"{own}:response",
        parent=asked,
        at=request.get("timestamp"),
        model=request.get("modelId"),
        finish_reason="error" if result.get("errorDetails") else None,
        raw={"response": response, "result": request.get("result")},
    )


def _asked(request: Any) -> str:
    message = request.get("message")
    return message if isinstance(message, str) else as_text(as_mapping(message).get("text"))


def _joined(response: list[Any]) -> list[Part]:
    """Return the parts of an answer; pieces of text that follow each other are one."""
    found: list[Part] = []
    for part in (part for item in response for part in _parts(as_mapping(item))):
        if found and part["type"] == found[-1]["type"] == "text":
            found[-1] = parts.text(found[-1]["content"] + part["content"])
        else:
            found.append(part)
    return found


def _parts(item: Any) -> list[Part]:
    kind = item.get("kind")
    if kind in (None, "markdownContent"):
        return [parts.text(said)] if (said := _markdown(item.get("value", item.get("content")))) else []
    if kind == "thinking":
        return [parts.reasoning(said)] if (said := _markdown(item.get("value"))) else []
    if kind == "toolInvocationSerialized":
        return _tool(item)
    if kind == "inlineReference":
        return [parts.text(f"`{as_text(item.get('name')) or 'reference'}`")]
    if kind == "textEditGroup":
        return [parts.tool_call("edit", {"uri": item.get("uri"), "edits": item.get("edits")})]
    return []


def _tool(item: Any) -> list[Part]:
    call_id = item.get("toolCallId")
    said = _markdown(item.get("pastTenseMessage") or item.get("invocationMessage"))
    call = parts.tool_call(item.get("toolId") or "tool", item.get("toolSpecificData") or said, call_id)
    result = item.get("resultDetails")
    return [call] if result is None else [call, parts.tool_response(result, call_id)]


def _markdown(value: Any) -> str:
    if isinstance(value, list):
        return "".join(map(_markdown, value))
    return value if isinstance(value, str) else as_text(as_mapping(value).get("value"))


def _is_unknown(item: Any) -> bool:
    kind = as_mapping(item).get("kind")
    known = (None, "markdownContent", "thinking", "toolInvocationSerialized", "inlineReference", "textEditGroup")
    return not isinstance(item, dict) or (kind not in known and as_text(kind) not in _SILENT)


# -- the log of changes


def _state(file: Input) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """Return the object that the changes amount to, and the lines that are no change of it."""
    head = as_mapping(json_value(file.head().split(b"\n", 1)[0]))
    if "kind" not in head and file.size <= LIMIT and not file.head().lstrip().startswith(b'{"kind":'):
        whole = read_json(file)
        return (whole if isinstance(whole, dict) else {}), []
    if file.size > LIMIT:
        raise ImportFailed(f"it takes {file.size >> 20} MiB; one of this format can be read up to {LIMIT >> 20} MiB")
    state: Any = None
    troubles: list[tuple[str, Any]] = []
    for number, line in file.lines():
        change = as_mapping(json_value(line or b""))
        if change.get("kind") == 0:
            state = change.get("v")
        elif not isinstance(state, dict) or not _apply(state, change):
            troubles.append((f"line {number}", (line or b"")[:_LONGEST].decode("utf-8", "replace")))
    if not isinstance(state, dict):
        raise ImportFailed("it holds no state to begin with", line=1)
    return state, troubles


def _apply(state: dict[str, Any], change: Any) -> bool:
    """Apply a change to the state; False if it does not fit."""
    path = change.get("k")
    if not isinstance(path, list) or not path or change.get("kind") not in (1, 2, 3):
        return False
    try:
        holder: Any = state
        for key in path[:-1]:
            holder = holder[key]
        return _APPLY[change["kind"]](holder, path[-1], change)
    except (KeyError, IndexError, TypeError, ValueError):
        return False


def _set(holder: Any, key: Any, change: Any) -> bool:
    if isinstance(holder, list) and key == len(holder):
        holder.append(change["v"])
    else:
        holder[key] = change["v"]
    return True


def _push(holder: Any, key: Any, change: Any) -> bool:
    if isinstance(holder, dict):
        holder.setdefault(key, [])
    target, pushed, at = holder[key], change.get("v"), change.get("i")
    if not isinstance(target, list):
        return False
    if isinstance(at, int) and 0 <= at <= len(target):
        del target[at:]
    target.extend(as_list(pushed))
    return True


def _delete(holder: Any, key: Any, _change: Any) -> bool:
    del holder[key]
    return True


_APPLY: Final = {1: _set, 2: _push, 3: _delete}
