"""Anthropic's messages; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...convert import parts
from ...convert.chats import as_list, as_mapping, as_text
from ...convert.importers.anthropic import parts_of
from ...convert.parts import Part
from .neutral import Form, Outcome, Piece, Request, Said, counts


def request(body: Mapping[str, Any]) -> Request:
    """Return what a request asks."""
    messages = [said for message in as_list(body.get("messages")) for said in _said(as_mapping(message))]
    if body.get("system"):
        messages.insert(0, Said("system", parts_of(body["system"])))
    return Request("anthropic", as_text(body.get("model")) or None, messages)


def whole(body: Mapping[str, Any]) -> Outcome:
    """Return a whole answer."""
    outcome = Outcome()
    _about(outcome, body)
    outcome.choices[0] = parts_of(body.get("content"))
    return outcome


class EventReader:
    """Reads a stream's events: `message_start`, `content_block_…`, `message_delta`."""

    def __init__(self) -> None:
        self.outcome = Outcome()

    def take(self, event: Mapping[str, Any]) -> Iterator[Piece]:
        """Yield an event's pieces."""
        kind = as_text(event.get("type"))
        if kind == "message_start":
            _about(self.outcome, as_mapping(event.get("message")))
        elif kind == "message_delta":
            _about(self.outcome, {**as_mapping(event.get("delta")), "usage": event.get("usage")})
        elif kind == "error":
            self.outcome.error = dict(as_mapping(event.get("error")))
        elif kind == "content_block_start":
            yield from _begun(event.get("index"), as_mapping(event.get("content_block")))
        elif kind == "content_block_delta":
            yield from _grown(event.get("index"), as_mapping(event.get("delta")))


FORM = Form(request, whole, EventReader)


def _begun(index: object, block: Mapping[str, Any]) -> Iterator[Piece]:
    kind = as_text(block.get("type"))
    if kind in ("tool_use", "server_tool_use"):
        given = json.dumps(block["input"]) if block.get("input") else ""
        yield Piece(0, index, "tool_call", given, as_text(block.get("name")), as_text(block.get("id")) or None)
    elif kind == "text" and block.get("text"):
        yield Piece(0, index, "text", as_text(block.get("text")))
    elif kind == "thinking" and block.get("thinking"):
        yield Piece(0, index, "reasoning", as_text(block.get("thinking")))


def _grown(index: object, delta: Mapping[str, Any]) -> Iterator[Piece]:
    fields = (("text", "text"), ("thinking", "reasoning"), ("partial_json", "tool_call"))
    for field, kind in fields:
        if text := as_text(delta.get(field)):
            yield Piece(0, index, kind, text)


def _about(outcome: Outcome, body: Mapping[str, Any]) -> None:
    outcome.model = as_text(body.get("model")) or outcome.model
    outcome.response_id = as_text(body.get("id")) or outcome.response_id
    if usage := counts(body.get("usage")):
        outcome.usage = {**(outcome.usage or {}), **usage}
    if reason := as_text(body.get("stop_reason")):
        outcome.finish_reasons[0] = reason


def _said(message: Mapping[str, Any]) -> Iterator[Said]:
    """Yield a message; what tools answered travels under the user's name, and is the tool's."""
    content, role = message.get("content"), as_text(message.get("role")) or "user"
    if isinstance(content, str):
        yield Said(role, [parts.text(content)])
        return
    blocks = list(map(as_mapping, as_list(content)))
    answers = [block for block in blocks if block.get("type") == "tool_result"]
    for block in answers:
        yield Said("tool", [*parts_of([block]), *_pictures(block)])
    if rest := parts_of([block for block in blocks if block.get("type") != "tool_result"]):
        yield Said(role, rest)


def _pictures(block: Mapping[str, Any]) -> list[Part]:
    return parts_of([one for one in as_list(block.get("content")) if as_mapping(one).get("type") == "image"])
