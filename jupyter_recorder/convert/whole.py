"""Files of formats that make sense only as a whole: read up to a bound, with a clear error beyond it."""

from __future__ import annotations

from typing import Any, Final

from ..errors import ImportFailed
from ..journal.codec import NOT_JSON, decode
from .input import BOM, Input

LIMIT: Final = 256 << 20
"""The largest file that is read at once, in bytes."""


def read_whole(file: Input) -> bytes:
    """Return a file's bytes; raises `ImportFailed` for one over the bound."""
    if file.size > LIMIT:
        raise ImportFailed(f"it takes {file.size >> 20} MiB; one of this format can be read up to {LIMIT >> 20} MiB")
    with file.open() as opened:
        return opened.read(LIMIT + 1).removeprefix(BOM)


def read_json(file: Input) -> Any:
    """Return a file's JSON value; raises `ImportFailed` with the place for what is none."""
    try:
        return decode(read_whole(file))
    except NOT_JSON as error:
        raise ImportFailed(f"it is no whole JSON: {str(error)[:120]}") from error
