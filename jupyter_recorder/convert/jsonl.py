"""Lines of JSON as objects; what is none is kept, counted and told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from .draft import Draft
from .input import Input, json_value
from .sink import Sink

_KEPT: Final = 1000


def objects(file: Input, sink: Sink, draft: Draft) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (number from 1, object) of each line; a line that is no object is kept in `draft` as text, and told."""
    bad: tuple[int, bytes | None] | None = None
    for number, line in file.lines():
        if bad is not None:
            _tell(sink, draft, *bad)
            bad = None
        found = None if line is None else json_value(line)
        if isinstance(found, dict):
            yield number, found
        else:
            bad = number, line
    if bad is not None and bad[1] is not None and bad[1].lstrip().startswith(b"{"):
        sink.warn(f"line {bad[0]}, the last one, is torn; it was kept as text")
        _keep(draft, *bad)
    elif bad is not None:
        _tell(sink, draft, *bad)


def _tell(sink: Sink, draft: Draft, number: int, line: bytes | None) -> None:
    sink.warn(f"line {number} is {'too long to be read' if line is None else 'no JSON object; it was kept as text'}")
    _keep(draft, number, line)


def _keep(draft: Draft, number: int, line: bytes | None) -> None:
    text = "" if line is None else line[: _KEPT * 1000].decode("utf-8", "replace")
    draft.keep_unknown(f"line {number}", text)
