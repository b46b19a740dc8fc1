"""What a doctor looks at: the root, the disk, locks, every file of every recording, the index, versions."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Final, NamedTuple

from ..asciicast.reader import read
from ..errors import CorruptState, InvalidCast, RecError, StorageError
from ..journal.cache import cache_folder, is_remote
from ..journal.reader import Report
from .active import LOCK, read_record
from .catalog import Catalog
from .library import Library
from .locks import holder_pid
from .owner import Life
from .recording import Recording
from .state import RecordingState

LITTLE_BYTES: Final = 1 << 30
_PACKAGES: Final = ("msgspec", "google-re2", "ipython", "jupyter-server", "tornado", "bittty", "nbformat")
Progress = Callable[[float, float], None]


class Finding(NamedTuple):
    """Something that a person should do something about: where it is, what it is, and what to do."""

    check: str
    where: str
    what: str
    todo: str


class Checked(NamedTuple):
    """A check that was made, and what it saw, in one line."""

    check: str
    saw: str


def checkup(library: Library, *, quick: bool = False, progress: Progress | None = None) -> Iterator[Finding | Checked]:
    """Check everything, and yield findings and, after each check, what it saw; `quick` reads no recording's files.

    `progress(done, total)` counts recordings.
    """
    yield from _root(library)
    try:
        recordings = list(library.recordings())
    except StorageError as error:
        yield Finding("root", str(library.root), str(error), "make the folder readable, or choose another one")
        recordings = []
    yield from _unfinished(library)
    yield from _files(recordings, quick, progress)
    yield from _index(library)
    yield from _versions()


def _root(library: Library) -> Iterator[Finding | Checked]:
    root = library.root
    if not root.exists():
        yield Checked("root", f"{root} is not there yet; the first recording makes it")
        return
    mode = stat.S_IMODE(root.stat().st_mode)
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("root", str(root), "it can't be written to", f"chown or chmod it, e.g. chmod u+rwx '{root}'")
    if mode & 0o077 and not mode & stat.S_ISVTX:
        todo = f"if others should not see your recordings: chmod 700 '{root}'"
        yield Finding("root", str(root), f"others may look into it (mode {mode:o})", todo)
    free = shutil.disk_usage(root).free
    if free < LITTLE_BYTES:
        what = f"only {free / 1e6:.0f} MB are free on its disk"
        yield Finding("disk", str(root), what, "make room; jupyter recorder prune deletes old recordings")
    where = "on a network's disk" if is_remote(root) else "on a local disk"
    yield Checked("root", f"{root}, {where}, {free / 1e9:.1f} GB free")


def _unfinished(library: Library) -> Iterator[Finding | Checked]:
    stale = library.stale()
    for one in stale:
        yield Finding("locks", str(one.path), "a dead process left it unfinished", "jupyter recorder recover")
    live = 0
    for one in library.recordings():
        with contextlib.suppress(CorruptState, OSError):
            record = read_record(one.path)
            if record is not None and RecordingState(one.path, files=library.files).life() is Life.ALIVE:
                live += 1
            elif record is None and (pid := holder_pid(one.path / LOCK)) is not None:
                todo = f"look at process {pid}; ending it frees the recording"
                yield Finding("locks", str(one.path), f"process {pid} holds its lock, and nobody records there", todo)
    for folder in library.leftovers():
        if folder not in {one.path for one in stale}:
            yield Finding("locks", str(folder), "a crash left it half made or half removed", "jupyter recorder recover")
    yield Checked("locks", f"{live} being recorded, {len(stale)} unfinished")


def _files(recordings: list[Recording], quick: bool, progress: Progress | None) -> Iterator[Finding | Checked]:
    for number, one in enumerate(recordings):
        if one.error:
            todo = "move the file away to have the rest read; nothing of the recording is lost"
            yield Finding("files", str(one.path), one.error, todo)
        elif not quick:
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                yield from _recording(one)
        if progress is not None:
            progress(number + 1, len(recordings))
    depth = "their manifests" if quick else "all of their files"
    yield Checked("files", f"{len(recordings)} recordings; {depth} were read")


def _recording(one: Recording) -> Iterator[Finding]:
    report = Report()
    is_live = one.state == "recording"
    try:
        for _ in one.events(report):
            pass
        for damage in report.damage:
            where = f"{one.path / damage.file}, byte {damage.offset}"
            todo = "the rest is whole and is read; keep the file if you want to look at it"
            yield Finding("files", where, f"{damage.size} bytes can't be read: {damage.why}", todo)
        if report.torn_bytes and not is_live:
            what = f"its last line is torn ({report.torn_bytes} bytes)"
            yield Finding("files", str(one.path), what, "jupyter recorder recover cuts it off, and keeps what it cuts")
        for file in one.cast_files():
            yield from _cast(one, file)
    except RecError as error:
        yield Finding("files", str(one.path), str(error), "look at the folder's rights and its disk")


def _cast(one: Recording, file: str) -> Iterator[Finding]:
    try:
        cast = read(one.cast_lines(file))
        for _ in cast.events:
            pass
    except InvalidCast as error:
        yield Finding("files", str(one.path / file), str(error), "the rest of the recording is read without it")
        return
    if cast.damage.lines:
        what = f"{cast.damage.lines} lines can't be read, the first is line {cast.damage.numbers[0]}"
        yield Finding("files", str(one.path / file), what, "the other lines are read; export makes a clean file")


def _index(library: Library) -> Iterator[Finding | Checked]:
    catalog = Catalog(library)
    if not catalog.path.exists():
        yield Checked("index", f"{catalog.path} is not made yet; the first search makes it")
        return
    try:
        wrong = catalog.check()
    except StorageError as error:
        wrong = str(error)
    finally:
        catalog.close()
    if wrong:
        yield Finding("index", str(catalog.path), wrong, "nothing: the next search makes it anew")
    size = catalog.path.stat().st_size / 1e6
    place = "" if cache_folder() else " (this process's own: the cache folder is on a network)"
    yield Checked("index", f"{catalog.path}, {size:.1f} MB{place}")


def _versions() -> Iterator[Finding | Checked]:
    found = [f"{name} {metadata.version(name)}" for name in _PACKAGES if _is_installed(name)]
    ours = metadata.version("jupyter-recorder")
    base = [f"jupyter-recorder {ours}", f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"]
    yield Checked("versions", ", ".join([*base, *found, sys.platform]))
    for name in _PACKAGES:
        if not _is_installed(name):
            yield Finding("versions", name, "it is not installed", f"pip install '{name}'")


def _is_installed(name: str) -> bool:
    with contextlib.suppress(metadata.PackageNotFoundError):
        return bool(metadata.version(name))
    return False
