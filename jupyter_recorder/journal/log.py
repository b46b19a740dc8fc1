"""One file that is only appended to, made durable in groups, going on in a next segment when it fails.

The one place that decides what is durable. It knows items (bytes with a running number), not what they mean:
the journal's events and a terminal's asciicast events are both items.

    append ──> pending ──write──> unsynced ──datasync──> durable
                  ^                  │
                  └──── a failure ───┘   (then a new segment, begun with what was not durable)

An item stays in `pending` until its write has returned. A call that was under way on a segment when that was given
up may return at any later time: its answer then counts for nothing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from .. import forks
from ..errors import NoActiveRecording, PersistFailed
from ..files import SYSTEM, Files, write_all
from .blobs import write_blobs
from .commit import Committer
from .segment import Item, Segment, create_file, reopen_file

__all__ = ["LINGER_SECONDS", "Item", "SegmentedLog"]

logger = logging.getLogger(__name__)

# An event is handed to the system at most 50 ms after it came; the rest is left for a busy interpreter.
LINGER_SECONDS: Final = 0.020
RETRY_SECONDS: Final = (0.0, 0.25, 0.5, 1.0)
_BATCH_BYTES: Final = 1 << 22

T = TypeVar("T")


class SegmentedLog:
    """Appends items to `path_of(segment)`; `durable` counts those known to be safe.

    `header_of(segment, first)` gives the first line of a new segment that begins with item number `first`.
    `on_change(log)` is called from a worker after a sync, a failure and a recovery, `on_write(log)` after a write that
    is not synced yet, and `on_recovery(failure)` once for each failure, when writing goes on after it. None of them may
    block; what they raise is logged.
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
        on_recovery: Callable[[PersistFailed], None] | None = None,
        on_write: Callable[[SegmentedLog], None] | None = None,
    ) -> None:
        self._on_write = on_write
        self._path_of, self._header_of = path_of, header_of
        self._committer, self._files, self._linger = committer, files, linger
        self._on_change, self._on_recovery = on_change, on_recovery
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._pending: deque[Item] = deque()
        self._segment: Segment | None = None
        self._next_number = 1
        self._due: float | None = None
        self._closed = False  # takes no more
        self._left = False  # and nobody waits for the end: who makes the last item durable closes
        self._abandoned = False  # and the folder is another's: what fails is not tried again
        self._in_flight: dict[int, float] = {}
        self._failures = 0
        self.count = 0
        self.durable = 0
        self.written_bytes = 0
        self.held_bytes = 0
        self.error: PersistFailed | None = None

    # -- opening and closing

    def create(self) -> None:
        """Make the first segment, with its header on the disk; raises `OSError`."""
        path, header = self._path_of(0), self._header_of(0, 1)
        self._segment = Segment(self._files, 0, path, create_file(self._files, path, [header]))
        self.written_bytes = len(header)
        forks.watch(self)

    def reopen(self, segment: int, count: int) -> None:
        """Go on appending to an existing, repaired segment after item number `count`; raises `OSError`."""
        path = self._path_of(segment)
        fd = reopen_file(self._files, path, self._header_of(segment, count + 1))
        self._segment = Segment(self._files, segment, path, fd)
        self._next_number = segment + 1
        self.count = self.durable = count
        self.written_bytes = os.fstat(fd).st_size
        forks.watch(self)

    def close(self, timeout: float | None = None) -> bool:
        """Take no more, wait until all is durable, then close.

        False if `timeout` seconds were not enough: it goes on by itself, and `close` may be called again.
        """
        if self._pid != os.getpid():
            return False
        with self._changed:
            self._closed = True
        safe = self.wait(self.count, timeout)
        self._left = True  # before the look: a sync that ends in between sees it, or is seen
        self._retire_if_done()
        return safe

    def abandon(self) -> bool:
        """Take no more and begin no further file, since the folder is another's; false while something is under way.

        What was taken is still written to the file that stands; if that fails, it is lost. May be called again.
        """
        if self._pid != os.getpid():
            return True
        with self._changed:
            self._closed = self._left = self._abandoned = True
            if self._segment is not None and self.error is None and self.durable != self.count:
                self._schedule(0.0)
                return False
            segment, self._segment = self._segment, None
            self._changed.notify_all()
        if segment is not None:
            forks.unwatch(self)
            segment.retire()  # before the look: no call can begin on it after that
        return not self._in_flight

    def _retire_if_done(self) -> None:
        with self._changed:
            if not self._left or self.durable != self.count:
                return
            segment, self._segment = self._segment, None
        if segment is not None:
            forks.unwatch(self)
            segment.retire()

    def after_fork_in_child(self) -> None:
        """Close the descriptor; every later call sees that it is in another process."""
        if self._segment is not None:
            self._segment.drop_in_child()

    # -- appending and waiting

    def append(self, item: Item, *, urgent: bool = False) -> int:
        """Take one item and return its number; it is written within the linger, or at once if `urgent`.

        Raises `NoActiveRecording` once closed, and in a forked child.
        """
        return self.append_many([item], urgent=urgent)

    def append_many(self, items: Sequence[Item], *, urgent: bool = False) -> int:
        """Take items as `append` does, in one go; return the last number that they take."""
        if self._pid != os.getpid():
            raise NoActiveRecording("this recording belongs to the parent process")
        with self._changed:
            if self._closed:
                raise NoActiveRecording("this recording was ended")
            self._pending.extend(items)
            self.count += _counted(items)
            self.held_bytes += sum([item.size for item in items])
            self._schedule(0.0 if urgent else self._linger)
            return self.count

    @property
    def written(self) -> int:
        """How many items were handed to the system, on the disk or not: a killed process loses none of them."""
        with self._changed:
            return self.count - _counted(self._pending)

    def park(self) -> bool:
        """Close the descriptor until the next item, if none is under way; False if one is."""
        with self._changed:
            segment = self._segment
            return segment is not None and not self._pending and segment.park()

    def wait(self, number: int, timeout: float | None = None) -> bool:
        """Wait until item `number` is durable; False if `timeout` seconds were not enough."""
        if self._pid != os.getpid():
            return False
        with self._changed:
            if self._pending and self.durable < number:
                self._schedule(0.0)
            self._changed.wait_for(lambda: self.durable >= number or self._is_lost, timeout)
            return self.durable >= number

    @property
    def _is_lost(self) -> bool:
        """Whether what is not durable now never will be."""
        return self._abandoned and self._segment is None

    def wait_room(self, limit: int, timeout: float) -> bool:
        """Wait until less than `limit` bytes are held back from the disk; False after `timeout` seconds."""
        if self._pid != os.getpid():
            return False
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
            segment = self._segment
            if segment is None or segment.writing or segment.given_up:
                return
            segment.writing = True
        while batch := self._next_batch(segment):
            if not self._write(segment, batch):
                return
            self._sync_elsewhere(segment)
        self._sync(segment)

    def _next_batch(self, segment: Segment) -> list[Item]:
        with self._changed:
            batch: list[Item] = []
            size = 0
            for item in () if segment.given_up else self._pending:
                # Blobs are synced before their line: what came before them must not wait for that.
                if batch and (size + len(item.data) > _BATCH_BYTES or (item.blobs and not batch[-1].blobs)):
                    break
                batch.append(item)
                size += len(item.data)
            if not batch:
                segment.writing = False
            return batch

    def _write(self, segment: Segment, batch: list[Item]) -> bool:
        data = b"".join([item.data for item in batch])
        try:
            with self._timed(), segment.call() as fd:
                self._write_blobs(batch)
                write_all(self._files, fd, data)
        except Exception as error:  # noqa: BLE001  # whatever it was: the bytes are not known to be there
            self._give_up(segment, error)
            return False
        with self._changed:
            if segment.given_up:  # a sync failed meanwhile: these items are the next segment's
                return False
            segment.unsynced.extend(batch)
            self._take_off(self._pending, len(batch))
            self.written_bytes += len(data)
        if self._on_write is not None:
            _guarded(self._on_write, self)
        return True

    def _write_blobs(self, batch: list[Item]) -> None:
        blobs = [blob for item in batch for blob in item.blobs]
        if blobs:
            write_blobs(self._files, self._path_of(0).parent, blobs)

    def _sync_elsewhere(self, segment: Segment) -> None:
        """While this worker writes on, let another one sync what stands: a long queue must not delay its acks."""
        with self._changed:
            more = bool(self._pending) and not segment.syncing
        if more:
            self._committer.call_later(0.0, lambda: self._sync(segment))

    def _sync(self, segment: Segment) -> None:
        while count := self._begin_sync(segment):
            try:
                with self._timed(), segment.call() as fd:
                    self._files.datasync(fd)
            except Exception as error:  # noqa: BLE001  # whatever it was: nothing may be acknowledged by it
                self._give_up(segment, error)
                return
            self._synced(segment, count)

    def _begin_sync(self, segment: Segment) -> int:
        with self._changed:
            if segment.syncing or segment.given_up or not segment.unsynced:
                return 0
            segment.syncing = True
            return len(segment.unsynced)

    def _synced(self, segment: Segment, count: int) -> None:
        with self._changed:
            segment.syncing = False
            if segment.given_up:  # a write failed meanwhile: these items are the next segment's
                return
            self._failures = 0
            self._settle(segment.unsynced, count)
            self._changed.notify_all()
        self._tell()
        self._retire_if_done()

    def _settle(self, items: deque[Item], count: int) -> None:
        """Count the first items as durable, and let go of them."""
        done = self._take_off(items, count)
        self.durable += _counted(done)
        self.held_bytes -= sum([item.size for item in done])

    @staticmethod
    def _take_off(items: deque[Item], count: int) -> list[Item]:
        return [items.popleft() for _ in range(count)]

    # -- a failure: give the file up, go on in the next segment

    def _give_up(self, segment: Segment, error: Exception) -> None:
        """Acknowledge nothing more on this file; keep what is not durable for the next segment."""
        with self._changed:
            if segment.given_up:
                return
            segment.given_up = True
            self.error = failure = _persist_failed(segment.path, error)
            self._pending.extendleft(reversed(segment.unsynced))
            segment.unsynced.clear()
        logger.error("%s", failure)
        self._tell()
        self._try_later()

    def _try_later(self) -> None:
        # Failure after failure without one sync between them slows down: no folder full of tiny segments.
        delay = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)]
        self._failures += 1
        self._committer.call_later(delay, self._next_segment)

    def _next_segment(self) -> None:
        with self._timed():
            old = self._begin_next()
        self._retire_if_done()
        if old is not None:
            old.retire()  # last: on a failing file even closing may hang

    def _begin_next(self) -> Segment | None:
        """Go on in the next segment and return the old one; None if that is to be tried again."""
        with self._changed:
            if self._abandoned:  # the next file is another's to begin
                return None
            batch = list(self._pending)
            number, first = self._next_number, self.durable + 1
        path, header = self._path_of(number), self._header_of(number, first)
        try:
            self._write_blobs(batch)
            fd = create_file(self._files, path, [header, *_in_pieces(batch)])
        except Exception as error:  # noqa: BLE001  # whatever it was: it is tried again
            if os.path.lexists(path):  # one that could not be removed again, or is not ours
                self._next_number += 1
            logger.debug("%s can't be begun (%s); it will be tried again", path, error)
            self._try_later()
            return None
        size = len(header) + sum(len(item.data) for item in batch)
        return self._begin_segment(Segment(self._files, number, path, fd), size, len(batch))

    def _begin_segment(self, segment: Segment, size: int, count: int) -> Segment | None:
        with self._changed:
            old, self._segment = self._segment, segment
            failure, self.error = self.error, None
            self._next_number = segment.number + 1
            self.written_bytes += size
            self._settle(self._pending, count)
            if self._pending:
                self._schedule(0.0)
            self._changed.notify_all()
        self._tell()
        if failure is not None and self._on_recovery is not None:
            _guarded(self._on_recovery, failure)
        return old

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
            _guarded(self._on_change, self)


def _guarded(listener: Callable[[T], None], said: T) -> None:
    try:
        listener(said)
    except Exception:  # a listener's mistake must not end the writing
        logger.exception("a listener of the log failed")


def _counted(items: Iterable[Item]) -> int:
    """Return how many numbers items take."""
    return sum([item.count for item in items])


def _persist_failed(path: Path, error: Exception) -> PersistFailed:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return PersistFailed(
        f"{path.parent.name}: {path.name} can't be written: {reason}; "
        "what came since is kept in memory and written as soon as it can be",
        path=str(path),
        errno=getattr(error, "errno", None),
    )


def _in_pieces(items: list[Item]) -> Iterator[bytes]:
    """Yield the items' bytes in pieces, so that a long queue isn't held in memory twice."""
    piece: list[bytes] = []
    size = 0
    for item in items:
        piece.append(item.data)
        size += len(item.data)
        if size >= _BATCH_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)
