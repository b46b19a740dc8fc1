"""Who owns a recording's folder: its lock, with the heartbeat, and its manifest, which the owner alone writes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from . import forks
from .errors import PersistFailed, StorageError
from .files import Files, storage_errors
from .journal.commit import Committer, Timer
from .library.create import CreatedRecording
from .library.manifest import Manifest, State, write_manifest
from .library.owner import HEARTBEAT_SECONDS

PERSIST_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.1


class Ownership:
    """The folder of one open recording: this process' own until `finish()`, or until another has taken it.

    `standing()` returns what the manifest says of what was recorded, `safety()` of how safe that is as long as it goes
    on. Once `lost` says that the folder was taken, `on_lost()` is called, from a worker, and then `abandon()`, until
    that says that nothing is on its way to the folder any more.
    """

    def __init__(
        self,
        created: CreatedRecording,
        *,
        committer: Committer,
        files: Files,
        persist_seconds: float,
        standing: Callable[[], Mapping[str, Any]],
        safety: Callable[[], Mapping[str, Any]],
        on_lost: Callable[[], object],
        abandon: Callable[[], bool],
    ) -> None:
        self.path: Path = created.recording.path
        self.manifest: dict[str, Any] = {**created.recording.manifest}
        self.manifest.pop("safe", None)  # what a writer that died left
        self.lost: PersistFailed | None = None
        self._state = created.state
        self._committer, self._files, self._persist_seconds = committer, files, persist_seconds
        self._standing, self._safety = standing, safety
        self._on_lost, self._abandon = on_lost, abandon
        self._pid = os.getpid()
        self._over = False
        self._taking_turns = threading.Lock()
        self._persist: Timer | None = None
        self._heartbeat: Timer | None = None

    def begin(self) -> None:
        """Say that the owner lives, every 30 s from now on."""
        self._heartbeat = self._committer.call_later(HEARTBEAT_SECONDS, self._beat)
        forks.watch(self)

    @property
    def is_ours(self) -> bool:
        """Whether this process still records here."""
        return not self._over and self._pid == os.getpid()

    def after_fork_in_child(self) -> None:
        """Own nothing: the pid tells every later call."""
        self._over = True

    # -- the manifest

    def save_in_time(self) -> None:
        """Have the manifest written with what has come, unless that is to be done anyway."""
        if self._persist is None:
            self._save_after(self._persist_seconds)

    def save_soon(self) -> None:
        """Have the manifest written as soon as a worker can."""
        self._save_after(0.0)

    def finish(self, state: State, ended_at: int, reason: str | None) -> None:
        """Write the manifest for the last time and give the lock back.

        Raises `StorageError`: then the folder is still this process' own, and it may be called again; `PersistFailed`
        if another process has taken it meanwhile.
        """
        final = {"state": state, "ended_at": ended_at, **({"reason": reason} if reason else {})}
        with self._taking_turns:
            if self.lost is not None:
                raise self.lost
            with storage_errors(f"the manifest of {self.manifest['name']!r} can't be written", self.path):
                self._write({**self.manifest, **self._standing(), **final})
            self._state.stop()
            self._over = True
        for timer in (self._heartbeat, self._persist):
            if timer is not None:
                timer.cancel()
        forks.unwatch(self)

    def _save_after(self, seconds: float) -> None:
        if self._persist is not None:
            self._persist.cancel()
        self._persist = self._committer.call_later(seconds, self._save_in_background)

    def _save_in_background(self) -> None:
        self._persist = None
        try:
            with self._taking_turns:
                if self.is_ours:
                    self._write({**self.manifest, **self._standing(), "safe": self._safety()})
        except OSError:  # counts are derived: the journal's own error tells of a full disk
            self._save_after(self._persist_seconds)

    def _write(self, manifest: dict[str, Any]) -> None:
        write_manifest(self.path, cast(Manifest, manifest), self._files)

    # -- the lock

    def _beat(self) -> None:
        with self._taking_turns:  # a record that `finish` has just removed was not taken
            if not self.is_ours:
                return
            try:
                owned = self._state.heartbeat()
            except StorageError:  # a full or slow disk: the record stands, and the next beat tries again
                owned = True
            if owned:
                self._heartbeat = self._committer.call_later(HEARTBEAT_SECONDS, self._beat)
                return
            self.lost = PersistFailed(
                f"{self.manifest['name']!r} was taken over by another process; nothing more is recorded here",
                path=str(self.path),
            )
            self._over = True
        self._on_lost()
        self._let_go()

    def _let_go(self) -> None:
        """Give the lock back, but not while a disk that hangs may still write into what would be another's file."""
        if self._abandon():
            self._state.abandon()
            forks.unwatch(self)
        else:
            self._committer.call_later(_LOOK_SECONDS, self._let_go)
