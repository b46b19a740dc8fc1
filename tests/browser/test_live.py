"""A recording that is still being written by another process, followed in JupyterLab."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab import Server, open_notebook, open_notebook7, play_button, player_frame, position, slider, write_notebook
from playwright.sync_api import FrameLocator, Locator, Page, WebSocketRoute, expect
from recorded import Writer, root

from jupyter_recorder.replay.bundle import ReplayOptions, link_bundle

Opener = Callable[[Page, Server, str], None]

BEGIN = [
    "recorder.chat.add('user', 'first words')",
    "terminal = recorder.terminal(60, 12, command='work')",
    "terminal.output(b'line one\\r\\n')",
]


@pytest.fixture
def writer(server: Server) -> Iterator[Writer]:
    """A process that records a chat and a terminal, and goes on."""
    writer = Writer(server, "live")
    writer.run(*BEGIN)
    yield writer
    writer.close()
    shutil.rmtree(root(server) / writer.id, ignore_errors=True)


def show(page: Page, server: Server, writer: Writer, open_it: Opener = open_notebook) -> FrameLocator:
    """Open a notebook that links to what is being recorded."""
    manifest = {"id": writer.id, "name": "live"}
    path = f"{writer.id}.ipynb"
    write_notebook(server.root / path, link_bundle(manifest, ReplayOptions(), summary="a replay"))
    open_it(page, server, path)
    frame = player_frame(page)
    expect(frame.locator(".xterm-rows")).to_contain_text("line one")
    return frame


def live(frame: FrameLocator) -> Locator:
    """The button that tells whether the newest is followed, and catches up."""
    return frame.get_by_test_id("live")


def test_what_is_recorded_appears_as_it_comes(
    page: Page, server: Server, writer: Writer, troubles: list[str], shots: Path
) -> None:
    """Chat, terminal, a new terminal and the end of the recording show by themselves, each line once."""
    frame = show(page, server, writer)
    expect(live(frame)).to_have_text("Live")
    expect(frame.locator(".head")).to_contain_text("still recording")
    writer.run("recorder.chat.add('assistant', 'an answer')", "terminal.output(b'line two\\r\\n')")
    expect(frame.locator(".chat")).to_contain_text("an answer")
    expect(frame.locator(".xterm-rows")).to_contain_text("line two")
    writer.run("other = recorder.terminal(40, 8, command='more')", "other.output(b'second terminal\\r\\n')")
    expect(frame.locator(".xterm-rows").nth(1)).to_contain_text("second terminal")
    page.screenshot(path=shots / "live.png")
    writer.stop()
    expect(frame.locator(".head")).not_to_contain_text("still recording")
    expect(live(frame)).to_be_hidden()
    assert frame.locator(".message").count() == 2
    assert troubles == []


@pytest.mark.parametrize("open_it", [open_notebook, open_notebook7], ids=["jupyterlab", "notebook 7"])
def test_a_pause_stays_and_catching_up_returns(
    page: Page, server: Server, writer: Writer, troubles: list[str], open_it: Opener
) -> None:
    """After a pause the view stands while the recording goes on; "Catch up" shows the newest again."""
    frame = show(page, server, writer, open_it)
    play_button(frame).click()
    expect(live(frame)).to_have_text("Catch up")
    stood = position(frame)
    length = slider(frame).get_attribute("aria-valuemax") or ""
    writer.run("recorder.chat.add('user', 'said meanwhile')")
    # The recording is seen to grow before it is seen that the view stood.
    expect(slider(frame)).not_to_have_attribute("aria-valuemax", length)
    assert position(frame) == stood
    assert "said meanwhile" not in frame.locator(".chat").inner_text()
    live(frame).click()
    expect(frame.locator(".chat")).to_contain_text("said meanwhile")
    expect(live(frame)).to_have_text("Live")
    writer.run("recorder.chat.add('user', 'and followed')")
    expect(frame.locator(".chat")).to_contain_text("and followed")
    assert troubles == []


def test_a_cut_connection_loses_and_doubles_nothing(page: Page, server: Server, writer: Writer) -> None:
    """When the WebSocket is cut, what was recorded meanwhile comes once it is back, from where it stood."""
    sockets: list[WebSocketRoute] = []

    def through(socket: WebSocketRoute) -> None:
        sockets.append(socket)  # the panel has one of its own
        socket.connect_to_server()

    page.route_web_socket("**/api/recording/ws*", through)
    frame = show(page, server, writer)
    writer.run("recorder.chat.add('user', 'before the cut')", "terminal.output(b'before\\r\\n')")
    expect(frame.locator(".chat")).to_contain_text("before the cut")
    expect(frame.locator(".xterm-rows")).to_contain_text("before")
    cut = len(sockets)
    for socket in sockets[:]:
        socket.close()
    expect(frame.get_by_role("status").first).to_contain_text("The server can't be reached")
    writer.run("recorder.chat.add('user', 'during the cut')", "terminal.output(b'during\\r\\n')")
    expect(frame.locator(".chat")).to_contain_text("during the cut")
    expect(frame.locator(".xterm-rows")).to_contain_text("during")
    expect(frame.get_by_text("The server can't be reached")).to_be_hidden()
    assert len(sockets) == 2 * cut
    said = frame.locator(".message .rich").all_inner_texts()
    assert said == ["first words", "before the cut", "during the cut"]
    assert [line for line in frame.locator(".xterm-rows > div").all_inner_texts() if line.strip()] == [
        "line one",
        "before",
        "during",
    ]


def test_a_recording_deleted_while_open_says_so(page: Page, server: Server, writer: Writer) -> None:
    """What had come stays in sight, with a sentence that there will be no more."""
    frame = show(page, server, writer)
    writer.close()
    shutil.rmtree(root(server) / writer.id)
    expect(frame.get_by_text("was deleted while it was open")).to_be_visible()
    expect(frame.locator(".chat")).to_contain_text("first words")
