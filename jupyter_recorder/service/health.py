"""How safe things are, as `/status` tells it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..status import Status

# A write or sync that takes longer makes its recording a slow one.
SLOW_SECONDS: Final = 1.0


def health_of(statuses: Mapping[str, Status], root: Path, last_sync: float | None) -> dict[str, Any]:
    """Return the health of open recordings by their sessions' ids; `last_sync` in Unix seconds."""
    return {
        "last_sync": last_sync,
        "unsynced_events": sum(status.unsafe for status in statuses.values()),
        "slow_sessions": [name for name, status in statuses.items() if status.slow_seconds > SLOW_SECONDS],
        "failing_sessions": [{"session_id": name, "error": str(s.error)} for name, s in statuses.items() if s.error],
        "free_disk_bytes": _free_bytes(root),
    }


def _free_bytes(root: Path) -> int | None:
    try:
        standing = next(folder for folder in (root, *root.parents) if folder.exists())  # nothing may be recorded yet
        return shutil.disk_usage(standing).free
    except OSError:
        return None
