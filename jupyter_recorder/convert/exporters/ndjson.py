"""The journal as one file: all segments merged, payloads joined in, nothing that only this machine needs."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.codec import encode_line
from ...journal.reader import Report
from ..source import Source


def export(source: Source) -> Iterator[bytes]:
    """Yield the header, the events and the footer, a line each."""
    report = Report()
    events = source.events(report)
    first = next(events, None)
    header = {key: value for key, value in (report.header or {}).items() if key not in ("segment", "first_seq")}
    if header:
        yield encode_line({**header, "segment": 0, "first_seq": 1})
    while first is not None:
        yield encode_line(first)
        first = next(events, None)
    if report.footer is not None:
        yield encode_line(report.footer)
