"""A file that is imported: read as a stream, with its lines counted and how far reading has come."""

from __future__ import annotations

import errno
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from ..files import open_regular
from ..journal.codec import NOT_JSON, decode
from .source import Progress

MAX_LINE: Final = 64 << 20
"""The longest line that is read, in bytes; a longer one is passed over and told."""
HEAD: Final = 1 << 20
BOM: Final = b"\xef\xbb\xbf"


class Input:
    """A regular file; a symbolic link is followed, a FIFO or device is an `OSError`.

    `member` is what is read of a ZIP archive. `companion` is a second file of formats that have two (script(1): what
    the first one's timing is of).
    """

    def __init__(
        self,
        path: Path,
        *,
        companion: Path | None = None,
        member: zipfile.ZipInfo | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.path = path
        self.companion = companion
        self._member = member
        self.size = path.stat().st_size if member is None else member.file_size
        self._progress = progress
        self._told = 0

    @property
    def modified_ms(self) -> int:
        """When it was last written, in Unix ms."""
        return self.path.stat().st_mtime_ns // 1_000_000

    def head(self) -> bytes:
        """Return its first MiB, without a byte order mark."""
        with self.open() as file:
            return file.read(HEAD).removeprefix(BOM)

    def open(self) -> BinaryIO:
        """Open it for reading; what is read is told to `progress`."""
        raw: Any = os.fdopen(open_regular(self.path.resolve()), "rb", buffering=0)
        if self._member is not None:
            raw = _Unpacked(raw, self._member)
        return cast(BinaryIO, io.BufferedReader(cast(Any, _Counted(raw, self)), 1 << 18))

    def lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield (number from 1, line without its newline) of what is not blank; None for an over-long line."""
        with self.open() as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    while line and not line.endswith(b"\n"):
                        line = file.readline(1 << 20)
                    yield number, None
                    continue
                line = line.removeprefix(BOM) if number == 1 else line
                if line.strip():
                    yield number, line.rstrip(b"\r\n")

    def tell(self, position: int) -> None:
        """Say that it was read up to `position`, in bytes."""
        if self._progress is not None and (position - self._told >= self.size / 200 or position >= self.size):
            self._told = position
            self._progress(min(position, self.size), self.size)


class _Unpacked:
    """One member of a ZIP archive, unpacked as it is read; the archive is closed with it."""

    def __init__(self, file: Any, member: zipfile.ZipInfo) -> None:
        self._file = file
        self._archive = zipfile.ZipFile(file)
        self._stream = self._archive.open(member)

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; damaged data is an `OSError`."""
        try:
            data = self._stream.read(len(buffer))
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise OSError(errno.EIO, f"its archive is damaged or locked: {error}") from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close all three."""
        self._stream.close()
        self._archive.close()
        self._file.close()


class _Counted(io.RawIOBase):
    """Passes reading through, and tells how far it has come."""

    def __init__(self, raw: io.RawIOBase | Any, owner: Input) -> None:
        self._raw, self._owner, self._at = raw, owner, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = int(self._raw.readinto(buffer) or 0)
        self._at += count
        self._owner.tell(self._at)
        return count

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._raw.close()
        super().close()


def json_value(line: bytes) -> Any:
    """Return the JSON value of a line; None for what is none (as for null)."""
    try:
        return decode(line)
    except NOT_JSON:
        return None
