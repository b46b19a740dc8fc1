"""A recording as a notebook: its cells with their outputs, chats and remarks as text, terminals as replays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import nbformat
from nbformat import ValidationError, v4

from ... import timeline
from ...errors import EmbedTooLarge, StorageError
from ...replay.bundle import ReplayData, ReplayOptions, mime_bundle
from ..document import is_shown
from ..items import Thing, items
from ..quoting import inert, literal
from ..source import Source

_MAX_EMBED_BYTES: Final = 5 << 20
# Beyond this, a terminal's text alone would make a notebook that no editor opens.
_MAX_CAST_BYTES: Final = 8 << 20
_BATCH: Final = 64
_BATCH_BYTES: Final = 4 << 20
_OUTPUT_FIELDS: Final = {
    "stream": ("name", "text"),
    "display_data": ("data", "metadata"),
    "execute_result": ("data", "metadata", "execution_count"),
    "error": ("ename", "evalue", "traceback"),
}
_NEEDED: Final[dict[str, dict[str, Any]]] = {
    "display_data": {"metadata": {}},
    "execute_result": {"metadata": {}, "execution_count": None},
}
_KERNEL: Final = {"name": "python3", "display_name": "Python 3", "language": "python"}

Cell = dict[str, Any]


def export(source: Source) -> Iterator[bytes]:
    """Yield a valid notebook (nbformat 4.5), a few cells at a time, as nbformat itself writes it."""
    yield b'{\n "cells": ['
    count = 0
    for batch in _batches(_numbered(source)):
        for cell in _valid(batch):
            yield (b"," if count else b"") + _written(cell)
            count += 1
    metadata = {**_language(source), "jupyter_recorder": {"id": source.recording.id}}
    tail = json.dumps({"metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1, sort_keys=True)
    yield (b"\n ]," if count else b"],") + tail.removeprefix("{").encode() + b"\n"


def _language(source: Source) -> dict[str, Any]:
    """Return the kernel that the cells are for: that of a notebook that was imported, else Python."""
    imported = source.manifest.get("imported")
    kept = {"kernelspec": _KERNEL, **(imported if isinstance(imported, dict) else {})}
    named = {key: kept[key] for key in ("kernelspec", "language_info") if isinstance(kept.get(key), dict)}
    whole = {"cells": [], "metadata": named, "nbformat": 4, "nbformat_minor": 5}
    return named if _passes(whole) else {"kernelspec": _KERNEL}


def _numbered(source: Source) -> Iterator[Cell]:
    number = 0
    for thing in items(source):
        for cell in _cells(source, thing):
            yield {**cell, "id": f"{source.recording.id[:48]}-{number}", "metadata": {}}
            number += 1


def _batches(cells: Iterator[Cell]) -> Iterator[list[Cell]]:
    """Gather cells that are checked at once: a check of each by itself takes most of an export's time."""
    held: list[Cell] = []
    size = 0
    for cell in cells:
        held.append(cell)
        size += _weight(cell)
        if len(held) >= _BATCH or size >= _BATCH_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def _weight(value: Any) -> int:
    """Return about how many characters a value holds."""
    if isinstance(value, str):
        return len(value)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_weight, parts))


def _valid(cells: list[Cell]) -> list[Cell]:
    """Return the cells, of those that are invalid the outputs replaced that are to blame."""
    if _is_valid(cells):
        return cells
    return [cell if _is_valid([cell]) else _repaired(cell) for cell in cells]


def _is_valid(cells: list[Cell]) -> bool:
    return _passes({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def _passes(notebook: dict[str, Any]) -> bool:
    try:
        nbformat.validate(notebook)
    except ValidationError:
        return False
    return True


def _repaired(cell: Cell) -> Cell:
    """Name what a damaged journal holds, or whose payload is gone: the rest is still a notebook."""
    outputs = [output if _is_valid([_code("", [output])]) else _damaged(output) for output in cell["outputs"]]
    return {**cell, "outputs": outputs}


def _damaged(output: dict[str, Any]) -> dict[str, Any]:
    text = f"[jupyter-recorder: an output of type {output['output_type']} is damaged]\n"
    return {"output_type": "stream", "name": "stderr", "text": text}


def _code(text: str, outputs: list[dict[str, Any]], count: int | None = None) -> Cell:
    return {
        "cell_type": "code",
        "id": "x",
        "metadata": {},
        "source": text,
        "execution_count": count,
        "outputs": outputs,
    }


def _text(markdown: str) -> Cell:
    return {"cell_type": "markdown", "source": markdown}


def _written(cell: Cell) -> bytes:
    split: Any = v4.rwbase.split_lines(nbformat.from_dict({"cells": [cell]}))
    text = json.dumps(split.cells[0], ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": "))
    return ("\n" + text).replace("\n", "\n  ").encode("utf-8", "replace")


def _cells(source: Source, thing: Thing) -> Iterator[Cell]:
    kind, value = thing
    if kind == "cell":
        yield _code_cell(value)
    elif kind == "message" and is_shown(value):
        yield _text(f"**{literal(value.role)}**\n\n{inert(value.content)}")
    elif kind == "mark":
        yield _mark_cell(value)
    elif kind == "terminal":
        yield from _terminal_cell(source, value)
    elif kind == "command":
        yield _command_cell(source, value)


def _code_cell(cell: timeline.Cell) -> Cell:
    outputs = [output for raw in cell.final_outputs() if (output := _output(raw)) is not None]
    text = cell.source if isinstance(cell.source, str) else ""
    return _code(text, outputs, cell.execution_count if isinstance(cell.execution_count, int) else None)


def _output(raw: dict[str, Any]) -> dict[str, Any] | None:
    kind = str(raw.get("output_type"))
    if kind not in _OUTPUT_FIELDS:
        return None
    output = {"output_type": kind, **_NEEDED.get(kind, {})}
    return output | {name: raw[name] for name in _OUTPUT_FIELDS[kind] if name in raw}


def _mark_cell(mark: timeline.Mark) -> Cell:
    if mark.kind == "note":
        return _text(inert(mark.label))
    return _text(("## " if mark.kind == "marker" else "> ") + literal(mark.label))


def _command_cell(source: Source, command: timeline.Command) -> Cell:
    text = source.outputs.text_of(command)
    outputs = [{"output_type": "stream", "name": "stdout", "text": text}] if text else []
    return _code(f"%%bash\n{command.command}", outputs)


def _terminal_cell(source: Source, start: dict[str, Any]) -> Iterator[Cell]:
    source.outputs.begin(start)
    file = start.get("file")
    if not isinstance(file, str) or file not in source.casts():
        return
    command = str(start.get("command") or "")
    summary = f"▶ {command or file.removesuffix('.cast')}"
    try:
        bundle = _replay(source, file, summary, start)
    except StorageError as error:
        bundle = {"text/plain": f"{summary} ({error})"}
    except EmbedTooLarge:
        bundle = {"text/plain": f"{summary} (too large to replay here; export it with --to asciicast-v2)"}
    output = {"output_type": "display_data", "data": bundle, "metadata": {}}
    yield _code(f"%%bash\n{command}" if command else "", [output])


def _replay(source: Source, file: str, summary: str, start: dict[str, Any]) -> dict[str, Any]:
    """Return a replay of one terminal, from the options' moment on."""
    size = source.cast_size(file)
    if size > _MAX_CAST_BYTES:
        raise EmbedTooLarge(file, size, _MAX_CAST_BYTES)
    lone = ReplayData(source.manifest, b"", {file: source.recording.read_cast(file)}, {})
    begin = max(0, source.start_at - int(start.get("at", 0))) / 1000 if source.start_at else 0.0
    return mime_bundle(lone, ReplayOptions(start=begin), summary=summary, max_embed_bytes=_MAX_EMBED_BYTES)
