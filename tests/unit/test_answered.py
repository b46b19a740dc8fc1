"""What was answered is let go of: a server that refuses events for weeks holds no more than before."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_recorder.library.library import Library
from jupyter_recorder.protocol import Ack, Answer
from jupyter_recorder.service import RecordingService

MANY = 200
SESSION = {"session_id": "s"}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[RecordingService]:
    """A service over an empty root, closed at the end."""
    service = RecordingService(library=Library(tmp_path / "recordings"))
    yield service
    assert service.close()


def send(core: RecordingService, events: list[Any]) -> list[Answer]:
    """Send events and return their answers."""
    answers: list[Answer] = []
    done = threading.Event()
    core.submit(events, lambda found: (answers.extend(found), done.set()), by="ada")
    assert done.wait(60)
    return answers


def numbered(number: int, **fields: Any) -> dict[str, Any]:
    """Return an event of a producer."""
    return {**SESSION, "producer": "p", "producer_seq": number, **fields}


def said(message_id: str, content: str = "hello", **fields: Any) -> dict[str, Any]:
    """Return an event that adds a message."""
    return {**SESSION, "type": "message_add", "message_id": message_id, "role": "user", "content": content, **fields}


def grown(message_id: str) -> dict[str, Any]:
    """Return what an event that a message grows by says, but for its session."""
    return {"type": "message_append", "message_id": message_id, "content_delta": "more"}


REFUSED = {
    "no object": lambda _: 7,
    "no type of the protocol": lambda _: {**SESSION, "type": "nosuch"},
    "a field is missing": lambda _: {**SESSION, "type": "message_add"},
    "its number is used up by that": lambda number: numbered(number, type="message_add"),
    "its number was used up": lambda _: numbered(1, type="message_add"),
    "a number is missing": lambda number: numbered(1_000_000 + number, **said(f"n{number}")),
    "another one had its id": lambda number: said(f"n{number}", event_id="taken"),
    "no message": lambda number: {**SESSION, **grown(f"n{number}")},
    "no session": lambda number: {"session_id": f"t{number}", **grown("m")},
    "no session, and no event": lambda number: {**numbered(number, type="message_add"), "session_id": f"t{number}"},
    "too large": lambda number: said(f"n{number}", content=f"{number}" * 6_000_000),
}


@pytest.mark.parametrize("why", REFUSED)
def test_nothing_is_left_of_a_refused_event(core: RecordingService, why: str) -> None:
    """No error stays, with the calls it went through and all that they held."""
    begin = [{**SESSION, "type": "session_start", "provider": "test"}]
    assert [Ack, Ack] == [type(answer) for answer in send(core, [*begin, said("m", event_id="taken")])]
    many = MANY if why != "too large" else 2
    assert [] == [answer for answer in send(core, [REFUSED[why](1)]) if isinstance(answer, Ack)]
    gc.collect()
    before = errors()
    for first in range(2, many, many // 2):
        for answer in send(core, [REFUSED[why](number) for number in range(first, first + many // 2)]):
            assert not isinstance(answer, Ack)
    gc.collect()
    assert before == errors()


def errors() -> int:
    """Return how many errors there are."""
    return sum(isinstance(one, BaseException) for one in gc.get_objects())
