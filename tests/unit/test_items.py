"""The things of a recording come out whole, in their order, and those that wait do so on the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import golden_convert as golden
import pytest

from jupyter_recorder.convert import waiting
from jupyter_recorder.convert.items import _Window, items
from jupyter_recorder.convert.source import ExportOptions, Source
from jupyter_recorder.journal.blobs import join_payloads
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.timeline import fold


def recording(tmp_path: Path, *events: dict[str, Any]) -> Recording:
    """Return a recording of these events."""
    folder = tmp_path / "root" / "x-20260301-100000"
    folder.mkdir(parents=True)
    manifest = json.loads((golden.EVERYTHING / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "id": folder.name}))
    rows = [{"seq": seq, "at": manifest["started_at"] + seq, **event} for seq, event in enumerate(events, 1)]
    (folder / "session.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Library(tmp_path / "root").find(folder.name)


def whole(found: Recording) -> list[Any]:
    """Return a recording's things one by one."""
    return list(items(Source(found, ExportOptions())))


def test_one_by_one_they_are_what_the_fold_makes(tmp_path: Path) -> None:
    """Streaming and folding all at once give the same things in the same order."""
    found = golden.everything(tmp_path)

    assert fold(join_payloads(found.path, event) for event in found.events()).order == whole(found)


def message(name: str, kind: str = "message_add", **fields: Any) -> dict[str, Any]:
    """Return an event of a message."""
    return {"type": kind, "message_id": name, **(fields or {"role": "user", "content": name * 50})}


@pytest.mark.parametrize("limit", [0, 1 << 30])
def test_what_waits_is_whole_when_its_turn_comes(tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of things behind one that ends last, some of them growing, are as they should be: stored or not."""
    monkeypatch.setattr(waiting.Waiting.__init__, "__defaults__", (limit,))
    events = [{"type": "cell_start", "cell_id": "slow", "execution_count": 1, "source": "slow()"}, message("first")]
    for number in range(400):
        events += [message(f"m{number}"), {"type": "command_start", "track": "t", "command": f"c{number}"}]
        events += [{"type": "command_end", "track": "t", "exit_code": number, "duration_ms": 1}]
        events += [message(f"m{number}", "message_append", content_delta="+") for _ in range(number % 3)]
    events += [message("m7", "message_update", content="changed late", is_complete=True)]
    events += [message("m9", "message_delete", x=1), {**message("m9"), "content": "said again"}]
    events += [{"type": "cell_end", "cell_id": "slow", "status": "ok", "duration_ms": 5}]
    found = recording(tmp_path, *events)

    assert fold(found.events()).order == whole(found)


def test_commands_are_let_go_of_one_by_one(tmp_path: Path) -> None:
    """A command is whole at its own end, not at that of the last one in its terminal."""
    found = recording(
        tmp_path,
        *(
            event
            for number in range(3)
            for event in (
                {"type": "command_start", "track": "t", "command": f"c{number}"},
                {"type": "command_end", "track": "t", "exit_code": number, "duration_ms": 1},
            )
        ),
    )
    source = Source(found, ExportOptions())
    stream = items(source)
    first = next(stream)

    assert ("c0", 0) == (first[1].command, first[1].exit_code)
    assert [1, 2] == [thing[1].exit_code for thing in stream]


def show(cell: str, display: str) -> dict[str, Any]:
    """Return an output that can be updated."""
    output = {"output_type": "display_data", "data": {"text/plain": "old"}, "metadata": {}}
    return {"type": "output", "cell_id": cell, "output": {**output, "transient": {"display_id": display}}}


def test_a_cell_waits_for_an_update_of_a_display_that_others_show_too(tmp_path: Path) -> None:
    """A display that two cells show is updated in both before either is given out."""
    update = {"type": "update_display", "display_id": "d", "output": {"data": {"text/plain": "new"}, "metadata": {}}}
    found = recording(tmp_path, show("a", "d"), show("b", "d"), message("m"), update)
    texts = [thing.outputs[0]["data"]["text/plain"] for kind, thing in items(_source(found)) if kind == "cell"]

    assert ["new", "new"] == texts


def test_what_is_given_out_is_let_go_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of cells, messages, commands and displays that are done, the fold holds none any more."""
    windows: list[_Window] = []
    apply = _Window.apply

    def noted(self: _Window, event: Any) -> None:
        windows.append(self)
        apply(self, event)

    monkeypatch.setattr(_Window, "apply", noted)
    events = [[show(f"c{n}", f"d{n}"), message(f"m{n}"), message(f"m{n}", "message_append", x=1)] for n in range(9)]
    assert 18 == len(whole(recording(tmp_path, *(event for some in events for event in some))))
    window = windows[0]

    assert [] == [*window.messages, *window.commands, *window.cells, *window.order, *window._latest]
    assert {} == window._displays == window._cells_of == window._displays_of


def _source(found: Recording) -> Source:
    return Source(found, ExportOptions())
