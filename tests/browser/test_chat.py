"""A chat in a real JupyterLab: typed into, answered by a bot that streams, the server killed in mid-stream."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernels import BESIDE
from lab import Server, open_document, start_server, stop_server
from playwright.sync_api import Page, expect

from jupyter_recorder.library.library import Library
from jupyter_recorder.timeline import fold

BOTS = Path(__file__).parents[1] / "server"
OPTIONS = ("--RecorderApp.record_chats=True", "--ServerApp.jpserver_extensions={'streaming_bot': True}")
# The same with real-time collaboration.
SHARING = dict.fromkeys(("jupyter_server_fileid", "jupyter_server_ydoc", "streaming_bot"), True)
SHARED = ("--RecorderApp.record_chats=True", f"--ServerApp.jpserver_extensions={SHARING}")
STORED = "window.jupyterapp.shell.currentWidget.context.model.sharedModel.ystate.get('dirty') === false"
PATIENCE = 30.0


@pytest.fixture
def recording_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A JupyterLab of its own that records its chats, with a bot in them."""
    monkeypatch.setenv("PYTHONPATH", str(BOTS))
    server = start_server(tmp_path, *OPTIONS)
    yield server
    stop_server(server)


@pytest.fixture
def sharing_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The same with real-time collaboration, in the browser too."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(BOTS), str(BESIDE)]))
    server = start_server(tmp_path, *SHARED, beside=BESIDE)
    yield server
    stop_server(server)


def ask(page: Page, question: str) -> None:
    """Type into the chat and send it."""
    box = page.locator(".jp-chat-input-container textarea, .jp-chat-input-textfield textarea").first
    box.fill(question)
    box.press("Enter")


def until_recorded(server: Server, shown: str) -> None:
    """Wait until an answer is recorded that begins with what was shown."""
    deadline = time.monotonic() + PATIENCE
    while not any(" ".join(text.split()).startswith(" ".join(shown.split())) for text in answers(server)):
        assert time.monotonic() < deadline, (shown[-80:], [text[-80:] for text in answers(server)])
        time.sleep(0.1)


def answers(server: Server) -> list[str]:
    """Return what is recorded of the bot."""
    root = server.root.parent / "home" / "data" / "recorder"
    found = [one for one in Library(root).recordings() if not one.error and one.manifest["kind"] == "chat"]
    told = [one for recording in found for one in fold(recording.events()).messages.values()]
    return [one.content for one in told if one.role == "assistant"]


def test_all_that_was_shown_is_recorded(page: Page, recording_lab: Server, tmp_path: Path) -> None:
    """A stream that a kill breaks off: the recording has every token that the page showed, once."""
    (recording_lab.root / "talk.chat").write_text("{}")
    open_document(page, recording_lab, "talk.chat")
    expect(page.get_by_text("This chat is recorded")).to_be_visible(timeout=PATIENCE * 1000)
    ask(page, "stream 2000 0.02")
    expect(page.get_by_text(re.compile("token30 "))).to_be_visible(timeout=PATIENCE * 1000)
    recording_lab.process.kill()
    recording_lab.process.wait()
    shown = page.get_by_text(re.compile("token30 ")).first.inner_text().strip()

    again = start_server(tmp_path, *OPTIONS, port=int(recording_lab.url.rpartition(":")[2]))
    try:
        open_document(page, again, "talk.chat")  # which may be empty: a kill tears the chat's own file
        until_recorded(again, shown)
    finally:
        stop_server(again)
    assert 1 == len(answers(again))


@pytest.mark.skipif(
    not (BESIDE / "jupyter_docprovider").is_dir(), reason="real-time collaboration is not installed: make setup"
)
def test_all_that_was_shown_of_a_shared_chat_is_recorded(page: Page, sharing_lab: Server, tmp_path: Path) -> None:
    """With real-time collaboration the chat itself has lost it: the recording has every token shown, once."""
    file = sharing_lab.root / "talk.chat"
    file.write_text("{}")
    open_document(page, sharing_lab, "talk.chat")
    expect(page.get_by_text("This chat is recorded")).to_be_visible(timeout=PATIENCE * 1000)
    # A bot hears nothing in a document that was never stored.
    page.wait_for_function(f"() => {STORED}")
    ask(page, "stream 2000 0.02")
    expect(page.get_by_text(re.compile("token30 "))).to_be_visible(timeout=PATIENCE * 1000)
    shown = page.get_by_text(re.compile("token30 ")).first.inner_text().strip()
    sharing_lab.process.kill()
    sharing_lab.process.wait()
    assert "token30 " not in file.read_text("utf-8")

    again = start_server(tmp_path, *SHARED, port=int(sharing_lab.url.rpartition(":")[2]))
    try:
        open_document(page, again, "talk.chat")
        until_recorded(again, shown)
    finally:
        stop_server(again)
    assert 1 == len(answers(again))
