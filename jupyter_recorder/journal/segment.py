"""One file of a log: begun whole or not at all, and closed only when no call on it is under way."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from ..files import Files, write_all
from .blobs import Blob

# What an item costs beside its bytes (a tuple, a bytes object, a place in a queue), so that small ones count too.
OVERHEAD_BYTES: Final = 200


class Item(msgspec.Struct, gc=False):
    """Bytes to append, the blobs that must be safe before them, and what both hold of memory, in bytes.

    `count` is how many of the log's numbers it takes: several lines that are written, and safe, together.

    Not looked at by the garbage collector: it is in no cycle, and thousands wait for a slow disk.
    """

    data: bytes
    blobs: tuple[Blob, ...] = ()
    size: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        self.size = OVERHEAD_BYTES + len(self.data)
        if self.blobs:
            self.size += sum(len(blob.data) for blob in self.blobs)


class Segment:
    """An open file, the items on it that are not yet durable, and what is being done with it.

    All but `call()` and `retire()` is the log's to guard. `given_up` says that nothing counts on it any more.
    """

    def __init__(self, files: Files, number: int, path: Path, fd: int) -> None:
        self.number, self.path = number, path
        self.unsynced: deque[Item] = deque()
        self.writing = self.syncing = self.given_up = False
        self._files, self._fd = files, fd
        self._lock = threading.Lock()
        self._calls = 0
        self._retired = self._parked = False

    @contextlib.contextmanager
    def call(self) -> Iterator[int]:
        """Lend the descriptor for one call, which may hang: it is not closed before that has returned.

        A number closed under a running write could name another file by the time the rest is written.
        """
        with self._lock:
            if self._retired:
                raise OSError(errno.EBADF, "this file was closed")
            if self._parked:
                self._fd, self._parked = self._files.open_append(self.path), False
            self._calls += 1
        try:
            yield self._fd
        finally:
            with self._lock:
                self._calls -= 1
                fd = self._leave()
            self._close(fd)

    def park(self) -> bool:
        """Close the descriptor until the next call; False if something on it is not durable or under way."""
        with self._lock:
            if self._retired or self._parked or self._calls or self.unsynced or self.given_up:
                return False
            fd, self._fd, self._parked = self._fd, -1, True
        self._close(fd)
        return True

    def retire(self) -> None:
        """Close the descriptor as soon as no call is under way; a second time does nothing."""
        with self._lock:
            self._retired = True
            fd = self._leave()
        self._close(fd)

    def drop_in_child(self) -> None:
        """Close a forked child's copy; takes no lock, since one may be held for ever there."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):  # the parent may just have closed it
                os.close(fd)

    def _leave(self) -> int:
        if not self._retired or self._calls:
            return -1
        fd, self._fd = self._fd, -1
        return fd

    def _close(self, fd: int) -> None:
        if fd >= 0:
            with contextlib.suppress(OSError):  # what it held is durable or was given up: the answer changes nothing
                self._files.close(fd)


def create_file(files: Files, path: Path, parts: Iterable[bytes]) -> int:
    """Make `path` with `parts` on the disk, or nothing; return its descriptor for appending.

    Written under another name first: a crash leaves no half-written header for a reader to stumble on.
    Raises `OSError`; `FileExistsError` if something has that name.
    """
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    temporary = path.with_name(f".{path.name}.tmp")
    with contextlib.suppress(FileNotFoundError):  # what a killed process left
        files.unlink(temporary)
    try:
        _write_whole(files, temporary, parts)
        files.rename(temporary, path)
    except BaseException:
        _remove(files, temporary)
        raise
    try:
        fd = files.open_append(path)
    except BaseException:
        _remove(files, path)
        raise
    try:
        files.sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            files.close(fd)
        _remove(files, path)
        raise
    return fd


def reopen_file(files: Files, path: Path, header: bytes) -> int:
    """Open `path` to append to it, with what stands in it on the disk; an empty one gets `header`.

    Its last lines may have been written and not synced by the process that made it, so they are synced first:
    only then may they be called durable. Raises `OSError`.
    """
    fd = files.open_append(path)
    try:
        if os.fstat(fd).st_size == 0:
            write_all(files, fd, header)
        files.datasync(fd)
        files.sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            files.close(fd)
        raise
    return fd


def sync_file(files: Files, path: Path) -> None:
    """Wait until what stands in `path` is on the disk, whoever wrote it; raises `OSError`."""
    fd = files.open_append(path)
    try:
        files.datasync(fd)
    finally:
        files.close(fd)


def _write_whole(files: Files, path: Path, parts: Iterable[bytes]) -> None:
    fd = files.create(path)
    try:
        for part in parts:
            write_all(files, fd, part)
        files.datasync(fd)
    finally:
        files.close(fd)


def _remove(files: Files, path: Path) -> None:
    with contextlib.suppress(OSError):
        files.unlink(path)
