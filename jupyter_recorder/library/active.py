"""`recording.json`: who records into a folder at present.

    {"host":…,"boot_id":…,"pid":…,"start_time":…,"nonce":…,"session":{"name":…,"path":…,"started_at":ms}}

Its mtime is the owner's heartbeat; its bytes never change. It stands from start to stop, and after a crash until
the recording is recovered.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..errors import CorruptState
from ..files import Files, open_regular, write_atomic
from ..journal.codec import decode_object, encode_line
from .locks import NOT_REGULAR
from .owner import Owner, parse_owner

RECORD: Final = "recording.json"
LOCK: Final = "recording.lock"
_LIMIT: Final = 1 << 16
_SESSION_KEYS: Final = ("name", "path", "started_at")


class ActiveSession(NamedTuple):
    """A recording that goes on: its name, where its data is, its start in Unix ms, and the process that records."""

    name: str
    session_path: Path
    started_at: int
    owner: Owner

    @property
    def nonce(self) -> str:
        """What tells this start from every other."""
        return self.owner.nonce


class Record(NamedTuple):
    """A session as read from its folder, and the heartbeat (mtime in Unix seconds, the file server's clock)."""

    session: ActiveSession
    mtime: float


def read_record(folder: Path) -> Record | None:
    """Return who records into `folder`; None if nobody does.

    Raises `CorruptState` for what is no record, and `OSError` if the disk does not let it be read.
    """
    path = folder / RECORD
    try:
        fd = open_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in NOT_REGULAR:
            raise CorruptState(str(path), "not a regular file") from error
        raise
    with os.fdopen(fd, "rb") as file:
        data = file.read(_LIMIT)
        mtime = os.fstat(fd).st_mtime
    try:
        return Record(_parse(decode_object(data) or {}), mtime)
    except ValueError as error:
        raise CorruptState(str(path), str(error)) from error


def write_record(folder: Path, session: ActiveSession, files: Files) -> None:
    """Say on the disk who records into `folder`; raises `OSError`."""
    about = dict(zip(_SESSION_KEYS, (session.name, str(session.session_path), session.started_at), strict=True))
    write_atomic(files, folder / RECORD, encode_line({**session.owner._asdict(), "session": about}))


def _parse(raw: dict[str, Any]) -> ActiveSession:
    about = raw.get("session")
    name, path, started_at = [about.get(key) if isinstance(about, dict) else None for key in _SESSION_KEYS]
    if not isinstance(name, str) or not isinstance(path, str) or type(started_at) is not int or "\0" in path:
        raise ValueError("not an owner's record")
    return ActiveSession(name, Path(path), started_at, parse_owner(raw))
