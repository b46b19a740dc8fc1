"""A chat in a real JupyterLab: typed into, answered by a bot that streams, the server killed in mid-stream."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Server, open_document, start_server, stop_server
from playwright.sync_api import Page, expect

from jupyter_recorder.library.library import Library
from jupyter_recorder.timeline import fold

BOTS = Path(__file__).parents[1] / "server"
OPTIONS = ("--RecorderApp.record_chats=True", "--ServerApp.jpserver_extensions={'streaming_bot': True}")
PATIENCE = 30.0


@pytest.fixture
def recording_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A JupyterLab of its own that records its chats, with a bot in them."""
    monkeypatch.setenv("PYTHONPATH", str(BOTS))
    server = start_server(tmp_path, *OPTIONS)
    yield server
    stop_server(server)


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
    box = page.locator(".jp-chat-input-container textarea, .jp-chat-input-textfield textarea").first
    box.fill("stream 2000 0.02")
    box.press("Enter")
    expect(page.get_by_text(re.compile("token30 "))).to_be_visible(timeout=PATIENCE * 1000)
    recording_lab.process.kill()
    recording_lab.process.wait()
    shown = page.get_by_text(re.compile("token30 ")).first.inner_text().strip()

    again = start_server(tmp_path, *OPTIONS, port=int(recording_lab.url.rpartition(":")[2]))
    try:
        open_document(page, again, "talk.chat")
        expect(page.get_by_text(re.compile("token30 "))).to_be_visible(timeout=PATIENCE * 1000)
        deadline = time.monotonic() + PATIENCE
        while not any(" ".join(text.split()).startswith(" ".join(shown.split())) for text in answers(again)):
            assert time.monotonic() < deadline, (shown[-80:], [text[-80:] for text in answers(again)])
            time.sleep(0.1)
    finally:
        stop_server(again)
    assert 1 == len(answers(again))
