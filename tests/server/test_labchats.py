"""JupyterLab's chats: the real jupyterlab-chat, recorded on the server, over its WebSocket."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import Server, serving
from talk import ask, eventually, socket, until
from websockets.sync.client import ClientConnection

from jupyter_recorder.library.library import Library
from jupyter_recorder.timeline import Message, fold

# What is not needed is not loaded: each test has a server of its own.
ON, OFF = (
    ("jupyter_recorder", "jupyterlab_chat", "streaming_bot"),
    ("jupyterlab", "notebook", "jupyter_lsp", "notebook_shim"),
)
BOT = f"--ServerApp.jpserver_extensions={dict.fromkeys(ON, True) | dict.fromkeys(OFF, False)}"
RECORDED = (BOT, "--RecorderApp.record_chats=True")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The server's home; the bot can be imported."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    return tmp_path / "home"


@pytest.fixture
def server(home: Path, tmp_path: Path) -> Iterator[Server]:
    """A server that records its chats."""
    with serving(home, tmp_path / "root", *RECORDED) as server:
        yield server


def send(tab: ClientConnection, body: str, **more: Any) -> str:
    """Say something in a chat; return the message's id."""
    message_id = uuid.uuid4().hex
    tab.send(json.dumps({"type": "client", "action": "send", "id": message_id, "body": body, **more}))
    return message_id


def chat(server: Server, name: str = "talk.chat") -> Any:
    """Open a chat, as a browser tab does."""
    return socket(server, f"/api/chat/ws/{name}")


def is_body(frame: Any, text: str) -> bool:
    """Tell whether a frame shows a message that holds a text."""
    return text in (frame.get("message") or {}).get("body", "")


def recorded(root: Path) -> list[dict[str, Any]]:
    """Return the journal's lines of the one chat that is recorded."""
    found = [one for one in Library(root).recordings() if not one.error and one.manifest["kind"] == "chat"]
    return list(found[0].events()) if found else []


def messages(root: Path) -> dict[str, Message]:
    """Return the messages that are recorded."""
    return fold(recorded(root)).messages


def texts(root: Path) -> list[tuple[str, str]]:
    """Return role and text of each that was not taken back."""
    return [(one.role, one.content) for one in messages(root).values() if not one.deleted]


def every_text(root: Path) -> list[tuple[str, str]]:
    """Return role and text of each message of every chat."""
    folded = [fold(one.events()) for one in Library(root).recordings() if one.manifest["kind"] == "chat"]
    return [(one.role, one.content) for chat in folded for one in chat.messages.values()]


def test_a_chat_is_recorded(server: Server, tmp_path: Path) -> None:
    """What a person and a bot say, as it comes; edits and deletions are events; the chat says that it is recorded."""
    root = tmp_path / "root"
    with chat(server) as tab:
        frames = until(tab, lambda frame: is_body(frame, "This chat is recorded"))
        assert 1 <= len(frames)
        question = send(tab, "stream 20 0.01", sender={"username": "mallory"})
        until(tab, lambda frame: is_body(frame, "END"))
        first = send(tab, "a mistake")
        until(tab, lambda frame: is_body(frame, "a mistake"))
        tab.send(json.dumps({"type": "client", "action": "edit", "id": first, "body": "no mistake", "edited": True}))
        until(tab, lambda frame: is_body(frame, "no mistake"))
        second = send(tab, "gone")
        until(tab, lambda frame: is_body(frame, "gone"))
        tab.send(json.dumps({"type": "client", "action": "edit", "id": second, "body": "", "deleted": True}))
        eventually(lambda: second in messages(root) and messages(root)[second].deleted)

    answer = "".join(f"token{number} " for number in range(20)) + "END"
    said = texts(root)
    assert [("system", "● This chat is recorded on the server."), ("user", "stream 20 0.01")] == said[:2]
    assert [("assistant", answer), ("user", "no mistake")] == said[2:]
    asked = messages(root)[question]
    assert "mallory" == asked.metadata["sender"] != asked.by
    assert asked.by
    lines = recorded(root)
    assert "a mistake" in [line.get("content") for line in lines if line["type"] == "message_add"]
    assert 2 <= sum(line["type"] == "message_append" for line in lines) <= 21


@pytest.mark.parametrize("is_torn", [False, True], ids=["whole", "torn"])
def test_a_kill_in_mid_stream_loses_nothing_that_was_shown(
    server: Server, home: Path, tmp_path: Path, is_torn: bool
) -> None:
    """Killed while a bot streams, and restarted: all that was shown is recorded once, and so is what follows.

    Also if the chat's file is empty then, as jupyterlab-chat leaves it when it is killed while it writes it.
    """
    root, file = tmp_path / "root", home / "talk.chat"
    with chat(server) as tab:
        until(tab, lambda frame: is_body(frame, "This chat is recorded"))
        send(tab, "stream 500 0.01")
        shown = until(tab, lambda frame: is_body(frame, "token40 "))[-1]["message"]["body"]
        if is_torn:  # by writing the next token: before a token is shown the file has it, and the recorder has it after
            until(tab, lambda frame: is_body(frame, "token41 "))
        server.process.kill()
        server.process.wait()
    (waiting,) = (home / ".cache").rglob("*.pending")
    with contextlib.suppress(json.JSONDecodeError):
        json.loads(file.read_text("utf-8"))
        if is_torn:
            file.write_bytes(b"")
    with serving(home, root, *RECORDED, port=server.port) as again:
        eventually(lambda: not waiting.exists())
        if is_torn:
            assert any(text.startswith(shown) for _, text in every_text(root))
        with chat(again) as tab:
            until(tab, lambda frame: frame["action"] == "connection")
            send(tab, "stream 3 0.001")
            until(tab, lambda frame: is_body(frame, "END"))
            eventually(lambda: ("assistant", "token0 token1 token2 END") in every_text(root))
    told = [text for role, text in every_text(root) if role == "assistant"]
    assert 2 == len(told)
    assert any(text.startswith(shown) and "END" not in text for text in told)


def test_a_file_that_lost_something_takes_nothing_back(server: Server, home: Path, tmp_path: Path) -> None:
    """A chat file that was put back to an older state while the server was away: what was said stays, noted."""
    root, file = tmp_path / "root", home / "talk.chat"
    with chat(server) as tab:
        until(tab, lambda frame: is_body(frame, "This chat is recorded"))
        one = send(tab, "one")
        two = send(tab, "two")
        until(tab, lambda frame: is_body(frame, "two"))
        eventually(lambda: two in messages(root))
    server.stop()
    content = json.loads(file.read_text("utf-8"))
    content["messages"] = [message for message in content["messages"] if message["id"] != two]
    next(message for message in content["messages"] if message["id"] == one)["body"] = "on"
    file.write_text(json.dumps(content))
    with serving(home, root, *RECORDED, port=server.port) as again, chat(again) as tab:
        until(tab, lambda frame: frame["action"] == "connection")
        lost = eventually(lambda: fold(recorded(root)).metadata.get("chat_lost"))
        assert sorted([(one, "shorter"), (two, "missing")]) == sorted((o["message_id"], o["why"]) for o in lost)
        send(tab, "three")
        eventually(lambda: ("user", "three") in texts(root))
    assert [("user", "one"), ("user", "two"), ("user", "three")] == texts(root)[1:]


def test_a_renamed_and_a_deleted_chat(server: Server, tmp_path: Path) -> None:
    """A new name is the same session's; a chat that is deleted leaves what was said."""
    root = tmp_path / "root"
    with chat(server) as tab:
        until(tab, lambda frame: is_body(frame, "This chat is recorded"))
        send(tab, "before")
        until(tab, lambda frame: is_body(frame, "before"))
        assert 200 == ask(server, "PATCH", "/talk.chat", {"path": "other.chat"}, below="/api/contents")[0]
        send(tab, "after")
        until(tab, lambda frame: is_body(frame, "after"))
        eventually(lambda: fold(recorded(root)).about.get("title") == "other")
        assert 204 == ask(server, "DELETE", "/other.chat", below="/api/contents")[0]
    eventually(lambda: recorded(root)[-1]["type"] == "session_end")
    assert [("user", "before"), ("user", "after")] == texts(root)[1:]


def test_a_deleted_chat_that_is_still_talked_in(home: Path, tmp_path: Path) -> None:
    """Its session ends when the chat is freed; what is said by who has it open is the same session's."""
    root = tmp_path / "root"
    home.mkdir()
    (home / "talk.chat").write_text("{}")
    with serving(home, root, *RECORDED, "--ChatManager.freeable_chat_scan_interval=0.1") as server, chat(server) as tab:
        until(tab, lambda frame: is_body(frame, "This chat is recorded"))
        send(tab, "before")
        eventually(lambda: ("user", "before") in texts(root))
        assert 204 == ask(server, "DELETE", "/talk.chat", below="/api/contents")[0]
        eventually(lambda: recorded(root)[-1]["type"] == "session_end")
        send(tab, "after")
        send(tab, "and more")
        eventually(lambda: ("user", "and more") in texts(root))
    assert [("user", "before"), ("user", "after"), ("user", "and more")] == texts(root)[1:]


def test_a_file_that_was_torn_is_another_chat(server: Server, home: Path, tmp_path: Path) -> None:
    """jupyterlab-chat begins it anew, and says that it is recorded; what was said before stays as it was."""
    root, file = tmp_path / "root", home / "talk.chat"
    with chat(server) as tab:
        until(tab, lambda frame: is_body(frame, "This chat is recorded"))
        send(tab, "one")
        eventually(lambda: ("user", "one") in texts(root))
    server.stop()
    file.write_bytes(file.read_bytes()[:-20])
    with serving(home, root, *RECORDED, port=server.port) as again, chat(again) as tab:
        until(tab, lambda frame: is_body(frame, "This chat is recorded"))
        send(tab, "two")
        eventually(lambda: [("user", "one"), ("user", "two")] == sorted(every_text(root))[-2:])
    assert 4 == len(every_text(root))


def test_without_the_setting_nothing_is_recorded(home: Path, tmp_path: Path) -> None:
    """`record_chats` is off unless it is set."""
    with serving(home, tmp_path / "root", BOT) as server, chat(server) as tab:
        send(tab, "stream 2 0.001")
        frames = until(tab, lambda frame: is_body(frame, "END"))
        assert not any(is_body(frame, "recorded") for frame in frames)
    assert [] == recorded(tmp_path / "root")
