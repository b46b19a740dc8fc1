"""The index's file: its tables and rows. Whatever is wrong with it, it can be made anew."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from .texts import Row

VERSION: Final = "2"
BUSY_SECONDS: Final = 5.0
_GATHERED_BYTES: Final = 16 << 20
_SECURE_FTS: Final = (3, 42)
_TABLES: Final = """
CREATE TABLE about(version TEXT NOT NULL);
CREATE TABLE recordings(
    key INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, folder INTEGER NOT NULL, signature INTEGER NOT NULL,
    done INTEGER NOT NULL);
CREATE TABLE tracks(
    key INTEGER PRIMARY KEY, recording INTEGER NOT NULL, name TEXT NOT NULL, next INTEGER NOT NULL,
    whole INTEGER NOT NULL, UNIQUE(recording, name));
CREATE TABLE runs(recording INTEGER NOT NULL, track INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE INDEX runs_of ON runs(recording, track);
CREATE VIRTUAL TABLE texts USING fts5(
    text, recording UNINDEXED, track UNINDEXED, at UNINDEXED,
    columnsize=0, tokenize="unicode61 remove_diacritics 2");
"""

_INSERT: Final = "INSERT INTO texts(rowid, text, recording, track, at) VALUES(?, ?, ?, ?, ?)"
_REPLACE: Final = _INSERT.replace("INSERT", "INSERT OR REPLACE", 1)


class Known(NamedTuple):
    """A recording in the index: its key, its folder's inode and time, and whether all of it is in."""

    key: int
    folder: int
    signature: int
    done: bool


class Standing(NamedTuple):
    """A track in the index: its key, the next line to be read, and whether nothing of it was held back."""

    key: int
    next: int
    whole: bool


class Database:
    """One connection to the index at `path`, which is made if it is not there; raises `sqlite3.Error`, `OSError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite itself would let others read it
        self.inode = os.stat(path).st_ino
        self._sql = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._sql.close()
            raise

    def _prepare(self) -> None:
        self._sql.execute("PRAGMA journal_mode=WAL")
        # It can be made anew, so it need not survive a power cut; what is deleted is wiped out.
        self._sql.execute("PRAGMA synchronous=OFF")
        self._sql.execute("PRAGMA secure_delete=ON")
        self._sql.execute("PRAGMA journal_size_limit=16777216")
        with self.writing():
            if self._version() is None:
                for statement in _TABLES.split(";\n"):
                    self._sql.execute(statement)
                self._sql.execute("INSERT INTO about VALUES(?)", (VERSION,))
                # So many bytes of a transaction's words are gathered before they are sorted in: twice as quick as 1 MB.
                self._sql.execute("INSERT INTO texts(texts, rank) VALUES('hashsize', ?)", (_GATHERED_BYTES,))
                if sqlite3.sqlite_version_info >= _SECURE_FTS:
                    self._sql.execute("INSERT INTO texts(texts, rank) VALUES('secure-delete', 1)")
        if self._version() != VERSION:
            raise sqlite3.DatabaseError("an index of another version")

    def _version(self) -> str | None:
        if self._sql.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone() is None:
            return None
        row = self._sql.execute("SELECT version FROM about").fetchone()
        return str(row[0]) if row else ""

    @property
    def is_in_place(self) -> bool:
        """Whether the file that is open still stands at its path."""
        try:
            return os.stat(self.path).st_ino == self.inode
        except OSError:
            return False

    def close(self) -> None:
        """Let go of it."""
        self._sql.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Write in one transaction: all of it, or nothing."""
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")

    @property
    def version_of_others(self) -> int:
        """A number that changes whenever another connection has written."""
        return int(self._sql.execute("PRAGMA data_version").fetchone()[0])

    # -- recordings and tracks

    def recordings(self) -> dict[str, Known]:
        """Return what is known of each recording, by its path."""
        rows = self._sql.execute("SELECT path, key, folder, signature, done FROM recordings")
        return {path: Known(key, folder, signature, bool(done)) for path, key, folder, signature, done in rows}

    def add_recording(self, path: str, folder: int) -> int:
        """Return the key of a new recording."""
        values = (path, folder)
        self._sql.execute("INSERT OR IGNORE INTO recordings(path, folder, signature, done) VALUES(?, ?, 0, 0)", values)
        row = self._sql.execute("SELECT key FROM recordings WHERE path = ?", (path,)).fetchone()
        return int(row[0])

    def mark(self, recording: int, signature: int, done: bool) -> None:
        """Note how a recording stood when it was read."""
        values = (signature, done, recording)
        self._sql.execute("UPDATE recordings SET signature = ?, done = ? WHERE key = ?", values)

    def track(self, recording: int, name: str) -> Standing:
        """Return where a track stands, begun if it is new."""
        values = (recording, name)
        self._sql.execute("INSERT OR IGNORE INTO tracks(recording, name, next, whole) VALUES(?, ?, 0, 1)", values)
        row = self._sql.execute("SELECT key, next, whole FROM tracks WHERE recording = ? AND name = ?", values)
        key, after, whole = row.fetchone()
        return Standing(key, after, bool(whole))

    def advance(self, track: int, after: int, whole: bool) -> None:
        """Note how far a track was read."""
        self._sql.execute("UPDATE tracks SET next = ?, whole = ? WHERE key = ?", (after, whole, track))

    def forget(self, recording: int, track: int | None = None) -> None:
        """Wipe out a recording, or one track's texts."""
        where, values = ("recording = ?", (recording,)) if track is None else ("track = ?", (track,))
        for first, last in self._sql.execute(f"SELECT first, last FROM runs WHERE {where}", values).fetchall():  # noqa: S608
            self._sql.execute("DELETE FROM texts WHERE rowid BETWEEN ? AND ?", (first, last))
        self._sql.execute(f"DELETE FROM runs WHERE {where}", values)  # noqa: S608
        if track is None:
            self._sql.execute("DELETE FROM tracks WHERE recording = ?", values)
            self._sql.execute("DELETE FROM recordings WHERE key = ?", values)

    def wipe(self) -> None:
        """Leave no trace of what was forgotten: neither among the words, nor in the log of changes."""
        if sqlite3.sqlite_version_info < _SECURE_FTS:  # else the index wipes its words by itself
            self._sql.execute("INSERT INTO texts(texts) VALUES('optimize')")
        self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # -- texts

    def write(self, recording: int, track: int, rows: Iterable[Row]) -> list[int]:
        """Write rows, return their numbers in the same order."""
        first = 1 + (self._sql.execute("SELECT max(rowid) FROM texts").fetchone()[0] or 0)
        after = first
        numbers: list[int] = []
        new: list[tuple[int, str, int, str, int]] = []
        grown: list[tuple[int, str, int, str, int]] = []
        for number, text in rows:
            if number is None:
                new.append((after, _storable(text.text), recording, text.track, text.at))
                numbers.append(after)
                after += 1
            else:
                grown.append((number, _storable(text.text), recording, text.track, text.at))
                numbers.append(number)
        # The old ones first: the index sorts its words in whenever a row's number is below the one before.
        self._sql.executemany(_REPLACE, grown)
        self._sql.executemany(_INSERT, new)  # which looks for no row to be replaced
        if after > first:
            self._sql.execute("INSERT INTO runs VALUES(?, ?, ?, ?)", (recording, track, first, after - 1))
        return numbers

    def count(self, match: str) -> int:
        """Return how many texts match."""
        return int(self._sql.execute("SELECT count(*) FROM texts WHERE texts MATCH ?", (match,)).fetchone()[0])

    def find(self, match: str, before: int, limit: int) -> list[tuple[int, str, str, int, str]]:
        """Return (row, recording's path, track, at, snippet) of what matches, newest rows first, below row `before`."""
        rows = self._sql.execute(
            "SELECT texts.rowid, path, track, at, snippet(texts, 0, '', '', '…', 24) FROM texts "
            "JOIN recordings ON recordings.key = texts.recording "
            "WHERE texts MATCH ? AND texts.rowid < ? ORDER BY texts.rowid DESC LIMIT ?",
            (match, before, limit),
        )
        return rows.fetchall()

    def check(self) -> str | None:
        """Return what is wrong with the file; None if nothing is."""
        found = self._sql.execute("PRAGMA quick_check(1)").fetchone()[0]
        self._sql.execute("INSERT INTO texts(texts) VALUES('integrity-check')")
        return None if found == "ok" else str(found)


def _storable(text: str) -> str:
    if text.isascii():
        return text.replace("\0", " ")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text.replace("\0", " ")
