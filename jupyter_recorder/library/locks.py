"""A lock that lasts as long as its process: flock on a file that only its holder removes.

Closing the descriptor (or dying) releases it. Whoever gets it checks that the path still names the file that was
locked: the last holder may have removed it in between.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .. import forks
from ..errors import CorruptState, StorageError
from ..files import SYSTEM, Files

_HELD: Final = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK})
# What opening a link, a folder, a socket or a FIFO gives, and `open_regular` for the rest.
NOT_REGULAR: Final = frozenset({errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EINVAL})
_STEP_SECONDS: Final = 0.005

if sys.platform == "win32":
    import msvcrt

    def _flock(fd: int) -> None:
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _flock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """The lock at `path`, whose folder exists; forked children let go of it by themselves."""

    def __init__(self, path: Path, files: Files = SYSTEM) -> None:
        self.path = path
        self._files = files
        self._fd = -1

    @property
    def held(self) -> bool:
        """Whether this process holds the lock through this object."""
        return self._fd >= 0

    def acquire(self, patience: float = 0.0) -> bool:
        """Take the lock, trying for `patience` seconds; False if another holds it.

        Raises `CorruptState` if something other than a regular file stands there, `OSError` if there is no making it.
        """
        deadline = time.monotonic() + patience
        while not self._attempt():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_STEP_SECONDS)
        return True

    def release(self, *, unlink: bool = True) -> None:
        """Let go, removing the file (`unlink`) if it is still the one that was locked."""
        if self._fd < 0:
            return
        remove = unlink and self._is_current()
        if remove and os.name != "nt":  # while it is held, so that nobody else's is removed
            with contextlib.suppress(FileNotFoundError):
                self._files.unlink(self.path)
        self._drop()
        if remove and os.name == "nt":  # where an open file has no removing
            with contextlib.suppress(OSError):
                self._files.unlink(self.path)

    def after_fork_in_child(self) -> None:
        """Close the descriptor: a child that kept it would keep a dead parent's lock."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)

    def _attempt(self) -> bool:
        while True:
            forks.watch(self)  # before there is a descriptor: a fork may come right after it
            self._fd = self._open()
            if not self._lock():
                self._drop()
                return False
            if self._is_current():
                return True
            self._drop()

    def _open(self) -> int:
        while True:
            try:
                fd = self._files.open_append(self.path)
            except FileNotFoundError:
                with contextlib.suppress(FileExistsError):
                    return self._files.create(self.path)
            except OSError as error:
                if error.errno in NOT_REGULAR:
                    raise CorruptState(str(self.path), "not a regular file") from error
                raise
            else:
                return self._only_regular(fd)

    def _only_regular(self, fd: int) -> int:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return fd
        self._files.close(fd)
        raise CorruptState(str(self.path), "not a regular file")

    def _lock(self) -> bool:
        try:
            _flock(self._fd)
        except OSError as error:
            if error.errno in _HELD:
                return False
            self._drop()
            raise OSError(error.errno, f"this file system gives no locks ({error.strerror})", str(self.path)) from error
        return True

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.lstat(self.path), os.fstat(self._fd))
        except FileNotFoundError:
            return False

    def _drop(self) -> None:
        forks.unwatch(self)
        fd, self._fd = self._fd, -1
        with contextlib.suppress(OSError):  # the lock is gone with the descriptor, whatever close says
            self._files.close(fd)


@contextlib.contextmanager
def short_lock(path: Path, files: Files = SYSTEM, *, patience: float = 5.0) -> Iterator[None]:
    """Hold the lock at `path` for one small change; raises `StorageError` after `patience` seconds without it."""
    lock = FileLock(path, files)
    if not lock.acquire(patience):
        raise StorageError(f"another process has held {path} for {patience:g} s; try again", path=str(path))
    try:
        yield
    finally:
        lock.release()


def holder_pid(path: Path) -> int | None:
    """Return a process, other than this one, that has the file at `path` open; None if none is seen, or no /proc."""
    try:
        wanted = os.lstat(path)
        pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return None
    return next((pid for pid in sorted(pids) if pid != os.getpid() and _has_open(pid, wanted)), None)


def _has_open(pid: int, wanted: os.stat_result) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        numbers = os.listdir(folder)
    except OSError:  # another user's, or gone
        return False
    for number in numbers:
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(f"{folder}/{number}"), wanted):
                return True
    return False
