"""Aider's history: `.aider.chat.history.md`, with a heading for each chat that began.

`# aider chat started at …` begins a chat, `#### ` what the user said, `> ` what the tool said; the rest is the model's.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from .. import parts
from ..chats import Conversation, conversation, heading
from ..input import Input
from ..sink import Sink

_BEGIN: Final = "# aider chat started at "
_KINDS: Final = (("#### ", "user"), ("> ", "tool"))
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_TURN: Final = 8 << 20
_BANNER: Final = 10


def matches(head: bytes, path: Path) -> bool:
    """Tell such a history by its first heading, or its name."""
    return head.lstrip().startswith(_BEGIN.encode()) or (
        path.name.endswith(".aider.chat.history.md") and (_BEGIN.encode() in head or b"\n#### " in head)
    )


def load(file: Input, sink: Sink) -> None:
    """Make a recording of each chat in which something was said."""
    for started, lines in _chats(file):
        turns = _turns(lines)
        begin: list[tuple[str, str]] = []
        for turn in turns:  # as far as the first that a person said, which names the chat
            begin.append(turn)
            if turn[0] == "user" or len(begin) > _BANNER:
                break
        if not begin:
            continue
        title = heading(begin[-1][1]) if begin[-1][0] == "user" else f"aider {started}"
        with conversation(
            sink, "aider", session_id="", started=_local(started), title=title, otherwise_ms=file.modified_ms
        ) as chat:
            for role, text in itertools.chain(begin, turns):
                _add(chat, role, text)


def _add(chat: Conversation, role: str, text: str) -> None:
    made = parts.tool_response(text) if role == "tool" else parts.text(text)
    chat.add(role, [made], parent=chat.last_id)


def _local(started: str) -> int | None:
    """Return when a chat began (None: that is not told); the file tells the local time, of whatever place."""
    found = _TIME.search(started)
    try:
        return round(datetime.fromisoformat(found[0]).timestamp() * 1000) if found else None
    except (ValueError, OverflowError, OSError):  # there is no such time
        return None


def _chats(file: Input) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield the heading and the lines of each chat; each must be read to its end before the next."""
    lines = _lines(file)
    held = next(lines, None)
    while held is not None:
        started = held.removeprefix(_BEGIN).strip() if held.startswith(_BEGIN) else ""
        begin = [] if held.startswith(_BEGIN) else [held]
        following: list[str] = []
        yield started, _until_next(begin, lines, following)
        held = following[0] if following else None


def _until_next(begin: list[str], lines: Iterator[str], following: list[str]) -> Iterator[str]:
    yield from begin
    for line in lines:
        if line.startswith(_BEGIN):
            following.append(line)
            return
        yield line


def _lines(file: Input) -> Iterator[str]:
    with file.open() as opened:
        while line := opened.readline(1 << 20):
            yield line.decode("utf-8", "replace").rstrip("\r\n")


def _turns(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Yield (role, text) of what each said at a time."""
    role, said, size = "", list[str](), 0
    for line in lines:
        kind, text = next(((kind, line[len(mark) :]) for mark, kind in _KINDS if line.startswith(mark)), (None, line))
        own = kind or (role if role == "assistant" or not line.strip() else "assistant")
        if own != role or size > _TURN:
            yield from _turn(role, said)
            role, said, size = own, [], 0
        said.append(text.rstrip() if kind else text)
        size += len(text)
    yield from _turn(role, said)


def _turn(role: str, said: list[str]) -> Iterator[tuple[str, str]]:
    if role and (text := "\n".join(said).strip("\n")):
        yield role, text
