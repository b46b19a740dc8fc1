"""A recording to a file, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import StorageError
from ..files import storage_errors
from ..library.recording import Recording
from .exporters import Format, find_format, load_exporter
from .source import ExportOptions, Progress, Source

_GATHER = 1 << 18


def exported(
    recording: Recording,
    format: str | Format,
    *,
    options: ExportOptions | None = None,
    progress: Progress | None = None,
) -> Generator[bytes]:
    """Yield `recording` in a format, in pieces of a few hundred kilobytes; all of it is never in memory.

    Raises `UnknownFormat`, `StorageError`, and `RecError` for a recording that does not fit the format.
    """
    format_ = format if isinstance(format, Format) else find_format(format)
    with storage_errors(f"{recording.name!r} can't be exported", recording.path):
        source = Source(recording, options or ExportOptions(), progress)
        yield from _gathered(load_exporter(format_).export(source))
        source.finish()


def export_recording(
    recording: Recording,
    format: str | Format | None,
    out: BinaryIO | str | os.PathLike[str] | None = None,
    *,
    options: ExportOptions | None = None,
    progress: Progress | None = None,
) -> Path | None:
    """Write `recording` to a binary file, or to a path; return the path, None for a file.

    `format` is a name or ending (None: that of the path). Without `out` the file is `<id><ending>` in the current
    folder; in a folder likewise. A file that exists is never replaced, and what failed on the way leaves none.
    `progress(done, total)` is told bytes read. Raises as `exported`.
    """
    if out is not None and not isinstance(out, str | os.PathLike):
        if format is None:
            raise TypeError("a file has no ending: say the format")
        for chunk in exported(recording, format, options=options, progress=progress):
            out.write(chunk)
        return None
    format_ = format if isinstance(format, Format) else find_format(format or Path(out or "").suffix)
    target = Path(out) if out is not None else Path(recording.id + format_.ending)
    if target.is_dir():
        target = target / (recording.id + format_.ending)
    if os.path.lexists(target):
        raise StorageError(f"{target} exists; -o chooses another file", path=str(target))
    with storage_errors(f"{recording.name!r} can't be exported", target):
        _write(target, exported(recording, format_, options=options, progress=progress))
    return target


def export(
    recording: Recording, word: str | None, path: str | os.PathLike[str] | None = None, *, track: str | None = None
) -> Path:
    """Write `recording` in the format called `word`, as `export_recording` does, and return the file's path."""
    written = export_recording(recording, word, path, options=ExportOptions(track=track))
    assert written is not None  # noqa: S101  # only a file has no path
    return written


def _gathered(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Join small pieces: a write for each event would cost more than what is in it."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= _GATHER:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _give_name(source: Path, target: Path) -> None:
    try:
        os.link(source, target)  # unlike a rename, this never replaces a file that came meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        source.rename(target)


def _write(target: Path, chunks: Iterator[bytes]) -> None:
    """Write under another name first: a file of this name is whole, or is not there."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with temporary.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
        _give_name(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)  # one name too many, or the half of a failure
