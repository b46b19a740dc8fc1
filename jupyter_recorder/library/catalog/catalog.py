"""The catalog of a library: searched at any time, brought up to date in bounded time and memory."""

from __future__ import annotations

import atexit
import contextlib
import logging
import shutil
import sqlite3
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from ...errors import RecError, StorageError
from ...journal.cache import cache_folder, key_of
from ..casts import SUFFIX
from ..follow import JOURNAL
from ..library import Library
from ..locks import FileLock
from ..recording import Recording
from .database import Database, Known
from .fairness import Fairness
from .listing import Listing, stat_of
from .query import to_match
from .texts import Row
from .tracks import JournalReader, Reader, TerminalReader

log = logging.getLogger(__name__)

LIMIT: Final = 20
MAX_LIMIT: Final = 1_000
_READERS: Final = 256  # two for each terminal that is recorded just now; one that is let go begins at the beginning
_READS: Final = 16
_SHORTEST_TURN_SECONDS: Final = 0.02
_ALL_ROWS: Final = (1 << 63) - 1
_MAIN: Final = {"chat": "chat", "terminal": "terminal"}
_T = TypeVar("_T")


class Hit(NamedTuple):
    """A place where it was found: the recording's id, its track, when in Unix ms, and some of the text."""

    recording_id: str
    track: str
    at: int
    snippet: str


class SearchResult(NamedTuple):
    """The hits of one page, how many there are in all, and the `after` of the next page (None: there is none)."""

    hits: list[Hit]
    total: int
    next: str | None


class Catalog:
    """Search in the recordings of `library`; `folder` is where the index stands (default: the user's cache).

    Safe to be used from any thread. Making one touches no disk.
    """

    def __init__(self, library: Library, folder: Path | None = None) -> None:
        self.library = library
        self._folder = folder
        self._lock = threading.Lock()  # of the update
        self._search_lock = threading.Lock()
        self._update_db: Database | None = None
        self._search_db: Database | None = None
        self._readers: OrderedDict[tuple[str, str], Reader] = OrderedDict()
        self._listing = Listing(library)
        self._turns = Fairness()
        self._patient = False
        self._told: set[str] = set()
        self.give_way: Callable[[], object] = _go_on  # called for each line that an update reads
        self.on_progress: Callable[[float, float], object] | None = None  # of an update: recordings done, and in all

    @property
    def path(self) -> Path:
        """Where the index stands."""
        if self._folder is None:
            self._folder = cache_folder() or _folder_of_process()
        return self._folder / f"catalog-{key_of(self.library.root)}.sqlite"

    def search(self, query: str, limit: int = LIMIT, after: str | None = None) -> SearchResult:
        """Find what a person typed (`query.py` says how), pages of what was indexed last, the newest first in each.

        `limit` is cut to 1 to 1,000; `after` is the `next` of the page before, and anything else is the first page.
        Raises `StorageError` if there can be no index.
        """
        match = to_match(query)
        if match is None:
            return SearchResult([], 0, None)
        before = int(after) if after and after.isascii() and after.isdigit() and len(after) < 19 else _ALL_ROWS
        limit = max(1, min(limit, MAX_LIMIT))
        with self._search_lock:
            return self._insisted("_search_db", lambda database: _page(database, match, before, limit))

    def update(self, budget_seconds: float | None = None, *, patient: bool = False) -> bool:
        """Bring the index up to date, for about `budget_seconds`; True if there was nothing left to do.

        False too while another process updates it. `patient`: lines that just now grow on a living screen wait for the
        next update. Raises `StorageError` if there can be no index.
        """
        self._patient = patient
        deadline = None if budget_seconds is None else time.monotonic() + budget_seconds
        with self._lock:
            return self._insisted("_update_db", lambda database: self._update_alone(database, deadline))

    def forget_deleted(self) -> None:
        """Wipe out what was deleted, if there is an index; one that cannot be used does so when it is made anew."""
        if self.path.exists():
            with contextlib.suppress(StorageError):
                self.update(0.0)

    def check(self) -> str | None:
        """Return what is wrong with the index, None if nothing is; raises `StorageError`."""
        with self._lock:
            if not self.path.exists():
                return "it is not made yet"
            try:
                return self._database("_update_db").check()
            except sqlite3.Error as error:
                return str(error)

    def close(self) -> None:
        """Let go of the index's file; the next call opens it again."""
        for name in ("_update_db", "_search_db"):
            self._drop(name)
        self._readers.clear()

    # -- the file

    def _insisted(self, name: str, task: Callable[[Database], _T]) -> _T:
        """Run a task on the index; one that is damaged or old is made anew, once."""
        is_new = False
        while True:
            try:
                return task(self._database(name))
            except sqlite3.Error as error:
                self._drop(name)
                self._readers.clear()
                if is_new or _is_passing(error):
                    raise StorageError(
                        f"the search index {self.path} can't be used: {error}", path=str(self.path)
                    ) from error
                log.warning("the search index %s is made anew: %s", self.path, error)
                _remove(self.path)
                is_new = True
            except OSError as error:
                raise StorageError(
                    f"the search index {self.path} can't be used: {error.strerror or error}; "
                    "JUPYTER_RECORDER_CACHE chooses another folder",
                    path=str(self.path),
                    errno=error.errno,
                ) from error

    def _database(self, name: str) -> Database:
        database: Database | None = getattr(self, name)
        if database is not None and database.is_in_place:
            return database
        self._drop(name)  # another process made it anew
        database = Database(self.path)
        setattr(self, name, database)
        self._listing.forget() if name == "_update_db" else None
        return database

    def _drop(self, name: str) -> None:
        database: Database | None = getattr(self, name)
        setattr(self, name, None)
        if database is not None:
            with contextlib.suppress(sqlite3.Error):
                database.close()

    # -- the update

    def _update_alone(self, database: Database, deadline: float | None) -> bool:
        lock = FileLock(self.path.with_suffix(".lock"))
        if not lock.acquire():
            return False
        try:
            return self._update(database, deadline)
        finally:
            lock.release()

    def _update(self, database: Database, deadline: float | None) -> bool:
        while True:
            self._forget_gone(database)
            if not self._give_turns(database, deadline):
                return False
            if not self._turns.are_cut:
                return True

    def _forget_gone(self, database: Database) -> None:
        listing = self._listing
        listing.refresh(database)
        gone = listing.known.keys() - listing.paths.keys()
        for path in gone:
            with database.writing():
                database.forget(listing.known[path].key)
            self._forget_readers(path)
        if gone:
            database.wipe()
            listing.forget()

    def _give_turns(self, database: Database, deadline: float | None) -> bool:
        """Read some of each recording that has something new; False if the time was over before."""
        listing = self._listing
        due = [*listing.unfinished(), *listing.changed(all_of_them=not self._patient)]
        turns = self._turns.order(due, listing.waiting())
        number, total = 0, sum(len(paths) for _, paths in turns)
        for left, (name, paths) in zip(range(len(turns), 0, -1), turns, strict=True):
            end = None if deadline is None else min(deadline, _end_of_turn(deadline, left))
            is_cut = False
            for path in paths:
                if is_cut := is_cut or _is_over(end):
                    break
                if self.on_progress is not None:
                    self.on_progress(number, total)
                number += 1
                try:
                    is_cut = not self._index(database, listing.paths[path], listing.known.get(path), end)
                except (OSError, RecError) as error:  # one that cannot be read holds up no other
                    self._tell_once(path, error)
            self._turns.took(name, is_cut=is_cut)
            if _is_over(deadline):
                return False
        return True

    def _index(self, database: Database, path: Path, known: Known | None, deadline: float | None) -> bool:
        """Read on in a recording; True if all that there is was read."""
        folder, signature = stat_of(path)
        recording = Recording(path)
        is_live = recording.state == "recording"  # asked before reading: what comes later is for the next time
        if known is not None and known.folder != folder:  # deleted, and another one made in its place
            with database.writing():
                database.forget(known.key)
            database.wipe()
            self._forget_readers(str(path))
            known = None
        if known is None or known.done:
            self._listing.forget()
        with database.writing():
            key = database.add_recording(str(path), folder) if known is None else known.key
            if known is not None and known.done:
                database.mark(key, 0, False)
        job = _Job(database, key, recording, is_live, deadline)
        tracks = [JOURNAL, *(file.removesuffix(SUFFIX) for file in recording.cast_files())]
        unfinished = [track for track in tracks if not self._index_track(job, track)]
        if not unfinished and not is_live:
            with database.writing():
                database.mark(key, signature, True)
            self._listing.forget()
            self._forget_readers(str(path))
        return not unfinished

    def _index_track(self, job: _Job, track: str) -> bool:
        """Read on in a track; True if its end was reached, or where it begins is not known yet."""
        reader = self._reader(job, track)
        if reader is None:
            return True
        is_quiet = True
        try:
            while not _is_over(job.deadline):
                with job.database.writing():
                    reads = self._read_some(job, track, reader, is_quiet)
                if reads < _READS:
                    return True
                is_quiet = False
        except BaseException:  # what the reader has read is not in the index
            self._readers.pop((str(job.recording.path), track), None)
            raise
        return False

    def _read_some(self, job: _Job, track: str, reader: Reader, is_quiet: bool) -> int:
        """Take in what is new, at most `_READS` megabytes; return how many were read."""
        standing = job.database.track(job.key, track)
        reads = 0
        while reads < _READS and (rows := reader.read(self.give_way)) is not None:
            _write(job, standing.key, reader, rows)
            reads += 1
            if _is_over(job.deadline):
                return _READS
        is_quiet = is_quiet and not reads
        if reads < _READS and not reader.is_whole and (is_quiet or not (self._patient and job.is_live)):
            _write(job, standing.key, reader, reader.settle())
        return reads

    def _reader(self, job: _Job, track: str) -> Reader | None:
        place = str(job.recording.path), track
        reader = self._readers.pop(place, None)
        if reader is None or reader.next != job.database.track(job.key, track).next:  # another process read on
            reader = _new_reader(job, track)
        if reader is not None:
            self._readers[place] = reader
            if len(self._readers) > _READERS:
                self._readers.popitem(last=False)
        return reader

    def _forget_readers(self, path: str) -> None:
        for place in [place for place in self._readers if place[0] == path]:
            del self._readers[place]

    def _tell_once(self, path: str, error: Exception) -> None:
        if path not in self._told:
            self._told.add(path)
            log.warning("%s can't be searched: %s", path, error)


class _Job(NamedTuple):
    """A recording that is being indexed."""

    database: Database
    key: int
    recording: Recording
    is_live: bool
    deadline: float | None


def _go_on() -> None:
    """Leave nobody the way: whoever updates waits for it."""


def _write(job: _Job, track: int, reader: Reader, rows: list[Row]) -> None:
    rows = [row for row in rows if (text := row.text.text) and not text.isspace()]
    numbers = job.database.write(job.key, track, rows)
    job.database.advance(track, reader.next, reader.is_whole)
    reader.wrote(rows, numbers)


def _new_reader(job: _Job, track: str) -> Reader | None:
    recording, standing = job.recording, job.database.track(job.key, track)
    if track == JOURNAL:
        kind = "" if recording.error else recording.manifest["kind"]
        return JournalReader(recording.path, standing.next, _MAIN.get(kind, "cells"))
    origin = _origin(recording, track)
    if origin is None and job.is_live:  # the journal's line is on its way
        return None
    if not standing.whole:  # what was held back is known by the reader that is gone: from the beginning, then
        with job.database.writing():
            job.database.forget(job.key, standing.key)
            job.database.advance(standing.key, 0, True)
        standing = job.database.track(job.key, track)
    return TerminalReader(recording.path, track, standing.next, origin or 0)


def _page(database: Database, match: str, before: int, limit: int) -> SearchResult:
    rows = database.find(match, before, limit)
    hits = [Hit(Path(path).name, track, at, snippet) for _, path, track, at, snippet in rows]
    hits.sort(key=lambda hit: hit.at, reverse=True)
    total = database.count(match) if before != _ALL_ROWS or len(rows) == limit else len(rows)
    return SearchResult(hits, total, str(rows[-1][0]) if len(rows) == limit and total > limit else None)


def _origin(recording: Recording, track: str) -> int | None:
    """Return the zero of a terminal in Unix ms, as its journal says."""
    for event in recording.events():
        if event.get("type") == "terminal_start" and event.get("track") == track and type(event.get("at")) is int:
            return int(event["at"])
    return None


def _end_of_turn(deadline: float, left: int) -> float:
    """Share the time until `deadline` by so many turns; what the first of them don't need is the last one's."""
    now = time.monotonic()
    return now + max(_SHORTEST_TURN_SECONDS, (deadline - now) / left)


def _is_over(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _is_passing(error: sqlite3.Error) -> bool:
    """Tell whether an error says nothing of the file: it is busy, or the disk is full or read-only."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY)


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _folder_of_process() -> Path:
    """Return a folder for this process alone: the user's cache is on a network, where SQLite must not be."""
    folder = tempfile.mkdtemp(prefix="jupyter-recorder-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
