"""JSON that comes in: read off the loop where it is large, and refused where reading it would hold everybody up.

A decoder in C gives the interpreter to nobody until it is done, in a thread too. So what counts is how many values a
body holds, and that is looked at first, in pieces between which others have their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ..errors import EventTooLarge
from ..journal.codec import outside_strings, pieces

# Parsing so much takes about a millisecond: more of it would keep others waiting.
PARSED_AT_ONCE: Final = 1 << 18
# Ten thousand events of fifty values, or a snapshot of as many messages as an event has room for, stay below both.
MOST_VALUES: Final = 500_000
MOST_CONTAINERS: Final = 100_000


async def decode_json(text: str | bytes) -> Any:
    """Return the JSON value of a body, a large one read in a thread; raises as `decode`."""
    return decode(text) if len(text) <= PARSED_AT_ONCE else await asyncio.to_thread(decode, text)


def decode(text: str | bytes) -> Any:
    """Return the JSON value of a body or a frame.

    Raises `ValueError` for what is none, and `EventTooLarge` for one of more than `MOST_VALUES` values or
    `MOST_CONTAINERS` objects and lists.
    """
    if len(text) > PARSED_AT_ONCE:
        _refuse_crowd(text if isinstance(text, bytes) else text.encode())
    try:
        return msgspec.json.decode(text)
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error


def _refuse_crowd(data: bytes) -> None:
    if _excess(pieces(data)) is None:  # this also counts what stands in strings, and is done in no time
        return
    excess = _excess(outside_strings(data))
    if excess is not None:
        raise excess


def _excess(data: Iterator[bytes]) -> EventTooLarge | None:
    values = containers = 0
    for piece in data:
        containers += piece.count(b"{") + piece.count(b"[")
        values += piece.count(b",")
        if containers > MOST_CONTAINERS:
            return EventTooLarge(f"the message holds {containers:,} objects and lists, or more", MOST_CONTAINERS)
        if values > MOST_VALUES:
            return EventTooLarge(f"the message holds {values:,} values, or more", MOST_VALUES)
    return None
