"""A journal's chat and cells as what a terminal prints of them, piece by piece at their times.

What was recorded is text here and nothing else: no escape, control or direction mark of it is left, so that it can
neither move a cursor nor look like another speaker: what is said is indented. A carriage return in a cell's prints goes
to the line's beginning.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from ..asciicast.format import Event
from ..convert.document import output_texts
from ..convert.plain import stream_text
from ..timeline import Cell, multiline

CHAT: Final = "chat"
CELLS: Final = "cells"
_KEPT: Final = 256  # messages whose text is known, so that a change prints only what is new
_UNSHOWN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?")
_INDENT: Final = "  "


def clean(text: str, *, returns: bool = False) -> str:
    """Return recorded text without what does anything to a terminal; `returns` keeps carriage returns."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    if not returns:
        return _UNSHOWN.sub(" ", text.replace("\r", "\n"))
    return "\r".join(_UNSHOWN.sub(" ", part) for part in text.split("\r"))


class Transcript:
    """Turns journal events into a cast's: `o` with text, `m` at markers; times are seconds since `started_at`.

    `started_at` is in Unix ms (None: when the first event came). `track` is `chat`, `cells`, or None for both; `styled`
    shows who speaks in bold.
    """

    def __init__(self, started_at: int | None, track: str | None = None, *, styled: bool = False) -> None:
        self._started_at = started_at
        self._bold, self._dim, self._plain = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if styled else ("", "", "")
        self._track = track
        self._said: OrderedDict[str, tuple[str, str]] = OrderedDict()  # a message's speaker, and its text
        self._counts: dict[str, str] = {}
        self._open: tuple[str, str] | None = None  # what the last line belongs to
        self._at_start = True  # of a line
        self._folds: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {}
        if track != CELLS:
            self._folds |= {
                "message_add": self._message, "message_update": self._message, "message_append": self._append,
                "message_delete": self._delete, "session_snapshot": self._snapshot,
            }  # fmt: skip
        if track != CHAT:
            self._folds |= {"cell_start": self._cell, "output": self._output, "update_display": self._output}
        if track is None:
            self._folds["terminal_start"] = self._terminal
        self._folds |= {"marker": self._remark, "note": self._remark, "gap": self._remark}

    def events(self, journal: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
        """Yield what is printed, and when."""
        time = 0.0
        for event in journal:
            fold = self._folds.get(str(event.get("type")))
            at = event.get("at")
            if type(at) is int:
                self._started_at = at if self._started_at is None else self._started_at
                time = max(time, (at - self._started_at) / 1000)
            if fold is None:
                continue
            if text := "".join(fold(event)):
                self._at_start = text.endswith("\n")
                yield Event(time, "o", text)
            if event.get("type") == "marker":
                yield Event(time, "m", clean(str(event.get("label"))))
        if not self._at_start:
            yield Event(time, "o", "\n")

    def _head(self, kind: str, key: str, line: str) -> Iterator[str]:
        yield ("" if self._at_start else "\n") + ("\n" if self._open is not None else "")
        self._open = kind, key
        yield line

    def _message(self, event: Mapping[str, Any]) -> Iterator[str]:
        key, content = str(event.get("message_id")), multiline(event.get("content"))
        who, before = self._said.get(key, ("", ""))
        is_new = key not in self._said
        who = who or _speaker(event)
        self._remember(key, who, content)
        if is_new or not content.startswith(before):
            change = "" if is_new else " changed it to"
            yield from self._head("message", key, f"{self._bold}{who}{self._plain}{change}:\n")
            yield self._said_text(content, at_start=True)
        else:
            yield from self._goes_on(key, who, content[len(before) :])

    def _append(self, event: Mapping[str, Any]) -> Iterator[str]:
        key, more = str(event.get("message_id")), multiline(event.get("content_delta"))
        who, before = self._said.get(key, (_speaker(event), ""))
        self._remember(key, who, before + more)
        yield from self._goes_on(key, who, more)

    def _goes_on(self, key: str, who: str, more: str) -> Iterator[str]:
        is_apart = more != "" and self._open != ("message", key)
        if is_apart:
            yield from self._head("message", key, f"{self._bold}{who}{self._plain} goes on:\n")
        yield self._said_text(more, at_start=is_apart or self._at_start)

    @staticmethod
    def _said_text(text: str, *, at_start: bool) -> str:
        lines = clean(text).replace("\n", "\n" + _INDENT).removesuffix(_INDENT)
        return _INDENT + lines if at_start and lines else lines

    def _remember(self, key: str, who: str, content: str) -> None:
        self._said[key] = who, content
        self._said.move_to_end(key)
        if len(self._said) > _KEPT:
            self._said.popitem(last=False)

    def _delete(self, event: Mapping[str, Any]) -> Iterator[str]:
        who, _ = self._said.pop(str(event.get("message_id")), ("someone", ""))
        yield from self._head("remark", "", f"{self._dim}[{who} took a message back]{self._plain}\n")

    def _snapshot(self, event: Mapping[str, Any]) -> Iterator[str]:
        messages = event.get("messages")
        for message in messages if isinstance(messages, list) else ():
            if isinstance(message, Mapping):
                text = "".join(self._message(message))
                self._at_start = text.endswith("\n") if text else self._at_start
                yield text

    def _cell(self, event: Mapping[str, Any]) -> Iterator[str]:
        key, count = str(event.get("cell_id")), event.get("execution_count")
        self._counts[key] = label = f"In [{count if type(count) is int else ' '}]: "
        lines = clean(multiline(event.get("source"))).split("\n")
        yield from self._head(
            "cell", key, self._bold + label + self._plain + ("\n" + " " * len(label)).join(lines) + "\n"
        )

    def _output(self, event: Mapping[str, Any]) -> Iterator[str]:
        key, output = str(event.get("cell_id")), event.get("output")
        if not isinstance(output, Mapping):
            return
        is_stream = output.get("output_type") == "stream"
        if is_stream:
            text = clean(multiline(output.get("text")), returns=True)
        else:
            cell = Cell(key, None, "", False, 0, outputs=[dict(output)])
            text = "".join(clean(stream_text(found)).rstrip("\n") + "\n" for found in output_texts(cell))
        if text and "cell_id" in event and self._open != ("cell", key):
            yield from self._head("cell", key, f"{self._dim}{self._counts.get(key, 'a cell ')}goes on{self._plain}\n")
        elif not is_stream and not self._at_start:
            yield "\n"
        yield text

    def _terminal(self, event: Mapping[str, Any]) -> Iterator[str]:
        track, command = (" ".join(clean(str(event.get(name) or "")).split()) for name in ("track", "command"))
        what = f"{track}: {command}" if command else track
        yield from self._head("remark", "", f"{self._dim}[{what}; --track {track} plays it]{self._plain}\n")

    def _remark(self, event: Mapping[str, Any]) -> Iterator[str]:
        kind = str(event.get("type"))
        said = event.get({"marker": "label", "note": "text"}.get(kind, "reason"))
        text = " ".join(clean(str(said)).split())
        yield from self._head("remark", "", f"{self._dim}--- {kind}: {text}{self._plain}\n")


def _speaker(event: Mapping[str, Any]) -> str:
    named = (event.get(name) for name in ("by", "sender", "role"))
    found = next((value for value in named if isinstance(value, str) and value), "someone")
    model = event.get("model")
    who = f"{found} ({model})" if isinstance(model, str) and model else found
    return " ".join(clean(who).split())
