"""What was said in chats and is not safe in a journal yet, kept where a kill of the server does not reach it.

Tokens share journal lines, so some of them wait. Here each is handed to the system at once, for the price of its text.
One file for each server process, emptied whenever nothing waits; the next server for the same recordings hands on what
a dead one left. An event keeps the `event_id` that it got here, so that what is recorded already is known again.

The file is NDJSON: `{"event", "by"}` is a whole event; `{"session_id", "message_id", "by"}` names a message, the first
being number 0; `[message, event, "text"]` adds to what that event appends to the message; `[event]` takes that back.
The last text's line stays open.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from .. import forks
from ..errors import InvalidEvent, RecError
from ..files import SYSTEM, Files, open_regular, write_all
from ..journal.codec import NOT_JSON, decode, encode, encode_line
from ..library.folders import usable_folder
from ..library.locks import FileLock
from ..protocol import Answer, Error
from ..service.served import ServedService

log = logging.getLogger(__name__)

_ENDING: Final = ".pending"
# An event that is larger comes in one piece, and waits for nothing.
_LARGEST: Final = 1 << 16
# Of the names of messages, which stand at the beginning and are not said again for each text.
_MOST_NAMES: Final = 1 << 12
# Where so much waits, the disk of the recordings takes nothing, which is told elsewhere.
_MOST: Final = 1 << 24
# Bytes that may have to go from the end of a text that was cut off: an escape, or a character.
_TORN: Final = 16
_NOT_YET: Final = ("persist_failed", "recording_in_progress")
RETRY_SECONDS: Final = 1.0


class Said(NamedTuple):
    """An event, and the authenticated user whom it is by."""

    event: dict[str, Any]
    by: str | None


class Pending:
    """What waits in this process, in a file in `folder` (None: there is no local disk, and nothing is kept).

    `key` is the recordings' own: those of another root have other files. For one thread alone. Nothing raises: what
    can't be kept is said so by a false value, and must not wait then.
    """

    def __init__(self, folder: Path | None, key: str, files: Files = SYSTEM) -> None:
        self._folder, self._key, self._files = folder, key, files
        self._tag = os.urandom(5).hex()
        self._lock: FileLock | None = None
        self._fd = -1
        self._size = 0
        self._names: dict[tuple[str, str, str | None], int] = {}
        self._named_size = self._lasting = 0  # where the first names end, and how many those are
        self._open_text: tuple[int, int] | None = None
        self._numbers = itertools.count(1)
        self._waiting: set[str] = set()
        self._fails = False

    def number(self) -> int:
        """Return the number of an event that begins to wait."""
        return next(self._numbers)

    def event_id(self, number: int) -> str:
        """Return the `event_id` that an event of this number has."""
        return _event_id(self._tag, number)

    def grow(self, number: int, session_id: str, message_id: str, by: str | None, text: str) -> bool:
        """Keep text that event `number` will append to a message, after what was kept of it; false if that can't be."""
        name = (session_id, message_id, by)
        if name not in self._names and not self._write_name(*name):
            return False
        place, data = (self._names[name], number), _quoted(text)
        if place == self._open_text:
            return self._write(data)
        if not self._write(self._closed(b'[%d,%d,"' % place) + data):
            return False
        self._open_text = place
        self._waiting.add(self.event_id(number))
        return True

    def add(self, event: Mapping[str, Any], by: str | None) -> dict[str, Any]:
        """Keep a whole event if it is not large; return it with the `event_id` by which it is settled."""
        named = {**event, "event_id": self.event_id(self.number())}
        with contextlib.suppress(InvalidEvent):  # which is told by who refuses it
            line = encode_line({"event": named, "by": by})
            if len(line) <= _LARGEST and self._write(self._closed(line)):
                self._open_text = None
                self._waiting.add(named["event_id"])
        return named

    def drop(self, number: int) -> None:
        """Take back what event `number` was to append: it is said in another way."""
        if self.event_id(number) in self._waiting and self._write(self._closed(b"[%d]\n" % number)):
            self._open_text = None
            self._waiting.discard(self.event_id(number))

    def settle(self, event_ids: Iterable[str]) -> None:
        """Forget events: they are safe, or refused for good. When nothing waits any more the file is emptied."""
        was_waiting = bool(self._waiting)
        self._waiting.difference_update(event_ids)
        if was_waiting and not self._waiting:
            self._empty()

    def close(self) -> None:
        """Let go of the file; it stays only if something in it is not settled."""
        forks.unwatch(self)
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                self._files.close(fd)
        if self._lock is not None:
            self._lock.release(unlink=not self._waiting)
        self._folder = None

    def after_fork_in_child(self) -> None:
        """Close the descriptor: the file is the parent's."""
        fd, self._fd, self._folder = self._fd, -1, None
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)

    def left(self) -> list[Left]:
        """Return what dead processes have left, each file with what is in it; a living one's are not touched."""
        if self._folder is None:
            return []
        found: list[Left] = []
        for path in sorted(self._folder.glob(f"{self._key}-*{_ENDING}")):
            try:
                lock = FileLock(path, self._files)
                if path.name != self._name() and lock.acquire():
                    with os.fdopen(open_regular(path), "rb") as file:
                        tag = path.stem.rpartition("-")[2]
                        found.append(Left(lock, list(said(file.read(2 * _MOST), tag))))
            except (OSError, RecError) as error:
                log.warning("%s can't be read, and stays: %s", path, error)
        return found

    def _name(self) -> str:
        return f"{self._key}-{self._tag}{_ENDING}"

    def _write_name(self, session_id: str, message_id: str, by: str | None) -> bool:
        is_first = self._size == self._named_size  # so that it stays when the file is emptied
        line = encode_line({"session_id": session_id, "message_id": message_id, "by": by})
        if not self._write(self._closed(line)):
            return False
        self._open_text = None
        self._names[session_id, message_id, by] = len(self._names)
        if is_first:
            self._named_size, self._lasting = self._size, len(self._names)
        return True

    def _closed(self, line: bytes) -> bytes:
        return line if self._open_text is None else b'"]\n' + line

    def _write(self, data: bytes) -> bool:
        if self._size + len(data) > _MOST or not self._is_open():
            return False
        try:
            write_all(self._files, self._fd, data)
        except OSError as error:
            if not self._fails:  # once, and not for each token
                log.warning("what is said in chats can't be kept until it is recorded: %s", error)
            self._fails = True
            with contextlib.suppress(OSError):
                self._files.truncate(self._fd, self._size)
            return False
        self._fails = False
        self._size += len(data)
        return True

    def _is_open(self) -> bool:
        if self._fd >= 0:
            return True
        if self._folder is None:
            return False
        try:
            self._lock = FileLock(usable_folder(self._folder, self._files) / self._name(), self._files)
            if self._lock.acquire():
                self._fd = self._files.open_append(self._lock.path)
                forks.watch(self)
                return True
        except (OSError, RecError) as error:
            log.warning("what is said in chats can't be kept until it is recorded: %s", error)
        self._folder = None  # it would be the same for the next token
        return False

    def _empty(self) -> None:
        if self._named_size > _MOST_NAMES:
            self._named_size = self._lasting = 0
        try:
            self._files.truncate(self._fd, self._named_size)
        except OSError as error:  # what is safe is known again, and only costs a look
            log.warning("what was said in chats, and is recorded now, can't be let go: %s", error)
            return
        self._size, self._open_text = self._named_size, None
        self._names = {name: number for name, number in self._names.items() if number < self._lasting}


class Left(NamedTuple):
    """A dead process' file, which is locked, and what was said in it."""

    lock: FileLock
    said: list[Said]

    def let_go(self, *, done: bool) -> None:
        """Let go of the file, and remove it if all that is in it is recorded, or refused for good."""
        self.lock.release(unlink=done)


def said(data: bytes, tag: str) -> Iterator[Said]:
    """Yield the events that a file holds, in the order in which they began; what is damaged is left out."""
    names: list[tuple[Any, Any, Any]] = []
    found: dict[Any, Said] = {}
    *lines, tail = data.split(b"\n")
    for line in [*lines, *_mended(tail)]:
        match _value(line):
            case {"event": {"event_id": str() as event_id, "session_id": str()} as event, "by": by}:
                found[event_id] = Said(event, by)
            case {"session_id": str() as session_id, "message_id": str() as message_id, "by": by}:
                names.append((session_id, message_id, by))
            case [int() as name, int() as number, str() as text] if 0 <= name < len(names):
                session_id, message_id, by = names[name]
                if number not in found:
                    event = {"type": "message_append", "session_id": session_id, "message_id": message_id}
                    found[number] = Said({**event, "content_delta": "", "event_id": _event_id(tag, number)}, by)
                found[number].event["content_delta"] += text
            case [int() as number]:
                found.pop(number, None)
    yield from found.values()


def _event_id(tag: str, number: int) -> str:
    return f"{tag}-{number}"


def _quoted(text: str) -> bytes:
    return encode(text)[1:-1]


def _mended(tail: bytes) -> Iterator[bytes]:
    """Yield an open text's line as a whole one, without a character or an escape that is torn."""
    for cut in range(min(len(tail), _TORN)):
        line = tail[: len(tail) - cut] + b'"]'
        if _value(line) is not None:
            yield line
            return


def _value(line: bytes) -> Any:
    try:
        return decode(line)
    except NOT_JSON:
        return None


async def hand_on(service: ServedService, left: Sequence[Said], start: Mapping[str, Any]) -> None:
    """Record what was left of one session, which `start` makes, until all is recorded or refused for good."""
    waits = True
    while waits:
        waits = False
        for by, group in itertools.groupby(left, lambda one: one.by):
            events = [one.event for one in group]
            answers = await service.answer(events, by=by)
            if any(_code(answer) == "session_not_found" for answer in answers):
                answers = (await service.answer([start, *events], by=by))[1:]
            waits = waits or any(_code(answer) in _NOT_YET for answer in answers)
            for answer in answers:
                if isinstance(answer, Error) and answer.code not in _NOT_YET:
                    log.warning("%s: what was said before a kill is refused: %s", start["session_id"], answer)
        if waits:  # for another process or for the disk, and neither tells when that is over
            await asyncio.sleep(RETRY_SECONDS)


def _code(answer: Answer) -> str | None:
    return answer.code if isinstance(answer, Error) else None
