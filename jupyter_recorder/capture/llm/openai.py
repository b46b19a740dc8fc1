"""OpenAI's chat completions, which most other services and litellm speak too; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from ...convert import parts
from ...convert.chats import as_list, as_mapping, as_text
from ...convert.parts import Part
from .neutral import Form, Outcome, Piece, Request, Said, counts


def request(body: Mapping[str, Any]) -> Request:
    """Return what a request asks."""
    messages = [_said(as_mapping(message)) for message in as_list(body.get("messages"))]
    return Request("openai", as_text(body.get("model")) or None, messages)


def form(
    request: Callable[[Mapping[str, Any]], Request],
    answer: Callable[[Mapping[str, Any]], list[Part]],
    pieces: Callable[[int, Mapping[str, Any]], Iterator[Piece]],
) -> Form:
    """Return a form of choices: `answer` reads a whole one, `pieces` what is streamed of one."""

    def whole(body: Mapping[str, Any]) -> Outcome:
        outcome = Outcome()
        for index, found in _choices(outcome, body):
            outcome.choices[index] = answer(found)
        return outcome

    return Form(request, whole, partial(_ChunkReader, pieces))


class _ChunkReader:
    def __init__(self, pieces: Callable[[int, Mapping[str, Any]], Iterator[Piece]]) -> None:
        self.outcome = Outcome()
        self._pieces = pieces

    def take(self, event: Mapping[str, Any]) -> Iterator[Piece]:
        for index, found in _choices(self.outcome, event):
            yield from self._pieces(index, found)


def _choices(outcome: Outcome, body: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the choices with their numbers; what is said of them, and of the whole, goes to `outcome`."""
    about(outcome, body)
    for number, found in enumerate(map(as_mapping, as_list(body.get("choices")))):
        index = index_of(found, number)
        yield index, found
        if reason := as_text(found.get("finish_reason")):
            outcome.finish_reasons[index] = reason


def index_of(choice: Mapping[str, Any], otherwise: int) -> int:
    """Return the number that something says it has."""
    index = choice.get("index")
    return index if isinstance(index, int) else otherwise


def about(outcome: Outcome, body: Mapping[str, Any]) -> None:
    """Take in what an answer, or a piece of one, says of the whole."""
    outcome.model = as_text(body.get("model")) or outcome.model
    outcome.response_id = as_text(body.get("id")) or outcome.response_id
    outcome.usage = counts(body.get("usage")) or outcome.usage
    outcome.error = dict(error) if isinstance(error := body.get("error"), Mapping) else outcome.error


def _pieces(choice: int, found: Mapping[str, Any]) -> Iterator[Piece]:
    delta = as_mapping(found.get("delta"))
    if thought := as_text(delta.get("reasoning_content") or delta.get("reasoning")):
        yield Piece(choice, "reasoning", "reasoning", thought)
    for field in ("content", "refusal"):
        if text := as_text(delta.get(field)):
            yield Piece(choice, "text", "text", text)
    for number, call in enumerate(map(as_mapping, as_list(delta.get("tool_calls")))):
        function = as_mapping(call.get("function"))
        name, call_id = as_text(function.get("name")) or None, as_text(call.get("id")) or None
        key, text = ("tool", index_of(call, number)), as_text(function.get("arguments"))
        yield Piece(choice, key, "tool_call", text, name, call_id)


def _said(message: Mapping[str, Any]) -> Said:
    role = as_text(message.get("role")) or "user"
    if role in ("tool", "function"):
        content = message.get("content")
        blocks = _content(content)
        answer = "\n".join(part["content"] for part in blocks if part["type"] == "text")
        call_id = as_text(message.get("tool_call_id") or message.get("name")) or None
        return Said("tool", [parts.tool_response(answer, call_id), *(p for p in blocks if p["type"] != "text")])
    return Said(role, _answer(message))


def _answer(message: Mapping[str, Any]) -> list[Part]:
    found: list[Part] = []
    if thought := as_text(message.get("reasoning_content") or message.get("reasoning")):
        found.append(parts.reasoning(thought))
    found += _content(message.get("content"))
    if refusal := as_text(message.get("refusal")):
        found.append(parts.text(refusal))
    for call in map(as_mapping, as_list(message.get("tool_calls"))):
        function = as_mapping(call.get("function") or call.get("custom"))
        arguments = function.get("arguments", function.get("input"))
        found.append(parts.tool_call(function.get("name"), arguments, as_text(call.get("id")) or None))
    if isinstance(old := message.get("function_call"), Mapping):
        found.append(parts.tool_call(old.get("name"), old.get("arguments")))
    return found


def _content(content: Any) -> list[Part]:
    if isinstance(content, str):
        return [parts.text(content)] if content else []
    return [part for block in map(as_mapping, as_list(content)) if (part := content_part(block)) is not None]


def content_part(block: Mapping[str, Any]) -> Part | None:
    """Return a content part of either of OpenAI's forms; None for one that is not known."""
    for field in ("text", "refusal"):
        if isinstance(block.get(field), str):
            return parts.text(block[field])
    image = block.get("image_url")
    address = as_text(as_mapping(image).get("url")) or as_text(image)
    if address:
        return at_address(address, "image/*")
    audio = as_mapping(block.get("input_audio"))
    if isinstance(audio.get("data"), str):
        return parts.blob(f"audio/{as_text(audio.get('format')) or '*'}", audio["data"])
    file = as_mapping(block.get("file")) or block
    if isinstance(file.get("file_data"), str):
        return at_address(file["file_data"], None)
    if isinstance(file.get("file_id"), str):
        return {"type": "file", "modality": "file", "file_id": file["file_id"]}
    return None


def at_address(address: str, mime_type: str | None) -> Part:
    """Return what stands at an address; a `data:` address holds it."""
    head, _, data = address.partition(";base64,")
    if data and head.startswith("data:"):
        return parts.blob(head.removeprefix("data:"), data)
    return parts.uri(address, mime_type)


FORM = form(request, lambda choice: _answer(as_mapping(choice.get("message"))), _pieces)
