"""The vocabulary: what an event must have, and what it may."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

import jupyter_recorder.events as vocabulary
from jupyter_recorder.errors import InvalidEvent
from jupyter_recorder.events import ALL, TYPES, check

GOOD: dict[str, dict[str, Any]] = {
    "session_start": {"session_id": "s", "provider": "p"},
    "session_update": {"session_id": "s", "title": "t"},
    "session_snapshot": {"session_id": "s", "provider": "p", "messages": [{"message_id": "m"}]},
    "session_end": {"session_id": "s", "final_message_count": 3},
    "message_add": {"message_id": "m", "role": "user", "content": "hello"},
    "message_update": {"message_id": "m", "content": "x", "is_complete": True},
    "message_append": {"message_id": "m", "content_delta": "x", "offset": 3},
    "message_delete": {"message_id": "m"},
    "cell_start": {"cell_id": "c", "execution_count": None, "source": "x"},
    "output": {"cell_id": "c", "output": {"output_type": "stream"}},
    "clear_output": {"cell_id": "c", "wait": True},
    "update_display": {"display_id": "d", "output": {}},
    "cell_end": {"cell_id": "c", "status": "ok", "duration_ms": 1},
    "terminal_start": {"track": "terminal", "file": "terminal.cast", "cols": 80, "rows": 24},
    "terminal_end": {"track": "terminal"},
    "command_start": {"track": "terminal", "command": "ls"},
    "command_end": {"track": "terminal", "exit_code": None, "duration_ms": 1},
    "marker": {"label": "x"},
    "note": {"text": "x"},
    "gap": {"reason": "x"},
    "resume": {"writer": {}},
    "clock": {"wall_ms": 1},
    "refused": {"code": "invalid_event"},
}


def test_every_type_has_an_example_here() -> None:
    """The vocabulary is the types that this file shows, no more and no fewer."""
    assert set(GOOD) == set(TYPES)


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_good_event_passes(kind: str) -> None:
    """An event with the fields that its type needs is recorded."""
    check({"type": kind, **GOOD[kind]})


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_each_field_that_is_needed_is_missed(kind: str) -> None:
    """Without a field that its type needs an event is refused, and the message names the field."""
    for field in msgspec.structs.fields(TYPES[kind]):
        if field.required:
            event = {"type": kind, **{key: value for key, value in GOOD[kind].items() if key != field.name}}
            with pytest.raises(InvalidEvent, match=f"{kind}: .*{field.name}"):
                check(event)


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_fields_that_are_not_known_are_kept(kind: str) -> None:
    """A field of a later version does no harm."""
    check({"type": kind, **GOOD[kind], "of_tomorrow": [1]})


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "of_tomorrow"},
        {"type": None},
        {"type": "marker", "label": 7},
        {"type": "marker", "label": None},
        {"type": "cell_end", "cell_id": "c", "status": "ok", "duration_ms": True},
        {"type": "cell_end", "cell_id": "c", "status": "ok", "duration_ms": 1.5},
        {"type": "output", "cell_id": "c", "output": "text"},
        {"type": "clear_output", "cell_id": "c", "wait": "yes"},
    ],
)
def test_a_wrong_event_is_refused(event: dict[str, Any]) -> None:
    """An unknown type, or a field of another type, is `InvalidEvent`."""
    with pytest.raises(InvalidEvent):
        check(event)


def test_a_type_that_cannot_be_looked_up_is_refused() -> None:
    """A type that is a list is `InvalidEvent` too, not a crash."""
    with pytest.raises(InvalidEvent):
        check({"type": ["marker"]})


def test_a_payload_may_stand_in_a_blob() -> None:
    """Text that is large may be a reference."""
    check({"type": "message_add", "message_id": "m", "role": "user", "content": {"blob": "0" * 64, "size": 1}})


def test_all_structs_are_in_the_vocabulary() -> None:
    """A struct that is written is in `ALL`, under the snake_case of its name."""
    structs = [
        thing
        for thing in vars(vocabulary).values()
        if isinstance(thing, type) and issubclass(thing, vocabulary.Event) and thing is not vocabulary.Event
    ]
    assert set(structs) == set(ALL)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)?", kind) for kind in TYPES)
