"""Recordings that exist: found, listed, and made ready to be replayed."""

from __future__ import annotations

import io
from collections.abc import Iterator

from .asciicast.reader import read
from .errors import InvalidCast
from .library.library import Library
from .library.recording import Recording


def open(name: str) -> Recording:  # used as `jupyter_recorder.open`
    """Return the recording with this id, or the newest take of this name; raises `RecordingNotFound`."""
    return Library().find(name)


def recordings() -> Iterator[Recording]:
    """Yield the recordings under the default root, newest first, each read only as far as it is asked."""
    return Library().recordings()


def unread_lines(cast: bytes) -> int:
    """Return how many lines of an asciicast are no events, its header counted as one if it is none."""
    try:
        found = read(io.BytesIO(cast))
    except InvalidCast:
        return 1
    for _ in found.events:
        pass
    return found.damage.lines
