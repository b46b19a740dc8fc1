"""JupyterLab's chats in one process: shared documents (collaboration), chats that are open already, what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_events import EventLogger
from jupyterlab_chat.chat_manager import ChatManager
from jupyterlab_chat.events import CHAT_ROOM_EVENT_SCHEMA_ID
from jupyterlab_chat.models import Message, NewMessage, User
from jupyterlab_chat.ychat import YChat
from pycrdt import Map
from services import PATIENCE, Service, start

from jupyter_recorder.capture.labchat import LabChats
from jupyter_recorder.capture.labpending import Pending
from jupyter_recorder.errors import SessionNotFound
from jupyter_recorder.journal.cache import key_of
from jupyter_recorder.service.served import ServedService

CHAT = "shared"
SESSION = f"jupyterlab-chat:{CHAT}"
NOTICE = ("system", "● This chat is recorded on the server.")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what waits is kept."""
    monkeypatch.setenv("JUPYTER_RECORDER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Chats:
    """A real chat manager without a server, and what is recorded of its chats."""

    def __init__(self, folder: Path) -> None:
        self.service = Service(folder / "root")
        self.served = ServedService(self.service.core)
        self.events = EventLogger()
        self.settings: dict[str, Any] = {"event_logger": self.events, "server_root_dir": str(folder)}
        self.manager = ChatManager(
            SimpleNamespace(web_app=SimpleNamespace(settings=self.settings)), start_scanner=False
        )
        self.settings["chat_manager"] = self.manager
        self.recorded = LabChats(self.settings, self.served, str)

    def put_in(self, chat: YChat) -> None:
        """Have a shared document among the chats that are open, as collaboration does."""
        self.settings["chats_by_id"][CHAT] = chat

    def tell(self, action: str) -> None:
        """Say what happened to the chat, as its manager does."""
        data = {"path": "talk.chat", "action": action, "chat_id": CHAT}
        self.events.emit(schema_id=CHAT_ROOM_EVENT_SCHEMA_ID, data=data)

    async def texts(self, session_id: str = SESSION) -> list[tuple[str, str]]:
        """Return role and text of each message that is recorded."""
        try:
            view = await self.served.session(session_id)
        except SessionNotFound:
            return []
        return [(message["role"], message["content"]) for message in view["messages"]]

    async def has(self, *texts: tuple[str, str]) -> None:
        """Wait until these messages, and no other, are recorded."""
        await eventually(self.texts, list(texts))

    async def end(self) -> None:
        """End it in order."""
        self.recorded.stop()
        await self.served.close()
        self.recorded.close()


@contextlib.asynccontextmanager
async def chats_in(folder: Path) -> AsyncIterator[Chats]:
    """Have chats until the block ends."""
    chats = Chats(folder)
    try:
        yield chats
    finally:
        await chats.end()


async def eventually(get: Callable[[], Any], value: Any) -> None:
    """Wait until something has a value."""
    found = None
    for _ in range(int(PATIENCE / 0.02)):
        if value == (found := await get()):
            return
        await asyncio.sleep(0.02)
    assert value == found


def shared(path: str | None = "talk.chat") -> YChat:
    """Return a shared document as it is once it was read: with a person and a bot."""
    chat = YChat()
    chat.initial_path = path
    chat.dirty = False
    chat.set_user(User(username="ana", name="Ana"))
    chat.set_user(User(username="bot", name="Bot", bot=True))
    return chat


def say(chat: YChat, body: str, sender: str = "ana") -> str:
    """Say something and return the message's id."""
    return str(chat.add_message(NewMessage(body=body, sender=sender)))


def change(chat: YChat, message_id: str, sender: str = "ana", *, append: bool = False, **fields: Any) -> None:
    """Change a message, or let it grow."""
    chat.update_message(Message(id=message_id, time=chat.get_message(message_id).time, sender=sender, **fields), append)


def test_a_shared_chat_is_recorded(tmp_path: Path) -> None:
    """With collaboration: what was said before, what comes, grows, is changed, taken back; after the stop nothing."""

    async def record() -> None:
        async with chats_in(tmp_path) as chats:
            chat = shared()
            say(chat, "before")
            chats.put_in(chat)
            assert chats.recorded.record_all()
            await chats.has(("user", "before"), NOTICE)
            mistake = say(chat, "a mistake")
            await chats.has(("user", "before"), NOTICE, ("user", "a mistake"))
            change(chat, mistake, body="no mistake")
            answer = say(chat, "", "bot")
            for number in range(20):
                change(chat, answer, "bot", append=True, body=f"token{number} ")
                await asyncio.sleep(0.005)
            whole = "".join(f"token{number} " for number in range(20))
            await chats.has(("user", "before"), NOTICE, ("user", "no mistake"), ("assistant", whole))
            change(chat, mistake, body="", deleted=True)
            await chats.has(("user", "before"), NOTICE, ("assistant", whole))
            kinds = [line["type"] for line in chats.service.lines(SESSION)]
            assert 1 <= kinds.count("message_append") < 20  # tokens share lines
            assert 1 == kinds.count("message_delete")
            chats.recorded.stop()
            say(chat, "after the stop")
            await chats.served.answer([{"type": "session_update", "session_id": SESSION, "title": "after"}], by=None)
            assert ("user", "after the stop") not in await chats.texts()

    asyncio.run(record())


def test_deltas_a_tenth_of_a_second_apart_stay_apart(tmp_path: Path) -> None:
    """Also when the loop was held meanwhile, so that what waited could not be handed on in time."""

    async def record() -> None:
        async with chats_in(tmp_path) as chats:
            chat = shared()
            chats.put_in(chat)
            chats.recorded.record_all()
            await chats.has(NOTICE)
            answer = say(chat, "", "bot")
            for token in ("one ", "two "):
                change(chat, answer, "bot", append=True, body=token)
            time.sleep(0.1)
            change(chat, answer, "bot", append=True, body="three")
            await chats.has(NOTICE, ("assistant", "one two three"))
            deltas = [line.get("content_delta") for line in chats.service.lines(SESSION)]
            assert "three" == deltas[-1]

    asyncio.run(record())


def test_what_changes_beside_the_text_is_seen(tmp_path: Path) -> None:
    """Texts that grow are taken from what changed, not read anew: another change, and another place, are not missed."""

    async def record() -> None:
        async with chats_in(tmp_path) as chats:
            chat = shared()
            chats.put_in(chat)
            chats.recorded.record_all()
            await chats.has(NOTICE)
            first, second = say(chat, "", "bot"), say(chat, "", "bot")
            for word in ("a ", "b ", "c "):
                change(chat, first, "bot", append=True, body=f"first {word}")
                change(chat, second, "bot", append=True, body=f"second {word}")
            with chat._ydoc.transaction():
                chat.ymessages.insert(
                    0, Map({"id": "zero", "body": "zero", "sender": "ana", "time": 0.0, "raw_time": False})
                )
                chat.ymessages[len(chat.ymessages) - 1]["body"] += "and more"
            chat.ymessages[len(chat.ymessages) - 2]["body"] += "d"  # where the second one was
            with chat._ydoc.transaction():
                chat.ymessages[len(chat.ymessages) - 2]["deleted"] = True
                chat.ymessages[len(chat.ymessages) - 1]["body"] += ", and more"
            change(chat, second, "bot", append=True, body="!")
            whole = "second a second b second c and more, and more!"
            await eventually(chats.texts, [NOTICE, ("assistant", whole), ("user", "zero")])
            lines = [line for line in chats.service.lines(SESSION) if line.get("message_id") == first]
            assert "first a first b first c d" == "".join(line.get("content_delta", "") for line in lines)
            assert ["message_add", "message_delete"] == [lines[0]["type"], lines[-1]["type"]]

    asyncio.run(record())


def test_a_message_that_is_put_between_others_is_recorded_once(tmp_path: Path) -> None:
    """A shared chat moves a message to where its time belongs: what is moved is no new message."""

    async def record() -> None:
        async with chats_in(tmp_path) as chats:
            chat = shared()
            chats.put_in(chat)
            chats.recorded.record_all()
            await chats.has(NOTICE)
            say(chat, "one")
            say(chat, "two")
            with chat._ydoc.transaction():
                chat.ymessages.insert(0, chat.ymessages.pop(len(chat.ymessages) - 1))
            say(chat, "three")
            await eventually(chats.texts, [NOTICE, *(("user", text) for text in ("one", "two", "three"))])
            assert 4 == [line["type"] for line in chats.service.lines(SESSION)].count("message_add")

    asyncio.run(record())


def test_a_document_that_is_opened_again_goes_on(tmp_path: Path) -> None:
    """Another document of the same chat takes the place of the first, which is heard no more; told twice is once."""

    async def record() -> None:
        async with chats_in(tmp_path) as chats:
            old, new = shared(), shared()
            chats.put_in(old)
            chats.recorded.record_all()
            await chats.has(NOTICE)
            say(old, "one")
            await chats.has(NOTICE, ("user", "one"))
            new.set(old.get())
            chats.put_in(new)
            chats.tell("opened")
            chats.tell("opened")
            say(new, "two")
            await chats.has(NOTICE, ("user", "one"), ("user", "two"))
            say(old, "to nobody")
            say(new, "three")
            await chats.has(NOTICE, ("user", "one"), ("user", "two"), ("user", "three"))
            chats.tell("closed")
            await eventually(lambda: asyncio.to_thread(lambda: chats.service.manifest(SESSION)["state"]), "completed")

    asyncio.run(record())


def test_a_chat_that_is_closed_at_once_is_recorded(tmp_path: Path) -> None:
    """Before its recording has begun: what it has is recorded, and its session ends."""

    async def record() -> None:
        async with chats_in(tmp_path) as chats:
            chat = shared()
            say(chat, "before")
            chats.put_in(chat)
            chats.recorded.record_all()
            chats.tell("closed")
            await chats.has(("user", "before"))
            await eventually(lambda: asyncio.to_thread(lambda: chats.service.manifest(SESSION)["state"]), "completed")
            say(chat, "to nobody")
            await chats.has(("user", "before"))

    asyncio.run(record())


def test_a_chat_that_was_open_before_is_recorded(tmp_path: Path) -> None:
    """A chat without collaboration, opened before the recorder began: all of it, with the role of who speaks."""

    async def record() -> None:
        async with chats_in(tmp_path) as chats:
            model = chats.manager.ws_open("talk.chat")
            model.set_user(User(username="bot", name="Bot", bot=True))
            model.add_message(NewMessage(body="early", sender="ana"))
            chats.recorded.record_all()
            session_id = f"jupyterlab-chat:{model.get_id()}"
            await eventually(lambda: chats.texts(session_id), [("user", "early"), NOTICE])
            model.add_message(NewMessage(body="late", sender="bot"))
            await eventually(lambda: chats.texts(session_id), [("user", "early"), NOTICE, ("assistant", "late")])

    asyncio.run(record())


def test_a_chat_that_another_process_records_is_recorded_when_that_is_done(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is refused is told in the log, and looked at again until it is recorded: nothing is missing."""

    async def record() -> None:
        async with chats_in(tmp_path) as chats:
            other = Service(tmp_path / "root")
            await asyncio.to_thread(other.ack, start(SESSION))
            chat = shared()
            chats.put_in(chat)
            chats.recorded.record_all()
            say(chat, "meanwhile")
            await eventually(lambda: asyncio.sleep(0, "recording_in_progress" in caplog.text), True)
            assert await asyncio.to_thread(other.core.close)
            await chats.has(("user", "meanwhile"), NOTICE)
            assert 1 == sum("recorded on the server" in message.body for message in chat.get_messages())

    asyncio.run(record())


def test_a_chat_that_cannot_be_recorded_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A document that nobody knows the path of: it is told in the log, and the chat takes messages as ever."""

    async def record() -> None:
        async with chats_in(tmp_path) as chats:
            chat = shared(path=None)
            chats.put_in(chat)
            chats.recorded.record_all()
            await eventually(lambda: asyncio.sleep(0, f"{SESSION} can't be recorded" in caplog.text), True)
            message_id = say(chat, "still here")
            assert "still here" == chat.get_message(message_id).body
            chats.tell("closed")
            await asyncio.sleep(0)
            assert [] == await chats.texts()

    asyncio.run(record())


def test_what_was_left_comes_before_what_the_chat_has(tmp_path: Path, cache: Path) -> None:
    """A chat that is open when the recorder begins, and of which a killed server left something: nothing is doubled."""

    async def record() -> None:
        async with chats_in(tmp_path) as chats:
            chat = shared()
            message_id = say(chat, "one two three")
            chats.put_in(chat)
            left = Pending(cache, key_of(chats.service.library.root))
            told = {"type": "message_add", "session_id": SESSION, "message_id": message_id, "role": "user"}
            left.add({**told, "content": "one "}, None)
            assert left.grow(left.number(), SESSION, message_id, None, "two ")
            left.close()
            chats.recorded.record_all()
            await chats.has(("user", "one two three"), NOTICE)
            lines = [line for line in chats.service.lines(SESSION) if line.get("message_id") == message_id]
            assert ["one ", "two ", "three"] == [line.get("content", line.get("content_delta")) for line in lines]

    asyncio.run(record())


def test_without_chats_there_is_nothing_to_record(tmp_path: Path) -> None:
    """Where jupyterlab-chat is not there, the answer is no, and stopping does no harm."""

    async def record() -> None:
        service = Service(tmp_path)
        chats = LabChats({}, ServedService(service.core), str)
        assert not chats.record_all()
        chats.stop()
        await asyncio.to_thread(service.core.close)

    asyncio.run(record())
