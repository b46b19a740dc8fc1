"""How a recording stands, and what it held when it ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import RecError
from .timeline import Counts


@dataclass(frozen=True)
class Stopped:
    """What a recording held when it ended: times in seconds, sizes in bytes."""

    id: str
    name: str
    path: Path
    elapsed: float
    counts: Counts
    bytes: int


@dataclass(frozen=True)
class Status(Stopped):
    """What an open recording holds so far, and how it stands; `unsafe` counts the events not yet on the disk."""

    seq: int
    durable_seq: int
    unsafe: int
    dropped: int
    slow_seconds: float
    error: RecError | None

    @property
    def safety(self) -> dict[str, Any]:
        """How safe it is, as a live recording's manifest tells it: `{seq, unsafe, error?}`."""
        told: dict[str, Any] = {"seq": self.durable_seq, "unsafe": self.unsafe}
        return told if self.error is None else {**told, "error": str(self.error)}
