"""A file of another program to finished recordings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import ImportFailed
from ..files import storage_errors
from ..library.library import Library
from ..redact import Redactor
from .archives import conversations, is_archive
from .importers import find_importer, load_importer, recognise
from .input import Input
from .sink import Sink
from .source import Progress


@dataclass(frozen=True)
class ImportSummary:
    """What an import made: the ids of the `recordings`, how many `messages` they hold, how many things were not
    known (`unknown`: kept as they came), and `warnings` for a person."""

    format: str
    recordings: tuple[str, ...]
    messages: int
    unknown: int
    warnings: tuple[str, ...]


def import_file(
    library: Library,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    progress: Progress | None = None,
    redactor: Redactor | None = None,
    companion: str | os.PathLike[str] | None = None,
) -> ImportSummary:
    """Make recordings in `library` of the file at `path`.

    `format` is a name in `IMPORT_FORMATS` (None: what is in the file tells). `redactor` takes secrets out (default: the
    built-in patterns). `companion` is the second file of a format that has two (script(1): the typescript of a timing
    file). `progress(done, total)` is told bytes read. Each recording is finished and listed, or not there; those made
    before an error stay, and are named in it. Raises `ImportFailed` with file and place, and `StorageError`.
    """
    source = Path(path)
    with storage_errors("can't be imported", source):
        file = Input(source, companion=None if companion is None else Path(companion), progress=progress)
        sink = Sink(library, redactor or Redactor(), "", source.name)
        try:
            for part in _parts(file, progress):
                chosen = find_importer(format) if format else recognise(part)
                sink.format = chosen.name
                load_importer(chosen).load(part, sink)
        except ImportFailed as error:
            raise error.of(str(source), tuple(sink.recordings)) from error
    if not sink.recordings:
        raise ImportFailed("there is nothing in it to import", path=str(source), format=sink.format)
    return ImportSummary(sink.format, tuple(sink.recordings), sink.messages, sink.unknown, tuple(sink.all_warnings()))


def _parts(file: Input, progress: Progress | None) -> list[Input]:
    """Return what is read of a file: itself, or the conversations in an archive."""
    if not is_archive(file.head()):
        return [file]
    members = conversations(file.path)
    return [Input(file.path, member=member, progress=progress if len(members) == 1 else None) for member in members]
