"""What a session's journal amounts to for the next event: its messages' lengths, what it has already, its labels.

Bodies are not kept: an append needs the length of its message only, and what is seldom asked for is read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from ..errors import EventConflict, MessageNotFound, OffsetMismatch
from ..journal.blobs import is_reference, join_payloads
from ..journal.dedupe import Dedupe
from ..journal.find import find_event
from ..journal.reader import read_events
from ..protocol import STATUSES
from .messages import Messages

if TYPE_CHECKING:
    from .runs import Run

NEEDS_MESSAGE: Final = frozenset(("message_update", "message_append", "message_delete"))
_ABOUT_ONE: Final = NEEDS_MESSAGE | {"message_add"}
_LABELS: Final = ("provider", "title", "model", "workspace_path")


class Folded:
    """The fold over the journal in `folder`, whose `dedupe.key` is `key`."""

    def __init__(self, folder: Path, key: bytes, session_id: str) -> None:
        self.folder, self._session_id = folder, session_id
        self.dedupe = Dedupe(folder, key)
        self.labels: dict[str, str] = {}
        self.last_seq = self.end_seq = 0
        self.over = False  # the last event that a client sent ended the session
        self._messages = Messages()

    @property
    def message_count(self) -> int:
        """How many messages it has, without those taken back."""
        return self._messages.count

    def take_in(self, line: Mapping[str, Any]) -> None:
        """Fold in a journal's line; one that is in already changes nothing."""
        if line["seq"] > self.last_seq:
            self.add(line["seq"], line)

    def add(self, seq: int, line: Mapping[str, Any], *, grown: bool = False) -> None:
        """Fold in what was journaled as number `seq`; `grown`: its message's length was counted before."""
        self.last_seq = seq
        self.dedupe.add(seq, line)
        kind = line["type"]
        if kind == "message_append":
            if not grown:
                self.grow(str(line.get("message_id")), sent_bytes(line, "content_delta"))
        elif kind in _FOLDS:
            _FOLDS[kind](self, seq, line)
            self._messages.trim()
        if kind in STATUSES or kind == "refused":
            self.over = kind == "session_end"
            self.end_seq = seq if self.over else self.end_seq

    def may_run(self, run: Run, ahead: int = 0) -> bool:
        """Tell whether all of a run is surely new, and fits; see `check`. `ahead`: see `Dedupe.suspects`."""
        message_id = run.message_id
        if message_id not in self._messages or run.offset not in (UNSET, self.length(message_id)):
            return False
        return self.dedupe.is_new_run(run.producer, run.first, run.named, ahead)

    def add_run(self, seq: int, run: Run) -> None:
        """Fold in a run that was journaled from number `seq` on, whose length was counted before."""
        self.last_seq = seq + len(run.events) - 1
        self.dedupe.add_run(seq, run.producer, run.first, len(run.events), run.named)
        self.over = False

    def grow(self, message_id: str, size: int) -> None:
        """Let a message be `size` bytes longer."""
        self._messages.grow(message_id, size)

    def length(self, message_id: str) -> int:
        """Return a message's length in UTF-8 bytes as they were sent; raises `MessageNotFound`."""
        try:
            return self._messages.length(message_id)
        except KeyError:
            raise MessageNotFound(self._session_id, message_id) from None

    def is_old(self, event: Mapping[str, Any]) -> bool:
        """Tell whether what an event is about has to be read again first (`recall`)."""
        return any(map(self._messages.is_old, _ids(event)))

    def recall(self, event: Mapping[str, Any], before: int | None = None) -> None:
        """Read again what was let go of and an event is about, as it was `before` a line (None: as it is).

        All of it must be readable. Raises `OSError`.
        """
        old = [message_id for message_id in _ids(event) if self._messages.is_old(message_id)]
        for message_id, state in self._read_again(old, before).items():
            self._messages.recall(message_id, state)

    def check(self, event: Mapping[str, Any]) -> bool:
        """Hold a new event against what there is; false if that takes the disk (`recall`, then `compare`).

        Raises `MessageNotFound` and `OffsetMismatch`.
        """
        kind = event["type"]
        if kind in _ABOUT_ONE and self._messages.is_old(event["message_id"]):
            return False
        if kind == "message_add":
            return event["message_id"] not in self._messages
        if kind == "session_snapshot":
            return not self.is_old(event)
        if kind in NEEDS_MESSAGE:
            length = self.length(event["message_id"])
            offset = event.get("offset")
            if kind == "message_append" and offset is not None and offset != length:
                if offset > length:
                    raise OffsetMismatch(event["message_id"], offset, length)
                return False
        return True

    def compare(self, event: Mapping[str, Any]) -> int:
        """Return the number of the line that an event repeats for which `check` was false.

        Raises `EventConflict`, `OffsetMismatch`, `OSError`.
        """
        return self._compare_add(event) if event["type"] == "message_add" else self._compare_append(event)

    def line(self, seq: int) -> Mapping[str, Any] | None:
        """Return a line of the journal; raises `OSError`."""
        return find_event(self.folder, seq)

    def _read_again(self, ids: Collection[str], before: int | None) -> dict[str, tuple[int, int] | None]:
        """Return of each message the number of its first line, and its length in bytes as sent; None: there is none."""
        states: dict[str, tuple[int, int] | None] = dict.fromkeys(ids)
        hints = [seq for message_id in ids for seq in self._messages.hints(message_id)]
        for line in read_events(self.folder, after=min(hints) - 1) if hints else ():
            if before is not None and line["seq"] >= before:
                break
            kind = line["type"]
            for one in _messages(line):
                message_id = one.get("message_id")
                if message_id not in states:
                    continue
                state = states[message_id]
                if kind == "message_delete":
                    states[message_id] = None
                elif kind != "message_append":
                    states[message_id] = (line["seq"] if state is None else state[0], sent_bytes(one, "content"))
                elif state is not None:
                    states[message_id] = (state[0], state[1] + sent_bytes(one, "content_delta"))
        return states

    def _compare_add(self, event: Mapping[str, Any]) -> int:
        message_id, content = event["message_id"], event["content"]
        first = self._messages.first(message_id)
        line = find_event(self.folder, first)
        if line is not None and (self._is_message(event, line) or content == self._text(message_id, first)):
            return first
        raise EventConflict(f"message {message_id!r}", first)

    def _is_message(self, event: Mapping[str, Any], line: dict[str, Any]) -> bool:
        if line.get("raw") == self.dedupe.content_hash(event):
            return True
        found = [one for one in _messages(line) if one.get("message_id") == event["message_id"]]
        return any(join_payloads(self.folder, one.get("content")) == event["content"] for one in found)

    def _text(self, message_id: str, first: int) -> str:
        """Return what the message is now, as it is recorded."""
        pieces = [text for _, text, _ in self._pieces(message_id, first)]
        return "".join(pieces)

    def _compare_append(self, event: Mapping[str, Any]) -> int:
        message_id, offset = event["message_id"], event["offset"]
        delta = event["content_delta"].encode("utf-8", "surrogatepass")
        first, end = self._messages.first(message_id), offset + len(delta)
        at, seen, seq = 0, b"", first
        for line, text, size in self._pieces(message_id, first):
            start, at = at, at + size
            if start == offset and line.get("raw") == self.dedupe.content_hash(event):
                return int(line["seq"])
            if at > offset and start < max(end, offset + 1):
                part = text.encode("utf-8", "surrogatepass")
                if len(part) != size:  # redacted: its bytes are not those that were sent
                    break
                seq = seq if seen else int(line["seq"])
                seen += part[max(0, offset - start) : max(0, end - start)]
        if seen == delta:
            return seq
        raise OffsetMismatch(message_id, offset, self.length(message_id))

    def _pieces(self, message_id: str, first: int) -> list[tuple[Mapping[str, Any], str, int]]:
        """Return the lines that make the message's content, each with its text and the bytes that it had as sent."""
        found: list[tuple[Mapping[str, Any], str, int]] = []
        for line in read_events(self.folder, after=first - 1):
            kind = line["type"]
            for one in _messages(line):
                if one.get("message_id") == message_id:
                    key = "content_delta" if kind == "message_append" else "content"
                    if kind != "message_append":
                        found.clear()
                    text = join_payloads(self.folder, one.get(key))
                    found.append((line, text if isinstance(text, str) else "", sent_bytes(one, key)))
        return found


def sent_bytes(line: Mapping[str, Any], key: str) -> int:
    """Return how many bytes of UTF-8 the text under `key` had when it was sent."""
    sent = line.get("raw_bytes")
    if isinstance(sent, int):
        return sent
    value: Any = line.get(key)
    if isinstance(value, str):
        return utf8_bytes(value)
    return int(value["size"]) if is_reference(value) else 0


def utf8_bytes(text: str) -> int:
    """Return the length of a text in bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _ids(event: Mapping[str, Any]) -> Iterable[str]:
    """Return the ids of the messages that an event is about."""
    return [str(one["message_id"]) for one in _messages(event) if "message_id" in one]


def _messages(line: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Return what a line says of each message that it is about."""
    found: Iterable[Mapping[str, Any]] = line.get("messages", ()) if line["type"] == "session_snapshot" else (line,)
    return found


def _message(folded: Folded, seq: int, line: Mapping[str, Any]) -> None:
    folded._messages.begin(str(line.get("message_id")), seq, sent_bytes(line, "content"))


def _update(folded: Folded, seq: int, line: Mapping[str, Any]) -> None:
    if not folded._messages.is_old(str(line.get("message_id"))):  # else its line is read if it is ever asked for
        _message(folded, seq, line)


def _delete(folded: Folded, _: int, line: Mapping[str, Any]) -> None:
    folded._messages.remove(str(line.get("message_id")))


def _labels(folded: Folded, _: int, line: Mapping[str, Any]) -> None:
    folded.labels.update({key: line[key] for key in _LABELS if isinstance(line.get(key), str)})


def _snapshot(folded: Folded, seq: int, line: Mapping[str, Any]) -> None:
    _labels(folded, seq, line)
    if folded.is_old(line):  # a journal that is read after a restart
        folded.recall(line, before=seq)
    for message in line.get("messages", ()):
        _message(folded, seq, message)


_FOLDS: Final = {
    "message_add": _message,
    "message_update": _update,
    "message_delete": _delete,
    "session_start": _labels,
    "session_update": _labels,
    "session_snapshot": _snapshot,
}
