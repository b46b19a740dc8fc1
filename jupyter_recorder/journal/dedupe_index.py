"""The table behind `dedupe`: names to numbers and content, in SQLite on a local disk.

A name is a hash and a number: `(event_id, 0)` or `(producer, producer_seq)`. Not synced: after a power loss it is
begun anew. SQLite is imported here and nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..files import FILE_MODE, SYSTEM, make_folders

# New entries stay in a dict and go to SQLite in groups: half the time, sorted as they are.
BATCH: Final = 4000
VERSION: Final = 1

Name = tuple[bytes, int]
MarkOf = Callable[[Mapping[str, Any]], bytes]


class Entry(NamedTuple):
    """As which number something was recorded, and the hash of its content (empty: refused)."""

    seq: int
    content: bytes


class IndexLost(OSError):
    """The index can be used no more: its disk is full or damaged."""


class Index:
    """The entries, up to the event numbered `seq`, which `mark` tells from any other. A name's first entry stays.

    Raises `IndexLost` where SQLite fails; what is in `new` is in memory alone.
    """

    def __init__(self, database: sqlite3.Connection, boot: str, mark_of: MarkOf) -> None:
        self._database, self._boot, self._mark_of = database, boot, mark_of
        self.new: dict[Name, Entry] = {}
        self._highest: dict[bytes, int] = {}
        self._last: Mapping[str, Any] | None = None
        self.seq, self.mark = 0, b""
        self._open = True
        self._begin()

    def find(self, name: Name) -> Entry | None:
        """Return what is known under `name`."""
        if (entry := self.new.get(name)) is not None:
            return entry
        with _lost():
            row = self._database.execute("SELECT seq, content FROM names WHERE hash=? AND number=?", name).fetchone()
        return None if row is None else Entry(*row)

    def committed(self, producer: bytes) -> int:
        """Return the highest number known of `producer` (0: none)."""
        with _lost():
            row = self._database.execute("SELECT max(number) FROM names WHERE hash=?", (producer,)).fetchone()
        return max(row[0] or 0, self._highest.get(producer, 0))

    def add(self, name: Name, seq: int, content: bytes) -> None:
        """Take in one entry."""
        self.new.setdefault(name, Entry(seq, content))
        self._highest[name[0]] = max(self._highest.get(name[0], 0), name[1])
        if len(self.new) >= BATCH:
            self._flush()

    def came(self, seq: int, event: Mapping[str, Any]) -> None:
        """Say that all up to `seq`, which is `event`, was taken in."""
        if seq > self.seq:
            self.seq, self._last = seq, event

    def forget(self, upto: int) -> None:
        """Forget what was taken in as a number up to `upto`."""
        self._flush()
        with _lost(), self._database:
            self._database.execute("DELETE FROM names WHERE seq<=?", (upto,))
        if self.seq <= upto:
            self.seq, self.mark, self._last = 0, b"", None

    def close(self) -> None:
        """Write what is new, and close."""
        if self._open:
            self._open = False
            with contextlib.suppress(IndexLost):  # it can be rebuilt
                self._flush()
            self._database.close()

    def _begin(self) -> None:
        with self._database:
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS names (hash BLOB, number INTEGER, seq INTEGER, content BLOB,"
                " PRIMARY KEY (hash, number)) WITHOUT ROWID"
            )
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS state (version INTEGER, boot TEXT, seq INTEGER, mark BLOB)"
            )
        row = self._database.execute("SELECT version, boot, seq, mark FROM state").fetchone()
        if row is not None and self._boot and row[:2] == (VERSION, self._boot):
            self.seq, self.mark = row[2:]
        else:  # of another boot or version, or begun and never finished
            with self._database:
                self._database.execute("DELETE FROM names")
                self._database.execute("DELETE FROM state")

    def _flush(self) -> None:
        if self._last is not None:
            self.mark, self._last = self._mark_of(self._last), None
        with _lost(), self._database:
            rows = sorted((*name, *entry) for name, entry in self.new.items())  # in the order of the tree
            self._database.executemany("INSERT OR IGNORE INTO names VALUES (?, ?, ?, ?)", rows)
            self._database.execute("DELETE FROM state")
            self._database.execute("INSERT INTO state VALUES (?, ?, ?, ?)", (VERSION, self._boot, self.seq, self.mark))
        self.new.clear()
        self._highest.clear()


@contextlib.contextmanager
def _lost() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise IndexLost(str(error)) from error


def open_index(path: Path | None, mark_of: MarkOf) -> Index:
    """Open the index at `path`, made anew if it is damaged; a temporary one if that place cannot be used (or None).

    `mark_of` returns what tells an event from any other; it is asked once a batch.
    """
    if path is not None:
        with contextlib.suppress(OSError, sqlite3.Error):
            try:
                return _open(path, mark_of)
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:  # another opening of this process has it
                    raise
                _remove(path)
                return _open(path, mark_of)
    return _index("", "", mark_of)


def _open(path: Path, mark_of: MarkOf) -> Index:
    make_folders(SYSTEM, path.parent)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), FILE_MODE))
    return _index(str(path), _boot_id(), mark_of)


def _index(place: str, boot: str, mark_of: MarkOf) -> Index:
    database = sqlite3.connect(place, timeout=0.1, check_same_thread=False)
    try:
        # One process alone has it (so no lock a statement), and a killed one must leave it whole (so a log).
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=OFF")
        return Index(database, boot, mark_of)
    except BaseException:
        database.close()
        raise


def _remove(path: Path) -> None:
    for name in (path.name, path.name + "-wal", path.name + "-shm", path.name + "-journal"):
        with contextlib.suppress(FileNotFoundError):
            SYSTEM.unlink(path.with_name(name))


def _boot_id() -> str:
    """Return what tells this boot from another; empty where there is no such thing: then nothing is kept over."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
