"""A recording as a notebook: its cells with their outputs, chats and remarks as text, terminals as replays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import nbformat
from nbformat import ValidationError, v4

from ..errors import EmbedTooLarge
from ..journal.blobs import join_payloads
from ..library.recording import Recording
from ..replay.bundle import ReplayData, ReplayOptions, mime_bundle
from ..timeline import Cell, Mark, Message, Session, fold

_MAX_EMBED_BYTES: Final = 5 << 20
_NEEDED: Final[dict[str, dict[str, Any]]] = {
    "display_data": {"metadata": {}},
    "execute_result": {"metadata": {}, "execution_count": None},
}
_OUTPUT_FIELDS: Final = {
    "stream": ("name", "text"),
    "display_data": ("data", "metadata"),
    "execute_result": ("data", "metadata", "execution_count"),
    "error": ("ename", "evalue", "traceback"),
}


def export(recording: Recording, *, track: str | None = None) -> Iterator[bytes]:  # noqa: ARG001  # all tracks are in it
    """Yield a valid notebook (nbformat 4.5)."""
    session = fold(join_payloads(recording.path, event) for event in recording.events())
    notebook = v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells = list(_cells(recording, session))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{recording.id[:48]}-{number}"
    nbformat.validate(notebook)
    yield nbformat.writes(notebook).encode()


def _cells(recording: Recording, session: Session) -> Iterator[Any]:
    for kind, thing in session.order:
        if kind == "cell":
            yield _code_cell(thing)
        elif kind == "message" and not thing.deleted:
            yield _message_cell(thing)
        elif kind == "mark":
            yield _mark_cell(thing)
        elif kind == "terminal":
            yield from _terminal_cell(recording, thing)


def _code_cell(cell: Cell) -> Any:
    outputs = [output for raw in cell.final_outputs() if (output := _output(raw)) is not None]
    source = cell.source if isinstance(cell.source, str) else ""
    count = cell.execution_count if isinstance(cell.execution_count, int) else None
    return v4.new_code_cell(source=source, execution_count=count, outputs=outputs)


def _output(raw: dict[str, Any]) -> Any:
    kind = str(raw.get("output_type"))
    if kind not in _OUTPUT_FIELDS:
        return None
    output = {"output_type": kind, **_NEEDED.get(kind, {})}
    output |= {name: raw[name] for name in _OUTPUT_FIELDS[kind] if name in raw}
    try:
        nbformat.validate(output, ref="output", version=4, version_minor=5)
    except ValidationError:  # of a damaged journal, or its payload is gone: the rest is still a notebook
        text = f"[jupyter-recorder: an output of type {kind} is damaged]\n"
        return v4.new_output("stream", name="stderr", text=text)
    return nbformat.from_dict(output)


def _message_cell(message: Message) -> Any:
    return v4.new_markdown_cell(source=f"**{_plain(message.role)}**\n\n{message.content}")


def _mark_cell(mark: Mark) -> Any:
    heading = "## " if mark.kind == "marker" else "> "
    return v4.new_markdown_cell(source=heading + _plain(mark.label))


def _plain(text: str) -> str:
    """Keep a label on its one line, so that it makes no block of its own."""
    return " ".join(text.split())


def _terminal_cell(recording: Recording, start: dict[str, Any]) -> Iterator[Any]:
    file = start.get("file")
    if not isinstance(file, str) or file not in recording.cast_files():
        return
    command = str(start.get("command") or "")
    lone = ReplayData({**recording.shown}, b"", {file: recording.read_cast(file)}, {})
    summary = f"▶ {command or os.path.splitext(file)[0]}"
    try:
        bundle = mime_bundle(lone, ReplayOptions(), summary=summary, max_embed_bytes=_MAX_EMBED_BYTES)
    except EmbedTooLarge:
        bundle = {"text/plain": f"{summary} (too large to replay here; export it with --to asciicast-v2)"}
    source = f"%%bash\n{command}" if command else ""
    yield v4.new_code_cell(source=source, outputs=[v4.new_output("display_data", data=bundle)])
