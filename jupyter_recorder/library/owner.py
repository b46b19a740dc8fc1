"""Who a process is, and whether it still lives, seen from any other process.

A pid alone is not enough: it is used again. So an owner is host, boot, pid and start time, and a nonce of its own.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..files import Files

# A record's heartbeat comes every 30 s; ten missed ones mean that a process we cannot ask is gone.
FOREIGN_SECONDS: Final = 300.0
HEARTBEAT_SECONDS: Final = 30.0


class Life(enum.Enum):
    """Whether an owner lives; `UNKNOWN` is one on another host whose heartbeat is fresh."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


class Owner(NamedTuple):
    """A process: `start_time` is in clock ticks since boot on Linux, in Unix ms elsewhere."""

    host: str
    boot_id: str
    pid: int
    start_time: int
    nonce: str = ""

    def as_writer(self) -> dict[str, Any]:
        """Return the form that a manifest and a journal header hold."""
        return {"host": self.host, "boot_id": self.boot_id, "pid": self.pid, "start_time": self.start_time}


def me() -> Owner:
    """Return this process, with a new nonce."""
    pid = os.getpid()
    return Owner(_host(), _boot_id(), pid, start_time(pid) or 0, os.urandom(16).hex())


def parse_owner(raw: Mapping[str, Any]) -> Owner:
    """Return the owner that a record or manifest names; raises `ValueError`."""
    owner = Owner(*(raw.get(key, "") for key in Owner._fields))
    texts, numbers = (owner.host, owner.boot_id, owner.nonce), (owner.pid, owner.start_time)
    if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in numbers):
        raise ValueError("its owner is no process")
    if not 0 < owner.pid < 2**31:  # kill(0) and kill(-1) ask whole groups
        raise ValueError("its owner's pid is out of range")
    return owner


def life_of(owner: Owner, heartbeat_age: Callable[[], float | None]) -> Life:
    """Tell whether `owner` lives.

    `heartbeat_age` returns the seconds since its record was last touched, by the file server's clock (None:
    unknown); it is called for owners on another host alone.
    """
    if owner.host != _host():
        age = heartbeat_age()
        return Life.DEAD if age is not None and age >= FOREIGN_SECONDS else Life.UNKNOWN
    if owner.boot_id and _boot_id() and owner.boot_id != _boot_id():
        return Life.DEAD
    return Life.ALIVE if _runs(owner) else Life.DEAD


def file_server_age(folder: Path, mtime: float, files: Files) -> float | None:
    """Return the seconds since `mtime` by the clock that stamps files in `folder`; None if none can be made there."""
    probe = folder / f".clock.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        fd = files.create(probe)
    except OSError:
        return None
    try:
        return os.fstat(fd).st_mtime - mtime
    finally:
        files.close(fd)
        with contextlib.suppress(OSError):
            files.unlink(probe)


def start_time(pid: int) -> int | None:
    """Return when process `pid` started; None if it is gone, a zombie, or may not be asked."""
    return _linux_start(pid) if sys.platform.startswith("linux") else _other_start(pid)


def _runs(owner: Owner) -> bool:
    if owner.pid == os.getpid():
        return start_time(owner.pid) in (owner.start_time, None)
    if not _exists(owner.pid):
        return False
    started = start_time(owner.pid)
    if started is None:  # a zombie is dead; a process that hides (hidepid, another user's) is not
        return _exists(owner.pid) and not _is_zombie(owner.pid)
    return started == owner.start_time


def _exists(pid: int) -> bool:
    if os.name == "nt":  # there, signal 0 would end the process
        return _other_start(pid) is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stat_fields(pid: int) -> list[bytes]:
    """Return /proc/<pid>/stat from field 3 on (proc(5)); the name before it may hold any byte but is closed by `)`."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()


def _linux_start(pid: int) -> int | None:
    try:
        fields = _stat_fields(pid)
        return None if fields[0] in (b"Z", b"X", b"x") else int(fields[19])
    except (OSError, IndexError, ValueError):
        return None


def _is_zombie(pid: int) -> bool:
    if not sys.platform.startswith("linux"):
        import psutil

        try:
            return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False
    try:
        return _stat_fields(pid)[0] in (b"Z", b"X", b"x")
    except (OSError, IndexError):
        return False


def _other_start(pid: int) -> int | None:  # pragma: no cover  # for systems without /proc
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else int(process.create_time() * 1000)
    except psutil.Error:
        return None


@functools.cache
def _host() -> str:
    import socket

    return socket.gethostname()


@functools.cache
def _boot_id() -> str:
    """Return what tells one boot of this host from the next; empty where start times are absolute and tell it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
