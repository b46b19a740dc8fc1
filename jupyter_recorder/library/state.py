"""RecordingState: at most one recording at a time in a folder, over all processes.

Two things must both be free, or their owner dead: the flock on `recording.lock`, and the owner that `recording.json`
names. The flock ends with its process but is not shared by every file system; the record is, but outlives its
process. Listers read the record alone: trying the lock could make a real start fail.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import CorruptState, NoActiveRecording, RecordingInProgress
from ..files import SYSTEM, Files, storage_errors
from .active import LOCK, RECORD, ActiveSession, Record, read_record, write_record
from .folders import remove_folder
from .locks import FileLock, holder_pid
from .owner import Life, Owner, file_server_age, life_of, me

if TYPE_CHECKING:
    from .library import Library
    from .recovery import RecoveryInfo

PATIENCE_SECONDS: Final = 0.25
# So long is waited for a recovery that has a recording just now, such as the start of a server: long ones take seconds.
RECOVERY_PATIENCE_SECONDS: Final = 10.0
_BELONGS_TO_PARENT: Final = "this recording belongs to the parent process, which alone can stop it"


class RecordingState:
    """The one lock of `state_dir`, a folder that exists; held from `start()` to `stop()`.

    A forked child lets go of it: there, `stop()` is `NoActiveRecording`, and the parent's lock stays.
    """

    def __init__(self, state_dir: Path | str, *, files: Files = SYSTEM) -> None:
        self.state_dir = Path(state_dir)
        self._files = files
        self._lock: FileLock | None = None
        self._session: ActiveSession | None = None
        self._pid = os.getpid()

    def start(self, name: str, session_path: Path | str, *, patience: float = PATIENCE_SECONDS) -> ActiveSession:
        """Take the lock for a recording called `name` whose data is at `session_path` (relative: to the folder).

        A lock that is held though no owner lives is waited for up to `patience` seconds. What a dead owner left of its
        lock is cleaned up first; its session data stays. Raises `RecordingInProgress` (names the owner),
        `CorruptState`, or `StorageError` for a folder that cannot be used.
        """
        if self._session is not None and self._pid == os.getpid():
            raise RecordingInProgress(self._session.name, pid=self._pid, hint="stop it first")
        with storage_errors("can't start a recording", self.state_dir):
            lock = self._lock_for_start(patience)
            session = ActiveSession(name, Path(session_path), time.time_ns() // 1_000_000, me())
            try:
                self._put_aside_garbled()  # a readable one is replaced
                write_record(self.state_dir, session, self._files)
            except BaseException:
                with contextlib.suppress(OSError):  # it may stand though its folder could not be synced
                    self._take_back(session, lock)
                lock.release(unlink=False)  # nothing, if that went well
                raise
        self._lock, self._session, self._pid = lock, session, os.getpid()
        return session

    def stop(self) -> ActiveSession:
        """Give the lock back, and return what was recorded under it.

        From another process: allowed once the owner is dead, else `RecordingInProgress`. Raises `NoActiveRecording`
        if there is nothing to stop, and `StorageError` if the disk refuses: then it may be called again.
        """
        if self._session is None:
            return self._stop_for_the_dead()
        session, lock = self._session, self._lock
        if self._pid != os.getpid() or lock is None:
            raise NoActiveRecording(_BELONGS_TO_PARENT)
        with storage_errors("can't stop the recording", self.state_dir):
            self._take_back(session, lock)
        self._session = self._lock = None
        return session

    def abandon(self) -> None:
        """Let go of the lock, and leave the record as it is: `heartbeat()` has said that it is not ours any more."""
        lock, self._lock, self._session = self._lock, None, None
        if lock is not None:
            lock.release(unlink=False)  # the file may be the new owner's, where locks are not shared

    def is_recording(self) -> bool:
        """Tell whether a valid record stands, be it a living owner's or what a crash left."""
        with contextlib.suppress(CorruptState, OSError):
            return read_record(self.state_dir) is not None
        return False

    def current(self) -> ActiveSession | None:
        """Return the session that the record names; None if there is none. Raises `CorruptState`, `StorageError`."""
        with storage_errors("can't tell what is being recorded", self.state_dir):
            record = read_record(self.state_dir)
        return record.session if record else None

    def heartbeat(self) -> bool:
        """Say that the owner lives; False if the record is gone or another's: then it must stop writing.

        Wanted every 30 s. Raises `StorageError` if the disk refuses.
        """
        session = self._session
        if session is None or self._pid != os.getpid():
            return False
        with storage_errors("can't renew the recording's lock", self.state_dir):
            try:
                if not self._is_ours(session):
                    return False
                self._files.utime(self.state_dir / RECORD)
            except FileNotFoundError:
                return False
        return True

    def moved(self, state_dir: Path) -> None:
        """Go on in the same folder under another name."""
        self.state_dir = state_dir
        if self._lock is not None:
            self._lock.path = state_dir / LOCK

    def life(self) -> Life | None:
        """Tell whether the recorded owner lives; None with no record. Tries no lock.

        Raises `CorruptState`, `OSError`.
        """
        record = read_record(self.state_dir)
        return self._judge(record) if record else None

    def cleanup_stale_lock(self, store: Library | None = None, *, force: bool = False) -> RecoveryInfo | None:
        """Remove what a dead owner left of its lock and, with `store`, recover its recording there.

        `force` also counts an owner on another host as dead. Returns None if there was nothing stale. Session data
        is never deleted, but for a recording in `store` that holds nothing.
        """
        from .recovery import cleanup  # it builds on this module

        return cleanup(self, store, force=force)

    def claim(self, *, force: bool = False) -> Claim | None:
        """Take the lock that a dead owner left (or nobody holds); None if an owner lives or may live.

        Raises `RecordingInProgress` with the holder's pid if a process keeps a dead owner's lock, `OSError`,
        `CorruptState`.
        """
        if self._may_live(record := self._readable_record(), force):
            return None
        lock = FileLock(self.state_dir / LOCK, self._files)
        if not lock.acquire(PATIENCE_SECONDS):
            record = self._readable_record()
            if record is None or self._may_live(record, force):
                return None
            raise self._kept_by_another(record.session.owner, record.session.name)
        try:
            record = self._readable_record()  # it may be another one by now
            if not self._may_live(record, force):
                return Claim(self, lock, record.session if record else None)
        except BaseException:
            lock.release(unlink=False)
            raise
        lock.release(unlink=False)
        return None

    # -- the lock

    def _lock_for_start(self, patience: float) -> FileLock:
        """Return the lock, held, with no living owner recorded."""
        lock = FileLock(self.state_dir / LOCK, self._files)
        self._refuse_if_owned()
        if not lock.acquire(patience):
            self._refuse_if_owned()
            record = self._readable_record()
            name = record.session.name if record else self.state_dir.name
            raise self._kept_by_another(record.session.owner if record else None, name)
        try:
            self._refuse_if_owned()
        except BaseException:
            lock.release(unlink=False)
            raise
        return lock

    def _refuse_if_owned(self) -> None:
        record = self._readable_record()
        if record is not None and self._judge(record) is not Life.DEAD:
            owner = record.session.owner
            raise RecordingInProgress(record.session.name, pid=owner.pid, host=owner.host, hint="stop it there first")

    def _kept_by_another(self, dead: Owner | None, name: str) -> RecordingInProgress:
        pid = holder_pid(self.state_dir / LOCK)
        died = f"its owner, process {dead.pid}, is dead; " if dead else ""
        return RecordingInProgress(name, pid=pid, hint=f"{died}the lock is free when the process that holds it ends")

    def _stop_for_the_dead(self) -> ActiveSession:
        if self.current() is None:
            raise NoActiveRecording
        with storage_errors("can't stop the recording", self.state_dir):
            claim = self.claim()
            if claim is None:
                self._refuse_if_owned()
                raise NoActiveRecording
            claim.finish()
        if claim.session is None:
            raise NoActiveRecording
        return claim.session

    # -- the record

    def _take_back(self, session: ActiveSession, lock: FileLock) -> None:
        if self._is_ours(session):
            self._remove_record()
        lock.release()

    def _readable_record(self) -> Record | None:
        """Return the record; one that cannot be read leaves the decision to the flock."""
        with contextlib.suppress(CorruptState):
            return read_record(self.state_dir)
        return None

    def _judge(self, record: Record) -> Life:
        age = lambda: file_server_age(self.state_dir, record.mtime, self._files)  # noqa: E731
        return life_of(record.session.owner, age)

    def _may_live(self, record: Record | None, force: bool) -> bool:
        if record is None:
            return False
        life = self._judge(record)
        return life is Life.ALIVE or (life is Life.UNKNOWN and not force)

    def _is_ours(self, session: ActiveSession) -> bool:
        record = self._readable_record()
        return record is not None and record.session.nonce == session.nonce

    def _put_aside_garbled(self) -> None:
        """Keep a record that cannot be read, but not in the place of one that can."""
        try:
            read_record(self.state_dir)
        except CorruptState:
            self._files.rename(self.state_dir / RECORD, self.state_dir / f"{RECORD}.broken")

    def _remove_record(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._files.unlink(self.state_dir / RECORD)


class Claim:
    """The lock of a folder whose owner is dead, held; `session` is what it recorded (None: no readable record)."""

    def __init__(self, state: RecordingState, lock: FileLock, session: ActiveSession | None) -> None:
        self._state, self._lock = state, lock
        self.session = session

    def moved(self, folder: Path) -> None:
        """Go on in the same folder under another name."""
        self._state.moved(folder)
        self._lock.path = folder / LOCK

    def finish(self) -> None:
        """Remove the record, then the lock; raises `OSError`."""
        try:
            self._state._put_aside_garbled()
            self._state._remove_record()
        except BaseException:
            self.abandon()
            raise
        self._lock.release()

    def abandon(self) -> None:
        """Let go and leave the record, so that it can be claimed again."""
        self._lock.release(unlink=self.session is None)


def remove_claimed(files: Files, folder: Path, claim: Claim) -> None:
    """Remove the folder that `claim` holds, with all in it; raises `OSError`."""
    if os.name == "nt":  # where an open file has no removing
        claim.abandon()
    try:
        remove_folder(files, folder)
    finally:
        claim.abandon()
