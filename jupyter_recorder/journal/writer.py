"""Numbers, times and encodes a recording's events, and appends them to its journal."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from .. import forks
from ..clock import RecordingClock
from ..errors import NoActiveRecording, PersistFailed
from ..files import SYSTEM, Files
from .blobs import Blob, split_payloads
from .codec import FORMAT, VERSION, encode, encode_line, is_whole, number_line
from .commit import Committer, shared_committer
from .log import LINGER_SECONDS, Item, SegmentedLog
from .reader import STEM, SUFFIX, last_event, segment_path, segments
from .repair import repair_tail

# A kernel whose disk hangs goes on: so much is held in memory, then it waits so long once, then it counts.
HELD_BYTES: Final = 64 << 20
WAIT_SECONDS: Final = 2.0


class Recorded(NamedTuple):
    """An event as it was journaled: its number, its time in Unix ms, and its fields (payloads as references)."""

    seq: int
    at: int
    event: Mapping[str, Any]


class JournalWriter:
    """Appends events to the journal in `folder`; safe to be called from any thread.

    `header` holds what the first line of each segment says beside `segment` and `first_seq`. `on_event` is called
    with each `Recorded` in order, under the writer's lock. `on_change` is called from a worker when `durable` or
    `error` changed.
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
        on_event: Callable[[Recorded], None] | None = None,
        on_change: Callable[[JournalWriter], None] | None = None,
    ) -> None:
        self.folder = folder
        self._header = {"type": "header", "format": FORMAT, "version": VERSION, **header}
        self._clock = clock or RecordingClock()
        self._held, self._wait_seconds = held_bytes, wait_seconds
        self._on_event, self._on_change = on_event, on_change
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._seq = self._last_at = 0
        self._dropping = self._closed = False
        self.dropped_events = self.dropped_bytes = 0
        self._untold_events = self._untold_bytes = 0
        self._failure: PersistFailed | None = None
        self._log = SegmentedLog(
            lambda segment: segment_path(folder, STEM, SUFFIX, segment),
            self._header_line,
            committer=committer or shared_committer(),
            files=files,
            linger=linger,
            on_change=self._changed,
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
        """Record one event (without seq and at); None if the disk has been too slow for too long.

        What is not recorded is counted, and a `gap` line says so once there is room. Raises
        `NoActiveRecording` once closed, and in a forked child; `InvalidEvent` for what cannot be encoded.
        """
        blobs: list[Blob] = []
        event = split_payloads(dict(event), blobs)
        body = encode(event)
        with self._use():
            if not self._room(len(body) + sum(len(blob.data) for blob in blobs)):
                return None
            self._tell_drops()
            self._tell_drift()
            return self._put(event, body, tuple(blobs), urgent)

    def close(self, status: str, timeout: float | None = None) -> bool:
        """Write the footer, wait until all is durable and close; False if `timeout` seconds were not enough."""
        with self._use():
            self._closed = True
            self._tell_drops()
            footer = {"type": "footer", "at": self._now(), "status": status, "events": self._seq}
            self._log.append(Item(encode_line(footer)), urgent=True)
        forks.unwatch(self)
        return self._log.close(timeout)

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
    def slow_seconds(self) -> float:
        """How long the write or sync in flight has taken so far, in seconds."""
        return self._log.slow_seconds

    # -- under the lock

    def _use(self) -> threading.RLock:
        if self._closed or os.getpid() != self._pid:
            raise NoActiveRecording("this recording was ended, or belongs to the parent process")
        return self._lock

    def _put(self, event: Mapping[str, Any], body: bytes, blobs: tuple[Blob, ...], urgent: bool) -> Recorded:
        self._seq += 1
        self._last_at = self._now()
        self._log.append(Item(number_line(self._seq, self._last_at, body), blobs), urgent=urgent)
        recorded = Recorded(self._seq, self._last_at, event)
        if self._on_event is not None:
            self._on_event(recorded)
        return recorded

    def _put_own(self, event: Mapping[str, Any]) -> None:
        self._put(event, encode(event), (), False)

    def _now(self) -> int:
        return max(self._clock.now(), self._last_at)

    def _room(self, size: int) -> bool:
        # Half a queue's room before the next event is taken again: not one event, one gap, one event …
        limit = (self._held // 2 if self._dropping else self._held) - size
        patience = 0.0 if self._dropping else self._wait_seconds
        self._dropping = not self._log.wait_room(max(limit, 1), patience)
        if self._dropping:
            self.dropped_events += 1
            self.dropped_bytes += size
            self._untold_events += 1
            self._untold_bytes += size
        return not self._dropping

    def _tell_drops(self) -> None:
        if self._untold_events:
            events, self._untold_events = self._untold_events, 0
            size, self._untold_bytes = self._untold_bytes, 0
            self._put_own({"type": "gap", "reason": "the disk was too slow", "events": events, "bytes": size})

    def _tell_drift(self) -> None:
        wall = self._clock.drift()
        if wall is not None:
            self._put_own({"type": "clock", "wall_ms": wall})

    # -- from a worker

    def _changed(self, log: SegmentedLog) -> None:
        failure, self._failure = self._failure, log.error
        if failure is not None and log.error is None:
            self._tell_recovered(failure)
        if self._on_change is not None:
            self._on_change(self)

    def _tell_recovered(self, failure: PersistFailed) -> None:
        with self._lock:
            if not self._closed:
                name, why = Path(failure.path or "").name, os.strerror(failure.errno or 0)
                self._put_own({"type": "gap", "reason": f"{name} could not be written: {why}", "events": 0})

    def _header_line(self, segment: int, first: int) -> bytes:
        return encode_line({**self._header, "segment": segment, "first_seq": first})
