"""The folder of recordings: making, listing, finding and deleting them."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import CorruptState, RecordingInProgress, RecordingNotFound
from ..files import SYSTEM, Files, storage_errors
from ..ids import check_name, is_safe_id, session_folder_id, slug, slug_of_take, take_id, timestamp_of
from .active import RECORD
from .create import CreatedRecording, Plan, as_tags, create_folder
from .folders import GONE, NEW, change_elsewhere, default_root, read_elsewhere, usable_folder
from .manifest import MANIFEST, Kind, is_unfinished, read_manifest
from .owner import Life
from .recording import Recording, is_recording_folder
from .state import RecordingState, remove_claimed

_COMPLETE_FROM = 1000
AgeKey = tuple[int, int, str]


class Library:
    """The recordings under `root` (default: `default_root()`), and those elsewhere that it has noted.

    The root need not exist before the first recording is made.
    """

    def __init__(self, root: Path | str | None = None, *, files: Files = SYSTEM) -> None:
        self.root = default_root() if root is None else Path(root).expanduser().absolute()
        self.files = files

    # -- making

    def create(
        self,
        name: str,
        kind: Kind = "notebook",
        *,
        started_ms: int | None = None,
        title: str | None = None,
        tags: Iterable[str] = (),
        directory: Path | str | None = None,
        session_id: str | None = None,
    ) -> CreatedRecording:
        """Make a recording's folder and start recording in it.

        `started_ms` is its start in Unix ms (default: now); `directory` puts the folder there in place of the root;
        `session_id` makes it the one recording of a client's session. Raises `InvalidName`, and `StorageError` for a
        folder that cannot be used, or a session that has its recording already.
        """
        started = time.time_ns() // 1_000_000 if started_ms is None else started_ms
        base_id = take_id(check_name(name), started) if session_id is None else session_folder_id(session_id)
        plan = Plan(base_id, name, kind, started, title, as_tags(tags), session_id)
        parent = usable_folder(self.root if directory is None else Path(directory).expanduser().absolute(), self.files)
        with storage_errors("can't start a recording", parent):
            return create_folder(parent, plan, self.files, self.announce)

    def announce(self, path: Path) -> None:
        """Note a recording's path if it is outside the root, so that it is listed."""
        if path.parent != self.root:
            usable_folder(self.root, self.files)
            change_elsewhere(self.root, self.files, add=path)

    # -- listing

    def recordings(
        self, limit: int | None = None, *, kind: str | None = None, state: str | None = None
    ) -> Iterator[Recording]:
        """Yield the recordings, newest first, at most `limit`; damaged ones have `error` set.

        A manifest is read only if `kind` or `state` asks for it. Raises `StorageError` if the root cannot be listed.
        """
        found = (Recording(path) for path in self._newest_first() if is_recording_folder(path))
        if kind is not None or state is not None:
            found = (one for one in found if _matches(one, kind, state))
        return itertools.islice(found, limit)

    def candidates(self) -> list[Path]:
        """Return the folders that may hold recordings, newest first; nothing in them is looked at."""
        return self._newest_first()

    def places(self) -> list[Path]:
        """Return the folders that hold recordings: the root, and the parents of those elsewhere."""
        return list(dict.fromkeys([self.root, *(path.parent for path in read_elsewhere(self.root))]))

    def leftovers(self) -> list[Path]:
        """Return the folders that a crash left half made or half removed."""
        found = []
        for place in self.places():
            with contextlib.suppress(OSError), os.scandir(place) as entries:
                named = [entry for entry in entries if entry.name.startswith((NEW, GONE))]
                found += [place / entry.name for entry in named if entry.is_dir(follow_symlinks=False)]
        return sorted(found)

    def owns(self, path: Path) -> bool:
        """Tell whether `path` is a folder of one of this library's recordings."""
        return is_recording_folder(path) and (path.parent == self.root or path in read_elsewhere(self.root))

    def stale(self, budget: float | None = None) -> list[Recording]:
        """Return the recordings that dead processes left, newest first: half-made ones, and interrupted ones too.

        Looks for at most `budget` seconds.
        """
        deadline = None if budget is None else time.monotonic() + budget
        paths, found = [*self._newest_first(), *self.leftovers()], set()
        # Owners' records first: looking for one is quick, and a manifest must be read.
        for is_stale, path in itertools.product((self._has_dead_owner, _is_let_go), paths):
            if deadline is not None and time.monotonic() > deadline:
                break
            if is_stale(path):
                found.add(path)
        return [Recording(path) for path in paths if path in found]

    def names(self, prefix: str = "", limit: int = 50) -> list[str]:
        """Return at most `limit` names, then ids, that begin with `prefix`, newest first, for completion."""
        newest = list(self.recordings(_COMPLETE_FROM))
        words = itertools.chain((one.name for one in newest), (one.id for one in newest))
        return list(itertools.islice(dict.fromkeys(word for word in words if word.startswith(prefix)), limit))

    # -- finding

    def find(self, word: str) -> Recording:
        """Return the recording with the id `word`, else the newest take of that name.

        A recovered take is also found by the name that its id begins with. Raises `RecordingNotFound`, with near
        names.
        """
        exact = self.find_id(word)
        if exact is not None:
            return exact
        names: dict[str, None] = {}
        recovered: Recording | None = None
        for one in self.recordings():
            name = one.name
            if name == word:
                return one
            names[name] = None
            recovered = recovered or (one if _was_called(one, word) else None)
        if recovered is not None:
            return recovered
        raise RecordingNotFound(word, _near(word, names))

    def find_id(self, recording_id: str) -> Recording | None:
        """Return the recording of exactly this id; None if there is none."""
        if not is_safe_id(recording_id):
            return None
        outside = [path for path in read_elsewhere(self.root) if path.name == recording_id]
        places = [self.root / recording_id, *outside]
        return next((Recording(path) for path in places if is_recording_folder(path)), None)

    def paths(self) -> list[Path]:
        """Return the folders of all recordings, newest first; raises `StorageError` if the root cannot be listed."""
        return [path for path in self._newest_first() if is_recording_folder(path)]

    def folders(self) -> dict[Path, AgeKey]:
        """Return the folders that may be recordings, each with what sorts it by age; raises `StorageError`.

        Nothing in them is looked at; `is_recording_folder` tells which of them are recordings.
        """
        return {path: _age_key(path) for path in self._all_paths()}

    def find_session(self, session_id: str) -> Recording:
        """Return the recording of a client's session; raises `RecordingNotFound`."""
        found = self.find_id(session_folder_id(session_id))
        if found is None or (found.error is None and found.manifest.get("session_id") != session_id):
            raise RecordingNotFound(session_id)
        return found

    # -- deleting

    def delete(self, recording: Recording) -> None:
        """Remove a recording with all its files; raises `RecordingInProgress` while it is recorded, `StorageError`."""
        with storage_errors(f"can't delete {recording.id}", recording.path):
            claim = RecordingState(recording.path, files=self.files).claim()
            if claim is None:
                raise RecordingInProgress(recording.name, hint="stop it before you delete it")
            remove_claimed(self.files, recording.path, claim)
            if recording.path.parent != self.root:
                change_elsewhere(self.root, self.files, remove=recording.path)

    # -- how

    def _newest_first(self) -> list[Path]:
        return [path for _, path in sorted(((_age_key(path), path) for path in self._all_paths()), reverse=True)]

    def _all_paths(self) -> list[Path]:
        return self._in_root() + [path for path in read_elsewhere(self.root) if path.parent != self.root]

    def _in_root(self) -> list[Path]:
        with storage_errors("can't list the recordings", self.root):
            try:
                with os.scandir(self.root) as entries:
                    named = [entry for entry in entries if is_safe_id(entry.name)]
                    return [Path(entry.path) for entry in named if entry.is_dir(follow_symlinks=False)]
            except FileNotFoundError:  # nothing was recorded yet
                return []

    def _has_dead_owner(self, path: Path) -> bool:
        if not os.path.lexists(path / RECORD):
            return False
        try:
            if RecordingState(path, files=self.files).life() is not Life.DEAD:
                return False
        except (CorruptState, OSError):
            return False
        return Recording(path).state not in ("completed", "recovered")  # of those, only the lock was left


def _is_let_go(path: Path) -> bool:
    """Tell whether it was left unfinished, with no owner named any more."""
    try:
        manifest = read_manifest(path)
    except CorruptState:
        return False
    return manifest["state"] == "interrupted" and is_unfinished(manifest) and not os.path.lexists(path / RECORD)


def _age_key(path: Path) -> AgeKey:
    """Return what sorts by age: the time in the id, else the manifest's; of one second, `-10` is after `-2`."""
    started = timestamp_of(path.name)
    if started is None:
        started = 0
        with contextlib.suppress(OSError):
            started = os.lstat(path / MANIFEST).st_mtime_ns // 1_000_000
    return started, len(path.name), path.name


def _matches(recording: Recording, kind: str | None, state: str | None) -> bool:
    if state is not None and recording.state != state:
        return False
    return kind is None or (recording.error is None and recording.manifest["kind"] == kind)


def _was_called(recording: Recording, word: str) -> bool:
    if slug_of_take(recording.id) != slug(word) or recording.error is not None:
        return False
    return recording.manifest.get("recovered") is True


def _near(word: str, names: Iterable[str]) -> tuple[str, ...]:
    import difflib  # only a mistake needs it

    return tuple(difflib.get_close_matches(word, list(names), n=3))
