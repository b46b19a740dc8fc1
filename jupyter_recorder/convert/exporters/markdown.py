"""A recording as a Markdown document: cells, outputs, chats and remarks in their order, terminals as they showed.

Whatever was recorded stays inert there: no HTML, no script link, no fence that ends early, and no front matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...timeline import Cell, Mark, Message
from ..document import images, is_shown, moment, output_texts, subtitle, terminal_lines
from ..items import items
from ..quoting import CONTROL, fenced, inert, literal
from ..source import Source


def export(source: Source) -> Iterator[bytes]:
    """Yield the document."""
    yield f"# {literal(source.title)}\n\n*{literal(subtitle(source))}*\n".encode()
    for kind, value in items(source):
        for block in _blocks(source, kind, value):
            yield block.encode("utf-8", "replace")


def _blocks(source: Source, kind: str, value: Any) -> Iterator[str]:
    if isinstance(value, Cell):
        yield from (f"\n{block}\n" for block in _cell(value))
    elif isinstance(value, Message) and is_shown(value):
        yield f"\n{_speaker(value)}\n\n{inert(value.content)}\n"
    elif isinstance(value, Mark):
        label = literal(value.label)
        yield f"\n## {label}\n" if value.kind == "marker" else f"\n> {value.kind}: {label}\n"
    elif kind == "terminal":
        yield from _terminal(source, value)


def _speaker(message: Message) -> str:
    model = f" ({literal(message.model)})" if isinstance(message.model, str) else ""
    return f"**{literal(message.by or message.role)}**{model}, {moment(message.created_at)}"


def _cell(cell: Cell) -> Iterator[str]:
    count = cell.execution_count if isinstance(cell.execution_count, int) else " "
    yield f"In \\[{count}\\]:"
    yield fenced(cell.source if isinstance(cell.source, str) else "", "python")
    yield from (fenced(text) for text in output_texts(cell) if text.strip())
    yield from (f"![output](data:{mime};base64,{data})" for mime, data in images(cell))


def _terminal(source: Source, start: dict[str, Any]) -> Iterator[str]:
    """Yield a terminal's text line by line: indented, since a fence would have to know all of it."""
    command = literal(str(start.get("command") or ""))
    yield f"\n**{literal(str(start.get('track')))}**" + (f" \\$ {command}\n\n" if command else "\n\n")
    for line in terminal_lines(source, start):
        yield f"    {CONTROL.sub(' ', line)}\n"
