"""What text formats share: a recording's head, a cell's outputs as text, and what its terminals showed."""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import InvalidCast, StorageError
from ..timeline import Cell, Message
from .plain import shown_lines, stream_text
from .source import Source
from .terminals import from_moment


def moment(at: int) -> str:
    """Return a time in Unix ms as people read it, in UTC."""
    return datetime.datetime.fromtimestamp(at / 1000, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def subtitle(source: Source) -> str:
    """Return when it was recorded."""
    return f"recorded {moment(int(source.manifest.get('started_at', 0)))} by jupyter-recorder"


def is_shown(message: Message) -> bool:
    """Tell whether a message says anything to a reader: none that was taken back, or is empty (hidden ones are)."""
    return not message.deleted and bool(message.content.strip())


def terminal_lines(source: Source, start: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that a terminal showed, from those that scrolled away to the last screen."""
    file = start.get("file")
    if not isinstance(file, str) or file not in source.casts():
        return
    try:
        header, events = from_moment(source, file)
        yield from shown_lines(events, header.width, header.height)
    except (InvalidCast, StorageError) as error:
        yield f"[{error}]"


def output_texts(cell: Cell) -> Iterator[str]:
    """Yield each output of a cell as text."""
    for output in cell.final_outputs():
        kind = output.get("output_type")
        if kind == "stream":
            yield stream_text(str(output.get("text", "")))
        elif kind == "error":
            lines = output.get("traceback")
            lines = [str(line) for line in lines] if isinstance(lines, list) else []
            yield stream_text("\n".join(lines) or f"{output.get('ename')}: {output.get('evalue')}")
        elif isinstance(data := output.get("data"), Mapping):
            yield _bundle_text(data)


def images(cell: Cell) -> Iterator[tuple[str, str]]:
    """Yield (MIME type, base64) of a cell's pictures that are what they say."""
    for output in cell.final_outputs():
        data = output.get("data")
        for mime, magic in (("image/png", b"\x89PNG"), ("image/jpeg", b"\xff\xd8")):
            value = data.get(mime) if isinstance(data, Mapping) else None
            if isinstance(value, str) and (clean := _base64(value, magic)):
                yield mime, clean
                break


def _base64(value: str, magic: bytes) -> str:
    try:
        data = base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(data).decode("ascii") if data.startswith(magic) else ""


def _bundle_text(data: Mapping[str, Any]) -> str:
    for mime in ("text/plain", "text/markdown", "text/latex"):
        if isinstance(value := data.get(mime), str):
            return stream_text(value)
        if isinstance(value, list):
            return stream_text("".join(map(str, value)))
    return f"[{', '.join(sorted(map(str, data))) or 'nothing'}]"
