"""Recordings to files of other formats: one module a format, registered by name and file ending."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from ..errors import StorageError, UnknownFormat
from ..files import storage_errors
from ..library.recording import Recording


class Format(NamedTuple):
    """A format's name, the ending of its files, its module's name, and other words for it."""

    name: str
    ending: str
    module: str
    aliases: tuple[str, ...]


FORMATS: Final = (
    Format("notebook", ".ipynb", "notebook", ("ipynb",)),
    Format("asciicast-v2", ".cast", "cast", ("cast", "asciicast")),
    Format("ndjson", ".ndjson", "ndjson", ("journal",)),
)


class Exporter(Protocol):
    """What a format's module offers."""

    def export(self, recording: Recording, *, track: str | None = None) -> Iterable[bytes]: ...


def find_format(word: str) -> Format:
    """Return the format of this name or ending; raises `UnknownFormat`."""
    wanted = word.lower().lstrip(".")
    for format_ in FORMATS:
        if wanted in (format_.name, format_.ending[1:], *format_.aliases):
            return format_
    raise UnknownFormat(word, tuple(format_.name for format_ in FORMATS))


def export(
    recording: Recording, word: str | None, path: str | os.PathLike[str] | None = None, *, track: str | None = None
) -> Path:
    """Write `recording` in the format called `word` (None: the path's ending tells) and return the file's path.

    Without a path the file is `<id><ending>` in the current folder. A file that exists is never replaced. Raises
    `UnknownFormat`, `StorageError`, and `RecError` for a recording that does not fit the format.
    """
    format_ = find_format(word or Path(path or "").suffix)
    target = Path(path) if path is not None else Path(recording.id + format_.ending)
    exporter: Exporter = importlib.import_module(f".{format_.module}", __name__)
    if target.is_dir():
        target = target / (recording.id + format_.ending)
    if os.path.lexists(target):
        raise StorageError(f"{target} exists; -o chooses another file", path=str(target))
    with storage_errors(f"{recording.name!r} can't be exported", target):
        _write(target, exporter.export(recording, track=track))
    return target


def _give_name(source: Path, target: Path) -> None:
    try:
        os.link(source, target)  # unlike a rename, this never replaces a file that came meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        source.rename(target)


def _write(target: Path, chunks: Iterable[bytes]) -> None:
    """Write under another name first: a file of this name is whole, or is not there."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with temporary.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
        _give_name(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)  # one name too many, or the half of a failure
