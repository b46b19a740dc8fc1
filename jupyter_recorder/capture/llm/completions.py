"""OpenAI's text completions, the older interface: a prompt, and the text that goes on from it; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...convert import parts
from ...convert.chats import as_list, as_mapping, as_text
from .neutral import Form, Outcome, Piece, Request, Said
from .openai import about, index_of


def request(body: Mapping[str, Any]) -> Request:
    """Return what a request asks; each of many prompts is a message."""
    prompt = body.get("prompt")
    # Prompts may be numbers, too, one for each token.
    several = isinstance(prompt, list) and not all(isinstance(token, int) for token in prompt)
    prompts = as_list(prompt) if several else [prompt]
    messages = [Said("user", [parts.text(one if isinstance(one, str) else json.dumps(one))]) for one in prompts if one]
    return Request("openai", as_text(body.get("model")) or None, messages)


def whole(body: Mapping[str, Any]) -> Outcome:
    """Return a whole answer."""
    outcome = Outcome()
    about(outcome, body)
    for number, found in enumerate(map(as_mapping, as_list(body.get("choices")))):
        index, text = index_of(found, number), as_text(found.get("text"))
        outcome.choices[index] = [parts.text(text)] if text else []
        if reason := as_text(found.get("finish_reason")):
            outcome.finish_reasons[index] = reason
    return outcome


class ChunkReader:
    """Reads the pieces of a `text_completion` as they are streamed."""

    def __init__(self) -> None:
        self.outcome = Outcome()

    def take(self, event: Mapping[str, Any]) -> Iterator[Piece]:
        """Yield a chunk's pieces."""
        about(self.outcome, event)
        for number, found in enumerate(map(as_mapping, as_list(event.get("choices")))):
            index = index_of(found, number)
            if text := as_text(found.get("text")):
                yield Piece(index, "text", "text", text)
            if reason := as_text(found.get("finish_reason")):
                self.outcome.finish_reasons[index] = reason


FORM = Form(request, whole, ChunkReader)
