"""A chat and cells as `play` prints them: what came, when, and nothing that a terminal would obey."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_recorder.cli.transcript import Transcript

START = 1_795_216_501_000


def printed(*events: dict[str, object], track: str | None = None) -> str:
    """Return what is printed of the events."""
    shown = Transcript(START, track).events({"at": START, **event} for event in events)
    return "".join(event.data for event in shown if event.code == "o")


def add(message_id: str, content: object, role: str = "user", **more: object) -> dict[str, object]:
    return {"type": "message_add", "message_id": message_id, "role": role, "content": content, **more}


def append(message_id: str, text: str) -> dict[str, object]:
    return {"type": "message_append", "message_id": message_id, "content_delta": text}


def update(message_id: str, content: str) -> dict[str, object]:
    return {"type": "message_update", "message_id": message_id, "content": content, "is_complete": True}


def output(text: str, cell_id: str = "c1") -> dict[str, object]:
    return {"type": "output", "cell_id": cell_id, "output": {"output_type": "stream", "name": "stdout", "text": text}}


@pytest.mark.parametrize(
    ("events", "shown"),
    [
        ([add("m1", "hi", by="ana")], "ana:\n  hi\n"),
        ([add("m1", "", "assistant", model="m-1"), append("m1", "a"), append("m1", "b")], "assistant (m-1):\n  ab\n"),
        ([add("m1", "a"), add("m2", "b", "bot"), append("m1", "c")], "user:\n  a\n\nbot:\n  b\n\nuser goes on:\n  c\n"),
        ([add("m1", "a"), update("m1", "ab"), update("m1", "ab")], "user:\n  ab\n"),
        ([add("m1", "a"), update("m1", "new")], "user:\n  a\n\nuser changed it to:\n  new\n"),
        ([add("m1", "a"), {"type": "message_delete", "message_id": "m1"}],
         "user:\n  a\n\n[user took a message back]\n"),
        ([{"type": "message_delete", "message_id": "m1"}], "[someone took a message back]\n"),
        ([{"type": "session_snapshot", "messages": [add("m1", "a"), 7, add("m2", "b")]}], "user:\n  a\n\nuser:\n  b\n"),
        ([{"type": "cell_start", "cell_id": "c1", "execution_count": 3, "source": "a\nb"}, output("x\n")],
         "In [3]: a\n        b\nx\n"),
        ([output("10%\r"), output("20%"), output("y", "c2")], "a cell goes on\n10%\r20%\n\na cell goes on\ny\n"),
        ([add("m1", "a\n\nbot:\r\nb\n"), append("m1", "c")], "user:\n  a\n  \n  bot:\n  b\n  c\n"),
        ([{"type": "marker", "label": "one\ntwo"}, {"type": "gap", "reason": "disk_full"}],
         "--- marker: one two\n\n--- gap: disk_full\n"),
        ([{"type": "terminal_start", "track": "terminal", "command": "make"}],
         "[terminal: make; --track terminal plays it]\n"),
    ],
)  # fmt: skip
def test_what_came_is_printed(events: list[dict[str, object]], shown: str) -> None:
    """Speakers, what goes on, what changes, cells with their prints, chapters and gaps."""
    assert shown == printed(*events)


def test_outputs_are_shown_as_text() -> None:
    """A traceback and a table are printed without their colours; what has no text is named."""
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mE\x1b[0m: v"]}
    rich = {"output_type": "display_data", "data": {"image/png": "AAAA"}, "metadata": {}}
    events = [{"type": "output", "cell_id": "c1", "output": shown} for shown in (error, rich, "no output")]

    assert "a cell goes on\nx\nE: v\n[image/png]\n" == printed(output("x"), *events)


def test_a_track_is_shown_alone() -> None:
    """`chat` leaves the cells out, `cells` the chat; chapters stand in both."""
    events = [add("m1", "said"), output("ran"), {"type": "marker", "label": "here"}]

    assert "user:\n  said\n\n--- marker: here\n" == printed(*events, track="chat")
    assert "a cell goes on\nran\n\n--- marker: here\n" == printed(*events, track="cells")


def test_everything_comes_at_its_time() -> None:
    """Seconds since the start, never backwards whatever a clock did, and a marker to halt at."""
    events = [
        {**add("m1", "a"), "at": START + 1500},
        {**add("m2", "b"), "at": START + 500},
        {"type": "marker", "label": "x", "at": START + 9000},
        {**add("m3", "c"), "at": "never"},
    ]
    shown = list(Transcript(START).events(events))

    assert [(1.5, "o"), (1.5, "o"), (9.0, "o"), (9.0, "m"), (9.0, "o"), (9.0, "o")] == [
        (event.time, event.code) for event in shown
    ]


HOSTILE = st.text(st.sampled_from("\x1b\x9b\x07\x08\r\n\0[]0;52c?hm\u202ex\x85\x7f")) | st.text()


@given(HOSTILE, HOSTILE, st.sampled_from([None, "chat", "cells"]))
def test_nothing_recorded_is_obeyed_by_a_terminal(text: str, more: str, track: str | None) -> None:
    """No escape, control or direction mark of what was recorded is printed, wherever it stood and however it is cut."""
    events = [
        add("m1", text, by=more, model=text), append("m1", more), update("m1", more + text),
        {"type": "cell_start", "cell_id": text, "execution_count": text, "source": text}, output(text), output(more),
        {"type": "output", "cell_id": "c", "output": {"output_type": "error", "ename": text, "evalue": more}},
        {"type": "output", "cell_id": "c", "output": {"output_type": "x", "data": {text: more, "text/plain": more}}},
        {"type": "marker", "label": text}, {"type": "note", "text": text}, {"type": "gap", "reason": text},
        {"type": "terminal_start", "track": text, "command": more}, {"type": "message_delete", "message_id": "m1"},
    ]  # fmt: skip
    shown = printed(*events, track=track)

    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)
