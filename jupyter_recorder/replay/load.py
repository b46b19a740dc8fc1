"""A recording on the disk, made ready to be embedded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..errors import EmbedTooLarge, StorageError
from ..journal.blobs import is_reference
from ..journal.codec import encode_line
from ..journal.reader import Report
from ..library.recording import Recording
from ..timeline import count
from .bundle import ReplayData

# Text packs to a fiftieth at best; what is larger than that over the limit is not even read.
_PACKING = 50


def load(recording: Recording, *, max_bytes: int) -> ReplayData:
    """Return a recording's data for a replay; what was hashed before redaction is left out.

    Raises `EmbedTooLarge` for one that cannot pack to `max_bytes`.
    """
    size = recording.size_bytes()
    if size > max_bytes * _PACKING:
        raise EmbedTooLarge(recording.name, size, max_bytes)
    lines: list[bytes] = []
    blobs: set[str] = set()
    for event in recording.events():
        event.pop("raw", None)
        references(event, blobs)
        lines.append(encode_line(event))
    return ReplayData(
        manifest={**recording.shown},
        journal=b"".join(lines),
        casts={file: recording.read_cast(file) for file in recording.cast_files()},
        blobs=dict(_payloads(recording, blobs)),
    )


def _payloads(recording: Recording, names: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the payloads that can be read; one that is gone leaves its reference, which the replay shows as such."""
    for sha256 in sorted(names):
        with contextlib.suppress(StorageError):
            yield sha256, recording.blob(sha256)


def summary(recording: Recording, report: Report | None = None) -> str:
    """Return the line that stands where nothing can replay: on GitHub, in a terminal.

    `report` is filled with what reading the journal for it found beside events.
    """
    held = count(recording.events(report))
    parts = [
        f"{number} {name}" for number, name in (
            (held.cells, "cells"), (held.messages, "messages"), (held.terminals, "terminals"), (held.markers, "markers")
        ) if number
    ]  # fmt: skip
    return f"▶ {recording.name} ({', '.join(parts) or 'empty'}), recorded by jupyter-recorder"


def references(value: object, blobs: set[str]) -> None:
    """Add the sha256 of every payload that `value` refers to."""
    if isinstance(value, dict):
        if is_reference(value):
            blobs.add(value["blob"])
        else:
            for item in value.values():
                references(item, blobs)
    elif isinstance(value, list):
        for item in value:
            references(item, blobs)
