"""The outbox's folder: one process at a time, one append-only file that survives a kill at any point.

An append-only file of the journal's kind, and not SQLite: it has one writer, is read once at the opening, and may stand
in a home folder on NFS, where SQLite breaks. A line is handed to the system before the call that gave it returns, so it
survives a kill of the process. Power loss is another matter: `sync` is for what waits long, since what is acknowledged
within moments is safe at the server and need not be synced here too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ..errors import OutboxInUse
from ..files import SYSTEM, Files, open_regular, storage_errors, write_all, write_atomic
from ..library.folders import usable_folder
from ..library.locks import FileLock
from .lines import HEADER, Kept, replay

NAME: Final = "outbox.ndjson"
BROKEN: Final = "outbox.ndjson.broken"
_ADVICE: Final = "the event was not taken; free some space, or give RecorderClient another outbox"

log = logging.getLogger("jupyter_recorder.client")


class Outbox:
    """The outbox in `folder`, which is made if it is missing; `kept` is what an earlier process left in it.

    Raises `OutboxInUse` if another process (or another client in this one) has it, `StorageError` if it cannot be used.
    """

    def __init__(self, folder: Path, files: Files = SYSTEM) -> None:
        self.folder = folder
        self._files = files
        self._lock = FileLock(usable_folder(folder, files) / "outbox.lock", files)
        if not self._lock.acquire():
            raise OutboxInUse(str(folder))
        self._fd = -1
        self._size = 0  # of whole lines
        self._torn = False
        self._unsynced = False
        self._using = threading.Lock()  # a sync must not find its file closed
        try:
            self.kept = self._read()
        except BaseException:
            self._lock.release(unlink=False)
            raise

    @property
    def size(self) -> int:
        """The file's size in bytes."""
        return self._size

    def append(self, line: bytes) -> None:
        """Hand one line to the system; raises `StorageError`, and then the file is as it was."""
        with storage_errors("can't keep an event in the outbox", self.folder / NAME, hint=_ADVICE):
            try:
                write_all(self._files, self._fd, b"\n" + line if self._torn else line)
            except OSError:
                self._take_back()
                raise
        self._torn = False
        self._size += len(line)
        self._unsynced = True

    def rewrite(self, lines: Iterable[bytes]) -> None:
        """Replace the file by one that holds these lines alone; raises `StorageError`, and the old one stands."""
        path = self.folder / NAME
        data = b"".join((HEADER, *lines))
        with self._using, storage_errors("can't tidy the outbox", path):
            write_atomic(self._files, path, data)
            fd = self._files.open_append(path)
            old, self._fd = self._fd, fd
            if old >= 0:
                self._files.close(old)
        self._size, self._torn, self._unsynced = len(data), False, False

    def sync(self) -> None:
        """Wait until everything is on the disk itself, so that it survives a loss of power."""
        if not self._unsynced:
            return
        with self._using:
            self._unsynced = False
            if self._fd >= 0:
                with storage_errors("can't sync the outbox", self.folder / NAME):
                    self._files.datasync(self._fd)

    def close(self) -> None:
        """Let go of the folder."""
        with self._using:
            fd, self._fd = self._fd, -1
            if fd >= 0:
                self._files.close(fd)
        self._lock.release(unlink=False)

    def after_fork_in_child(self) -> None:
        """Close the descriptor, whatever a thread of the parent is doing with it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)

    def _take_back(self) -> None:
        try:
            self._files.truncate(self._fd, self._size)
        except OSError:
            self._torn = True  # the next line begins with a newline, so that only this one is damaged

    def _read(self) -> Kept:
        try:
            with os.fdopen(open_regular(self.folder / NAME), "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return Kept()
        except OSError as error:
            with storage_errors("can't read the outbox", self.folder / NAME):
                raise error from None
        *lines, tail = data.split(b"\n")
        kept = replay(lines)
        broken = [*kept.damaged, tail] if tail else kept.damaged
        if broken:
            self._keep_broken(broken)
        return kept

    def _keep_broken(self, lines: list[bytes]) -> None:
        log.warning("%s: %d damaged lines are kept in %s", self.folder / NAME, len(lines), BROKEN)
        path = self.folder / BROKEN
        with storage_errors("can't keep the outbox's damaged lines", path):
            try:
                fd = self._files.create(path)
            except FileExistsError:
                fd = self._files.open_append(path)
            try:
                write_all(self._files, fd, b"".join(line + b"\n" for line in lines))
                self._files.datasync(fd)
            finally:
                self._files.close(fd)
