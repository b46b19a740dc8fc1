"""Events to a session: the fold, and the counts."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jupyter_recorder.events import TYPES
from jupyter_recorder.timeline import Counts, count, fold


def start(cell_id: str = "c", **more: Any) -> dict[str, Any]:
    """Return a `cell_start`."""
    return {"type": "cell_start", "at": 1, "cell_id": cell_id, "execution_count": 1, "source": "x", **more}


def stream(text: str, name: str = "stdout", cell_id: str = "c") -> dict[str, Any]:
    """Return an output of text."""
    output = {"output_type": "stream", "name": name, "text": text}
    return {"type": "output", "at": 2, "cell_id": cell_id, "output": output}


def show(text: str, display_id: str | None = None) -> dict[str, Any]:
    """Return an output of a display."""
    output: dict[str, Any] = {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}
    if display_id:
        output["transient"] = {"display_id": display_id}
    return {"type": "output", "at": 2, "cell_id": "c", "output": output}


def texts(*events: dict[str, Any]) -> list[str]:
    """Return what the first cell shows at the end of the fold."""
    outputs = fold(events).cells[0].final_outputs()
    return [output["text"] if "text" in output else output["data"]["text/plain"] for output in outputs]


def message(message_id: str = "m", content: Any = "", **more: Any) -> dict[str, Any]:
    """Return a `message_add`."""
    return {"type": "message_add", "at": 1, "message_id": message_id, "role": "user", "content": content, **more}


def test_a_streams_pieces_are_one_output() -> None:
    """Text of one stream joins; another stream's text stands apart, in order."""
    assert ["ab", "c", "d"] == texts(start(), stream("a"), stream("b"), stream("c", "stderr"), stream("d"))


def test_a_cell_that_runs_again_is_another_run() -> None:
    """Two starts of one `cell_id` are two runs, and outputs go to the latest."""
    session = fold([start(), stream("old"), start(), stream("new")])

    assert [["old"], ["new"]] == [[o["text"] for o in cell.final_outputs()] for cell in session.cells]


def test_clear_takes_what_was_shown() -> None:
    """`clear_output` empties the cell at once."""
    clear = {"type": "clear_output", "cell_id": "c", "wait": False}

    assert [] == texts(start(), stream("old"), clear)
    assert ["new"] == texts(start(), stream("old"), clear, stream("new"))


def test_clear_with_wait_takes_it_when_the_next_comes() -> None:
    """`clear_output(wait=True)` empties the cell only as the next output comes."""
    clear = {"type": "clear_output", "cell_id": "c", "wait": True}

    assert ["old"] == texts(start(), stream("old"), clear)
    assert ["new"] == texts(start(), stream("old"), clear, stream("new"))


def test_an_update_changes_every_display_of_its_id() -> None:
    """`update_display` changes all displays of the id, and no other."""
    update = {"type": "update_display", "display_id": "d", "output": {"data": {"text/plain": "new"}, "metadata": {}}}

    assert ["new", "other", "new"] == texts(start(), show("a", "d"), show("other", "e"), show("b", "d"), update)


def test_the_fold_leaves_its_events_as_they_are() -> None:
    """Folding twice gives the same session: no event is changed by it."""
    events = [start(), show("a", "d"), stream("x"), stream("y")]
    update = {"type": "update_display", "display_id": "d", "output": {"data": {"text/plain": "new"}, "metadata": {}}}

    assert fold([*events, update]).cells == fold([*events, update]).cells
    assert ["a", "xy"] == texts(*events)


def test_an_error_is_an_output_and_a_mark() -> None:
    """An error stands in its cell, and on the timeline under its name."""
    error = {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": []}
    session = fold([start(), {"type": "output", "at": 7, "cell_id": "c", "output": error}])

    assert "KeyError" == session.cells[0].outputs[0]["ename"]
    assert [(7, "error", "KeyError: 'x'")] == [(mark.at, mark.kind, mark.label) for mark in session.marks]


def test_a_cells_end_has_its_status() -> None:
    """`cell_end` gives status and time; a cell without one still runs."""
    session = fold([start(), {"type": "cell_end", "at": 9, "cell_id": "c", "status": "error"}, start("d")])

    assert [("error", 9), (None, None)] == [(cell.status, cell.ended_at) for cell in session.cells]


def test_a_message_grows_is_replaced_and_deleted() -> None:
    """Appends join, an update replaces, a delete marks."""
    events = [message(content="a"), {"type": "message_append", "message_id": "m", "content_delta": "b"}]
    assert "ab" == fold(events).messages["m"].content

    events.append({"type": "message_update", "message_id": "m", "content": "c", "is_complete": True})
    events.append({"type": "message_delete", "message_id": "m"})
    folded = fold(events).messages["m"]
    assert ("c", True) == (folded.content, folded.deleted)


def test_a_snapshot_wins_and_takes_nothing_away() -> None:
    """A snapshot's content replaces by message id, adds what is new, and leaves what it lacks."""
    snapshot = {"type": "session_snapshot", "messages": [{"message_id": "a", "role": "user", "content": "new"}]}
    snapshot["messages"].append({"message_id": "c", "role": "user", "content": "added", "created_at": 5})
    session = fold([message("a", "old"), message("b", "kept"), snapshot])

    assert {"a": "new", "b": "kept", "c": "added"} == {key: m.content for key, m in session.messages.items()}
    assert 5 == session.messages["c"].created_at


def test_the_order_is_that_of_the_events() -> None:
    """Cells, messages, terminals and marks stand on the timeline as they came."""
    terminal = {"type": "terminal_start", "track": "terminal", "file": "terminal.cast"}
    session = fold([message(), start(), {"type": "marker", "label": "x"}, terminal, {"type": "note", "text": "y"}])

    assert ["message", "cell", "mark", "terminal", "mark"] == [kind for kind, _ in session.order]


def test_a_commands_end_belongs_to_the_one_that_runs_in_its_track() -> None:
    """Commands of two terminals that overlap keep their own exit codes."""
    begin = [{"type": "command_start", "track": track, "command": track} for track in ("t", "u")]
    end = [{"type": "command_end", "track": "t", "exit_code": 3, "duration_ms": 1}]

    assert [("t", 3), ("u", None)] == [(c.command, c.exit_code) for c in fold([*begin, *end]).commands]


def test_counts_tell_what_is_held() -> None:
    """Each kind of content is counted, an error as output and error."""
    error = {"type": "output", "cell_id": "c", "output": {"output_type": "error"}}
    counts = count([start(), stream("a"), error, message(), {"type": "marker"}, {"type": "gap"}])

    assert (6, 1, 2, 1, 1, 1, 1) == (
        counts.events, counts.cells, counts.outputs, counts.errors, counts.messages, counts.markers, counts.gaps
    )  # fmt: skip
    assert 5 == counts.content


def test_a_gap_alone_is_no_content() -> None:
    """A recording that holds gaps and terminal starts alone is empty but for its terminals' text."""
    assert 0 == count([{"type": "gap"}, {"type": "terminal_start"}, {"type": "resume"}]).content


def test_counts_survive_the_manifest() -> None:
    """What `as_dict` gives makes the same counts again."""
    counts = count([start(), stream("a"), message()])

    assert counts == Counts(**counts.as_dict())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(
    [
        "at",
        "cell_id",
        "output",
        "source",
        "message_id",
        "content",
        "metadata",
        "messages",
        "track",
        "display_id",
        "text",
    ]
)
outputs = st.fixed_dictionaries({"output_type": st.sampled_from(["stream", "error", "display_data"])}).flatmap(
    lambda output: st.dictionaries(st.sampled_from(["text", "name", "data", "transient"]), json_values).map(
        lambda more: {**output, **more}
    )
)


@given(st.lists(st.builds(
    lambda kind, fields, output: {"type": kind, "cell_id": "c", "message_id": "m", **fields, **output},
    st.sampled_from([*TYPES, "unknown"]),
    st.dictionaries(keys, json_values, max_size=4),
    st.just({}) | st.builds(lambda output: {"cell_id": "c", "output": output}, outputs),
), max_size=12))  # fmt: skip
def test_no_journal_breaks_the_fold(events: list[dict[str, Any]]) -> None:
    """Whatever JSON a damaged or foreign journal holds, fold and counts answer, and the cells can be shown."""
    session = fold(events)
    count(events)

    for cell in session.cells:
        cell.final_outputs()
    assert session.last_at >= 0
