"""Sessions of Gemini CLI: `.jsonl`, a header, then messages and changes; or one `.json` object with `messages`.

A message is `{id, timestamp, type: user|gemini|…, content, thoughts?, toolCalls?, model?}`; a later line with its id
replaces it, `{"$set": {…}}` sets members of the header (`messages`: what the model is given from now on), and
`{"$rewindTo": id}` goes back to before that message. What was left that way was said all the same: it stays, as a
branch.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import ImportFailed
from .. import parts
from ..chats import Conversation, as_list, as_mapping, as_text, conversation, heading
from ..input import Input, json_value
from ..parts import Part
from ..sink import Sink
from ..whole import LIMIT, read_json

_ROLES = {"gemini": "assistant", "user": "user"}


def matches(head: bytes, _path: Path) -> bool:
    """Tell such a session by its header."""
    return b'"projectHash"' in head[:4096] and b'"sessionId"' in head[:4096]


def load(file: Input, sink: Sink) -> None:
    """Make one recording of a session; what was rewound is a branch of its own."""
    log = _read(file)
    first = next((_said(one) for one in log.messages.values() if one.get("type") == "user"), "")
    with conversation(
        sink,
        "gemini-cli",
        session_id=log.header.get("sessionId") or file.path.stem,
        started=log.header.get("startTime"),
        title=log.header.get("summary") or heading(first),
        otherwise_ms=file.modified_ms,
        metadata={"gemini": {key: value for key, value in log.header.items() if key != "messages"}},
    ) as chat:
        for key, message in log.messages.items():
            _add(chat, message, log.parents.get(key), left=key not in log.active)
        for place, raw in log.odd:
            chat.draft.keep_unknown(place, raw)


def _add(chat: Conversation, message: dict[str, Any], parent: str | None, *, left: bool) -> None:
    chat.add(
        _ROLES.get(as_text(message.get("type")), "system"),
        _parts(message),
        message_id=message.get("id"),
        parent=parent,
        at=message.get("timestamp"),
        model=message.get("model"),
        left=left or None,
        raw=message,
    )


def _said(message: dict[str, Any]) -> str:
    content = message.get("content")
    found = content if isinstance(content, list) else [content]
    texts = (one if isinstance(one, str) else as_text(as_mapping(one).get("text")) for one in found)
    return "\n\n".join(text for text in texts if text)


def _parts(message: dict[str, Any]) -> list[Part]:
    thoughts = [as_mapping(one) for one in as_list(message.get("thoughts"))]
    found = [parts.reasoning(f"{as_text(one.get('subject'))}: {as_text(one.get('description'))}") for one in thoughts]
    found += [parts.text(said)] if (said := _said(message)) else []
    for call in map(as_mapping, as_list(message.get("toolCalls"))):
        found.append(parts.tool_call(call.get("name"), call.get("args"), call.get("id")))
        if "result" in call:
            found.append(parts.tool_response(call["result"], call.get("id")))
    return found


def _read(file: Input) -> _Log:
    if file.size > LIMIT:
        raise ImportFailed(f"it takes {file.size >> 20} MiB; one of this format can be read up to {LIMIT >> 20} MiB")
    log = _Log()
    if not isinstance(json_value(file.head().split(b"\n", 1)[0]), dict):
        log.take("the file", read_json(file), None)
        return log
    for number, line in file.lines():
        log.take(f"line {number}", json_value(line or b""), line)
    return log


class _Log:
    """What the lines amount to: all messages by id, what each answers, and the ids of those that count at the end."""

    def __init__(self) -> None:
        self.header: dict[str, Any] = {}
        self.messages: dict[str, dict[str, Any]] = {}
        self.parents: dict[str, str] = {}
        self.active: dict[str, None] = {}  # in order
        self.odd: list[tuple[str, Any]] = []

    def take(self, place: str, found: Any, line: bytes | None) -> None:
        """Take the next line."""
        fields = as_mapping(found)
        if "$set" in fields:
            self._set(as_mapping(fields["$set"]))
        elif "$rewindTo" in fields:
            self._rewind(as_text(fields["$rewindTo"]))
        elif "sessionId" in fields and "type" not in fields:
            self._set(fields)
        elif isinstance(found, dict) and isinstance(found.get("id"), str):
            self._add(found["id"], found)
        else:
            text = (line or b"")[:100_000].decode("utf-8", "replace")
            self.odd.append((place, text if found is None else found))

    def _set(self, changes: Mapping[str, Any]) -> None:
        self.header |= {key: value for key, value in changes.items() if key != "messages"}
        if "messages" in changes:
            self.active = {}
            listed = [one for one in as_list(changes["messages"]) if isinstance(one, dict)]
            for number, one in enumerate(listed, 1):
                self._add(as_text(one.get("id")) or f"m{number}", one)

    def _rewind(self, target: str) -> None:
        """Go back to before a message; to the beginning, if there is none of that id."""
        kept = itertools.takewhile(lambda key: key != target, self.active) if target in self.active else ()
        self.active = dict.fromkeys(kept)

    def _add(self, key: str, message: dict[str, Any]) -> None:
        if key not in self.messages and self.active:
            self.parents[key] = next(reversed(self.active))
        self.messages[key] = message
        self.active.setdefault(key)
