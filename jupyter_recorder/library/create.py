"""Making a recording's folder: built under a name that nobody lists, locked, then given its id in one step."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from ..errors import RecError, StorageError
from ..files import Files, read_small, write_all
from ..journal.reader import segments
from .folders import NEW, remove_folder
from .manifest import Kind, Manifest, new_manifest, write_manifest
from .owner import Owner
from .recording import Recording
from .state import RecordingState

DEDUPE_KEY: Final = "dedupe.key"
DATA: Final = "session.ndjson"
_TRIES: Final = 10_000


class CreatedRecording(NamedTuple):
    """A new recording, and its lock, held by this process."""

    recording: Recording
    state: RecordingState


class Plan(NamedTuple):
    """What is to be made: `base_id` is the id if it is free."""

    base_id: str
    name: str
    kind: Kind
    started_ms: int
    title: str | None = None
    tags: tuple[str, ...] = ()
    session_id: str | None = None

    def manifest(self, owner: Owner) -> Manifest:
        """Return the first manifest of the recording."""
        fields: dict[str, Any] = self._asdict()
        return new_manifest(id=fields.pop("base_id"), owner=owner, **fields)


def create_folder(parent: Path, plan: Plan, files: Files, announce: Callable[[Path], None]) -> CreatedRecording:
    """Make the recording's folder in `parent` and start recording in it.

    `announce(path)` is called with the path that it is about to get. Raises `OSError`, `RecError`.
    """
    building = parent / f"{NEW}{plan.base_id}-{os.urandom(4).hex()}"
    files.mkdir(building)
    state = RecordingState(building, files=files)
    try:
        session = state.start(plan.name, DATA)
        _write_key(building / DEDUPE_KEY, files)
        path = publish(building, plan.manifest(session.owner), files, announce, only=plan.session_id is not None)
    except BaseException:
        with contextlib.suppress(OSError, RecError):
            state.stop()
        with contextlib.suppress(OSError):
            remove_folder(files, building)
        raise
    state.moved(path)
    return CreatedRecording(Recording(path), state)


def publish(
    building: Path, manifest: Manifest, files: Files, announce: Callable[[Path], None], *, only: bool = False
) -> Path:
    """Give the folder `building` the manifest's id, or the next free one (`-2`, …), unless `only` that id will do.

    A folder cannot be renamed over one that holds something: of two who want one id, one gets the next.
    """
    for recording_id in itertools.islice(_candidates(manifest["id"]), 1 if only else _TRIES):
        target = building.with_name(recording_id)
        if os.path.lexists(target):
            continue
        announce(target)
        write_manifest(building, cast(Manifest, {**manifest, "id": recording_id}), files)
        if _renamed(building, target, files):
            files.sync_folder(target.parent)
            return target
    raise StorageError(
        f"there is a recording {manifest['id']!r} already; resume or delete it",
        path=str(building.with_name(manifest["id"])),
        errno=errno.EEXIST,
    )


def _renamed(source: Path, target: Path, files: Files) -> bool:
    try:
        files.rename(source, target)
    except OSError:
        if os.path.lexists(target):
            return False
        raise
    return True


def _candidates(base: str) -> Iterator[str]:
    yield base
    for number in itertools.count(2):
        yield f"{base}-{number}"


def _write_key(path: Path, files: Files) -> None:
    fd = files.create(path)
    try:
        write_all(files, fd, os.urandom(32))
        files.datasync(fd)
    finally:
        files.close(fd)


def read_key(folder: Path) -> bytes:
    """Return the key of a recording's hashes; empty if it is gone: then what was redacted is known by no hash."""
    with contextlib.suppress(OSError):
        return read_small(folder / DEDUPE_KEY, 64)
    return b""


def as_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags without doubles, in their order."""
    return tuple(dict.fromkeys(tags))


def is_unbegun(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Tell whether a recording's maker died after its folder had its id and before its journal was there."""
    return not segments(folder) and not manifest.get("counts", {}).get("events")
