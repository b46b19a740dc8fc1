"""One terminal of a recording as an asciicast v2 file."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import RecError
from ..library.recording import Recording


def export(recording: Recording, *, track: str | None = None) -> Iterator[bytes]:
    """Yield the terminal's `.cast`; with several terminals `track` says which (`terminal`, `terminal-2`, …)."""
    files = list(recording.cast_files())
    if track is not None:
        files = [file for file in files if file == f"{track}.cast"]
    if len(files) == 1:
        yield recording.read_cast(files[0])
        return
    if not files:
        what = f"no terminal called {track!r}" if track else "no terminal"
        raise RecError(f"{recording.name!r} has {what} to export as asciicast")
    names = ", ".join(file.removesuffix(".cast") for file in files)
    raise RecError(f"{recording.name!r} has several terminals: choose one with --track ({names})")
