"""Where things stand that can be rebuilt: on a disk of this machine, never in a home folder on a network."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Final

NAME: Final = "jupyter-recorder"
_REMOTE: Final = ("nfs", "cifs", "smb", "fuse.", "lustre", "gpfs", "beegfs", "9p", "afs", "ceph", "glusterfs")


def cache_folder() -> Path | None:
    """Return `JUPYTER_RECORDER_CACHE`, else this user's cache folder for us; None if that is not on a local disk.

    It need not exist yet. A folder that the variable names is taken as it is.
    """
    if chosen := os.environ.get("JUPYTER_RECORDER_CACHE"):
        return Path(chosen)
    folder = _user_cache() / NAME
    return None if is_remote(folder) else folder


def key_of(root: Path) -> str:
    """Return what the files about a root's recordings are called after, 16 hexadecimal digits."""
    return hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:16]


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    return Path(chosen) if os.path.isabs(chosen) else Path.home() / ".cache"


def is_remote(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Tell whether the mount that holds `folder` is a network's; False where mounts cannot be listed."""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    place = os.path.realpath(folder)
    best, kind = "", ""
    for fields in (line.split(" ") for line in lines):
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ").rstrip("/")
        if (place == point or place.startswith(point + "/")) and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind.startswith(_REMOTE)
