"""A recording's terminals as streams of events, whole or from a moment on."""

from __future__ import annotations

from collections.abc import Iterator

from ..asciicast.format import Event, Header
from .source import Source


def from_moment(source: Source, file: str) -> tuple[Header, Iterator[Event]]:
    """Return a terminal's header and its events.

    With the options' `start`, times count from that moment, and the output before it comes at once: the screen is then
    as it was. Raises `InvalidCast`, `StorageError`.
    """
    cast = source.cast(file)
    if not source.start_at:
        return cast.header, cast.events
    offset = (source.start_at - _origin(source, file)) / 1000
    return cast.header, _later(cast.events, offset) if offset > 0 else cast.events


def _origin(source: Source, file: str) -> int:
    """Return when the terminal began, in Unix ms."""
    for event in source.recording.events():
        if event.get("type") == "terminal_start" and event.get("file") == file:
            return int(event["at"])
    return int(source.manifest.get("started_at", 0))


def _later(events: Iterator[Event], offset: float) -> Iterator[Event]:
    for event in events:
        if event.time >= offset:
            yield event._replace(time=event.time - offset)
        elif event.code in "or":
            yield event._replace(time=0.0)
