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
from ..errors import RecordingNotFound
from ..files import open_regular
from ..ids import is_safe_id
from ..journal.blobs import FOLDER as BLOBS
from ..journal.codec import is_whole
from ..journal.repair import whole_size
from .base import RecorderHandler

_CHUNK: Final = 1 << 18
_JOURNAL: Final = re.compile(r"session(?:\.[1-9][0-9]{0,8})?\.ndjson")
_CAST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}(?:\.[1-9][0-9]{0,8})?\.cast")
_BLOB: Final = re.compile(r"blobs/[0-9a-f]{64}")
_RANGE: Final = re.compile(r"bytes=(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})?|-(?P<suffix>[0-9]{1,18}))")


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


class FileHandler(RecorderHandler):
    """`GET /recordings/{id}/files/{name}`: a journal's segment, a `.cast`, a blob."""

    @web.authenticated
    @authorized
    async def get(self, recording_id: str, name: str) -> None:
        """Send the file, or the range of it that is asked for."""
        file = await asyncio.to_thread(self._find, recording_id, name)
        self.set_header("ETag", file.etag)
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Cache-Control", "private, no-cache")
        harmless(self, file.mime, file.path.name)
        if file.etag in [tag.strip().removeprefix("W/") for tag in self._header("If-None-Match").split(",")]:
            self.set_status(304)
            await self.finish()
            return
        start, end = self._range(file)
        try:
            await send_range(self, file.path, start, end)
        except StreamClosedError:  # who wanted it is gone
            return

    head = get

    def _find(self, recording_id: str, name: str) -> Served:
        found = self.recorder.library.find_id(recording_id) if is_safe_id(recording_id) else None
        if found is None:
            raise RecordingNotFound(recording_id)
        try:
            return served(found.path, name)
        except OSError as error:
            raise web.HTTPError(404, "this recording has no such file") from error

    def _range(self, file: Served) -> tuple[int, int]:
        """Return where what is asked for begins and ends; the whole file where a range is not understood."""
        text = self._header("Range")
        match = _RANGE.fullmatch(text.strip())
        if not text or match is None or self._header("If-Range") not in ("", file.etag):
            return 0, file.size
        if match["suffix"] is not None:
            start, end = max(0, file.size - int(match["suffix"])), file.size
        else:
            start = int(match["first"])
            end = min(file.size, int(match["last"]) + 1 if match["last"] else file.size)
        if start >= end:
            self.set_header("Content-Range", f"bytes */{file.size}")
            raise web.HTTPError(416, "this range lies outside of the file")
        self.set_status(206)
        self.set_header("Content-Range", f"bytes {start}-{end - 1}/{file.size}")
        return start, end

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


async def send_range(handler: RecorderHandler, path: Path, start: int, end: int) -> None:
    """Send the bytes from `start` to `end` of a file, a piece at a time."""
    handler.set_header("Content-Length", str(end - start))
    if handler.request.method == "HEAD":
        await handler.finish()
        return
    file = os.fdopen(await asyncio.to_thread(open_regular, path), "rb")
    with file:
        file.seek(start)
        left = end - start
        while left > 0:
            piece = await asyncio.to_thread(file.read, min(_CHUNK, left))
            if not piece:  # it was cut meanwhile: the connection says that something is missing
                break
            left -= len(piece)
            handler.write(piece)
            await handler.flush()
    await handler.finish()
