"""One terminal of a recording as an asciicast v2 file."""

from __future__ import annotations

from collections.abc import Iterator

from ...asciicast.format import encode_event, encode_header
from ..source import Source
from ..terminals import from_moment


def export(source: Source) -> Iterator[bytes]:
    """Yield the terminal's `.cast`; with several terminals the options' `track` says which (`terminal-2`, …).

    Only what is whole is written: a player refuses a file, or drops what follows, for one line that is no event.
    """
    header, events = from_moment(source, source.only_cast())
    yield encode_header(header)
    yield from map(encode_event, events)
