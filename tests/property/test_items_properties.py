"""Streaming a recording's things gives what folding all of it at once gives."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_recorder.convert import waiting
from jupyter_recorder.convert.items import items
from jupyter_recorder.convert.source import ExportOptions, Source
from jupyter_recorder.journal.codec import encode_line
from jupyter_recorder.library.library import Library
from jupyter_recorder.timeline import fold

MANIFEST = {
    "format": "jupyter-recorder", "version": 1, "id": "x-20260301-100000", "name": "x", "tags": [], "kind": "notebook",
    "state": "completed", "started_at": 1000, "ended_at": None, "writer": {}, "tracks": [], "counts": {},
}  # fmt: skip
NAME = st.sampled_from("abc")
STREAM = {"output_type": "stream", "name": "stdout", "text": "t"}


def display(name: str) -> dict[str, Any]:
    """Return an output that can be updated."""
    return {
        "output_type": "display_data",
        "data": {"text/plain": name},
        "metadata": {},
        "transient": {"display_id": name},
    }


def event(kind: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return events of a type."""
    values = {key: value if isinstance(value, st.SearchStrategy) else st.just(value) for key, value in fields.items()}
    return st.fixed_dictionaries({"type": st.just(kind), **values})


EVENTS = st.one_of(
    event("message_add", message_id=NAME, role="user", content=NAME),
    event("message_append", message_id=NAME, content_delta=NAME),
    event("message_update", message_id=NAME, content=NAME, is_complete=st.booleans()),
    event("message_delete", message_id=NAME),
    event("session_snapshot", session_id="s", provider="p", messages=st.lists(
        st.fixed_dictionaries({"message_id": NAME, "role": st.just("user"), "content": NAME}), max_size=3)),
    event("cell_start", cell_id=NAME, execution_count=1, source=NAME),
    event("output", cell_id=NAME, output=st.one_of(st.just(STREAM), NAME.map(display))),
    event("clear_output", cell_id=NAME, wait=st.booleans()),
    event("update_display", display_id=NAME, output=NAME.map(display)),
    event("cell_end", cell_id=NAME, status="ok", duration_ms=1),
    event("command_start", track=NAME, command=NAME),
    event("command_end", track=NAME, exit_code=0, duration_ms=1),
    event("terminal_start", track=NAME, file="terminal.cast", cols=80, rows=24),
    event("marker", label=NAME),
    event("note", text=NAME),
    event("of_tomorrow", x=NAME),
)  # fmt: skip


def recordable(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what no recorder writes: a message that is there already, added once more."""
    there: set[str] = set()
    found = []
    for one in events:
        if one["type"] == "message_add" and one["message_id"] in there:
            continue
        if one["type"] == "message_delete":
            there.discard(one["message_id"])
        there |= {message["message_id"] for message in one.get("messages", ())}
        there |= {one["message_id"]} if one["type"] == "message_add" else set()
        found.append(one)
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(EVENTS, max_size=60).map(recordable), st.sampled_from([0, 1 << 30]))
def test_streamed_things_are_the_folds(events: list[dict[str, Any]], limit: int) -> None:
    """In the same order, each as it is at the end, whether those that wait do so in memory or in a file."""
    folder = Path(tempfile.mkdtemp())
    held, few = waiting.Waiting.__init__.__defaults__, waiting._FEW
    try:
        place = folder / str(MANIFEST["id"])
        place.mkdir()
        (place / "manifest.json").write_bytes(encode_line(MANIFEST))
        lines = [encode_line({"seq": seq, "at": 1000 + seq, **one}) for seq, one in enumerate(events, 1)]
        (place / "session.ndjson").write_bytes(b"".join(lines))
        recording = Library(folder).find(str(MANIFEST["id"]))
        waiting.Waiting.__init__.__defaults__, waiting._FEW = (limit,), 1  # type: ignore[misc]
        streamed = list(items(Source(recording, ExportOptions())))
    finally:
        waiting.Waiting.__init__.__defaults__, waiting._FEW = held, few  # type: ignore[misc]
        shutil.rmtree(folder)

    assert fold(json.loads(line) for line in lines).order == streamed
