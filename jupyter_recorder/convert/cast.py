"""One terminal of a recording as an asciicast v2 file."""

from __future__ import annotations

import io
from collections.abc import Iterator

from ..asciicast.format import encode_event, encode_header
from ..asciicast.reader import read
from ..errors import RecError
from ..library.recording import Recording


def export(recording: Recording, *, track: str | None = None) -> Iterator[bytes]:
    """Yield the terminal's `.cast`; with several terminals `track` says which (`terminal`, `terminal-2`, …)."""
    files = list(recording.cast_files())
    if track is not None:
        files = [file for file in files if file == f"{track}.cast"]
    if len(files) == 1:
        yield from _strict(recording.read_cast(files[0]))
        return
    if not files:
        what = f"no terminal called {track!r}" if track else "no terminal"
        raise RecError(f"{recording.name!r} has {what} to export as asciicast")
    names = ", ".join(file.removesuffix(".cast") for file in files)
    raise RecError(f"{recording.name!r} has several terminals: choose one with --track ({names})")


def _strict(data: bytes) -> Iterator[bytes]:
    """Yield what is whole: a player refuses a file, or drops what follows, for one line that is none."""
    found = read(io.BytesIO(data))
    yield encode_header(found.header)
    for event in found.events:
        yield encode_event(event)
