"""Recordings that exist: found, listed, and made ready to be replayed."""

from __future__ import annotations

from collections.abc import Iterator

from .library.library import Library
from .library.recording import Recording


def open(name: str) -> Recording:  # used as `jupyter_recorder.open`
    """Return the recording with this id, or the newest take of this name; raises `RecordingNotFound`."""
    return Library().find(name)


def recordings() -> Iterator[Recording]:
    """Yield the recordings under the default root, newest first, each read only as far as it is asked."""
    return Library().recordings()
