"""What recording a chat of JupyterLab's costs: 2,400 tokens into a chat of 1,000 messages of 1 kB, in both its modes.

Beside jupyterlab-chat's own store in the same run. Loop time is processor time of the loop's thread, so that what else
the machine does is not counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jupyterlab_chat.models import Message, NewMessage
from jupyterlab_chat.websocket_model import WsChatModel
from jupyterlab_chat.ychat import YChat
from pycrdt import Map

from jupyter_recorder.capture.labchat import RecordedChat
from jupyter_recorder.capture.labpending import Pending
from jupyter_recorder.files import Files
from jupyter_recorder.library.library import Library
from jupyter_recorder.service import RecordingService, ServiceConfig
from jupyter_recorder.service.served import ServedService

PAUSE_SECONDS, MESSAGES = 0.005, 1_000
# A machine is not as fast in one second as in the next, by more than what is measured: so one chat is recorded in every
# other turn, another stores itself in between, and the medians of what they take more count. It is the same chat, since
# where the parts of a document lie makes it up to twice as slow as another.
TURNS, TOKENS, STORED = 12, 100, 10
# The quietest round counts, so no more are made once one is quick enough.
ROUNDS = 3
SETTLED_SECONDS = 0.15  # nothing waits for longer for company in a line
# A processor that slept between two tokens takes ten times as long for a system's call when it wakes in a virtual
# machine, and that would be measured: what runs only when nothing else does keeps each awake.
AWAKE = """
import os
parent = os.getppid()
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while parent == os.getppid():
    for _ in range(100_000):
        pass
"""
WORDS = ["the ", "walrus ", "counted ", "ice ", "floes, "]


class Cost(NamedTuple):
    """Seconds of the loop a token, and bytes written a byte of text."""

    seconds: float
    amplification: float


class Costs(NamedTuple):
    """What recording a chat takes, what jupyterlab-chat's own store does, and what a chat takes that does neither."""

    recorded: Cost
    stored: Cost
    bare: Cost


class Chat(WsChatModel):
    """A chat that can be kept from storing itself, and counts what it stores."""

    stores = True
    stored_bytes = 0

    def save(self) -> None:
        """Write the file, as ever."""
        if self.stores:
            super().save()
            self.stored_bytes += (self.root_dir / self.path).stat().st_size


class CountingFiles(Files):
    """Counts what is written, also what is let go of again."""

    written = 0

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write, as ever."""
        count = super().write(fd, data)
        self.written += count
        return count


def said() -> list[dict[str, Any]]:
    """Return the messages of a long chat."""
    told = {"body": "x" * 1000, "sender": "ana", "type": "msg", "raw_time": False}
    return [{**told, "id": f"m{number}", "time": float(number)} for number in range(MESSAGES)]


def filled(folder: Path) -> Chat:
    """Return a chat with its messages, which does not store itself."""
    chat = Chat("talk.chat", folder)
    chat.load_from_file()
    for number, message in enumerate(said()):
        chat._messages.append(message)
        chat._indexes_by_id[message["id"]] = number  # type: ignore[index]
    chat.stores = False
    return chat


def shared(folder: Path) -> YChat:
    """Return the same as a document that is shared, which nobody stores here."""
    chat = YChat()
    chat.initial_path = "talk.chat"
    with chat._ydoc.transaction():
        chat.ymessages.extend([Map(message) for message in said()])
    chat.dirty = False
    return chat


MODES = {"by WebSocket": filled, "shared": shared}


async def stream(chat: Any, message_id: str, tokens: int = TOKENS) -> tuple[float, int]:
    """Stream tokens into a message; return the loop's processor seconds, and the text's bytes."""
    begin, size = time.thread_time(), 0
    for number in range(tokens):
        token = WORDS[number % len(WORDS)]
        size += len(token)
        chat.update_message(Message(id=message_id, body=token, time=0.0, sender="bot"), append=True)
        await asyncio.sleep(PAUSE_SECONDS)
    await asyncio.sleep(SETTLED_SECONDS)
    return time.thread_time() - begin, size


@contextlib.contextmanager
def awake() -> Iterator[None]:
    """Keep each processor from going to sleep; what does that ends with this process, too."""
    count = len(os.sched_getaffinity(0))
    keepers = [subprocess.Popen([sys.executable, "-c", AWAKE]) for _ in range(count)]
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.kill()
            keeper.wait()


def begun(chat: Any) -> str:
    """Begin an answer; return its id."""
    return str(chat.add_message(NewMessage(body="", sender="bot")))


async def costs(folder: Path, opened: Callable[[Path], Any]) -> Costs:
    """Stream into a chat that is recorded in every other turn, and into one that stores itself."""
    for name in ("chat", "store"):
        (folder / name).mkdir(parents=True)
    service = ServedService(RecordingService(ServiceConfig(), Library(folder / "root")))
    chat, storing = opened(folder / "chat"), filled(folder / "store")
    kept = CountingFiles()
    pending = Pending(folder / "cache", "bench", kept)
    (await recorded(chat, service, pending)).detach()  # it has said in the chat that it records
    answer, stored = begun(chat), begun(storing)
    turns = []
    for _ in range(TURNS):
        idle, _ = await stream(chat, answer)
        recording = await recorded(chat, service, pending)
        before = await journal_bytes(service, folder) + kept.written
        taken, size = await stream(chat, answer)
        written = await journal_bytes(service, folder) + kept.written - before
        recording.detach()
        storing.stores, storing.stored_bytes = True, 0
        own, own_size = await stream(storing, stored, STORED)
        storing.stores = False
        # Each token stores the whole chat, and longer answers only make it more.
        stores = Cost(own / STORED - idle / TOKENS, storing.stored_bytes / own_size)
        turns.append(Costs(Cost((taken - idle) / TOKENS, written / size), stores, Cost(idle / TOKENS, 0.0)))
    await service.close()
    pending.close()
    return Costs(*map(median, zip(*turns, strict=True)))


async def recorded(chat: Any, service: ServedService, pending: Pending) -> RecordedChat:
    """Record a chat from now on, all that was said before included."""
    recording = RecordedChat(chat, "bench", service, str, pending)
    recording.attach()
    while not recording._ready:
        await asyncio.sleep(0.01)  # a chat tells nobody when it has caught up
    await service.status()
    return recording


def median(turns: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(*map(statistics.median, zip(*turns, strict=True)))


async def journal_bytes(service: ServedService, folder: Path) -> int:
    """Return how long the journal is when all that was heard is in it."""
    answers: Any = await service.answer([{"type": "session_update", "session_id": "jupyterlab-chat:bench"}], by=None)
    assert "ack" in str(answers[0]).lower()
    return sum(path.stat().st_size for path in (folder / "root").glob("*/session*.ndjson"))


@pytest.mark.timeout(400)
def test_chat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recording takes at most 5 times the text's bytes, and 0.2 ms of the loop a token where the store takes 8.5."""
    for mode, opened in MODES.items():
        for number in range(ROUNDS):
            with awake():
                found = asyncio.run(costs(tmp_path / f"{mode} {number}", opened))
            with capsys.disabled():
                for what, cost in found._asdict().items():
                    told = f"{cost.seconds * 1000:.3f} ms a token, {cost.amplification:,.1f} bytes a byte of text"
                    print(f"\nchat: {mode}: {what}: {told}")
            assert 5.0 >= found.recorded.amplification
            if is_quick := found.stored.seconds * 0.2 / 8.5 >= found.recorded.seconds:
                break
        assert is_quick, found
