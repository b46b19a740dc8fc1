"""OpenAI's Responses; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ...convert import parts
from ...convert.chats import as_list, as_mapping, as_text
from ...convert.parts import Part
from .neutral import Form, Outcome, Piece, Request, Said, counts
from .openai import content_part

_DELTAS: Final = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "text",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_text.delta": "reasoning",
    "response.function_call_arguments.delta": "tool_call",
    "response.custom_tool_call_input.delta": "tool_call",
}
_CALLS: Final = ("function_call", "custom_tool_call")


def request(body: Mapping[str, Any]) -> Request:
    """Return what a request asks."""
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else as_list(given)
    messages = [said for item in items if (said := _said(as_mapping(item))) is not None]
    if instructions := as_text(body.get("instructions")):
        messages.insert(0, Said("system", [parts.text(instructions)]))
    previous = as_text(body.get("previous_response_id")) or None
    return Request("openai", as_text(body.get("model")) or None, _joined(messages), previous)


def whole(body: Mapping[str, Any]) -> Outcome:
    """Return a whole answer; all of its items are one message."""
    outcome = Outcome()
    _about(outcome, body)
    outcome.choices[0] = [part for item in as_list(body.get("output")) for part in _parts(as_mapping(item))]
    return outcome


class EventReader:
    """Reads `response.…` events."""

    def __init__(self) -> None:
        self.outcome = Outcome()
        self._calls: dict[object, tuple[str | None, str | None]] = {}

    def take(self, event: Mapping[str, Any]) -> Iterator[Piece]:
        """Yield an event's pieces."""
        kind = as_text(event.get("type"))
        if isinstance(response := event.get("response"), Mapping):
            _about(self.outcome, response)
        item = as_mapping(event.get("item"))
        if kind == "response.output_item.added" and item.get("type") in _CALLS:
            name, call_id = as_text(item.get("name")) or None, as_text(item.get("call_id")) or None
            self._calls[event.get("output_index")] = (name, call_id)
            yield Piece(0, (event.get("output_index"), 0), "tool_call", "", name, call_id)
        elif kind in _DELTAS:
            number = event.get("content_index", event.get("summary_index", 0)) or 0
            name, call_id = self._calls.get(event.get("output_index"), (None, None))
            text = as_text(event.get("delta"))
            yield Piece(0, (event.get("output_index"), number), _DELTAS[kind], text, name, call_id)
        elif kind == "error":
            self.outcome.error = {key: event.get(key) for key in ("code", "message") if event.get(key)}


FORM = Form(request, whole, EventReader)


def _about(outcome: Outcome, body: Mapping[str, Any]) -> None:
    outcome.model = as_text(body.get("model")) or outcome.model
    outcome.response_id = as_text(body.get("id")) or outcome.response_id
    outcome.usage = counts(body.get("usage")) or outcome.usage
    outcome.error = dict(error) if isinstance(error := body.get("error"), Mapping) else outcome.error
    status = as_text(body.get("status"))
    if status in ("completed", "incomplete", "failed", "cancelled"):
        why = as_text(as_mapping(body.get("incomplete_details")).get("reason"))
        outcome.finish_reasons[0] = why or status


def _said(item: Mapping[str, Any]) -> Said | None:
    kind = as_text(item.get("type")) or "message"
    if kind.endswith("_output"):
        return Said("tool", [parts.tool_response(_plain(item.get("output")), as_text(item.get("call_id")) or None)])
    found = _parts(item)
    role = as_text(item.get("role")) or ("user" if kind == "message" else "assistant")
    return Said(role, found) if found else None


def _plain(output: Any) -> Any:
    blocks = [part for block in as_list(output) if (part := content_part(as_mapping(block))) is not None]
    return "\n".join(part["content"] for part in blocks if part["type"] == "text") if blocks else output


def _joined(messages: list[Said]) -> list[Said]:
    """Join what the assistant said in several items: an answer is recorded as one message."""
    found: list[Said] = []
    for said in messages:
        if found and said.role == "assistant" == found[-1].role:
            found[-1] = Said("assistant", [*found[-1].parts, *said.parts])
        else:
            found.append(said)
    return found


def _parts(item: Mapping[str, Any]) -> list[Part]:
    kind = as_text(item.get("type")) or "message"
    if kind == "message":
        if isinstance(content := item.get("content"), str):
            return [parts.text(content)]
        blocks = map(as_mapping, as_list(item.get("content")))
        return [part for block in blocks if (part := content_part(block)) is not None]
    if kind == "reasoning":
        blocks = map(as_mapping, [*as_list(item.get("summary")), *as_list(item.get("content"))])
        return [parts.reasoning(said) for block in blocks if (said := as_text(block.get("text")))]
    if kind in _CALLS:
        arguments = item.get("arguments", item.get("input"))
        return [parts.tool_call(item.get("name"), arguments, as_text(item.get("call_id")) or None)]
    if kind.endswith("_call"):
        return [parts.tool_call(kind.removesuffix("_call"), item.get("action"), as_text(item.get("id")) or None)]
    return []
