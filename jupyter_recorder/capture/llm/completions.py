"""OpenAI's text completions, the older interface: a prompt, and the text that goes on from it; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...convert import parts
from ...convert.chats import as_list, as_text
from ...convert.parts import Part
from .neutral import Piece, Request, Said
from .openai import form


def request(body: Mapping[str, Any]) -> Request:
    """Return what a request asks; each of many prompts is a message."""
    prompt = body.get("prompt")
    # Prompts may be numbers, too, one for each token.
    several = isinstance(prompt, list) and not all(isinstance(token, int) for token in prompt)
    prompts = as_list(prompt) if several else [prompt]
    messages = [Said("user", [parts.text(one if isinstance(one, str) else json.dumps(one))]) for one in prompts if one]
    return Request("openai", as_text(body.get("model")) or None, messages)


def _answer(choice: Mapping[str, Any]) -> list[Part]:
    return [parts.text(text)] if (text := as_text(choice.get("text"))) else []


def _pieces(index: int, choice: Mapping[str, Any]) -> Iterator[Piece]:
    if text := as_text(choice.get("text")):
        yield Piece(index, "text", "text", text)


FORM = form(request, _answer, _pieces)
