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

_STEP: Final = 1 << 16
_BROKEN_LIMIT: Final = 1 << 30


def broken_path(path: Path) -> Path:
    """Return where the bytes cut off `path` are kept."""
    return path.with_name(path.name + ".broken")


def whole_size(path: Path, is_whole: Callable[[bytes], bool]) -> tuple[int, int]:
    """Return (size up to and with the last whole line, size of the file), both in bytes."""
    fd = open_regular(path)
    try:
        size = os.fstat(fd).st_size
        end = _newline_before(fd, size)  # the byte after the last newline
        while end > 0:
            start = _newline_before(fd, end - 1)
            if is_whole(os.pread(fd, end - 1 - start, start)):
                return end, size
            end = start
        return 0, size
    finally:
        os.close(fd)


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


def _newline_before(fd: int, end: int) -> int:
    """Return the offset after the last newline in the first `end` bytes (0 if there is none)."""
    while end > 0:
        start = max(0, end - _STEP)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
