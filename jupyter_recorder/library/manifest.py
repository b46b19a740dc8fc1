"""`manifest.json` (the writer's) and `labels.json` (what a reader called it since), each replaced atomically.

    {"format":"jupyter-recorder","version":1,"id":…,"session_id"?,"name":…,"title"?,"tags":[…],"kind":…,"state":…,
     "reason"?,"started_at":ms,"ended_at":ms|null,"writer":{…},"tracks":[{"track","kind","file"?,…}],"counts":{…},
     "recovered"?:true,"kernel_id"?,"safe"?:{"seq","unsafe","error"?}}

`safe`, only while it is recorded: up to which event it is on the disk, how many events and pieces of terminals were not
yet when that was written, and what is wrong.

A manifest is a plain dict kept whole, so that keys of a later version survive; `check()` vouches for the types of
the keys above, and `Manifest` names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict, cast

import msgspec

from ..checked import prepare
from ..errors import CorruptState
from ..files import SYSTEM, Files, read_small, storage_errors, write_atomic
from ..journal.codec import FORMAT, VERSION, decode_object, encode_line
from .locks import short_lock
from .owner import Owner

MANIFEST: Final = "manifest.json"
LABELS: Final = "labels.json"
LABELS_LOCK: Final = ".labels.lock"
TIMED_OUT: Final = "timeout"
SERVER_STOPPED: Final = "server_stopped"
WRITER_GONE: Final = "writer_gone"
TIME_LIMIT_MS: Final = 253_402_300_800_000  # the year 10000 in Unix ms, where `datetime` ends
_LIMIT: Final = 1 << 22
_LABEL_KEYS: Final = ("name", "title", "tags")

Kind = Literal["notebook", "terminal", "chat"]
State = Literal["recording", "completed", "interrupted", "recovered"]
Millis = Annotated[int, msgspec.Meta(ge=0, lt=TIME_LIMIT_MS)]


class Track(TypedDict):
    """One thing to replay: `cells`, `chat` or a `terminal`, of `cols` by `rows` characters at first."""

    track: str
    kind: str
    file: NotRequired[str]
    cols: NotRequired[int]
    rows: NotRequired[int]
    command: NotRequired[str]


class Manifest(TypedDict):
    """What a manifest holds; times are Unix ms."""

    format: Literal["jupyter-recorder"]
    version: int
    id: str
    session_id: NotRequired[str]
    name: str
    title: NotRequired[str]
    tags: list[str]
    kind: Kind
    state: State
    reason: NotRequired[str]
    started_at: Millis
    ended_at: Millis | None
    writer: dict[str, Any]
    tracks: list[Track]
    counts: dict[str, int]
    recovered: NotRequired[bool]
    kernel_id: NotRequired[str]
    safe: NotRequired[dict[str, Any]]


class Labels(TypedDict, total=False):
    """What a reader may change of a recording."""

    name: str
    title: str
    tags: list[str]


prepare(Manifest, Labels)


def new_manifest(
    *,
    id: str,
    name: str,
    kind: Kind,
    started_ms: int,
    owner: Owner,
    title: str | None = None,
    tags: Iterable[str] = (),
    session_id: str | None = None,
) -> Manifest:
    """Return the manifest of a recording that begins."""
    manifest: Manifest = {
        "format": FORMAT,
        "version": VERSION,
        "id": id,
        "name": name,
        "tags": list(tags),
        "kind": kind,
        "state": "recording",
        "started_at": started_ms,
        "ended_at": None,
        "writer": owner.as_writer(),
        "tracks": [],
        "counts": {},
    }
    if session_id is not None:
        manifest["session_id"] = session_id
    if title is not None:
        manifest["title"] = title
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of the recording in `folder`; raises `CorruptState`."""
    path = folder / MANIFEST
    raw = _read_object(path)
    why = check(raw, Manifest)
    if why:
        raise CorruptState(str(path), why)
    return cast(Manifest, raw)


def write_manifest(folder: Path, manifest: Manifest, files: Files = SYSTEM) -> None:
    """Replace the manifest of the recording in `folder`; raises `OSError`."""
    write_atomic(files, folder / MANIFEST, encode_line(manifest))


def read_labels(folder: Path) -> Labels:
    """Return the labels in `folder` (none: empty); raises `CorruptState`."""
    path = folder / LABELS
    try:
        raw = _read_object(path)
    except CorruptState as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return {}
        raise
    why = check(raw, Labels)
    if why:
        raise CorruptState(str(path), why)
    return cast(Labels, raw)


def change_labels(folder: Path, changes: Labels, files: Files = SYSTEM) -> Labels:
    """Set those labels that `changes` holds, the rest stays; raises `CorruptState`, `StorageError`."""
    with storage_errors("can't change the labels", folder), short_lock(folder / LABELS_LOCK, files):
        labels = cast(Labels, {**read_labels(folder), **changes})
        write_atomic(files, folder / LABELS, encode_line(labels))
    return labels


def is_unfinished(manifest: Manifest) -> bool:
    """Tell whether a recovery may take it; a session that timed out, or whose server stopped, waits to be resumed."""
    state = manifest["state"]
    return state == "recording" or (
        state == "interrupted" and manifest.get("reason") not in (TIMED_OUT, SERVER_STOPPED)
    )


def merged(manifest: Manifest, labels: Labels) -> Manifest:
    """Return the manifest as people see it: with the labels in place of the writer's name, title and tags."""
    return cast(Manifest, {**manifest, **{key: labels[key] for key in _LABEL_KEYS if key in labels}})


def check(raw: Mapping[str, Any], kind: type) -> str | None:
    """Return what keeps `raw` from being a `kind` (`Manifest` or `Labels`); None if it can be relied on."""
    version = raw.get("version", VERSION)
    if type(version) is int and version > VERSION:
        return "made by a newer jupyter-recorder; upgrade to read it"
    try:
        msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _read_object(path: Path) -> dict[str, Any]:
    try:
        raw = decode_object(read_small(path, _LIMIT))
    except OSError as error:
        raise CorruptState(str(path), error.strerror or "unreadable") from error
    if raw is None:
        raise CorruptState(str(path), "not a JSON object")
    return raw
