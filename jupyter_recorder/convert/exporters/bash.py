"""The commands of a recording as a bash script.

Each command ends where it ended: one that leaves a quote, a bracket or a here-document open can't take in what follows,
and names, markers and folders stand in comments of one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ...timeline import Cell, Command
from ..items import items
from ..quoting import command, comment
from ..source import Source

_CELLS: Final = ("%%bash", "%%sh")


def export(source: Source) -> Iterator[bytes]:
    """Yield the script: commands of terminals' shells, programs run in terminals, and `%%bash` cells."""
    yield _lines("#!/usr/bin/env bash", comment(f"The commands of {source.title}, recorded by jupyter-recorder."))
    with_shells = {str(event.get("track")) for event in _starts(source)}
    folder = ""
    for kind, value in items(source):
        if kind == "mark" and value.kind in ("marker", "note"):
            yield _lines("", comment(value.label))
        elif kind == "terminal" and value.get("command") and str(value.get("track")) not in with_shells:
            yield _lines("", command(str(value["command"])))
        elif isinstance(value, Command):
            if value.cwd and value.cwd != folder:
                folder = value.cwd
                yield _lines("", comment(f"in {folder}"))
            yield _lines(command(value.command))
        elif isinstance(value, Cell) and (text := _script_of(value)):
            yield _lines("", command(text))


def _starts(source: Source) -> Iterator[dict[str, Any]]:
    return (event for event in source.recording.events() if event.get("type") == "command_start")


def _script_of(cell: Cell) -> str:
    first, _, rest = cell.source.partition("\n") if isinstance(cell.source, str) else ("", "", "")
    return rest.strip("\n") if first.split()[:1] and first.split()[0] in _CELLS else ""


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
