"""A file that its caller appends whole lines to, and that a worker makes durable soon after."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .. import forks
from ..files import Files, write_all
from ..journal.commit import Committer
from ..journal.segment import Segment

SYNC_SECONDS: Final = 0.05


class LineFile:
    """A new file at `path` that begins with `header`; raises `OSError`, `FileExistsError` if something has that name.

    `append` is for one thread at a time. `on_failure(error, given_up)` is called from a worker when a sync failed. A
    file whose data can't be synced is given up and closed, since a sync that is tried again may succeed falsely;
    `failure` then says why.
    """

    def __init__(
        self,
        path: Path,
        header: bytes,
        *,
        files: Files,
        committer: Committer,
        on_failure: Callable[[OSError, bool], None],
    ) -> None:
        self.path = path
        self.size = 0
        self.torn = False
        self.failure: OSError | None = None
        self._files, self._committer, self._on_failure = files, committer, on_failure
        self._segment = Segment(files, 0, path, files.create(path))
        self._lock = threading.Lock()
        self._sync_awaited = False
        self._syncing = threading.Lock()
        self._over = self._named = False
        try:
            self.append(header)
        except BaseException:
            self._segment.retire()
            with contextlib.suppress(OSError):
                files.unlink(path)
            raise
        forks.watch(self)

    def append(self, lines: bytes) -> None:
        """Write `lines` and have them synced within 50 ms.

        Raises `OSError`: then none of them stands in the file, or `torn` is set and nothing more is written before
        that part is gone.
        """
        with self._segment.call() as fd:
            self._mend(fd)
            self.torn = True
            try:
                write_all(self._files, fd, lines)
            except OSError:
                with contextlib.suppress(OSError):
                    self._mend(fd)
                raise
            self.size += len(lines)
            self.torn = False
        self._sync_soon()

    def close(self, timeout: float) -> bool:
        """Sync and close; False if `timeout` seconds were not enough: it goes on by itself. Sets `failure`."""
        with contextlib.suppress(OSError), self._segment.call() as fd:
            self._mend(fd)
        return in_worker(self._committer, self._finish, timeout)

    def after_fork_in_child(self) -> None:
        """Drop the child's copy of the descriptor."""
        self._segment.drop_in_child()

    def _mend(self, fd: int) -> None:
        if self.torn:
            self._files.truncate(fd, self.size)
            self.torn = False

    # -- syncing

    def _sync_soon(self) -> None:
        with self._lock:
            if self._sync_awaited:  # that one looks again when it has ended
                return
            self._sync_awaited = True
        try:
            self._committer.call_later(SYNC_SECONDS, self._sync)
        except RuntimeError:  # the system gives no thread now
            self._sync()

    def _sync(self) -> None:
        upto = self.size
        if self._made_durable():
            with self._lock:
                self._sync_awaited = False
                if self.size == upto:
                    return
            self._sync_soon()
        elif self.failure is not None:
            try:
                self._on_failure(self.failure, True)  # first: a closed file's own error would hide this one
            finally:
                self._let_go()

    def _finish(self) -> None:
        self._made_durable(last=True)
        self._let_go()

    def _made_durable(self, *, last: bool = False) -> bool:
        """Sync, one at a time, since the system tells an error to one caller only; False if that is over."""
        with self._syncing:
            if self._over:
                return False
            self._over = last
            try:
                self._sync_data()
            except OSError as error:
                self.failure, self._over = error, True
                return False
        self._sync_name()
        return True

    def _sync_data(self) -> None:
        with self._segment.call() as fd:
            if os.fstat(fd).st_nlink == 0:
                raise FileNotFoundError(errno.ENOENT, "the file was removed", str(self.path))
            self._files.datasync(fd)

    def _sync_name(self) -> None:
        if self._named:
            return
        self._named = True
        try:
            self._files.sync_folder(self.path.parent)
        except OSError as error:
            self._on_failure(error, False)

    def _let_go(self) -> None:
        forks.unwatch(self)
        self._segment.retire()


def in_worker(committer: Committer, task: Callable[[], object], timeout: float) -> bool:
    """Run `task` in a worker, since a disk may hang; False if it has not ended within `timeout` seconds.

    Raises what it raised by then.
    """
    done, errors = threading.Event(), list[Exception]()

    def run() -> None:
        try:
            task()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the caller's
            errors.append(error)
        finally:
            done.set()

    try:
        timer = committer.call_later(0, run)
    except RuntimeError:  # the system gives no thread now
        run()
    else:
        if not done.wait(timeout) and (waiting := timer.take()) is not None:  # no worker could be had
            waiting()
    for error in errors:
        raise error
    return done.is_set()
