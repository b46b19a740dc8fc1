"""A recording as plain text: cells, outputs, chats and remarks in order, terminals as their screens showed them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...timeline import Cell, Mark, Message
from ..document import is_shown, moment, output_texts, subtitle, terminal_lines
from ..items import items
from ..quoting import CONTROL, one_line
from ..source import Source

_INDENT = "    "


def export(source: Source) -> Iterator[bytes]:
    """Yield the text, ended by a newline."""
    title = one_line(source.title)
    yield f"{title}\n{'=' * min(len(title), 80)}\n{subtitle(source)}\n".encode()
    for kind, value in items(source):
        for line in _lines(source, kind, value):
            yield f"{CONTROL.sub(' ', line).replace(chr(13), ' ')}\n".encode("utf-8", "replace")


def _lines(source: Source, kind: str, value: Any) -> Iterator[str]:
    if isinstance(value, Cell):
        yield from _cell(value)
    elif isinstance(value, Message):
        yield from _message(value)
    elif isinstance(value, Mark):
        yield from ("", f"--- {value.kind}: {one_line(value.label)}")
    elif kind == "terminal":
        command = one_line(str(value.get("command") or ""))
        yield from ("", f"[{one_line(str(value.get('track')))}]" + (f" $ {command}" if command else ""))
        yield from terminal_lines(source, value)


def _cell(cell: Cell) -> Iterator[str]:
    count = cell.execution_count if isinstance(cell.execution_count, int) else " "
    source = cell.source if isinstance(cell.source, str) else ""
    first, *rest = source.split("\n")
    yield from ("", f"In [{count}]: {first}", *(_INDENT + line for line in rest))
    for text in output_texts(cell):
        yield from text.rstrip("\n").split("\n")


def _message(message: Message) -> Iterator[str]:
    if not is_shown(message):
        return
    who = one_line(message.by or message.role) + (f" ({one_line(message.model)})" if message.model else "")
    yield from ("", f"{who}, {moment(message.created_at)}:")
    yield from (_INDENT + line if line else "" for line in message.content.replace("\r\n", "\n").split("\n"))
