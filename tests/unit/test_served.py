"""The service on a server's loop: what is handed in when, and whose answers come with whose."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from jupyter_recorder.library.library import Library
from jupyter_recorder.protocol import Ack, Answer
from jupyter_recorder.service import RecordingService
from jupyter_recorder.service.served import LoopCalls, ServedService
from jupyter_recorder.service.service import Batch


class Counted(RecordingService):
    """Says how many batches were handed in at a time."""

    def __init__(self, library: Library) -> None:
        super().__init__(library=library)
        self.handed_in: list[int] = []

    def submit_all(self, batches: Sequence[Batch]) -> None:
        """Count them."""
        self.handed_in.append(len(batches))
        super().submit_all(batches)


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Counted]:
    """A service over an empty root, closed at the end."""
    service = Counted(Library(tmp_path / "recordings"))
    yield service
    assert service.close()


def message(number: int) -> dict[str, Any]:
    """Return an event with one producer's number; the first begins the session."""
    event = {"session_id": "s", "producer": "p", "producer_seq": number}
    if number == 1:
        return {**event, "type": "session_start", "provider": "test"}
    return {**event, "type": "message_add", "message_id": f"m{number}", "role": "user", "content": "hello"}


def test_what_comes_alone_is_handed_in_at_once(core: Counted) -> None:
    """It waits for no other; what comes while it is under way goes together, and each has its own answer."""
    asyncio.run(send_alone_and_together(core))


async def send_alone_and_together(core: Counted) -> None:
    """Send one event, three in one turn of the loop, and one."""
    service = ServedService(core)
    found: dict[int, list[Answer]] = {}
    all_there = asyncio.Event()

    def send(number: int) -> None:
        def done(answers: list[Answer]) -> None:
            found[number] = answers
            if len(found) == 4:
                all_there.set()

        service.submit([message(number)], done, by=None)

    send(1)
    assert [1] == core.handed_in
    for number in (2, 3, 4):
        send(number)
    assert [1] == core.handed_in
    await asyncio.wait_for(all_there.wait(), 10)
    assert [1, 3] == core.handed_in
    assert [1, 2, 3, 4] == [answer.seq for number in sorted(found) for answer in found[number] if type(answer) is Ack]

    assert [type(answer) for answer in await service.answer([message(5)], by=None)] == [Ack]
    assert [1, 3, 1] == core.handed_in


def test_a_failing_call_keeps_nobody_waiting() -> None:
    """Calls run in their order, and what is to follow them does so once, after all of them."""
    asyncio.run(call_and_fail())


async def call_and_fail() -> None:
    """Have calls run of which one fails."""
    calls = LoopCalls(asyncio.get_running_loop())
    done: list[object] = []
    ended = asyncio.Event()

    def answer(number: int) -> None:
        if not done:
            calls.afterwards(lambda: done.append("written"))
        done.append(number)

    def end() -> None:
        calls.afterwards(ended.set)

    calls.put(lambda: answer(1))
    calls.put(lambda: 1 // 0)
    calls.put(lambda: answer(2))
    calls.put(end)
    await asyncio.wait_for(ended.wait(), 10)
    assert [1, 2, "written"] == done

    calls.afterwards(lambda: done.append("alone"))  # nothing is under way: in the next turn
    assert [1, 2, "written"] == done
    await asyncio.sleep(0)
    assert [1, 2, "written", "alone"] == done
