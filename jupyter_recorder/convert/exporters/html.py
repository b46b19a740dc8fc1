"""A recording as one page that replays it: the player and the recording in it, nothing fetched, no server needed."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from ...errors import RecError, StorageError
from ...journal.codec import encode_line
from ...replay.bundle import ReplayOptions, page_around, part_of_file
from ...replay.load import references
from ..draft import BESIDE
from ..source import Source

LIMIT: Final = 500 << 20
"""The most that a page's player unpacks in one piece, in bytes (`payload.ts`): payloads and small terminals."""
LARGE: Final = 8 << 20
"""A terminal that takes more bytes is read by parts, as one that a server has (`link.ts`)."""
_PART: Final = 1 << 20
_GZIP: Final = 31
_PIECE: Final = 1 << 16


def export(source: Source) -> Iterator[bytes]:
    """Yield the page; raises `RecError` for a recording too large to be played in one."""
    large = {file for file in source.casts() if source.cast_size(file) > LARGE}
    size = source.recording.size_bytes() - source.journal_size - sum(map(source.cast_size, large))
    if size > LIMIT:
        raise RecError(
            f"{source.recording.name!r} has {size / 2**20:.0f} MiB of payloads, and a page can play {LIMIT >> 20} MiB: "
            "trim it, or export it in another format"
        )
    before, between, after = page_around(source.title, ReplayOptions(start=source.start))
    blobs: set[str] = set()
    begun: set[str] = set()  # of a terminal that the journal does not tell of nobody would read the parts
    yield before.encode()
    yield from _parts("session.ndjson", _journal(source, blobs, begun))
    for file in sorted(large & begun):
        yield from _parts(file, source.cast_text(file))
    yield between.encode()
    casts = [file for file in source.casts() if file not in large & begun]
    yield from _base64(_gzipped(_payload(source, casts, sorted(blobs))))
    yield after.encode()


def _parts(file: str, lines: Iterator[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for line in lines:
        held += line
        if len(held) >= _PART:
            yield part_of_file(file, bytes(held))
            held.clear()
    if held:
        yield part_of_file(file, bytes(held))


def _journal(source: Source, blobs: set[str], begun: set[str]) -> Iterator[bytes]:
    """Yield the journal's lines; `blobs` is given the payloads that they name, `begun` the terminals' files."""
    for event in source.events(payloads=False):
        shown = _shown(event)
        references(shown, blobs)
        if event.get("type") == "terminal_start":
            begun.add(str(event.get("file")))
        yield encode_line(shown)


def _payload(source: Source, casts: Iterable[str], blobs: Iterable[str]) -> Iterator[bytes]:
    """Yield the JSON that the player reads (`replay.bundle`), a piece at a time."""
    yield b'{"manifest":' + _json(source.manifest) + b',"casts":{'
    for number, file in enumerate(casts):
        yield (b"," if number else b"") + _json(file) + b':"'
        for line in source.cast_text(file):
            yield _inner(line)
        yield b'"'
    yield b'},"blobs":{'
    yield from _members(source, blobs)
    yield b"}}"


def _shown(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event without the payloads that an import kept beside it: no player shows them."""
    metadata = event.get("metadata")
    if not isinstance(metadata, dict):
        return event
    kept = {key: value for key, value in metadata.items() if key != "raw" and not key.startswith(BESIDE)}
    return {**event, "metadata": kept}


def _members(source: Source, blobs: Iterable[str]) -> Iterator[bytes]:
    between = b""
    for sha256 in blobs:
        try:
            data = source.recording.blob(sha256)
        except StorageError:  # the replay shows its reference
            continue
        yield between + _json(sha256) + b':"' + base64.b64encode(data) + b'"'
        between = b","


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _inner(text: bytes) -> bytes:
    """Return what stands between the quotes of a JSON string that holds `text`."""
    return _json(text.decode("utf-8", "replace"))[1:-1]


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    yield from filter(None, map(packer.compress, pieces))
    yield packer.flush()


def _base64(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield from _in_groups(pieces, base64.b64encode)


def _in_groups(pieces: Iterator[bytes], encode: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """Encode multiples of three bytes, so that no padding stands in the middle."""
    held = b""
    for piece in pieces:
        held += piece
        if len(held) >= _PIECE:
            whole = len(held) - len(held) % 3
            yield encode(held[:whole])
            held = held[whole:]
    yield encode(held)
