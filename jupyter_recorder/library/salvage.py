"""What a crash left in a recording's folder: half-written files removed, torn tails cut, the rest counted."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from ..asciicast.format import is_whole_line
from ..files import Files
from ..journal.blobs import FOLDER as BLOBS
from ..journal.codec import NOT_JSON, decode, decode_object, is_whole
from ..journal.reader import Report, read_events, read_lines, segments
from ..journal.repair import repair_tail
from .casts import cast_files, cast_segments, event_lines
from .contents import Contents
from .locks import short_lock
from .manifest import LABELS_LOCK, TIME_LIMIT_MS, Track

_TEMPORARY: Final = re.compile(r"\..+\.tmp")
# What an empty recording consists of; a folder that holds anything else is never removed.
_OWN_FILE: Final = re.compile(
    r"manifest\.json|labels\.json|\.labels\.lock|recording\.lock|recording\.json|dedupe\.key"
    r"|session(?:\.[0-9]+)?\.ndjson|[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[0-9]+)?\.cast|blobs|\..+\.tmp"
)


class Salvage(NamedTuple):
    """What was found.

    `size` is what journal, terminals and payloads take in bytes, `last_ms` the last event's time in Unix ms (None:
    there is none), `empty` whether nothing is left to keep.
    """

    contents: Contents
    size: int
    last_ms: int | None
    cut_bytes: int
    empty: bool


def salvage(folder: Path, tracks: Iterable[Track], files: Files) -> Salvage:
    """Repair the files of the recording in `folder`, whose lock is held, and take stock; raises `OSError`.

    `tracks` are those that its manifest names already.
    """
    _remove_temporaries(folder, files)
    cut_bytes = repair_tails(folder, files)
    contents, report = Contents(tracks), Report()
    last_ms, origins = _read_journal(folder, contents, report)
    has_output = False
    for file in cast_files(folder):
        seconds = _last_time(cast_segments(folder, file))
        if seconds is not None:
            has_output = True
            last_ms = max(last_ms, _moment(origins.get(file, _header_ms(folder / file)) + seconds * 1000))
    empty = not contents.has_content and not has_output and not report.damage and is_bare(folder)
    return Salvage(contents, _data_size(folder), last_ms or None, cut_bytes, empty)


def _remove_temporaries(folder: Path, files: Files) -> None:
    """Remove what an atomic write left half done; not one that a reader's change of labels is just making."""
    with short_lock(folder / LABELS_LOCK, files):
        for place in (folder, folder / BLOBS):
            for name in sorted(_names(place)):
                path = place / name
                if _TEMPORARY.fullmatch(name) and stat.S_ISREG(os.lstat(path).st_mode):
                    files.unlink(path)


def repair_tails(folder: Path, files: Files) -> int:
    """Cut the torn tails off the files of a recording whose lock is held; return the bytes cut, which are kept."""
    journal = sum(repair_tail(files, path, is_whole) for _, path in segments(folder))
    casts = [path for file in cast_files(folder) for path in cast_segments(folder, file)]
    return journal + sum(repair_tail(files, path, is_whole_line) for path in casts)


def _read_journal(folder: Path, contents: Contents, report: Report) -> tuple[int, dict[str, int]]:
    """Return the last event's time, and each terminal's origin by its file's name, in Unix ms."""
    last, origins = 0, {}
    for event in read_events(folder, report):
        contents.add(event)
        at = _moment(event.get("at"))
        last = max(last, at)
        if event.get("type") == "terminal_start":
            origins[str(event.get("file"))] = at
    return last, origins


def _last_time(paths: Iterable[Path]) -> float | None:
    """Return the last event's time in seconds; None if there is no event."""
    last = None
    for path in paths:
        for line in event_lines(path):
            last = line
    if last is None:
        return None
    try:
        seconds = decode(last)[0]
    except (*NOT_JSON, LookupError):
        return 0.0
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def _header_ms(path: Path) -> int:
    try:
        header = next(read_lines(path, Report()), (0, b""))[1]
    except FileNotFoundError:  # a first segment that is missing
        return 0
    timestamp = (decode_object(header) or {}).get("timestamp")
    return _moment(timestamp * 1000) if isinstance(timestamp, int | float) else 0


def _moment(at: object) -> int:
    """Return `at` as Unix ms that a date can show; 0 for anything else."""
    return int(at) if isinstance(at, int | float) and 0 <= at < TIME_LIMIT_MS else 0


def is_bare(folder: Path) -> bool:
    """Tell whether the folder holds nothing but a recording's own files, no payload and no bytes that were cut off."""
    return all(map(_OWN_FILE.fullmatch, _names(folder))) and not _names(folder / BLOBS)


def _data_size(folder: Path) -> int:
    paths = [folder / name for name in _names(folder) if name.endswith((".ndjson", ".cast"))]
    paths += [folder / BLOBS / name for name in _names(folder / BLOBS)]
    return sum(os.lstat(path).st_size for path in paths)


def _names(folder: Path) -> list[str]:
    """Return what a folder (no link) holds; nothing if there is none."""
    try:
        return os.listdir(folder) if stat.S_ISDIR(os.lstat(folder).st_mode) else []
    except FileNotFoundError:
        return []
