"""Retention: which recordings are too old or too many, and deleting them; without a limit nothing is deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import RecError
from .library import Library
from .recording import Recording

_DAY_MS: Final = 86_400_000


@dataclass(frozen=True)
class Retention:
    """What is kept: recordings that ended at most `max_age_days` ago, the newest of them up to `max_total_bytes`.

    None is no limit. With `tags`, only recordings with one of these are deleted or counted; those with one of
    `keep_tags` never are. What is being recorded, and what is damaged, stays.
    """

    max_age_days: float | None = None
    max_total_bytes: int | None = None
    tags: tuple[str, ...] = ()
    keep_tags: tuple[str, ...] = ()

    @property
    def limits(self) -> bool:
        """Whether anything can be deleted at all."""
        return self.max_age_days is not None or self.max_total_bytes is not None


class Pruned(NamedTuple):
    """A recording that was, or would be, deleted: why, and its size in bytes; `error` if it could not be."""

    id: str
    name: str
    path: Path
    bytes: int
    why: str
    error: str | None = None


def due(library: Library, retention: Retention, *, now_ms: int | None = None) -> Iterator[Pruned]:
    """Yield what `retention` would delete, newest first; raises `StorageError` if the root cannot be listed."""
    if not retention.limits:
        return
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    total = 0
    for recording in library.recordings():
        if not _may_go(recording, retention):
            continue
        size = recording.size_bytes()
        total += size
        why = ""
        if retention.max_age_days is not None and now - _ended(recording) > retention.max_age_days * _DAY_MS:
            why = f"older than {retention.max_age_days:g} days"
        elif retention.max_total_bytes is not None and total > retention.max_total_bytes:
            why = f"over {retention.max_total_bytes:,} bytes in all"
        if why:
            total -= size
            yield Pruned(recording.id, recording.name, recording.path, size, why)


def prune(library: Library, retention: Retention, *, now_ms: int | None = None) -> Iterator[Pruned]:
    """Delete what `retention` does not keep, oldest first; one that cannot be deleted stops no other."""
    for one in reversed(list(due(library, retention, now_ms=now_ms))):
        try:
            # Asked again under its lock: it may have been taken up meanwhile.
            library.delete(Recording(one.path))
        except RecError as error:
            yield one._replace(error=str(error))
        else:
            yield one


def _may_go(recording: Recording, retention: Retention) -> bool:
    if recording.error or recording.state == "recording":
        return False
    tags = recording.tags
    if any(tag in tags for tag in retention.keep_tags):
        return False
    return not retention.tags or any(tag in tags for tag in retention.tags)


def _ended(recording: Recording) -> int:
    """Return when it ended; of one that was only left, when it was last written to."""
    ended = recording.manifest["ended_at"]
    if ended is not None and recording.state != "interrupted":
        return ended
    try:
        return max(path.lstat().st_mtime_ns for path in recording.path.iterdir()) // 1_000_000
    except (OSError, ValueError):
        return recording.manifest["started_at"]
