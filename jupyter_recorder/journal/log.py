"""One file that is only appended to, made durable in groups, going on in a next segment when it fails.

The one place that decides what is durable. It knows items (bytes with a running number), not what they mean:
the journal's events and a terminal's asciicast events are both items.

    append ──> pending ──write──> unsynced ──datasync──> durable
                  ^                  │
                  └──── a failure ───┘   (then a new segment, begun with what was not durable)
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from .. import forks
from ..errors import PersistFailed
from ..files import SYSTEM, Files, write_all
from .blobs import Blob, write_blobs
from .commit import Committer

logger = logging.getLogger(__name__)

# An event is handed to the system at most 50 ms after it came; the rest is left for a busy interpreter.
LINGER_SECONDS: Final = 0.020
RETRY_SECONDS: Final = (0.25, 0.5, 1.0)
SLOW_SECONDS: Final = 1.0
_BATCH_BYTES: Final = 1 << 22


class Item(NamedTuple):
    """Bytes to append, and the blobs that must be safe before them."""

    data: bytes
    blobs: tuple[Blob, ...] = ()

    @property
    def size(self) -> int:
        """What the item holds of memory, in bytes."""
        return len(self.data) + sum(len(blob.data) for blob in self.blobs)


class SegmentedLog:
    """Appends items to `path_of(segment)`; `durable` counts those known to be safe.

    `header_of(segment, first)` gives the first line of a new segment that begins with item number `first`.
    `on_change(log)` is called from a worker after a sync, a failure and a recovery; it must not block.
    """

    def __init__(
        self,
        path_of: Callable[[int], Path],
        header_of: Callable[[int, int], bytes],
        *,
        committer: Committer,
        files: Files = SYSTEM,
        linger: float = LINGER_SECONDS,
        on_change: Callable[[SegmentedLog], None] | None = None,
    ) -> None:
        self._path_of, self._header_of = path_of, header_of
        self._committer, self._files, self._linger = committer, files, linger
        self._on_change = on_change
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._pending: deque[Item] = deque()
        self._unsynced: deque[Item] = deque()
        self._fd = -1
        self._segment = 0
        self._due: float | None = None
        self._writing = self._syncing = self._closed = False
        self._in_flight: dict[int, float] = {}
        self._failures = 0
        self._next_number = 1
        self.count = 0
        self.durable = 0
        self.written_bytes = 0
        self.held_bytes = 0
        self.error: PersistFailed | None = None

    # -- opening and closing

    def create(self) -> None:
        """Make the first segment, with its header on the disk; raises `OSError`."""
        self._fd, size = self._new_segment(0, 1, b"")
        self.written_bytes = size
        forks.watch(self)

    def reopen(self, segment: int, count: int) -> None:
        """Go on appending to an existing, repaired segment after item number `count`; raises `OSError`."""
        path = self._path_of(segment)
        self._fd = self._files.open_append(path)
        self._segment, self._next_number = segment, segment + 1
        self.count = self.durable = count
        self.written_bytes = path.stat().st_size
        forks.watch(self)

    def close(self, timeout: float | None = None) -> bool:
        """Wait until all is durable, then close; False if `timeout` seconds were not enough (it goes on by itself)."""
        if self._pid != os.getpid():
            return False
        safe = self.wait(self.count, timeout)
        with self._changed:
            self._closed = True
            self._close_if_done()
        return safe

    def _close_if_done(self) -> None:
        if self._closed and self.durable == self.count and self._fd >= 0 and self.error is None:
            fd, self._fd = self._fd, -1
            forks.unwatch(self)
            with contextlib.suppress(OSError):  # all of it was synced; nothing hangs on this answer
                self._files.close(fd)

    def after_fork_in_child(self) -> None:
        """Close the descriptor; every later call sees that it is in another process."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = -1

    # -- appending and waiting

    def append(self, item: Item, *, urgent: bool = False) -> int:
        """Take one item and return its number; it is written within the linger, or at once if `urgent`."""
        with self._changed:
            self._pending.append(item)
            self.count += 1
            self.held_bytes += item.size
            self._schedule(0.0 if urgent else self._linger)
            return self.count

    def wait(self, number: int, timeout: float | None = None) -> bool:
        """Wait until item `number` is durable; False if `timeout` seconds were not enough."""
        if self._pid != os.getpid():
            return False
        with self._changed:
            if self._pending and self.durable < number:
                self._schedule(0.0)
            return self._changed.wait_for(lambda: self.durable >= number, timeout)

    def wait_room(self, limit: int, timeout: float) -> bool:
        """Wait until less than `limit` bytes are held back from the disk; False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self.held_bytes < limit, timeout)

    @property
    def slow_seconds(self) -> float:
        """How long the write or sync in flight has taken so far, in seconds (0.0: none is in flight)."""
        begun = list(self._in_flight.values())
        return time.monotonic() - min(begun) if begun else 0.0

    def _schedule(self, delay: float) -> None:
        if self.error is not None:  # the retry will take it along
            return
        due = time.monotonic() + delay
        if self._due is None or due < self._due:
            self._due = due
            self._committer.call_at(due, self._flush)

    # -- in a worker: write, then sync, until nothing is left

    def _flush(self) -> None:
        with self._changed:
            self._due = None
            if self._writing or self.error is not None or self._fd < 0:
                return
            self._writing = True
        while batch := self._next_batch():
            if not self._write(batch):
                return
            self._sync_elsewhere()
        self._sync()

    def _next_batch(self) -> list[Item]:
        with self._changed:
            batch, size = [], 0
            for item in self._pending:
                if batch and size + len(item.data) > _BATCH_BYTES:
                    break
                batch.append(item)
                size += len(item.data)
            if not batch:
                self._writing = False
            return batch

    def _write(self, batch: list[Item]) -> bool:
        try:
            with self._timed():
                self._write_blobs(batch)
                data = b"".join([item.data for item in batch])
                write_all(self._files, self._fd, data)
        except OSError as error:
            self._give_up(error)
            return False
        with self._changed:
            for _ in batch:
                self._unsynced.append(self._pending.popleft())
            self.written_bytes += len(data)
        return True

    def _sync_elsewhere(self) -> None:
        """While this worker writes on, let another one sync what stands: a long queue must not delay its acks."""
        with self._changed:
            more = bool(self._pending) and not self._syncing
        if more:
            self._committer.call_later(0.0, self._sync)

    def _write_blobs(self, batch: list[Item]) -> None:
        blobs = [blob for item in batch for blob in item.blobs]
        if blobs:
            write_blobs(self._files, self._path_of(0).parent, blobs)

    def _sync(self) -> None:
        while True:
            with self._changed:
                if self._syncing or self.error is not None or not self._unsynced or self._fd < 0:
                    return
                self._syncing = True
                fd, segment, batch = self._fd, self._segment, len(self._unsynced)
            try:
                with self._timed():
                    self._files.datasync(fd)
            except OSError as error:
                with self._changed:
                    self._syncing = False
                self._give_up(error)
                return
            if not self._synced(segment, batch):
                return

    def _synced(self, segment: int, batch: int) -> bool:
        with self._changed:
            self._syncing = False
            if self.error is not None or segment != self._segment:  # the file was given up meanwhile
                return False
            for _ in range(batch):
                self._settle(self._unsynced.popleft())
            self._close_if_done()
            self._changed.notify_all()
        self._tell()
        return True

    def _settle(self, item: Item) -> None:
        self.durable += 1
        self.held_bytes -= item.size

    # -- a failure: give the file up, go on in the next segment

    def _give_up(self, error: OSError) -> None:
        """Acknowledge nothing more on this file; keep what is not durable for the next segment."""
        path = self._path_of(self._segment)
        with self._changed:
            self._writing = False
            if self.error is not None:
                return
            self.error = PersistFailed(
                f"{path.parent.name}: {path.name} can't be written: {error.strerror or error}; "
                "what came since is kept in memory and written as soon as it can be",
                path=str(path),
                errno=error.errno,
            )
            self._pending.extendleft(reversed(self._unsynced))
            self._unsynced.clear()
            self._failures = 0
        logger.error("%s", self.error)
        self._tell()
        self._committer.call_later(0.0, self._next_segment)

    def _next_segment(self) -> None:
        with self._changed:
            batch = list(self._pending)
            number, first = self._next_number, self.durable + 1
        try:
            with self._timed():
                self._write_blobs(batch)
                fd, size = self._new_segment(number, first, b"".join([item.data for item in batch]))
        except OSError as error:
            if isinstance(error, FileExistsError):  # one that could not be removed again, or is not ours
                self._next_number += 1
            delay = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)]
            self._failures += 1
            logger.debug("segment %d can't be begun (%s); trying again in %.2f s", number, error, delay)
            self._committer.call_later(delay, self._next_segment)
            return
        self._begin_segment(fd, number, size, len(batch))

    def _begin_segment(self, fd: int, number: int, size: int, count: int) -> None:
        with self._changed:
            old, self._fd, self._segment, self.error = self._fd, fd, number, None
            self._next_number = number + 1
            self.written_bytes += size
            for _ in range(count):
                self._settle(self._pending.popleft())
            if self._pending:
                self._schedule(0.0)
            self._close_if_done()
            self._changed.notify_all()
        if old >= 0:
            with contextlib.suppress(OSError):  # its data was given up; what close says of it changes nothing
                self._files.close(old)
        self._tell()

    def _new_segment(self, number: int, first: int, data: bytes) -> tuple[int, int]:
        """Make a segment with header and `data` on the disk, or nothing; returns (descriptor, size in bytes)."""
        path = self._path_of(number)
        content = self._header_of(number, first) + data
        fd = self._files.create(path)
        try:
            write_all(self._files, fd, content)
            self._files.datasync(fd)
            self._files.sync_folder(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                self._files.close(fd)
            with contextlib.suppress(OSError):
                self._files.unlink(path)
            raise
        return fd, len(content)

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        me = threading.get_ident()
        self._in_flight[me] = time.monotonic()
        try:
            yield
        finally:
            del self._in_flight[me]

    def _tell(self) -> None:
        if self._on_change is not None:
            self._on_change(self)

