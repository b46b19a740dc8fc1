"""Texts that come in pieces, redacted after the fact: what is held comes out before whatever ends its text."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_recorder.edit.streams import _MOST, StreamedTexts
from jupyter_recorder.redact import Redactor

HALF, REST = "hello sk-ant-api03-" + "Zx9" * 15, "Zx9" * 16 + "AA"


def append(text: str, name: str = "m") -> dict[str, Any]:
    return {"type": "message_append", "message_id": name, "content_delta": text}


def output(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"type": "output", "cell_id": "c", "output": {"output_type": "stream", "name": name, "text": text}}


def redacted(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what comes out, the end included."""
    texts = StreamedTexts(Redactor())
    return [*(made for event in events for made in texts.passed(event)), *texts.rest()]


def said(events: list[dict[str, Any]]) -> str:
    """Return the texts of messages and prints, joined."""
    return "".join(event.get("content_delta") or event.get("output", {}).get("text", "") for event in events)


@pytest.mark.parametrize("piece", [append, output])
def test_a_secret_over_two_pieces_goes(piece: Any) -> None:
    """Its first half waits for the second, and both are replaced."""
    assert "hello [redacted:" in said(redacted(piece(HALF), piece(REST)))
    assert "Zx9" not in said(redacted(piece(HALF), piece(REST)))


@pytest.mark.parametrize(
    ("piece", "last"),
    [
        (append, {"type": "message_update", "message_id": "m", "content": "x", "is_complete": True}),
        (append, {"type": "message_delete", "message_id": "m"}),
        (append, {"type": "session_end"}),
        (append, {"type": "session_snapshot", "messages": []}),
        (append, {"type": "message_add", "message_id": "m", "role": "user", "content": "again"}),
        (output, {"type": "cell_end", "cell_id": "c", "status": "ok"}),
        (output, {"type": "clear_output", "cell_id": "c", "wait": False}),
        (output, {"type": "output", "cell_id": "c", "output": {"output_type": "error", "ename": "E"}}),
        (output, {"type": "session_end"}),
    ],
)  # fmt: skip
def test_what_is_held_comes_before_what_ends_it(piece: Any, last: dict[str, Any]) -> None:
    """Half a secret that nothing completes is given in full, in its place."""
    *before, end = redacted(piece("hello sk-ant-"), last)

    assert "hello sk-ant-" == said(before)
    assert last == end


def test_an_event_of_another_ends_nothing() -> None:
    """What goes on elsewhere keeps a half from being given away."""
    others = [{"type": "message_delete", "message_id": "other"}, {"type": "cell_end", "cell_id": "other"}]

    assert "Zx9" not in said(redacted(append(HALF), output(HALF), *others, append(REST), output(REST)))


def test_texts_that_are_open_at_once_are_bounded() -> None:
    """Beyond a number the oldest is given in full; none is lost."""
    count = _MOST + 5
    made = redacted(*(append(f"{number} sk-ant-", f"m{number}") for number in range(count)))
    texts: dict[str, str] = {}
    for event in made:
        texts[event["message_id"]] = texts.get(event["message_id"], "") + event["content_delta"]

    assert {f"m{number}": f"{number} sk-ant-" for number in range(count)} == texts
