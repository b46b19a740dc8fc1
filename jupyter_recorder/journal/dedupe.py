"""Which events a recording has already: exact, derived from its journal, without a time window.

An index on a local disk says which `event_id` and which `(producer, producer_seq)` were recorded, as which number and
with what content. It holds keyed hashes only, and it is never believed against the journal: it counts only if it is
of this boot (it is not synced) and its last entry is what the journal has at that number; what came later is read from
the journal, and a hit on an entry from before this opening is held against the journal's own line. Else it is rebuilt.

The content of an event is its JSON with sorted keys, without the fields in `OUTSIDE`, a payload over 64 KiB by its
sha256 as in the journal. A line whose text was redacted carries in `raw` the hash of what was sent.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..errors import EventConflict, InvalidEvent, NoActiveRecording, SequenceGap
from .blobs import join_payloads, split_payloads
from .cache import cache_folder
from .codec import BLOB_BYTES, clean_text, decode, encode
from .find import find_event
from .reader import last_event, read_events

if TYPE_CHECKING:
    from .dedupe_index import Entry, Index

HASH_BYTES: Final = 16
OUTSIDE: Final = frozenset(("event_id", "producer", "producer_seq", "seq", "at", "by", "raw"))
_PRODUCERS: Final = 1000
_sorted: Final = msgspec.json.Encoder(order="sorted")


class Dedupe:
    """What one recording has; `key` is its `dedupe.key`. Safe to be called from any thread.

    `cache` is the folder for the index (default: `cache_folder()`; where there is none, the index is a temporary
    file that is rebuilt at each opening). Raises `OSError` if the journal cannot be read.
    """

    def __init__(self, folder: Path, key: bytes, cache: Path | None = None) -> None:
        self._folder, self._key = folder, key
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._committed: OrderedDict[bytes, int] = OrderedDict()
        place = cache or cache_folder()
        name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()
        # The last ones' names: one producer sends many events, and an event is checked, then added.
        self._producer = ("", self._hash(b"p", b""))
        self._event_id = ("", self._hash(b"e", b""))
        self._index: Index = _open_index(None if place is None else place / "dedupe" / f"{name}.sqlite", self._mark)
        self._believed_after = 0  # what lies above came from the journal in this process
        self._catch_up()

    def check(self, event: Mapping[str, Any]) -> int | None:
        """Return the number as which exactly this event is recorded, or None if it is new.

        Raises `EventConflict` for the same id or producer number with other content, `SequenceGap` for a number
        above the next one, and `InvalidEvent` for a number that a refused event has used up. A known `event_id` under
        a producer's next number is a repeat too; that number is then still to be used up (a `refused` line).
        """
        with self._use():
            try:
                return self._check(event)
            except OSError:
                self._fall_back()
                return self._check(event)

    def committed(self, producer: str) -> int:
        """Return the highest number of `producer` that is used up (0: none)."""
        with self._use():
            name = self._producer_name(producer)
            if name not in self._committed:
                try:
                    self._committed[name] = self._index.committed(name)
                except OSError:
                    self._fall_back()
                    self._committed[name] = self._index.committed(name)
                if len(self._committed) > _PRODUCERS:
                    self._committed.popitem(last=False)
            return self._committed[name]

    def add(self, seq: int, event: Mapping[str, Any]) -> None:
        """Take in the event that was recorded as number `seq`; called for every event, in order.

        A redacted event carries `raw`; a `refused` line uses up its producer's number.
        """
        with self._use():
            try:
                self._add(seq, event)
            except OSError:
                self._fall_back()
                self._add(seq, event)

    def content_hash(self, event: Mapping[str, Any]) -> bytes:
        """Return the keyed hash of an event's content; its hex is what `raw` holds for a redacted line."""
        return self._hash(b"c", _content(event, OUTSIDE))

    def close(self) -> None:
        """Put the rest of the index on its disk and close it; a second time does nothing."""
        if self._pid == os.getpid():
            with self._lock:
                self._index.close()

    # -- inside

    def _use(self) -> threading.RLock:
        if self._pid != os.getpid():  # SQLite must not cross a fork
            raise NoActiveRecording("this recording belongs to the parent process")
        return self._lock

    def _hash(self, kind: bytes, data: bytes) -> bytes:
        return hashlib.blake2b(data, key=self._key, person=kind, digest_size=HASH_BYTES).digest()

    def _names(self, event: Mapping[str, Any]) -> list[tuple[bytes, int]]:
        """Return the names that the index knows the event by: its id's, then its producer number's."""
        names = []
        event_id = event.get("event_id")
        if isinstance(event_id, str):
            if event_id != self._event_id[0]:
                self._event_id = (event_id, self._hash(b"e", _utf8(event_id)))
            names.append((self._event_id[1], 0))
        producer, number = _producer_of(event)
        if producer is not None:
            names.append((self._producer_name(producer), number))
        return names

    def _producer_name(self, producer: str) -> bytes:
        if producer != self._producer[0]:
            self._producer = (producer, self._hash(b"p", _utf8(producer)))
        return self._producer[1]

    def _check(self, event: Mapping[str, Any]) -> int | None:
        names = self._names(event)
        producer, number = _producer_of(event)
        if producer is not None:
            expected = self.committed(producer) + 1
            if number > expected:
                raise SequenceGap(producer, number, expected)
            if number == expected:  # surely new, and the usual case: not worth a look
                names.pop()
        found = [(name, hit) for name in names if (hit := self._find(name)) is not None]
        return self._answer(event, found) if found else None

    def _add(self, seq: int, event: Mapping[str, Any]) -> None:
        names = self._names(event)
        content = self._content_of(event) if names else b""
        for name in names:
            self._index.add(name, seq, content)
            if name[1] and name[0] in self._committed:
                self._committed[name[0]] = max(self._committed[name[0]], name[1])
        self._index.came(seq, event)

    def _content_of(self, event: Mapping[str, Any]) -> bytes:
        """Return the hash of what was sent as the event in a line; nothing for a number that was refused."""
        if event.get("type") == "refused":
            return b""
        raw = event.get("raw")
        try:
            kept = bytes.fromhex(raw) if isinstance(raw, str) else b""
        except ValueError:
            kept = b""
        return kept if len(kept) == HASH_BYTES else self.content_hash(event)

    def _mark(self, event: Mapping[str, Any]) -> bytes:
        return self._hash(b"m", _content(event, frozenset(("seq", "at"))))

    def _find(self, name: tuple[bytes, int]) -> Entry | None:
        hit = self._index.find(name)
        if hit is None or hit.seq > self._believed_after or self._is_in_journal(name, hit):
            return hit
        self._rebuild(self._believed_after)
        return self._index.find(name)

    def _is_in_journal(self, name: tuple[bytes, int], hit: Entry) -> bool:
        line = find_event(self._folder, hit.seq)
        if line is None or name not in self._names(line):
            return False
        return self._content_of(line) == hit.content

    def _answer(self, event: Mapping[str, Any], found: list[tuple[tuple[bytes, int], Entry]]) -> int:
        content = self.content_hash(event)
        recorded = [(name, hit) for name, hit in found if hit.content]
        for name, hit in recorded:
            if hit.content != content and not self._is_equal_at_length(event, hit.seq):
                raise EventConflict(_words(event, name), hit.seq)
        if not recorded:
            raise InvalidEvent(f"{_words(event, found[0][0])} was refused before")
        return min(hit.seq for _, hit in recorded)

    def _is_equal_at_length(self, event: Mapping[str, Any], seq: int) -> bool:
        """Compare what a hash can't: a large JSON payload, equal but for the order of its keys."""
        sent = _canonical(_inside(event, OUTSIDE))
        line = find_event(self._folder, seq) if len(sent) > BLOB_BYTES else None
        return line is not None and _canonical(join_payloads(self._folder, _inside(line, OUTSIDE))) == sent

    # -- keeping to the journal

    def _catch_up(self) -> None:
        last = last_event(self._folder)
        upto = int(last["seq"]) if last is not None else 0
        known = self._index.seq
        if known and (known > upto or not self._agrees(known)):
            self._rebuild(known)
        elif known < upto:
            self._believed_after = known
            for event in read_events(self._folder, after=known):
                self._add(event["seq"], event)
        else:
            self._believed_after = known

    def _fall_back(self) -> None:
        """Go on with a temporary index, taken from the journal and from what is in memory: the other one failed."""
        new, seq = dict(self._index.new), self._index.seq
        self._index.new.clear()
        self._index.close()
        self._index = _open_index(None, self._mark)
        self._rebuild(0)
        for name, entry in new.items():
            self._index.add(name, *entry)
        self._index.seq = max(self._index.seq, seq)

    def _agrees(self, seq: int) -> bool:
        line = find_event(self._folder, seq)
        return line is not None and self._mark(line) == self._index.mark

    def _rebuild(self, upto: int) -> None:
        """Take in the journal anew; entries above `upto` stay: their lines may not be written yet."""
        self._index.forget(upto)
        self._committed.clear()
        self._believed_after = 0
        for event in read_events(self._folder):
            self._add(event["seq"], event)


def _open_index(path: Path | None, mark_of: Callable[[Mapping[str, Any]], bytes]) -> Index:
    from .dedupe_index import open_index  # not at the top: who has no client needs no SQLite

    return open_index(path, mark_of)


def _inside(event: Mapping[str, Any], outside: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in outside}


def _content(event: Mapping[str, Any], outside: frozenset[str]) -> bytes:
    inside = _inside(event, outside)
    data = _canonical(inside)
    return _canonical(split_payloads(inside, [])) if len(data) > BLOB_BYTES else data


def _words(event: Mapping[str, Any], name: tuple[bytes, int]) -> str:
    if name[1]:
        return f"number {name[1]} of producer {event['producer']!r}"
    return f"event {event['event_id']!r}"


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return clean_text(text).encode()


def _producer_of(event: Mapping[str, Any]) -> tuple[str | None, int]:
    producer, number = event.get("producer"), event.get("producer_seq")
    if not isinstance(producer, str) or type(number) is not int:
        return None, 0
    if number < 1:
        raise InvalidEvent(f"producer numbers count from 1, not {number}")
    return producer, number


def _canonical(value: Mapping[str, Any]) -> bytes:
    try:
        return _sorted.encode(value)
    except (TypeError, ValueError, OverflowError):  # what the journal itself writes in another form
        return _sorted.encode(decode(encode(value)))
