"""Version 3 of an asciicast as bytes; pure.

Times are intervals since the event before, in microseconds rounded from the absolute times, so that a hundred thousand
of them add up to what they were: rounding each interval by itself would drift by tens of milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..journal.codec import encode
from .format import Event, Header, encode_event

_COMMON = ("timestamp", "idle_time_limit", "command", "title")


def encode_header_3(header: Header) -> bytes:
    """Encode a header as a version 3 line with its newline."""
    extra = dict(header.extra)
    kept = extra.pop("term", None)
    term: dict[str, Any] = {"cols": header.width, "rows": header.height, **(kept if isinstance(kept, dict) else {})}
    if "TERM" in header.env:
        term.setdefault("type", header.env["TERM"])
    if header.theme is not None:
        term["theme"] = header.theme
    line: dict[str, Any] = {"version": 3, "term": term}
    line |= {key: value for key in _COMMON if (value := getattr(header, key)) is not None}
    line |= {"env": header.env} if header.env else {}
    known = {"version", "width", "height", "env", "theme", "duration", *line}
    line |= {key: value for key, value in extra.items() if key not in known}
    return encode(line) + b"\n"


def encode_events_3(events: Iterable[Event]) -> Iterator[bytes]:
    """Encode events with absolute times as version 3 lines; raises `InvalidEvent`."""
    last = 0
    for event in events:
        now = max(last, round(event.time * 1e6))
        yield encode_event(event._replace(time=(now - last) / 1e6))
        last = now
