"""An executed notebook: its code cells with their outputs, and its text as remarks.

Times are those that JupyterLab and nbclient leave in a cell's metadata (`execution`); without them cells follow each
other at the file's own time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import nbformat

from ...errors import ImportFailed, InvalidEvent
from ..chats import as_list, as_mapping, as_text
from ..draft import Draft
from ..input import Input
from ..names import as_id, millis
from ..sink import Sink
from ..whole import read_json

_BEGUN: Final = ("iopub.execute_input", "shell.execute_reply.started", "iopub.status.busy")
_ENDED: Final = ("shell.execute_reply", "iopub.status.idle")


def matches(head: bytes, path: Path) -> bool:
    """Tell a notebook by its ending and first character, or by its members."""
    is_object = head.lstrip().startswith(b"{")
    return is_object and (path.suffix == ".ipynb" or (b'"cells"' in head and b'"cell_type"' in head))


def load(file: Input, sink: Sink) -> None:
    """Make one recording of a notebook; an older one is read as nbformat 4."""
    notebook = _read(file)
    cells = [cell for cell in as_list(notebook.get("cells")) if isinstance(cell, Mapping)]
    times = [at for cell in cells if (at := _time(cell, _BEGUN)) is not None]
    with sink.recording(
        as_text(as_mapping(notebook.get("metadata")).get("title")) or file.path.stem,
        "notebook",
        min(times, default=file.modified_ms),
        nbformat=notebook.get("nbformat"),
        **_language(as_mapping(notebook.get("metadata"))),
    ) as draft:
        for number, cell in enumerate(cells, 1):
            _add(draft, sink, number, cell)


def _language(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what says in which language the cells are."""
    named = {"kernelspec": metadata.get("kernelspec"), "language_info": metadata.get("language_info")}
    return {key: dict(value) for key, value in named.items() if isinstance(value, Mapping)}


def _read(file: Input) -> Mapping[str, Any]:
    found = read_json(file)
    if not isinstance(found, dict):
        raise ImportFailed("it is no notebook: its JSON is no object")
    if found.get("nbformat") == 4:
        return found
    try:
        converted: Mapping[str, Any] = nbformat.convert(nbformat.from_dict(found), 4)
    except Exception as error:  # nbformat raises whatever a foreign object makes it stumble on
        raise ImportFailed(f"it is no notebook that nbformat can read: {str(error)[:120]}") from error
    return converted


def _add(draft: Draft, sink: Sink, number: int, cell: Mapping[str, Any]) -> None:
    kind, source = cell.get("cell_type"), _joined(cell.get("source"))
    if kind in ("markdown", "raw"):
        if source.strip():
            draft.event({"type": "note", "text": source}, None)
        return
    if kind != "code":
        draft.keep_unknown(f"cell {number}", dict(cell))
        return
    try:
        _add_code(draft, number, cell, source)
    except InvalidEvent as error:
        sink.warn(f"cell {number} can't be kept whole: {error}")
        draft.unknown += 1


def _add_code(draft: Draft, number: int, cell: Mapping[str, Any], source: str) -> None:
    cell_id = as_id(cell.get("id") or f"cell-{number}")
    count = cell.get("execution_count")
    begun, ended = _time(cell, _BEGUN), _time(cell, _ENDED)
    start = {"cell_id": cell_id, "execution_count": count if type(count) is int else None, "source": source}
    draft.event({"type": "cell_start", **start}, begun)
    begun = draft.last_at
    failed = False
    for output in as_list(cell.get("outputs")):
        if not isinstance(output, Mapping) or not isinstance(output.get("output_type"), str):
            draft.keep_unknown(f"cell {number}, an output", output)
            continue
        failed = failed or output["output_type"] == "error"
        draft.event({"type": "output", "cell_id": cell_id, "output": _plain(output)}, ended)
    end = {"cell_id": cell_id, "status": "error" if failed else "ok"}
    duration = max(0, (ended or begun) - begun)
    draft.event({"type": "cell_end", **end, "duration_ms": duration}, ended)


def _plain(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return an output with its texts in one piece, as a kernel sends them."""
    plain = {key: value for key, value in output.items() if key != "metadata" or value}
    if output["output_type"] == "stream":
        return {**plain, "text": _joined(output.get("text"))}
    if isinstance(data := output.get("data"), Mapping):
        texts = {key: _joined(value) if _is_lines(value) else value for key, value in data.items()}
        return {**plain, "data": texts, "metadata": output.get("metadata") or {}}
    return plain


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) for line in value)


def _joined(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else as_text(value)


def _time(cell: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    execution = as_mapping(as_mapping(cell.get("metadata")).get("execution"))
    return next((at for name in names if (at := millis(execution.get(name))) is not None), None)
