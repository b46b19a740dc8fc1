"""One terminal's `.cast` as a track of a recording: asciicast v2, durable in groups, in segments if the disk fails."""

from __future__ import annotations

import dataclasses
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
from ..journal.room import Room
from .format import Event, Header, encode_event, encode_header

SUFFIX: Final = ".cast"


class CastWriter:
    """Appends events to `<stem>.cast` in `folder`, timed from `start()`; safe to be called from any thread.

    `on_change` is called from a worker when `error` changed or more became durable.
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
        on_change: Callable[[CastWriter], None] | None = None,
    ) -> None:
        self.stem = stem
        self._header = header
        self._lock = threading.Lock()
        self._on_change = on_change
        self._origin_ns = time.monotonic_ns()
        self._last = 0.0
        self._log = SegmentedLog(
            lambda segment: segment_path(folder, stem, SUFFIX, segment),
            self._header_line,
            committer=committer or shared_committer(),
            files=files,
            linger=linger,
            on_change=self._changed,
        )
        self.room = Room(self._log.wait_room)
        self._log.create()

    def start(self) -> None:
        """Set the zero of the events' times to now."""
        self._origin_ns = time.monotonic_ns()

    def write(self, code: str, data: str, *, urgent: bool = False) -> bool:
        """Append one event of a one-letter `code` (`o`, `i`, `r`, `m`) with the present time.

        False, and counted in `room`, if the disk has been too slow for too long.
        """
        with self._lock:
            self._last = max(self._last, (time.monotonic_ns() - self._origin_ns) / 1e9)
            line = encode_event(Event(self._last, code, data))
            if not self.room.take(len(line)):
                return False
            self._log.append(Item(line), urgent=urgent)
            return True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all that was written is durable; False after `timeout` seconds."""
        return self._log.wait(self._log.count, timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Wait until all is durable and close; False if `timeout` seconds were not enough."""
        return self._log.close(timeout)

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

    def _header_line(self, segment: int, first: int) -> bytes:
        extra: dict[str, Any] = dict(self._header.extra)
        if segment:
            extra["first_event"] = first
        return encode_header(dataclasses.replace(self._header, extra=extra))

    def _changed(self, _: SegmentedLog) -> None:
        if self._on_change is not None:
            self._on_change(self)
