"""One terminal of a recording as an asciicast v3 file."""

from __future__ import annotations

from collections.abc import Iterator

from ...asciicast.version3 import encode_events_3, encode_header_3
from ..source import Source
from ..terminals import from_moment


def export(source: Source) -> Iterator[bytes]:
    """Yield the terminal's `.cast`; with several terminals the options' `track` says which (`terminal-2`, …)."""
    header, events = from_moment(source, source.only_cast())
    yield encode_header_3(header)
    yield from encode_events_3(events)
