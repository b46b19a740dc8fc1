"""The journal as one file: all segments merged, payloads joined in, nothing that only this machine needs."""

from __future__ import annotations

from collections.abc import Iterator

from ..journal.blobs import join_payloads
from ..journal.codec import encode_line
from ..journal.reader import Report
from ..library.recording import Recording


def export(recording: Recording, *, track: str | None = None) -> Iterator[bytes]:  # noqa: ARG001  # all tracks are in it
    """Yield the header, the events and the footer, a line each."""
    report = Report()
    events = recording.events(report)
    first = next(events, None)
    header = {key: value for key, value in (report.header or {}).items() if key not in ("segment", "first_seq")}
    if header:
        yield encode_line({**header, "segment": 0, "first_seq": 1})
    while first is not None:
        first.pop("raw", None)
        yield encode_line(join_payloads(recording.path, first))
        first = next(events, None)
    if report.footer is not None:
        yield encode_line(report.footer)
