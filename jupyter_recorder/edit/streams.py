"""Secrets in texts that were recorded in pieces: a message's tokens, a cell's prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..redact import Redactor, StreamRedactor

_MOST: Final = 1_000


class StreamedTexts:
    """Passes events on, with secrets taken out that lie across the edges of several; what is held comes later."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._open: dict[tuple[str, ...], tuple[StreamRedactor, dict[str, Any]]] = {}

    def passed(self, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield what can be written of `event`, and before it what it ends."""
        kind = event.get("type")
        if kind == "message_add" and isinstance(event.get("content"), str):
            yield from self._text(("message", str(event.get("message_id"))), event, "content", event["content"])
        elif kind == "message_append" and isinstance(event.get("content_delta"), str):
            key = "message", str(event.get("message_id"))
            yield from self._text(key, event, "content_delta", event["content_delta"])
        elif kind == "output" and _is_stream(event):
            place = "output", str(event.get("cell_id")), str(event["output"].get("name"))
            yield from self._text(place, event, "output", event["output"]["text"])
        else:
            yield from self._ended_by(event)
            yield event

    def rest(self) -> Iterator[dict[str, Any]]:
        """Yield what is still held, at the end."""
        for key in list(self._open):
            yield from self._end(key)

    def _text(self, key: tuple[str, ...], event: dict[str, Any], field: str, text: str) -> Iterator[dict[str, Any]]:
        if event["type"] == "message_add":
            yield from self._end(key)
        stream = self._open.pop(key)[0] if key in self._open else StreamRedactor(self._redactor)
        self._open[key] = stream, event
        yield _with(event, field, stream.feed(text))
        if len(self._open) > _MOST:
            yield from self._end(next(iter(self._open)))

    def _ended_by(self, event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        kind = str(event.get("type"))
        if kind in ("message_update", "message_delete"):
            yield from self._end(("message", str(event.get("message_id"))))
        elif kind in ("output", "clear_output", "cell_end"):
            for key in [key for key in self._open if key[:2] == ("output", str(event.get("cell_id")))]:
                yield from self._end(key)
        elif kind in ("session_end", "session_snapshot"):
            yield from self.rest()

    def _end(self, key: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        if key not in self._open:
            return
        stream, event = self._open.pop(key)
        text = stream.flush()
        if not text:
            return
        if event["type"] == "output":
            yield _with(event, "output", text)
        else:
            kept: dict[str, Any] = {name: event[name] for name in ("session_id", "message_id", "at") if name in event}
            yield {"type": "message_append", **kept, "content_delta": text}


def _is_stream(event: Mapping[str, Any]) -> bool:
    output = event.get("output")
    return isinstance(output, dict) and output.get("output_type") == "stream" and isinstance(output.get("text"), str)


def _with(event: dict[str, Any], field: str, text: str) -> dict[str, Any]:
    return {**event, field: {**event["output"], "text": text} if field == "output" else text}
