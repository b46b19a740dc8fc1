"""JupyterLab's chats with real-time collaboration: the real rooms, joined as browser tabs join them, and recorded."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kernels import BESIDE
from servers import Server, serving
from shared_chat import SharedChat, room_of
from talk import PATIENCE, ask, eventually
from test_labchats import every_text, messages, recorded, texts

from jupyter_recorder.timeline import fold

ON = ("jupyter_recorder", "jupyterlab_chat", "jupyter_server_ydoc", "jupyter_server_fileid", "streaming_bot")
OFF = ("jupyterlab", "notebook", "jupyter_lsp", "notebook_shim")
RECORDED = (
    f"--ServerApp.jpserver_extensions={dict.fromkeys(ON, True) | dict.fromkeys(OFF, False)}",
    "--RecorderApp.record_chats=True",
)
NOTICE = ("system", "● This chat is recorded on the server.")

pytestmark = pytest.mark.skipif(
    not (BESIDE / "jupyter_server_ydoc").is_dir(), reason="real-time collaboration is not installed: make setup"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The server's home with an empty chat; the bot and the collaboration can be imported."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), str(BESIDE)]))
    (tmp_path / "home" / "data").mkdir(parents=True)
    (tmp_path / "home" / "talk.chat").write_text("{}")
    return tmp_path / "home"


@pytest.fixture
def server(home: Path, tmp_path: Path) -> Iterator[Server]:
    """A server that records its chats."""
    with serving(home, tmp_path / "root", *RECORDED) as server:
        yield server


def stored(home: Path, text: str) -> None:
    """Wait until the chat's file holds a text."""
    eventually(lambda: text in (home / "talk.chat").read_text("utf-8"))


def rewrite(home: Path, content: bytes, chat: SharedChat, so: Callable[[], object]) -> None:
    """Change the chat's file, as another program does, until that is seen.

    A change right when the server has written the file, and looks when that was, is taken for its own.
    """
    for _ in range(5):
        (home / "talk.chat").write_bytes(content)
        with contextlib.suppress(TimeoutError):
            chat.until(so, patience=PATIENCE / 5)
            return
    raise TimeoutError("the change was not seen")


def answered(chat: SharedChat, text: str) -> None:
    """Have the bot answer, and wait until a text is shown: it hears nothing in a document that was never stored."""
    chat.until(lambda: chat.state.get("dirty") is False)
    chat.say("stream 500 0.01", "ana")
    chat.until(lambda: chat.shows(text))


def test_a_shared_chat_is_recorded(server: Server, tmp_path: Path) -> None:
    """What two people and a bot do in a shared document: messages, deltas, edits and deletions, each with its user."""
    root = tmp_path / "root"
    room, session = room_of(server, "talk.chat")
    with SharedChat(session).joined(server, room) as ana, SharedChat(session).joined(server, room) as ben:
        ana.until(lambda: ana.shows("This chat is recorded"))
        ana.user("ana")
        grown = ana.say("one", "ana")
        for word in ("two", "three", "four"):
            ana.change(grown, body=f"{ana.seen()[-1]['body']} {word}")
        edited = ana.say("a mistake", "ana")
        ben.until(lambda: ben.shows("a mistake"))
        ben.user("ben")
        claimed = ben.say("from another", "mallory")
        ben.change(edited, body="no mistake", edited=True)
        deleted, removed = ben.say("gone", "ben"), ben.say("taken out", "ben")
        ben.change(deleted, body="", deleted=True)
        ben.remove(removed)
        eventually(lambda: removed in messages(root) and messages(root)[removed].deleted)
        ana.until(lambda: not ana.shows("taken out"))
        answered(ana, "token20 ")
        eventually(lambda: any("token20 " in text for _, text in texts(root)))

    assert [NOTICE, ("user", "one two three four"), ("user", "no mistake"), ("user", "from another")] == texts(root)[:4]
    assert [("user", "stream 500 0.01")] == texts(root)[4:5]
    assert ["assistant"] == [role for role, _ in texts(root)[5:]]
    said, lines = messages(root), recorded(root)
    by = {name: said[one].by for name, one in {"ana": grown, "ben": deleted, "mallory": claimed}.items()}
    assert by["ana"]
    assert by["ben"] == by["mallory"] != by["ana"]
    assert "mallory" == said[claimed].metadata["sender"]
    assert all(one.by is None for one in said.values() if one.role != "user")
    done = [(line["type"], line.get("by")) for line in lines if line.get("message_id") == edited]
    assert [("message_add", by["ana"]), ("message_update", by["ben"])] == done
    deltas = [line.get("content_delta") for line in lines if line.get("message_id") == grown][1:]
    assert " two three four" == "".join(deltas)
    for message_id in (deleted, removed):
        done = [(line["type"], line.get("by")) for line in lines if line.get("message_id") == message_id]
        assert [("message_add", by["ben"]), ("message_delete", by["ben"])] == done


def test_a_kill_loses_nothing_that_the_chat_itself_loses(server: Server, home: Path, tmp_path: Path) -> None:
    """Killed while a bot streams: the chat's file has none of it, and the recording has all that was shown, once."""
    root = tmp_path / "root"
    room, session = room_of(server, "talk.chat")
    ana = SharedChat(session)
    with ana.joined(server, room):
        ana.until(lambda: ana.shows("This chat is recorded"))
        ana.say("before", "ana")
        stored(home, "before")
        answered(ana, "token40 ")
        shown = ana.seen()
        server.process.kill()
        server.process.wait()
    assert "token" not in (home / "talk.chat").read_text("utf-8")
    with serving(home, root, *RECORDED, port=server.port) as again:
        again_room, _ = room_of(again, "talk.chat")
        assert room == again_room
        with ana.joined(again, room):
            ana.say("after", "ana")
            eventually(lambda: ("user", "after") in texts(root))
            ana.until(lambda: ana.shows("This chat is recorded"))
    assert [NOTICE, ("user", "before"), ("user", "stream 500 0.01")] == texts(root)[:3]
    assert ("user", "after") == texts(root)[-1]
    assert 5 == len(texts(root))
    assert texts(root)[3][1].startswith(shown[-1]["body"])
    lost = fold(recorded(root)).metadata["chat_lost"]
    assert [one["id"] for one in shown[-2:]] == [one["message_id"] for one in lost]


def test_a_chat_that_is_left_and_joined_again(home: Path, tmp_path: Path) -> None:
    """Without clients the chat is closed, and its session ends; the next one has it go on, and nothing is doubled."""
    root = tmp_path / "root"
    with serving(home, root, *RECORDED, "--YDocExtension.document_cleanup_delay=0.2") as server:
        room, session = room_of(server, "talk.chat")
        with SharedChat(session).joined(server, room) as ana:
            ana.until(lambda: ana.shows("This chat is recorded"))
            ana.say("one", "ana")
            stored(home, "one")
        eventually(lambda: recorded(root)[-1]["type"] == "session_end")
        with SharedChat(session).joined(server, room) as ben:
            ben.until(lambda: ben.shows("one"))
            ben.say("two", "ben")
            eventually(lambda: ("user", "two") in texts(root))
    assert [NOTICE, ("user", "one"), ("user", "two")] == texts(root)
    assert "chat_lost" not in fold(recorded(root)).metadata


def test_a_file_that_is_put_back_meanwhile_takes_nothing_back(server: Server, home: Path, tmp_path: Path) -> None:
    """An older file in the open chat's place: what the document lost is noted, and the chat is said to be recorded."""
    root = tmp_path / "root"
    room, session = room_of(server, "talk.chat")
    with SharedChat(session).joined(server, room) as ana:
        ana.until(lambda: ana.shows("This chat is recorded"))
        lost = ana.say("a loss", "ana")
        stored(home, "a loss")
        older = json.loads((home / "talk.chat").read_text("utf-8"))
        rewrite(home, json.dumps({**older, "messages": []}).encode(), ana, lambda: not ana.shows("a loss"))
        ana.until(lambda: ana.shows("This chat is recorded"))
        ana.say("next", "ana")
        eventually(lambda: ("user", "next") in texts(root))
    assert [NOTICE, ("user", "a loss"), NOTICE, ("user", "next")] == texts(root)
    assert lost in [one["message_id"] for one in fold(recorded(root)).metadata["chat_lost"]]


def test_a_renamed_and_a_deleted_chat(home: Path, tmp_path: Path) -> None:
    """A new name is the same session's; one that is deleted leaves what was said, and what is still said in it."""
    root = tmp_path / "root"
    with serving(home, root, *RECORDED, "--ChatManager.freeable_chat_scan_interval=0.1") as server:
        room, session = room_of(server, "talk.chat")
        with SharedChat(session).joined(server, room) as ana:
            ana.until(lambda: ana.shows("This chat is recorded"))
            ana.say("before", "ana")
            stored(home, "before")
            assert 200 == ask(server, "PATCH", "/talk.chat", {"path": "other.chat"}, below="/api/contents")[0]
            ana.say("renamed", "ana")
            eventually(lambda: fold(recorded(root)).about.get("title") == "other")
            assert 204 == ask(server, "DELETE", "/other.chat", below="/api/contents")[0]
            eventually(lambda: recorded(root)[-1]["type"] == "session_end")
            ana.say("after", "ana")
            ana.say("and more", "ana")
            eventually(lambda: ("user", "and more") in texts(root))
    assert [NOTICE, *(("user", text) for text in ("before", "renamed", "after", "and more"))] == texts(root)
    assert "other" == fold(recorded(root)).about["title"]


def test_a_file_that_is_torn_takes_nothing_back(server: Server, home: Path, tmp_path: Path) -> None:
    """While the chat is open: it is emptied, which is noted. While the server is away: it is another chat then."""
    root = tmp_path / "root"
    room, session = room_of(server, "talk.chat")
    with SharedChat(session).joined(server, room) as ana:
        ana.until(lambda: ana.shows("This chat is recorded"))
        lost = ana.say("one", "ana")
        stored(home, "one")
        rewrite(home, (home / "talk.chat").read_bytes()[:-20], ana, lambda: not ana.shows("one"))
        ana.until(lambda: ana.shows("This chat is recorded"))
        ana.say("two", "ana")
        stored(home, "two")
        eventually(lambda: ("user", "two") in texts(root))
    assert [NOTICE, ("user", "one"), NOTICE, ("user", "two")] == texts(root)
    assert lost in [one["message_id"] for one in fold(recorded(root)).metadata["chat_lost"]]
    server.stop()
    (home / "talk.chat").write_bytes((home / "talk.chat").read_bytes()[:-20])
    with serving(home, root, *RECORDED, port=server.port) as again:
        room, session = room_of(again, "talk.chat")
        with SharedChat(session).joined(again, room) as ben:
            ben.until(lambda: ben.shows("This chat is recorded"))
            ben.say("three", "ben")
            eventually(lambda: ("user", "three") in every_text(root))
    assert sorted([NOTICE, NOTICE, NOTICE, *(("user", text) for text in ("one", "two", "three"))]) == sorted(
        every_text(root)
    )


def test_what_is_no_message_stops_nothing(server: Server, tmp_path: Path) -> None:
    """A client may put anything into a shared document: what is a message is recorded all the same."""
    root = tmp_path / "root"
    room, session = room_of(server, "talk.chat")
    with SharedChat(session).joined(server, room) as ana:
        ana.until(lambda: ana.shows("This chat is recorded"))
        ana.user("ana", 7)
        ana.put(7)
        ana.put({"body": "without an id"})
        ana.say("one", "ana")
        ana.say("two", "ana", metadata={"a": [None, b"\xff", float("nan")]}, nobody_knows={"this": 1})
        ana.say("three", "ana", id="x" * 1000)
        ana.change(ana.say("four", "ana"), body=4)
        ana.say("five", "ana")
        eventually(lambda: ("user", "five") in texts(root) and server.log().count("an event was refused") == 2)
        ana.say("six", "ana", attachments=["x" * 20_000_000])
        eventually(lambda: ("user", "six") in texts(root))
        eventually(lambda: server.log().count("an event was refused") == 3)
        time.sleep(2)  # it would be tried again by then
        ana.say("seven", "ana")
        eventually(lambda: ("user", "seven") in texts(root))
        assert 3 == server.log().count("an event was refused")
    assert [NOTICE, *(("user", text) for text in ("one", "two", "4.0", "five", "six", "seven"))] == texts(root)
