"""What recording a chat of JupyterLab's costs: 500 tokens into a chat of 1,000 messages of 1 kB, in both of its modes.

Beside jupyterlab-chat's own store in the same run. Loop time is processor time of the loop's thread, so that what else
the machine does is not counted.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
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

TOKENS, STORED, PAUSE_SECONDS, MESSAGES = 500, 50, 0.005, 1_000
ROUNDS = 3  # what the loop needs anyway differs as much from run to run as what is measured
WORDS = ["the ", "walrus ", "counted ", "ice ", "floes, "]


class Cost(NamedTuple):
    """Seconds of the loop a token, and bytes written a byte of text."""

    seconds: float
    amplification: float


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


async def stream(chat: Any, tokens: int = TOKENS) -> tuple[float, int]:
    """Stream tokens; return the loop's processor seconds, and the text's bytes."""
    message_id = chat.add_message(NewMessage(body="", sender="bot"))
    begin, size = time.thread_time(), 0
    for number in range(tokens):
        token = WORDS[number % len(WORDS)]
        size += len(token)
        chat.update_message(Message(id=message_id, body=token, time=0.0, sender="bot"), append=True)
        await asyncio.sleep(PAUSE_SECONDS)
    return time.thread_time() - begin, size


async def theirs(folder: Path) -> Cost:
    """Cost of jupyterlab-chat's store, less than that of the loop and the pauses by themselves."""
    chat = filled(folder)
    idle, _ = await stream(chat, STORED)
    chat.stores = True
    seconds, size = await stream(chat, STORED)
    # Each token stores the whole chat, and longer answers only make it more.
    return Cost((seconds - idle) / STORED, chat.stored_bytes / size)


async def ours(folder: Path, opened: Callable[[Path], Any]) -> Cost:
    """Cost of recording a chat of either mode, likewise."""
    folder.mkdir()
    service = ServedService(RecordingService(ServiceConfig(), Library(folder / "root")))
    chat = opened(folder)
    idle, _ = await stream(chat)
    kept = CountingFiles()
    pending = Pending(folder / "cache", "bench", kept)
    recorded = RecordedChat(chat, "bench", service, str, pending)
    recorded.attach()
    while not recorded._ready:
        await asyncio.sleep(0.01)
    await service.status()
    before = await journal_bytes(service, folder) + kept.written
    seconds, size = await stream(chat)
    recorded.detach()
    after = await journal_bytes(service, folder) + kept.written
    await service.close()
    pending.close()
    return Cost((seconds - idle) / TOKENS, (after - before) / size)


def median(folder: Path, opened: Callable[[Path], Any]) -> Cost:
    """Return the medians of some rounds."""
    rounds = [asyncio.run(ours(folder.with_name(f"{folder.name}-{number}"), opened)) for number in range(ROUNDS)]
    return Cost(*(statistics.median(values) for values in zip(*rounds, strict=True)))


async def journal_bytes(service: ServedService, folder: Path) -> int:
    """Return how long the journal is when all that was heard is in it."""
    answers: Any = await service.answer([{"type": "session_update", "session_id": "jupyterlab-chat:bench"}], by=None)
    assert "ack" in str(answers[0]).lower()
    return sum(path.stat().st_size for path in (folder / "root").glob("*/session*.ndjson"))


def test_chat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recording takes at most 5 times the text's bytes, and 0.2 ms of the loop a token where the store takes 8.5."""
    (tmp_path / "theirs").mkdir()
    store = asyncio.run(theirs(tmp_path / "theirs"))
    found = {
        "recorded": median(tmp_path / "ours", filled),
        "recorded, shared": median(tmp_path / "shared", shared),
    }
    with capsys.disabled():
        for name, cost in {"jupyterlab-chat's store": store, **found}.items():
            print(
                f"\nchat: {name}: {cost.seconds * 1000:.3f} ms a token, {cost.amplification:,.1f} bytes a byte of text"
            )
    for cost in found.values():
        assert 5.0 >= cost.amplification
        assert store.seconds * 0.2 / 8.5 >= cost.seconds
