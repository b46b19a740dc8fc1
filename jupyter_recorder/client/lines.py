"""The outbox's file: its format, and what a file says is still to be sent; pure.

UTF-8, one JSON object a line, as in a journal::

    {"type":"header","format":"jupyter-recorder-outbox","version":1}
    {"type":"event","event":{…}}                  an event as it is sent, with its event_id, producer and producer_seq
    {"type":"piece","of":[session, message],"text":…}   a piece of a message that grows, not yet part of an event
    {"type":"joined","event":{…}}                 a message_append of all pieces since; its text stands in them alone
    {"type":"done","of":[session, producer],"number":n}  everything up to this number was answered for good

A piece is safe from the moment it is given, though it is sent together with others. Bytes after the last newline are a
line that a kill cut off: whoever gave it was not told that it is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from ..journal.codec import decode_object, encode_line

FORMAT: Final = "jupyter-recorder-outbox"
VERSION: Final = 1
HEADER: Final = encode_line({"type": "header", "format": FORMAT, "version": VERSION})

Event = dict[str, Any]


@dataclass
class Kept:
    """What a file holds that was not answered: events in order by session, and pieces that are part of none."""

    events: dict[str, deque[Event]] = field(default_factory=dict)
    pieces: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    damaged: list[bytes] = field(default_factory=list)


def event_line(data: bytes) -> bytes:
    """Return the line of an event that is encoded in `data`."""
    return b'{"type":"event","event":%b}\n' % data


def piece_line(session_id: str, message_id: str, text: str) -> bytes:
    """Return the line of a piece."""
    return encode_line({"type": "piece", "of": [session_id, message_id], "text": text})


def joined_line(event: Event) -> bytes:
    """Return the line of a `message_append` whose text stands in the pieces before."""
    return encode_line({"type": "joined", "event": {k: v for k, v in event.items() if k != "content_delta"}})


def done_line(session_id: str, producer: str, number: int) -> bytes:
    """Return the line that a producer's events of a session are answered up to `number`."""
    return encode_line({"type": "done", "of": [session_id, producer], "number": number})


def replay(lines: Iterable[bytes]) -> Kept:
    """Return what the lines of a file (without newlines) leave to be sent; lines that say nothing are `damaged`."""
    kept = Kept()
    for line in lines:
        try:
            _replay_line(kept, decode_object(line) or {})
        except (KeyError, TypeError, ValueError):
            kept.damaged.append(line)
    return kept


def _replay_line(kept: Kept, line: Event) -> None:
    match line["type"]:
        case "event":
            _keep(kept, line["event"])
        case "piece":
            session_id, message_id = line["of"]
            kept.pieces.setdefault((str(session_id), str(message_id)), []).append(str(line["text"]))
        case "joined":
            event = line["event"]
            pieces = kept.pieces.pop((event["session_id"], event["message_id"]))
            _keep(kept, {**event, "content_delta": "".join(pieces)})
        case "done":
            session_id, producer = line["of"]
            _drop(kept, session_id, producer, line["number"])
        case "header":
            if (line["format"], line["version"]) != (FORMAT, VERSION):
                raise ValueError(line)
        case _:
            raise ValueError(line)


def _keep(kept: Kept, event: Event) -> None:
    if not (isinstance(event["producer"], str) and isinstance(event["producer_seq"], int) and event["event_id"]):
        raise ValueError(event)
    kept.events.setdefault(event["session_id"], deque()).append(event)


def _drop(kept: Kept, session_id: str, producer: str, number: int) -> None:
    events = kept.events.get(session_id, deque())
    while events and events[0]["producer"] == producer and events[0]["producer_seq"] <= number:
        events.popleft()
    if not events:
        kept.events.pop(session_id, None)
