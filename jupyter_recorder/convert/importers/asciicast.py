"""Terminals recorded by asciinema: versions 1, 2 and 3."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...asciicast.format import Event, Header, read_header
from ...asciicast.reader import read
from ...errors import ImportFailed, InvalidCast
from ...journal.codec import encode
from ..draft import Draft
from ..input import Input, json_value
from ..sink import Sink
from ..streams import scalars, values


def matches(head: bytes, _path: Path) -> bool:
    """Tell an asciicast by its header, or version 1 by the members that it begins with."""
    first = head.split(b"\n", 1)[0]
    with contextlib.suppress(InvalidCast):
        read_header(first)
        return True
    found = json_value(first)
    if isinstance(found, dict) and "version" in found and ("width" in found or "term" in found):
        return True  # a header out of bounds: the error tells what is wrong with it
    return b'"stdout"' in head and b'"version"' in head and b'"width"' in head and head.lstrip().startswith(b"{")


def load(file: Input, sink: Sink) -> None:
    """Make one recording; what is no event is counted, and a torn last line is told."""
    if _is_version_1(file):
        _load_version_1(file, sink)
        return
    with file.open() as opened:
        try:
            cast = read(opened)
        except InvalidCast as error:
            raise ImportFailed(str(error), line=error.line) from error
        with _recording(file, sink, cast.header) as draft:
            _fill(draft, cast.header, cast.events)
            damage = cast.damage
            for number in damage.numbers:
                sink.warn(f"line {number} is no event of an asciicast and was left out")
            draft.unknown += damage.lines
            if damage.torn:
                sink.warn("its last line is torn and was left out")


def _recording(file: Input, sink: Sink, header: Header) -> contextlib.AbstractContextManager[Draft]:
    started = header.timestamp * 1000 if header.timestamp is not None and header.timestamp >= 0 else file.modified_ms
    title = header.title or ""
    return sink.recording(title, "terminal", started, fallback=file.path.stem, version=header.version)


def _fill(draft: Draft, header: Header, events: Iterator[Event]) -> None:
    terminal = draft.terminal(header, draft.last_at)
    for event in events:
        if event.code == "x":
            terminal.exit_code = int(event.data) if event.data.isascii() and event.data.isdigit() else None
        terminal.event(*event)
    terminal.end()


# -- version 1: one JSON object, `stdout` an array of [seconds since the one before, text]


def _is_version_1(file: Input) -> bool:
    for prefix, _, value in scalars(file):
        if prefix == "version":
            return bool(value == 1)
    return False


def _load_version_1(file: Input, sink: Sink) -> None:
    try:
        header = read_header(encode({**_members(file), "version": 2}))
    except InvalidCast as error:
        raise ImportFailed(str(error)) from error
    with _recording(file, sink, dataclasses.replace(header, version=1)) as draft:
        _fill(draft, header, _frames(file, sink, draft))


def _members(file: Input) -> dict[str, Any]:
    """Return the members of the object but `stdout`; a torn file gives those that stand in it."""
    found: dict[str, Any] = {}
    for prefix, event, value in scalars(file):
        if event in ("number", "string") and "." not in prefix:
            found[prefix] = value
        elif event == "string" and prefix.startswith("env."):
            found.setdefault("env", {})[prefix[4:]] = value
    return found


def _frames(file: Input, sink: Sink, draft: Draft) -> Iterator[Event]:
    time = 0.0
    try:
        for number, frame in enumerate(values(file, "stdout.item", sink), 1):
            if not isinstance(frame, list) or len(frame) != 2 or not _is_frame(frame):
                draft.unknown += 1
                sink.warn(f"frame {number} of stdout is none and was left out")
                continue
            time += max(0.0, float(frame[0]))
            yield Event(time, "o", frame[1])
    except ImportFailed as error:
        sink.warn(f"it has no frames that can be read: {error}")


def _is_frame(frame: list[Any]) -> bool:
    return type(frame[0]) in (int, float) and abs(frame[0]) < 1e9 and isinstance(frame[1], str)
