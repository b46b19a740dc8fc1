"""The one thin layer through which every file is made, written, synced, renamed or removed.

Nothing else in the package calls these functions of `os`, so that a test can put a disk that fills,
fails, hangs or loses power in their place (`tests/faults.py`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .errors import StorageError

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)
_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)


class Files:
    """The operating system's file calls, one method each; errors are the system's own `OSError`."""

    def create(self, path: Path) -> int:
        """Make a new file for appending, 0600 from the start; an existing one is `FileExistsError`."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | _CLOEXEC | _NOFOLLOW | _BINARY
        return os.open(path, flags, FILE_MODE)

    def open_append(self, path: Path) -> int:
        """Open an existing file for appending; a symbolic link is refused."""
        return os.open(path, os.O_RDWR | os.O_APPEND | _CLOEXEC | _NOFOLLOW | _BINARY)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write what the system takes of `data`; the count may be short."""
        return os.write(fd, data)

    def datasync(self, fd: int) -> None:
        """Wait until the file's data is on the disk itself."""
        if sys.platform == "darwin":  # there, fsync stops at the drive's cache
            import fcntl

            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        elif hasattr(os, "fdatasync"):
            os.fdatasync(fd)
        else:  # pragma: no cover  # a system that has no fdatasync
            os.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to `size` bytes."""
        os.ftruncate(fd, size)

    def close(self, fd: int) -> None:
        """Close the descriptor."""
        os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """Give `source` the name `target`, replacing a file that has it."""
        os.replace(source, target)

    def unlink(self, path: Path) -> None:
        """Remove one file name."""
        os.unlink(path)

    def mkdir(self, path: Path) -> None:
        """Make one folder, 0700 from the start."""
        os.mkdir(path, FOLDER_MODE)

    def rmdir(self, path: Path) -> None:
        """Remove one empty folder."""
        os.rmdir(path)

    def utime(self, path: Path) -> None:
        """Set the file's times to the file server's present."""
        os.utime(path)

    def sync_folder(self, path: Path) -> None:
        """Wait until the folder's names are on the disk; nothing where folders cannot be opened."""
        if os.name == "nt":
            return
        fd = os.open(path, os.O_RDONLY | _CLOEXEC)
        try:
            os.fsync(fd)
        except OSError as error:  # some network file systems sync names by themselves and refuse this
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(fd)


SYSTEM: Final = Files()


def write_all(files: Files, fd: int, data: bytes) -> None:
    """Write all of `data`; a disk that takes none of the rest is ENOSPC."""
    rest = memoryview(data)
    while rest:
        count = files.write(fd, rest)
        if count <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rest = rest[count:]


def write_atomic(files: Files, path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`: after a crash it holds the old bytes or the new, never a mix."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    fd = files.create(temporary)
    try:
        try:
            write_all(files, fd, data)
            files.datasync(fd)
        finally:
            files.close(fd)
        files.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            files.unlink(temporary)
        raise
    files.sync_folder(path.parent)


def make_folders(files: Files, path: Path) -> None:
    """Make `path` and the folders above it that are missing, each 0700 and named on the disk."""
    if path.is_dir():
        return
    make_folders(files, path.parent)
    try:
        files.mkdir(path)
    except FileExistsError:
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None
    else:
        files.sync_folder(path.parent)


@contextlib.contextmanager
def storage_errors(doing: str, path: Path, *, hint: str = "") -> Iterator[None]:
    """Turn the system's `OSError` into a `StorageError` that says what was being done, where, and what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        advice = hint or _advice(error.errno)
        message = f"{doing}: {reason} ({path})" + (f"; {advice}" if advice else "")
        raise StorageError(message, path=str(path), errno=error.errno) from error


def _advice(number: int | None) -> str:
    if number in (errno.ENOSPC, errno.EDQUOT):
        return "free some space; what is not yet written is kept and written then"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "choose another folder with --dir or JUPYTER_RECORDER_DIR"
    return ""


def open_regular(path: Path) -> int:
    """Open a regular file for reading; a symbolic link, FIFO, socket or device is refused with `OSError`."""
    fd = os.open(path, os.O_RDONLY | _CLOEXEC | _NOFOLLOW | _BINARY | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return fd


def read_small(path: Path, limit: int = 2**24) -> bytes:
    """Read a whole regular file of at most `limit` bytes; a larger one is an `OSError`."""
    with os.fdopen(open_regular(path), "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit} bytes", str(path))
    return data
