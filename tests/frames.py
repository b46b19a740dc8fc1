"""What a replay shows at a moment, as plain JSON: the frame that Python's fold and the player's must agree on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_recorder.timeline import Cell, Message, Session, multiline

FIXTURES = Path(__file__).parent / "contract-fixtures"


def events_of(fixture: str) -> list[dict[str, Any]]:
    """Return a fixture's events without its header."""
    lines = (FIXTURES / f"{fixture}.ndjson").read_text("utf-8").splitlines()
    return [event for line in lines if (event := json.loads(line))["type"] != "header"]


def frames_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the frame after none of the events, the first, the first two, …"""
    session = Session()
    # As text, because the fold changes its outputs in place.
    frames = [json.dumps(frame(session))]
    for event in events:
        session.apply(event)
        frames.append(json.dumps(frame(session)))
    return [json.loads(one) for one in frames]


def frame(session: Session) -> dict[str, Any]:
    """Return a session as a replay shows it."""
    return {
        "cells": [_cell(cell) for cell in _runs(session.cells)],
        "messages": [_message(message) for message in session.messages.values()],
        "marks": [[mark.kind, _label(mark.kind, mark.label)] for mark in session.marks if mark.kind != "error"],
    }


def _runs(cells: list[Cell]) -> list[Cell]:
    """A cell that ran again has its place from the first run, and shows the last."""
    return list({cell.cell_id: cell for cell in cells if not cell.hidden}.values())


def _label(kind: str, label: str) -> str:
    return "" if kind == "gap" else label


def _cell(cell: Cell) -> dict[str, Any]:
    count = cell.execution_count
    status = "running" if cell.status is None else "ok" if cell.status == "ok" else "error"
    return {
        "id": cell.cell_id,
        "count": count if isinstance(count, int) and not isinstance(count, bool) else None,
        "source": multiline(cell.source),
        "status": status,
        "outputs": cell.final_outputs(),
    }


def _message(message: Message) -> dict[str, Any]:
    author = {"assistant": message.model, "user": message.by}.get(message.role)
    return {
        "id": message.message_id,
        "role": message.role,
        "by": author if isinstance(author, str) else "",
        "content": "" if message.deleted else message.content,
        "deleted": message.deleted,
    }
