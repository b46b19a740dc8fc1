"""A recording as one page that replays it: the player and the recording in it, nothing fetched, no server needed."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from ...errors import RecError, StorageError
from ...journal.codec import encode_line
from ...replay.bundle import ReplayOptions, page_around
from ...replay.load import references
from ..draft import BESIDE
from ..source import Source

LIMIT: Final = 500 << 20
"""The most that a page's player unpacks, in bytes (`payload.ts`)."""
_GZIP: Final = 31
_PIECE: Final = 1 << 16


def export(source: Source) -> Iterator[bytes]:
    """Yield the page; raises `RecError` for a recording too large to be played in one."""
    size = source.recording.size_bytes()
    if size > LIMIT:
        raise RecError(
            f"{source.recording.name!r} takes {size / 2**20:.0f} MiB, and a page can play {LIMIT >> 20} MiB: "
            "trim it, or export its terminals as asciicast"
        )
    source.passes(2)
    before, after = page_around(source.title, ReplayOptions(start=source.start))
    yield before.encode()
    yield from _base64(_gzipped(_payload(source)))
    yield after.encode()


def _payload(source: Source) -> Iterator[bytes]:
    """Yield the JSON that the player reads (`replay.bundle`), a piece at a time."""
    yield b'{"manifest":' + _json(source.manifest) + b',"journal":"'
    blobs: set[str] = set()
    for event in source.events(payloads=False):
        shown = _shown(event)
        references(shown, blobs)
        yield _inner(encode_line(shown))
    yield b'","casts":{'
    for number, file in enumerate(source.casts()):
        yield (b"," if number else b"") + _json(file) + b':"'
        for line in source.cast_text(file):
            yield _inner(line)
        yield b'"'
    yield b'},"blobs":{'
    yield from _members(source, sorted(blobs))
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
