"""Torn tails: what a crash left after the last whole line is kept beside the file and cut off.

Safe to be killed at any point and run again: the copy is complete and synced before the cut, and is not made
twice. Damage before the last whole line is none of its business.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..files import Files, open_regular, read_small, write_atomic
from .tail import lines_from_end

_BROKEN_LIMIT: Final = 1 << 30


def broken_path(path: Path) -> Path:
    """Return where the bytes cut off `path` are kept."""
    return path.with_name(path.name + ".broken")


def whole_size(path: Path, is_whole: Callable[[bytes], bool]) -> tuple[int, int]:
    """Return (size up to and with the last whole line, size of the file), both in bytes."""
    with os.fdopen(open_regular(path), "rb", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        for line in lines_from_end(file):
            if is_whole(line.data):
                return line.end, size
        return 0, size


def repair_tail(files: Files, path: Path, is_whole: Callable[[bytes], bool]) -> int:
    """Cut the torn tail off `path`, after its bytes stand in the `.broken` file; return the bytes cut (0: none)."""
    keep, size = whole_size(path, is_whole)
    if keep == size:
        return 0
    tail = _read(path, keep, size)
    _keep_broken(files, broken_path(path), tail)
    fd = files.open_append(path)
    try:
        files.truncate(fd, keep)
        files.datasync(fd)
    finally:
        files.close(fd)
    return size - keep


def _keep_broken(files: Files, path: Path, tail: bytes) -> None:
    kept = read_small(path, _BROKEN_LIMIT) if path.exists() else b""
    if not kept.endswith(tail):
        write_atomic(files, path, kept + tail)


def _read(path: Path, start: int, end: int) -> bytes:
    with os.fdopen(open_regular(path), "rb") as file:
        file.seek(start)
        return file.read(end - start)
