"""Recovery: what dead processes left becomes recordings again; the one implementation that everything uses.

Each recording is recovered under its lock, in steps that may be cut off anywhere and run again to the same end:

    claim the lock -> remove temporary files -> cut torn tails (kept in `.broken`) -> count what there is
    -> nothing: remove the folder; something: write the manifest -> remove the record, then the lock

The manifest is the last thing that changes, so that a recording counts as recovered only when it is. A server's
start takes the same steps, but removes no recording and gives no name: it only marks them interrupted.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import CorruptState, RecordingInProgress
from ..files import Files, storage_errors
from ..ids import recovered_name
from .active import LOCK, RECORD
from .create import publish
from .folders import GONE, NEW, change_elsewhere, remove_folder
from .library import Library
from .locks import short_lock
from .manifest import MANIFEST, WRITER_GONE, Manifest, is_unfinished, read_manifest, write_manifest
from .owner import FOREIGN_SECONDS, Life, file_server_age, life_of, parse_owner
from .salvage import Salvage, is_bare, salvage
from .state import Claim, RecordingState, remove_claimed

_PATIENCE_SECONDS: Final = 60.0


class RecoveryInfo(NamedTuple):
    """What recovery did with one recording.

    `state` is the manifest's (empty if it cannot be read), `cut_bytes` what was cut off torn tails (kept in
    `.broken`). `removed`: it held nothing, and is gone. `error`: it could not be recovered, and nothing of it was
    deleted; `holder_pid` then names a process that keeps its lock.
    """

    id: str
    name: str
    path: Path
    previous_name: str | None = None
    state: str = ""
    events: int = 0
    cut_bytes: int = 0
    removed: bool = False
    error: str | None = None
    holder_pid: int | None = None


def recover(library: Library, *, force: bool = False) -> list[RecoveryInfo]:
    """Recover every recording that a dead process left; one that fails is told in its `error` and stops no other.

    `force` also counts owners on other hosts as dead. Raises `StorageError` if the root cannot be used, or another
    recovery of it does not come to an end.
    """
    if not library.root.exists():
        return []
    with _alone(library):
        recoverer = Recoverer(library, force=force)
        paths = [*library.leftovers(), *(one.path for one in reversed(list(library.recordings())))]
        return [info for path in paths if (info := recoverer.attempt(path)) is not None]


def interrupt(library: Library, *, go_on: Callable[[], bool] = lambda: True) -> list[RecoveryInfo]:
    """Repair every recording that a dead process left and mark it `interrupted`, for `recover` to take later.

    Names stay, and no recording is removed. Between two recordings it ends if `go_on()` is false. Errors as in
    `recover`.
    """
    if not library.root.exists():
        return []
    with _alone(library):
        recoverer = Recoverer(library, only_mark=True)
        paths = (one.path for one in reversed(list(library.recordings())))
        infos = (recoverer.attempt(path) for path in itertools.takewhile(lambda _: go_on(), paths))
        return [info for info in infos if info is not None]


@contextlib.contextmanager
def _alone(library: Library) -> Iterator[None]:
    """Let one recovery of a root run at a time: two would give one name twice, and stumble over each other's locks."""
    with (
        storage_errors("can't recover", library.root),
        short_lock(library.root / ".recovery.lock", library.files, patience=_PATIENCE_SECONDS),
    ):
        yield


def cleanup(state: RecordingState, store: Library | None, *, force: bool = False) -> RecoveryInfo | None:
    """Do what `RecordingState.cleanup_stale_lock` promises."""
    folder = state.state_dir
    if store is not None and store.owns(folder):
        return recover_one(store, folder, force)
    if not any(os.path.lexists(folder / name) for name in (RECORD, LOCK)):
        return None
    with storage_errors("can't clean up", folder):
        try:
            claim = state.claim(force=force)
        except RecordingInProgress as error:
            return RecoveryInfo(folder.name, error.name, folder, error=str(error), holder_pid=error.pid)
        return _clean_claimed(claim, folder, store, force) if claim else None


def _clean_claimed(claim: Claim, folder: Path, store: Library | None, force: bool) -> RecoveryInfo | None:
    garbled = _has_garbled_record(folder, claim)
    try:
        info = _recover_named(claim, folder, store, force)
        if info is None or info.error is None:
            claim.finish()
    finally:
        claim.abandon()  # nothing, if it is finished
    if garbled:
        why = f"{RECORD} could not be read; it is kept as {RECORD}.broken"
        return RecoveryInfo(folder.name, folder.name, folder, error=why)
    return info


def _recover_named(claim: Claim, folder: Path, store: Library | None, force: bool) -> RecoveryInfo | None:
    """Recover the recording that a shared folder's dead session names, if it is one of the store's."""
    session = claim.session
    if session is None:
        return None
    path = folder / session.session_path
    told = RecoveryInfo(path.name, session.name, path)
    if store is None:
        return told
    recording = next((place for place in (path, path.parent) if store.owns(place)), None)
    return (recover_one(store, recording, force) if recording else None) or told


def recover_one(store: Library, path: Path, force: bool = False) -> RecoveryInfo | None:
    """Recover the recording in the folder `path`; None if there is nothing to recover. Errors as in `recover`."""
    with _alone(store):
        return Recoverer(store, force=force).attempt(path)


class Recoverer:
    """Recovers recordings of one library, so that no two get one name; with `only_mark` as `interrupt` says."""

    def __init__(self, library: Library, *, force: bool = False, only_mark: bool = False) -> None:
        self._library, self._files, self._force = library, library.files, force
        self._only_mark = only_mark

    def attempt(self, path: Path) -> RecoveryInfo | None:
        """Recover the recording in the folder `path`; None if there is nothing to recover or its owner may live.

        What goes wrong is told in `error`.
        """
        try:
            with storage_errors(f"can't recover {path.name}", path):
                return self._recover(path)
        except RecordingInProgress as error:
            return RecoveryInfo(path.name, error.name, path, error=str(error), holder_pid=error.pid)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with one must not keep the others from recovery
            if not os.path.lexists(path):  # its maker has just given it its id, or someone deleted it
                return None
            return RecoveryInfo(path.name, path.name, path, error=str(error) or type(error).__name__)

    def _recover(self, path: Path) -> RecoveryInfo | None:
        if path.name.startswith(GONE):
            remove_folder(self._files, path)  # its remover may be alive and at it: that does no harm
            return None
        state = RecordingState(path, files=self._files)
        claim = state.claim(force=self._force) if self._is_left(path) else None
        if claim is None:
            return None
        try:
            return self._recover_claimed(path, claim)
        finally:
            claim.abandon()  # nothing, if it is finished

    def _is_left(self, path: Path) -> bool:
        """Tell whether something may be left to do, without trying the lock."""
        if os.path.lexists(path / RECORD):
            return True
        if path.name.startswith(NEW):  # its maker may be about to lock it
            return self._force or _is_old(path, self._files)
        manifest = read_manifest(path)
        if manifest["state"] == "recording":  # its record was taken away
            return not self._writer_may_live(path, manifest)
        return os.path.lexists(path / LOCK) or (is_unfinished(manifest) and not self._only_mark)

    def _recover_claimed(self, path: Path, claim: Claim) -> RecoveryInfo | None:
        if path.name.startswith(NEW) and not os.path.lexists(path / MANIFEST):
            return self._remove_unbegun(path, claim)
        manifest = read_manifest(path)
        if not is_unfinished(manifest) and not (manifest["state"] == "recovered" and claim.session):
            claim.finish()  # it ended in order; only its lock was left
            return None
        found = salvage(path, manifest["tracks"], self._files)
        previous = claim.session.name if claim.session else manifest["name"]
        if found.empty and not self._only_mark and not _has_garbled_record(path, claim):
            self._remove(path, claim)
            return RecoveryInfo(path.name, previous, path, cut_bytes=found.cut_bytes, removed=True)
        if path.name.startswith(NEW):
            path = publish(path, manifest, self._files, self._library.announce)
            claim.moved(path)
        fresh = self._judged(path, read_manifest(path), found)
        if fresh != manifest:
            write_manifest(path, fresh, self._files)
        claim.finish()
        self._files.sync_folder(path)
        events = fresh["counts"]["events"]
        return RecoveryInfo(path.name, fresh["name"], path, previous, fresh["state"], events, found.cut_bytes)

    def _judged(self, path: Path, manifest: Manifest, found: Salvage) -> Manifest:
        last = found.last_ms or manifest["started_at"]
        fresh: Manifest = {**manifest, "ended_at": last, "tracks": found.contents.tracks}
        fresh["counts"] = {**manifest["counts"], **found.contents.counts.as_dict(), "bytes": found.size}
        if self._only_mark and manifest["state"] != "recovered":  # a recovery that was cut off is brought to its end
            return {**fresh, "state": "interrupted", "reason": WRITER_GONE}
        fresh.pop("reason", None)
        return {
            **fresh,
            "name": self._free_name(recovered_name(last), path.name),
            "state": "recovered",
            "recovered": True,
        }

    def _free_name(self, base: str, recording_id: str) -> str:
        names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
        name = next(name for name in names if self._names.get(name, {recording_id}) == {recording_id})
        self._names[name] = {recording_id}
        return name

    @functools.cached_property
    def _names(self) -> dict[str, set[str]]:
        """The names that recovery has given so far, with the ids of those that have them."""
        taken: dict[str, set[str]] = {}
        for one in self._library.recordings():
            for name in () if one.error else {one.name, one.manifest["name"]}:
                taken.setdefault(name, set()).add(one.id)
        return taken

    def _writer_may_live(self, path: Path, manifest: Manifest) -> bool:
        try:
            owner = parse_owner(manifest["writer"])
        except ValueError:
            return False
        touched = os.lstat(path / MANIFEST).st_mtime
        life = life_of(owner, lambda: file_server_age(path, touched, self._files))
        return life is Life.ALIVE or (life is Life.UNKNOWN and not self._force)

    def _remove_unbegun(self, path: Path, claim: Claim) -> RecoveryInfo:
        if not is_bare(path):
            raise CorruptState(str(path / MANIFEST), "it is missing")
        self._remove(path, claim)
        recording_id = path.name.removeprefix(NEW)
        return RecoveryInfo(recording_id, recording_id, path, removed=True)

    def _remove(self, path: Path, claim: Claim) -> None:
        remove_claimed(self._files, path, claim)
        if path.parent != self._library.root:
            change_elsewhere(self._library.root, self._files, remove=path)


def _has_garbled_record(path: Path, claim: Claim) -> bool:
    """Tell whether the owner is unknown: then nothing at all is deleted."""
    return claim.session is None and os.path.lexists(path / RECORD)


def _is_old(path: Path, files: Files) -> bool:
    age = file_server_age(path.parent, os.lstat(path).st_mtime, files)
    return age is not None and age >= FOREIGN_SECONDS
