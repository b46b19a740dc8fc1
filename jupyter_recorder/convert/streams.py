"""Values out of a JSON file of any size, one in memory at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import ijson

from ..errors import ImportFailed
from .input import Input
from .sink import Sink
from .surrogates import Paired


def values(file: Input, prefix: str, sink: Sink | None) -> Iterator[Any]:
    """Yield the values at `prefix` (ijson's notation: `item` for each of an array).

    Where the file breaks off or is no JSON any more, reading ends: told to `sink` if values came before, else
    `ImportFailed`. Without a sink it just ends.
    """
    count = 0
    with file.open() as opened:
        try:
            for value in ijson.items(Paired(opened), prefix, use_float=True):
                count += 1
                yield value
        except (ijson.JSONError, ValueError, RecursionError) as error:
            if sink is None:
                return
            why = reason(error)
            place = f"after {count} values, before byte {opened.tell()}"
            if not count:
                raise ImportFailed(f"it is no whole JSON: {why}", place=place) from error
            sink.warn(f"it breaks off or is damaged {place}: {why}; what stands before was imported")


def members(file: Input, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield the members of the object at `prefix`, as far as the file can be read."""
    with file.open() as opened, contextlib.suppress(ijson.JSONError, ValueError, RecursionError):
        yield from ijson.kvitems(Paired(opened), prefix, use_float=True)


def scalars(file: Input) -> Iterator[tuple[str, str, Any]]:
    """Yield (prefix, event, value) of everything in the file, as far as it can be read."""
    with file.open() as opened, contextlib.suppress(ijson.JSONError, ValueError, RecursionError):
        yield from ijson.parse(Paired(opened), use_float=True)


def reason(error: Exception) -> str:
    """Return the first line of what a parser says."""
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
