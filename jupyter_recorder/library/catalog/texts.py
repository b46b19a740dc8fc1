"""A journal's events as pieces of text to be found; pure but for payloads that stand in blobs.

What comes in many events (a streamed message, a cell's prints) is joined as long as it is short, so that words of one
message are found together.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ...asciicast.strings import StringFilter
from ...files import open_regular
from ...journal.blobs import FOLDER, is_reference

PIECE: Final = 1 << 16
"""The most characters that one row of the index holds."""
_PAYLOAD: Final = 4 << 20
"""So much of one payload is read, in bytes."""
_OPEN: Final = 16
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[ -/]*[0-~])?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SHOWN_TYPES: Final = ("text/plain", "text/markdown", "text/latex")
_TEXT_KINDS: Final = {"marker": "label", "note": "text"}


class Text(NamedTuple):
    """One piece: its track, its time in Unix ms, the text, and by what it may grow (None: it stands whole)."""

    track: str
    at: int
    text: str
    key: tuple[str, str] | None = None
    replaces: bool = False


class JournalTexts:
    """Takes the events of the recording in `folder`; remarks stand in the track `main`."""

    def __init__(self, folder: Path, main: str) -> None:
        self._folder, self._main = folder, main

    def of(self, event: Mapping[str, Any]) -> Iterator[Text]:
        """Yield the pieces of one event."""
        kind, at = str(event.get("type")), _at(event)
        if kind in ("message_add", "message_append", "message_update"):
            content = event.get("content_delta" if kind == "message_append" else "content")
            key = "message", str(event.get("message_id"))
            yield Text("chat", at, self._text(content), key, kind == "message_update")
        elif kind == "session_snapshot" and isinstance(messages := event.get("messages"), list):
            for message in messages:
                if isinstance(message, Mapping):
                    key = "message", str(message.get("message_id"))
                    yield Text("chat", _at(message, "created_at") or at, self._text(message.get("content")), key, True)
        elif kind in ("session_start", "session_update") and isinstance(title := event.get("title"), str):
            yield Text("chat", at, title)
        elif kind == "cell_start":
            yield Text("cells", at, self._text(event.get("source")))
        elif kind in ("output", "update_display") and isinstance(output := event.get("output"), Mapping):
            yield from self._output(output, at, str(event.get("cell_id")))
        elif kind == "command_start":
            yield Text(str(event.get("track")), at, self._text(event.get("command")))
        elif kind in _TEXT_KINDS:
            yield Text(self._main, at, self._text(event.get(_TEXT_KINDS[kind])))

    def _output(self, output: Mapping[str, Any], at: int, cell: str) -> Iterator[Text]:
        if output.get("output_type") == "stream":
            yield Text("cells", at, plain(self._text(output.get("text"))), (str(output.get("name")), cell))
        elif output.get("output_type") == "error":
            trace = output.get("traceback")
            lines = [self._text(line) for line in trace] if isinstance(trace, list) else []
            yield Text("cells", at, plain("\n".join([f"{output.get('ename')}: {output.get('evalue')}", *lines])))
        elif isinstance(data := output.get("data"), Mapping):
            for mime in _SHOWN_TYPES:
                if text := self._text(data.get(mime)):
                    yield Text("cells", at, plain(text))
                    return

    def _text(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return "".join(part for part in value if isinstance(part, str))
        return self._payload(value) if is_reference(value) else ""

    def _payload(self, reference: Mapping[str, Any]) -> str:
        try:
            with os.fdopen(open_regular(self._folder / FOLDER / reference["blob"]), "rb") as file:
                return file.read(_PAYLOAD).decode("utf-8", "ignore")
        except OSError:
            return ""


class Row(NamedTuple):
    """A row of the index to be written: in place of row `number`, or as a new one (None)."""

    number: int | None
    text: Text


class Growing:
    """Joins what grows: knows the newest rows that may still be added to, at most 16 of them."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[str, str], Text] = OrderedDict()
        self._numbers: dict[tuple[str, str], int] = {}
        self._changed: dict[tuple[str, str], None] = {}

    def add(self, text: Text) -> Iterator[Row]:
        """Take a piece, yield the rows that are full, or that nothing is added to."""
        if text.key is None:
            yield from (Row(None, text._replace(text=part)) for part in _parts(text.text))
            return
        key = text.key
        known = self._open.pop(key, None)
        if known is not None and not text.replaces:
            if len(known.text) + len(text.text) <= PIECE:
                text = known._replace(text=known.text + text.text)
            else:
                yield from self._close(key, known)
        if len(text.text) > PIECE:
            *full, last = _parts(text.text)
            yield from (Row(self._numbers.pop(key, None), text._replace(text=part)) for part in full)
            text = text._replace(text=last)
        self._open[key] = text
        self._changed[key] = None
        if len(self._open) > _OPEN:
            oldest, value = self._open.popitem(last=False)
            yield from self._close(oldest, value)

    def changed(self) -> Iterator[Row]:
        """Yield the rows that have grown since the last call; they stay open. `wrote` must be told their numbers."""
        for key in self._changed:
            if self._open[key].text:
                yield Row(self._numbers.get(key), self._open[key])
        self._changed.clear()

    def wrote(self, key: tuple[str, str], number: int) -> None:
        """Note which row holds what is open under `key`."""
        if key in self._open:
            self._numbers[key] = number

    def _close(self, key: tuple[str, str], text: Text) -> Iterator[Row]:
        number = self._numbers.pop(key, None)
        if key in self._changed:
            del self._changed[key]
            yield Row(number, Text(text.track, text.at, text.text))


def plain(text: str) -> str:
    """Return what a stream's text says, without escape sequences and controls."""
    if _ESCAPES.search(text):
        text = _ESCAPES.sub("", StringFilter().feed(text))
    return text.replace("\r", "\n")


def _parts(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


def _at(event: Mapping[str, Any], key: str = "at") -> int:
    at = event.get(key)
    return at if type(at) is int and 0 <= at < 1 << 53 else 0
