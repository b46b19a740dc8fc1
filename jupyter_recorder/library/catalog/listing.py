"""What there is and what the index knows of it, asked again only when it may have changed.

A server looks twice a second, and most looks find nothing new: with ten thousand recordings, listing them anew each
time would take a fifth of a processor.
"""

from __future__ import annotations

import os
import time
from itertools import islice
from pathlib import Path
from typing import Final

from ..folders import ELSEWHERE
from ..library import Library
from .database import Database, Known

# A folder's time is as coarse as a tick of the kernel, or a network's cache: a younger one may hide a change.
_SETTLED_NS: Final = 4_000_000_000
_LOOKS: Final = 2_500


class Listing:
    """The recordings of `library`, the oldest first, and what the index knows of each."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._key: tuple[int, ...] = ()
        self._version = -1
        self.paths: dict[str, Path] = {}
        self.known: dict[str, Known] = {}
        self._done: list[str] = []
        self._first: frozenset[str] | None = None  # what was there when it was listed for the first time
        self._turn = 0

    def refresh(self, database: Database) -> None:
        """Look again at what may have changed."""
        key = (_mtime(self._library.root), _mtime(self._library.root / ELSEWHERE))
        if not self._key or key != self._key:
            self.paths = {str(path): path for path in reversed(self._library.candidates())}
            self._key = key if time.time_ns() - max(key) > _SETTLED_NS else ()
            self._version = -1
            if self._first is None:
                self._first = frozenset(self.paths)
        if self._version != (version := database.version_of_others):
            self.known = database.recordings()
            self._version = version
            self._done = [path for path in self.paths if path in self.known and self.known[path].done]

    def forget(self) -> None:
        """Ask the index again: it was changed here."""
        self._version = -1

    def unfinished(self) -> list[str]:
        """Return what is being recorded or was not read to its end, then what has come since the first look."""
        old = [path for path, known in self.known.items() if not known.done and path in self.paths]
        return old + [path for path in self._new() if path not in (self._first or ())]

    def waiting(self) -> list[str]:
        """Return what was there at the first look, and was not begun yet."""
        return [path for path in self._new() if path in (self._first or ())]

    def _new(self) -> list[str]:
        return [path for path in self.paths if path not in self.known]

    def changed(self, *, all_of_them: bool) -> list[str]:
        """Return which of those that are done have changed: of all, or of the next 2,500."""
        count = len(self._done) if all_of_them else min(_LOOKS, len(self._done))
        start = self._turn % max(1, len(self._done))
        self._turn = start + count
        looked = [
            *islice(self._done, start, start + count),
            *islice(self._done, 0, max(0, start + count - len(self._done))),
        ]
        return [path for path in looked if stat_of(path) != self.known[path][1:3]]


def stat_of(path: str | Path) -> tuple[int, int]:
    """Return a folder's inode, and its time, which changes when a recording is taken up again or repaired."""
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0
    return found.st_ino & 0x7FFF_FFFF_FFFF_FFFF, found.st_mtime_ns


def _mtime(path: Path) -> int:
    return stat_of(path)[1]
