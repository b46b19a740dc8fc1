"""One terminal's `.cast` as a track of a recording: asciicast v2, durable in groups, in segments if the disk fails."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ..errors import PersistFailed
from ..files import SYSTEM, Files
from ..journal.commit import Committer, shared_committer
from ..journal.log import LINGER_SECONDS, Item, SegmentedLog
from ..journal.reader import segment_path
from ..journal.room import WAIT_SECONDS, Room
from .format import Event, Header, encode_event, encode_header

SUFFIX: Final = ".cast"


class CastWriter:
    """Appends events to `<stem>.cast` in `folder`, timed from `start()`; safe to be called from any thread.

    `on_change` is called from a worker when `error` changed or more became durable, `on_gap` (reason, events, bytes)
    when writing goes on after a failure, or after events had to be left out.
    """

    def __init__(
        self,
        folder: Path,
        stem: str,
        header: Header,
        *,
        committer: Committer | None = None,
        files: Files = SYSTEM,
        linger: float = LINGER_SECONDS,
        wait_seconds: float = WAIT_SECONDS,
        on_change: Callable[[CastWriter], None] | None = None,
        on_gap: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self.stem = stem
        self._header = header
        self._lock = threading.Lock()
        self._on_change, self._on_gap = on_change, on_gap
        committer = committer or shared_committer()
        self._origin_ns = time.monotonic_ns()
        self._last = 0.0
        self._log = SegmentedLog(
            lambda segment: segment_path(folder, stem, SUFFIX, segment),
            self._header_line,
            committer=committer,
            files=files,
            linger=linger,
            on_change=self._changed,
            on_recovery=self._recovered,
        )
        self._room = Room(self._log.wait_room, self._tell_drops, committer, wait_seconds=wait_seconds)
        self._log.create()

    def start(self) -> None:
        """Set the zero of the events' times to now."""
        self._origin_ns = time.monotonic_ns()

    def write(self, code: str, data: str, *, urgent: bool = False) -> bool:
        """Append one event of a one-letter `code` (`o`, `i`, `r`, `m`) with the present time.

        False, and counted in `dropped_events`, if the disk has been too slow for too long.
        """
        with self._lock:
            self._last = max(self._last, (time.monotonic_ns() - self._origin_ns) / 1e9)
            line = encode_event(Event(self._last, code, data))
            if not self._room.take(len(line)):
                return False
            self._log.append(Item(line), urgent=urgent)
        self._tell_drops()
        return True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all that was written is durable; False after `timeout` seconds."""
        return self._log.wait(self._log.count, timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Wait until all is durable and close; False if `timeout` seconds were not enough."""
        return self._log.close(timeout)

    def abandon(self) -> bool:
        """Take no more, since the folder is another's; see `SegmentedLog.abandon`."""
        return self._log.abandon()

    @property
    def file(self) -> str:
        """The name of the first segment's file."""
        return self.stem + SUFFIX

    @property
    def error(self) -> PersistFailed | None:
        """Why nothing can be written at present (None: it can)."""
        return self._log.error

    @property
    def events(self) -> int:
        """How many events were appended."""
        return self._log.count

    @property
    def undurable(self) -> int:
        """How many events are not yet known to be on the disk."""
        return self._log.count - self._log.durable

    @property
    def size_bytes(self) -> int:
        """What was written so far, in bytes."""
        return self._log.written_bytes

    @property
    def dropped_events(self) -> int:
        """How many events were left out because the disk was too slow."""
        return self._room.dropped_events

    def _header_line(self, segment: int, first: int) -> bytes:
        extra: dict[str, Any] = dict(self._header.extra)
        if segment:
            extra["first_event"] = first
        return encode_header(dataclasses.replace(self._header, extra=extra))

    def _changed(self, _: SegmentedLog) -> None:
        if self._on_change is not None:
            self._on_change(self)

    def _recovered(self, failure: PersistFailed) -> None:
        if self._on_gap is not None:
            why = os.strerror(failure.errno) if failure.errno else "it could not be written"
            self._on_gap(f"{Path(failure.path or self.file).name}: {why}", 0, 0)

    def _tell_drops(self) -> None:
        events, size = self._room.untold()
        if events and self._on_gap is not None:
            self._on_gap(f"{self.file}: the disk was too slow", events, size)
