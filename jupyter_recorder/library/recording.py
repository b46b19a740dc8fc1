"""A recording as its folder tells it: nothing is read before it is asked for."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from ..errors import CorruptState
from ..files import storage_errors
from ..ids import is_safe_id
from ..journal.blobs import FOLDER as BLOBS
from ..journal.blobs import read_blob
from ..journal.reader import Report, read_events
from .active import read_record
from .casts import cast_files, cast_lines, read_cast
from .manifest import MANIFEST, Labels, Manifest, merged, read_labels, read_manifest
from .owner import Life, life_of

CORRUPT = "corrupt"


class Recording:
    """The recording in the folder `path`; its id is the folder's name.

    One whose manifest cannot be read has `error` set, the state `corrupt` and its id as its name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    def __repr__(self) -> str:
        return f"<Recording {self.id} in {self.path.parent}>"

    @functools.cached_property
    def manifest(self) -> Manifest:
        """The manifest as its writer left it; raises `CorruptState`."""
        return read_manifest(self.path)

    @functools.cached_property
    def labels(self) -> Labels:
        """What a reader called it since; labels that cannot be read count as none."""
        with contextlib.suppress(CorruptState):
            return read_labels(self.path)
        return {}

    @property
    def shown(self) -> Manifest:
        """The manifest with labels merged and the state as it truly is; raises `CorruptState`."""
        shown = merged(self.manifest, self.labels)
        return cast(Manifest, {**shown, "id": self.id, "state": self.state})

    @functools.cached_property
    def error(self) -> str | None:
        """Why the manifest cannot be read; None if it can."""
        try:
            self.manifest  # noqa: B018  # reading it is the question
        except CorruptState as error:
            return str(error)
        return None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.id if self.error else str(self.labels.get("name", self.manifest["name"]))

    @property
    def title(self) -> str | None:
        """Its title, if it has one."""
        return None if self.error else self.labels.get("title", self.manifest.get("title"))

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return [] if self.error else self.labels.get("tags", self.manifest["tags"])

    @functools.cached_property
    def state(self) -> str:
        """`recording`, `completed`, `interrupted` (also when its writer is gone), `recovered` or `corrupt`."""
        if self.error:
            return CORRUPT
        state = self.manifest["state"]
        if state != "recording" or self._is_owned():
            return state
        with contextlib.suppress(CorruptState):  # it may have ended just now: its manifest is written before
            state = read_manifest(self.path)["state"]
        return "interrupted" if state == "recording" else state

    def events(self, report: Report | None = None, after: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the journal's events with `seq` > `after`; raises `StorageError` if it cannot be read."""
        with storage_errors(f"can't read the journal of {self.id}", self.path):
            yield from read_events(self.path, report, after)

    def cast_files(self) -> list[str]:
        """Return the names of its terminals' files, in order."""
        with storage_errors(f"can't read {self.id}", self.path):
            return cast_files(self.path)

    def read_cast(self, file: str) -> bytes:
        """Return a terminal's asciicast, its segments merged, whole lines only; raises `StorageError`."""
        with storage_errors(f"can't read a terminal of {self.id}", self.path):
            return read_cast(self.path, file)

    def cast_lines(self, file: str) -> Iterator[bytes]:
        """Yield what `read_cast` returns, a line at a time; raises `StorageError`."""
        with storage_errors(f"can't read a terminal of {self.id}", self.path):
            yield from cast_lines(self.path, file)

    def blob(self, sha256: str) -> bytes:
        """Return the payload of that sha256 (64 hex digits); raises `StorageError`."""
        with storage_errors(f"can't read a payload of {self.id}", self.path):
            if not stat.S_ISDIR(os.lstat(self.path / BLOBS).st_mode):  # a link could lead anywhere
                raise NotADirectoryError(f"{BLOBS} is not a folder")
            return read_blob(self.path, sha256)

    def size_bytes(self) -> int:
        """Return what its files take, in bytes; links are not followed."""
        with contextlib.suppress(FileNotFoundError):
            return _tree_size(self.path)
        return 0

    def _is_owned(self) -> bool:
        """Tell whether its writer lives, or may; a lister asks the record alone, by its own clock."""
        with contextlib.suppress(CorruptState, OSError):
            record = read_record(self.path)
            if record is not None:
                age = time.time() - record.mtime
                return life_of(record.session.owner, lambda: age) is not Life.DEAD
        return False


def is_recording_folder(path: Path) -> bool:
    """Tell whether `path` is a folder (no link) that holds a recording, be it a damaged one."""
    try:
        if not is_safe_id(path.name) or not stat.S_ISDIR(os.lstat(path).st_mode):
            return False
        return any(os.path.lexists(path / name) for name in (MANIFEST, "session.ndjson"))
    except OSError:
        return False


def _tree_size(folder: Path) -> int:
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                total += _tree_size(Path(entry.path))
            else:
                with contextlib.suppress(FileNotFoundError):
                    total += entry.stat(follow_symlinks=False).st_size
    return total
