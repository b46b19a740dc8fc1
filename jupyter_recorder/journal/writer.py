"""Numbers, times and encodes a recording's events, and appends them to its journal."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from .. import forks
from ..clock import RecordingClock
from ..errors import InvalidEvent, NoActiveRecording, PersistFailed
from ..files import SYSTEM, Files
from .blobs import Blob, split_payloads
from .codec import (
    BLOB_BYTES,
    FORMAT,
    LINE_BYTES,
    VERSION,
    encode,
    encode_flat_lines,
    encode_line,
    is_whole,
    number_line,
)
from .commit import Committer, shared_committer
from .log import LINGER_SECONDS, Item, SegmentedLog
from .reader import STEM, SUFFIX, last_event, segment_path, segments
from .repair import repair_tail
from .room import HELD_BYTES, WAIT_SECONDS, Room

logger = logging.getLogger(__name__)

_OURS: Final = ("seq", "at")


class Recorded(NamedTuple):
    """An event as it was journaled: its number, its time in Unix ms, and its fields (payloads as references)."""

    seq: int
    at: int
    event: Mapping[str, Any]


class Batch:
    """Events that are journaled in one go: each has its number at once, and all are written together at the end.

    What there is no room for is refused, and counted nowhere. Entering it raises `NoActiveRecording` once the writer
    is closed, and in a forked child; others' events wait until it is left.
    """

    def __init__(self, writer: JournalWriter) -> None:
        self._writer = writer
        self._room = 0
        self._items: list[Item] = []

    # (No generator with `contextmanager`: it is entered for each event that comes alone.)
    def __enter__(self) -> Self:
        writer = self._writer
        writer._enter()
        try:
            writer._tell_drops()
            writer._tell_drift()
            self._room = writer._held_bytes - writer._log.held_bytes
        except BaseException:
            writer._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._items:
                self._writer._log.append_many(self._items, urgent=True)
        finally:
            self._writer._lock.release()

    def put(self, event: Mapping[str, Any]) -> Recorded | None:
        """Number one event, which has no `seq` and `at`; None if so much is held back that it can't be taken.

        Raises `InvalidEvent` for what cannot be encoded.
        """
        kept, body, blobs = _encoded(event)
        if self._room < len(body):
            return None
        recorded, line = self._writer._numbered(kept, body)
        self._add(Item(line, blobs))
        return recorded

    def put_run(self, kind: str, count: int, lines: Callable[[int, int], Sequence[Any]]) -> int | None:
        """Number `count` events of one type; `lines(seq, at)` gives them, numbered from `seq` on, at Unix ms `at`.

        They hold no more than texts and numbers, each below `BLOB_BYTES` as JSON. Returns the first one's number. None
        if they can't be taken so: nothing is done then, and `put` takes them or says why not.
        """
        first, at = self._writer._seq + 1, self._writer._now()
        data = encode_flat_lines(lines(first, at))
        if data is None or self._room < len(data):
            return None
        self._writer._count(Recorded(first + count - 1, at, {"type": kind}), count)
        self._add(Item(data, count=count))
        return first

    def _add(self, item: Item) -> None:
        self._items.append(item)
        self._room -= item.size


class JournalWriter:
    """Appends events to the journal in `folder`; safe to be called from any thread.

    `header` holds what the first line of each segment says beside `segment` and `first_seq`. `on_event` is called
    with each `Recorded` in order and 1, or the last of several of one type and their count, under the writer's
    lock. `on_change` is called from a worker when `durable` or `error` changed, `on_write` from one when more was
    written, synced or not.
    """

    def __init__(
        self,
        folder: Path,
        header: Mapping[str, Any],
        *,
        committer: Committer | None = None,
        files: Files = SYSTEM,
        clock: RecordingClock | None = None,
        linger: float = LINGER_SECONDS,
        held_bytes: int = HELD_BYTES,
        wait_seconds: float = WAIT_SECONDS,
        on_event: Callable[[Recorded, int], None] | None = None,
        on_change: Callable[[JournalWriter], None] | None = None,
        on_write: Callable[[JournalWriter], None] | None = None,
    ) -> None:
        self.folder = folder
        self._held_bytes = held_bytes
        self._header = {"type": "header", "format": FORMAT, "version": VERSION, **header}
        self._clock = clock or RecordingClock()
        self._committer = committer or shared_committer()
        self._on_event, self._on_change = on_event, on_change
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._seq = self._last_at = 0
        self._closed = False
        self._why_dropped = ""
        self._log = SegmentedLog(
            lambda segment: segment_path(folder, STEM, SUFFIX, segment),
            self._header_line,
            committer=self._committer,
            files=files,
            linger=linger,
            on_change=self._changed,
            on_recovery=self._tell_recovered,
            on_write=None if on_write is None else lambda _: on_write(self),
        )
        self._room = Room(
            self._log.wait_room, self._on_free, self._committer, held_bytes=held_bytes, wait_seconds=wait_seconds
        )

    @classmethod
    def create(cls, folder: Path, header: Mapping[str, Any], **options: Any) -> JournalWriter:
        """Begin a journal in `folder`, its header on the disk; raises `OSError`."""
        writer = cls(folder, header, **options)
        writer._log.create()
        forks.watch(writer)
        return writer

    @classmethod
    def resume(cls, folder: Path, header: Mapping[str, Any], **options: Any) -> JournalWriter:
        """Go on in the journal that stands in `folder`, its torn tail cut first; raises `OSError`."""
        files = options.get("files", SYSTEM)
        standing = segments(folder)
        if not standing:
            raise FileNotFoundError(errno.ENOENT, "there is no journal", str(folder))
        for _, path in standing:
            repair_tail(files, path, is_whole)
        last = last_event(folder) or {"seq": 0, "at": 0}
        options.setdefault("clock", RecordingClock(not_before=int(last.get("at") or 0)))
        writer = cls(folder, header, **options)
        writer._seq, writer._last_at = last["seq"], int(last.get("at") or 0)
        writer._log.reopen(standing[-1][0], writer._seq)
        forks.watch(writer)
        return writer

    def append(self, event: Mapping[str, Any], *, urgent: bool = False) -> Recorded | None:
        """Record one event; None if the disk has been too slow for too long.

        `seq` and `at` are the writer's: those of `event` are left out. What is not recorded is counted, and a `gap`
        line says so once there is room. Raises `NoActiveRecording` once closed, and in a forked child;
        `InvalidEvent` for what cannot be encoded.
        """
        kept, body, blobs = _encoded({key: value for key, value in event.items() if key not in _OURS})
        with self._open():
            if not self._room.take(len(body) + sum(len(blob.data) for blob in blobs)):
                self._why_dropped = _reason(self._log.error) if self._log.error else "the disk was too slow"
                return None
            self._tell_drops()
            self._tell_drift()
            return self._put(kept, body, blobs, urgent)

    def batch(self) -> Batch:
        """Return what journals many events in one go, urgently."""
        return Batch(self)

    def park(self) -> bool:
        """Close the descriptor until the next event; False if one is not durable yet."""
        return self._pid == os.getpid() and self._log.park()

    def close(self, status: str, timeout: float | None = None) -> bool:
        """Write the footer, wait until all is durable and close; False if `timeout` seconds were not enough.

        It then goes on by itself; a second call only waits. Raises `NoActiveRecording` in a forked child.
        """
        with contextlib.suppress(_Closed), self._open():
            self._tell_drops()
            self._closed = True
            footer = {"type": "footer", "at": self._now(), "status": status, "events": self._seq}
            self._log.append(Item(encode_line(footer)), urgent=True)
        forks.unwatch(self)
        return self._log.close(timeout)

    def abandon(self) -> bool:
        """Take no more and write no footer, since the folder is another's; see `SegmentedLog.abandon`."""
        with self._lock:
            self._closed = True
        forks.unwatch(self)
        return self._log.abandon()

    def after_fork_in_child(self) -> None:
        """Record nothing: the pid tells every later call."""
        self._closed = True

    def wait(self, seq: int | None = None, timeout: float | None = None) -> bool:
        """Wait until event `seq` (default: the last one) is durable; False after `timeout` seconds."""
        return self._log.wait(self._log.count if seq is None else seq, timeout)

    @property
    def seq(self) -> int:
        """The number of the last event (0: none)."""
        return self._seq

    @property
    def durable_seq(self) -> int:
        """The number of the last event known to be on the disk."""
        return min(self._log.durable, self._seq)

    @property
    def written_seq(self) -> int:
        """The number of the last event that was handed to the system: a killed process does not lose it."""
        return min(self._log.written, self._seq)

    @property
    def last_at(self) -> int:
        """The time of the last event in Unix ms."""
        return self._last_at

    @property
    def error(self) -> PersistFailed | None:
        """Why nothing can be written at present (None: it can)."""
        return self._log.error

    @property
    def size_bytes(self) -> int:
        """What was written so far, in bytes."""
        return self._log.written_bytes

    @property
    def dropped_events(self) -> int:
        """How many events were not recorded because the disk was too slow."""
        return self._room.dropped_events

    @property
    def dropped_bytes(self) -> int:
        """How many bytes of events were not recorded because the disk was too slow."""
        return self._room.dropped_bytes

    @property
    def slow_seconds(self) -> float:
        """How long the write or sync in flight has taken so far, in seconds."""
        return self._log.slow_seconds

    # -- under the lock

    @contextlib.contextmanager
    def _open(self) -> Iterator[None]:
        self._enter()
        try:
            yield
        finally:
            self._lock.release()

    def _enter(self) -> None:
        """Take the lock of a writer that is open."""
        if os.getpid() != self._pid:  # before the lock, which another thread may have held when this child was forked
            raise NoActiveRecording("this recording belongs to the parent process")
        self._lock.acquire()
        if self._closed:  # under it, so that nothing follows the footer
            self._lock.release()
            raise _Closed("this recording was ended")

    def _put(self, event: Mapping[str, Any], body: bytes, blobs: tuple[Blob, ...], urgent: bool) -> Recorded:
        recorded, line = self._numbered(event, body)
        self._log.append(Item(line, blobs), urgent=urgent)
        return recorded

    def _numbered(self, event: Mapping[str, Any], body: bytes) -> tuple[Recorded, bytes]:
        """Give an event its number and time; return it with its line."""
        recorded = Recorded(self._seq + 1, self._now(), event)
        self._count(recorded, 1)
        return recorded, number_line(recorded.seq, recorded.at, body)

    def _count(self, last: Recorded, count: int) -> None:
        """Take the numbers of so many events of one type, up to the one of `last`."""
        self._seq, self._last_at = last.seq, last.at
        if self._on_event is not None:
            try:
                self._on_event(last, count)
            except Exception:  # a listener's mistake must not make a recorded event look refused
                logger.exception("a listener of the journal failed")

    def _put_own(self, event: Mapping[str, Any]) -> None:
        self._put(event, encode(event), (), False)

    def _now(self) -> int:
        return max(self._clock.now(), self._last_at)

    def _tell_drops(self) -> None:
        events, size = self._room.untold()
        if events:
            self._put_own({"type": "gap", "reason": self._why_dropped, "events": events, "bytes": size})

    def _tell_drift(self) -> None:
        wall = self._clock.drift()
        if wall is not None:
            self._put_own({"type": "clock", "wall_ms": wall})

    # -- from a worker

    def _on_free(self) -> None:
        with self._lock:
            if not self._closed:
                self._tell_drops()

    def _changed(self, _: SegmentedLog) -> None:
        if self._on_change is not None:
            self._on_change(self)

    def _tell_recovered(self, failure: PersistFailed) -> None:
        with self._lock:
            if not self._closed:
                name = Path(failure.path or "").name
                self._put_own({"type": "gap", "reason": f"{name}: {_reason(failure)}", "events": 0})

    def _header_line(self, segment: int, first: int) -> bytes:
        return encode_line({**self._header, "segment": segment, "first_seq": first})


class _Closed(NoActiveRecording):
    """The journal was closed in this process."""


def _encoded(event: Mapping[str, Any]) -> tuple[Mapping[str, Any], bytes, tuple[Blob, ...]]:
    """Return the event with its payloads as references, its JSON, and the payloads."""
    body = encode(event)
    if len(body) <= min(BLOB_BYTES, LINE_BYTES - 100):  # no payload in it can be over that
        return event, body, ()
    blobs: list[Blob] = []
    kept: Mapping[str, Any] = split_payloads(event, blobs)
    body = encode(kept)
    if len(body) > LINE_BYTES - 100:  # room for seq and at
        raise InvalidEvent(f"the event takes {len(body) >> 20} MiB; a line holds at most {LINE_BYTES >> 20} MiB")
    return kept, body, tuple(blobs)


def _reason(failure: PersistFailed) -> str:
    return os.strerror(failure.errno) if failure.errno else "it could not be written"
