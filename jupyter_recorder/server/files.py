"""A recording's files over HTTP: in ranges, as far as they are whole, and never anything else of its folder."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from tornado import web
from tornado.iostream import StreamClosedError

from ..asciicast.format import is_whole_line
from ..files import open_regular
from ..journal.blobs import FOLDER as BLOBS
from ..journal.codec import is_whole
from ..journal.repair import whole_size
from ..protocol import Error
from .base import RecorderHandler

_CHUNK: Final = 1 << 18
_JOURNAL: Final = re.compile(r"session(?:\.[1-9][0-9]{0,8})?\.ndjson")
_CAST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}(?:\.[1-9][0-9]{0,8})?\.cast")
_BLOB: Final = re.compile(r"blobs/[0-9a-f]{64}")
_RANGE: Final = re.compile(r"bytes=(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})?|-(?P<suffix>[0-9]{1,18}))")


# Where it begins and ends, in bytes of the file.
Range = tuple[int, int]


class Served(NamedTuple):
    """A file that may be served: its path, how much of it is whole in bytes, its type and what tells its state."""

    path: Path
    size: int
    mime: str
    etag: str


def served(folder: Path, name: str) -> Served:
    """Return what `name` is in a recording's folder; raises `FileNotFoundError` for what is not to be served."""
    path = folder / name
    if _BLOB.fullmatch(name):
        if not stat.S_ISDIR(os.lstat(folder / BLOBS).st_mode):  # a link could lead anywhere
            raise FileNotFoundError(name)
        return _described(path, _size(path), "application/octet-stream", name)
    if _JOURNAL.fullmatch(name):
        return _described(path, whole_size(path, is_whole)[0], "application/x-ndjson", name)
    if _CAST.fullmatch(name):
        return _described(path, whole_size(path, is_whole_line)[0], "application/x-asciicast", name)
    raise FileNotFoundError(name)


def _described(path: Path, size: int, mime: str, name: str) -> Served:
    inode = os.lstat(path).st_ino
    etag = f'"{name[6:]}"' if name.startswith(BLOBS) else f'"{inode:x}-{size:x}"'
    return Served(path, size, mime, etag)


def _size(path: Path) -> int:
    fd = open_regular(path)
    try:
        return os.fstat(fd).st_size
    finally:
        os.close(fd)


class Source:
    """The bytes of a file from `start` to `end`, a piece at a time; the first one is read already."""

    def __init__(self, path: Path, start: int, end: int) -> None:
        self._file = os.fdopen(open_regular(path), "rb", buffering=0)
        self._left = end - start
        try:
            self._file.seek(start)
            self.first = self.read()
        except BaseException:
            self.close()
            raise
        if not self._left:
            self.close()

    def read(self) -> bytes:
        """Return the next piece; nothing at the end, or where the file was cut meanwhile."""
        piece = self._file.read(min(_CHUNK, self._left))
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


class FileHandler(RecorderHandler):
    """`GET /recordings/{id}/files/{name}`: a journal's segment, a `.cast`, a blob."""

    @web.authenticated
    @authorized
    async def get(self, recording_id: str, name: str) -> None:
        """Send the file, or the range of it that is asked for."""
        # One worker's turn for all that an answer of usual size takes: each more is waited for.
        file, asked, source = await asyncio.to_thread(self._begin, recording_id, name)
        self.set_header("ETag", file.etag)
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Cache-Control", "private, no-cache")
        if self._has(file):
            self.set_status(304)
            self.finish()
            return
        start, end = asked or (0, file.size)
        if asked is not None:
            if start >= end:
                self.set_header("Content-Range", f"bytes */{file.size}")
                self.reply(Error(code="invalid_event", message="this range lies outside of the file"), 416)
                return
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {start}-{end - 1}/{file.size}")
        harmless(self, file.mime, file.path.name)
        self.set_header("Content-Length", str(end - start))
        if source is not None:
            try:
                await self._send(source, end - start)
            except StreamClosedError:  # who wanted it is gone
                return
            finally:
                source.close()
        self.finish()

    head = get

    def _begin(self, recording_id: str, name: str) -> tuple[Served, Range | None, Source | None]:
        """Return the file, the range that is asked for (None: all), and what is to be sent, if anything is."""
        found = self.find(recording_id)
        try:
            file = served(found.path, name)
            asked = range_of(file, self._header("Range"), self._header("If-Range"))
            start, end = asked or (0, file.size)
            is_empty = self.request.method == "HEAD" or self._has(file) or start >= end
            return file, asked, None if is_empty else Source(file.path, start, end)
        except OSError as error:
            raise web.HTTPError(404, "this recording has no such file") from error

    def _has(self, file: Served) -> bool:
        """Tell whether who asks has exactly this already."""
        return file.etag in [tag.strip().removeprefix("W/") for tag in self._header("If-None-Match").split(",")]

    async def _send(self, source: Source, size: int) -> None:
        piece = source.first
        while piece:  # nothing: it was cut meanwhile, and the connection says that something is missing
            self.write(piece)
            size -= len(piece)
            if size <= 0:
                break
            await self.flush()
            piece = await asyncio.to_thread(source.read)

    def _header(self, name: str) -> str:
        return str(self.request.headers.get(name, ""))

    def compute_etag(self) -> None:
        """Leave the ETag to `get`: Tornado's own would need the whole body."""


def harmless(handler: RecorderHandler, mime: str, name: str) -> None:
    """Say of recorded content what it is and what to save it as; no browser is to run any of it."""
    handler.set_header("Content-Type", mime)
    handler.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(name)}")
    handler.set_header("X-Content-Type-Options", "nosniff")
    handler.set_header("Content-Security-Policy", "default-src 'none'; sandbox")


def range_of(file: Served, text: str, if_range: str) -> Range | None:
    """Return where the range `text` begins and ends; None where it is not understood, or of another state."""
    match = _RANGE.fullmatch(text.strip())
    if match is None or if_range not in ("", file.etag):
        return None
    if match["suffix"] is not None:
        return max(0, file.size - int(match["suffix"])), file.size
    start, last = int(match["first"]), int(match["last"] or file.size)
    return (start, min(file.size, last + 1)) if start <= last or not match["last"] else None
