"""`Replay` in a real JupyterLab with a real kernel: steered and followed from Python and from the page."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import fixture_recording
import large_cast
import pytest
from lab import Server, play_button, player_frame, position, slider
from large_recording import inside, make, seek
from notebook_kernel import open_and_run, run, until
from playwright.sync_api import FrameLocator, Locator, Page, expect
from recorded import Writer, keep, root

RECORD = [
    "recorder.chat.add('user', 'the question')",
    "recorder.mark('the middle')",
    "recorder.record({'type': 'cell_start', 'cell_id': 'a', 'execution_count': 1, 'source': 'print(6 * 7)'})",
    "output = {'output_type': 'stream', 'name': 'stdout', 'text': '42\\n'}",
    "recorder.record({'type': 'output', 'cell_id': 'a', 'output': output})",
    "terminal = recorder.terminal(60, 12, command='make')",
    "terminal.output('linked \\x1b[32mgreen\\x1b[0m ✓\\r\\n'.encode())",
]
MADE = """
from jupyter_recorder import Replay
replay = Replay("{id}")
seen = []
replay.observe(lambda change: seen.append((change.name, change.new)), ["playing", "speed"])
{before}
replay
"""


@pytest.fixture
def writer(kernel_server: Server) -> Iterator[Writer]:
    """A process that records, and goes on."""
    writer = Writer(kernel_server, "live")
    writer.run(*RECORD)
    yield writer
    writer.close()
    shutil.rmtree(root(kernel_server) / writer.id, ignore_errors=True)


def show(page: Page, server: Server, recording: str, before: str = "") -> FrameLocator:
    """Open a notebook, run a cell that makes and shows a replay, and return its frame."""
    open_and_run(page, server, f"{recording}.ipynb", MADE.format(id=recording, before=before))
    return player_frame(page)


def live(frame: FrameLocator) -> Locator:
    """The button that tells whether the newest is followed, and catches up."""
    return frame.get_by_test_id("live")


@pytest.fixture
def riders(kernel_server: Server) -> Iterator[str]:
    """A finished recording of 42 seconds; its id."""
    name = keep(root(kernel_server), fixture_recording.recording(), "riders")
    yield name
    shutil.rmtree(root(kernel_server) / name)


def test_what_is_asked_early_happens_once_it_is_there(
    page: Page, kernel_server: Server, riders: str, troubles: list[str], shots: Path
) -> None:
    """Commands given before there is any frame are kept: it begins there, so fast, and plays; nothing flickers."""
    before = "replay.seek(10)\nreplay.play()\nreplay.speed = 2"
    frame = show(page, kernel_server, riders, before)
    expect(play_button(frame)).to_have_attribute("aria-label", "Pause")
    expect(frame.get_by_label("Speed")).to_have_value("2")
    until(page, "10.5 < replay.current_time < 42")
    assert position(frame) > 10.5
    page.screenshot(path=shots / "widget.png")
    assert "[('playing', True), ('speed', 2.0)]" == run(page, "print(seen)")
    assert "42.0" == run(page, "print(replay.duration)")
    assert [] == troubles


def test_python_and_the_page_steer_one_player(
    page: Page, kernel_server: Server, riders: str, troubles: list[str]
) -> None:
    """What Python asks shows on the page; play, pause, seek, step, search and speed there reach Python."""
    frame = show(page, kernel_server, riders)
    assert "" == run(page, "replay.seek(30.6)")
    expect(frame.locator(".cells")).to_contain_text("NameError")
    expect(slider(frame)).to_have_attribute("aria-valuenow", "30.6")
    run(page, "replay.play()")
    expect(play_button(frame)).to_have_attribute("aria-label", "Pause")
    run(page, "replay.pause()")
    expect(play_button(frame)).to_have_attribute("aria-label", "Play")
    run(page, "replay.current_time = 5; replay.speed = 4")
    expect(slider(frame)).to_have_attribute("aria-valuenow", "5.0")
    expect(frame.get_by_label("Speed")).to_have_value("4")
    run(page, "replay.seek(5); replay.seek(1e9)")
    expect(slider(frame)).to_have_attribute("aria-valuenow", "42.0")
    until(page, "replay.current_time == 42 and not replay.playing")

    slider(frame).press("5")
    until(page, "replay.current_time == 21")
    slider(frame).press("]")
    until(page, "replay.current_time == 30")
    slider(frame).press("<")
    until(page, "replay.speed == 2")
    play_button(frame).click()
    until(page, "replay.playing and replay.current_time > 30")
    play_button(frame).click()
    until(page, "not replay.playing")
    assert float(run(page, "print(replay.current_time)")) == pytest.approx(position(frame), abs=0.06)
    slider(frame).press("/")
    frame.get_by_role("searchbox").fill("schedule")
    frame.get_by_role("searchbox").press("Enter")
    expect(frame.locator(".chat")).to_contain_text("Try a schedule")
    until(page, "15 < replay.current_time < 25")
    assert [] == troubles


def test_it_follows_what_is_recorded(page: Page, kernel_server: Server, writer: Writer, troubles: list[str]) -> None:
    """What another process records shows as it comes; a pause stands, "catch up" goes on, and the end is the end."""
    frame = show(page, kernel_server, writer.id)
    expect(live(frame)).to_have_text("Live")
    until(page, "replay.following and replay.playing")
    writer.run("recorder.chat.add('assistant', 'an answer')", "terminal.output(b'line two\\r\\n')")
    expect(frame.locator(".chat")).to_contain_text("an answer")
    expect(frame.locator(".xterm-rows")).to_contain_text("line two")
    run(page, "replay.pause()")
    expect(live(frame)).to_have_text("Catch up")
    length = slider(frame).get_attribute("aria-valuemax") or ""
    writer.run("other = recorder.terminal(40, 8, command='more')", "other.output(b'second terminal\\r\\n')")
    expect(slider(frame)).not_to_have_attribute("aria-valuemax", length)
    assert "second terminal" not in frame.locator(".stage").inner_text()
    run(page, "replay.follow()")
    expect(frame.locator(".xterm-rows").nth(1)).to_contain_text("second terminal")
    until(page, "replay.following")
    writer.stop()
    expect(live(frame)).to_be_hidden()
    until(page, "not replay.playing and not replay.following")
    assert 2 == frame.locator(".message").count()
    assert [] == troubles


def test_the_newest_stays_in_sight(page: Page, kernel_server: Server, writer: Writer, troubles: list[str]) -> None:
    """Tracks that come beside a long chat, and a layout that loses its place, leave it at its end."""
    frame = show(page, kernel_server, writer.id)
    writer.run("for number in range(60): recorder.chat.add('user', f'message {number}.')")
    newest = frame.get_by_text("message 59.")
    expect(newest).to_be_in_viewport()
    for count in (4, 5):
        writer.run(f"recorder.terminal(40, 8, command='more {count}').output(b'x')")
        expect(frame.locator(".pane")).to_have_count(count)
        expect(newest).to_be_in_viewport()
    chat = frame.locator(".chat")
    chat.evaluate("chat => { chat.scrollTop = 0; }")
    expect(newest).to_have_count(0)
    chat.evaluate("chat => { chat.style.height = '150px'; chat.style.flex = 'none'; }")
    expect(newest).to_be_in_viewport()
    turn = "(chat, top) => { chat.scrollTop = top; chat.dispatchEvent(new WheelEvent('wheel')); }"
    chat.evaluate(turn, 0)
    expect(newest).to_have_count(0)
    writer.run("for number in range(60, 90): recorder.chat.add('user', f'message {number}.')")
    last = frame.get_by_text("message 89.")
    expect(last).to_have_count(0)
    for _ in range(3):  # what was guessed of the heights is put right on the way
        chat.evaluate(turn, 1_000_000)
    expect(last).to_be_in_viewport()
    chat.evaluate("chat => { chat.style.height = '140px'; return new Promise(done => setTimeout(done, 200)); }")
    expect(newest).to_have_count(0)  # which was the newest when the reader turned away
    expect(last).to_have_count(1)
    assert [] == troubles


def test_a_large_terminal_is_read_through_the_kernel(page: Page, kernel_server: Server, troubles: list[str]) -> None:
    """Ranges of its file are all that is sent; any moment of it is shown."""
    large = make(kernel_server, "large", 70_000)
    try:
        frame = show(page, kernel_server, large.id)
        expect(frame.locator(".xterm-rows")).to_contain_text(re.compile(r"\d{8}"), timeout=30_000)
        for number in (60_000, 30, 35_000):
            sought = seek(inside(page), large, number)
            assert large_cast.screen(sought.number) == sought.rows
        assert [] == troubles
    finally:
        shutil.rmtree(root(kernel_server) / large.id)


def test_an_end_of_any_kind_is_said(page: Page, kernel_server: Server, writer: Writer, troubles: list[str]) -> None:
    """Where the recording can't be read, is deleted, or the kernel is gone, the page says so, and Python knows."""
    frame = show(page, kernel_server, writer.id)
    folder = root(kernel_server) / writer.id
    writer.close()
    kept = kernel_server.root.parent / "kept"  # out of the root: there, it would be a recording of its own
    folder.rename(kept)
    expect(frame.get_by_text("was deleted while it was open")).to_be_visible()
    expect(frame.locator(".chat")).to_contain_text("the question")

    kept.rename(folder)
    journal = folder / "session.ndjson"
    journal.unlink()
    journal.mkdir()
    run(page, f"from IPython.display import display; broken = Replay('{writer.id}')")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:insert-cell-below')")
    page.keyboard.press("Enter")
    page.keyboard.type("broken")
    page.keyboard.press("Shift+Enter")
    alert = page.frame_locator("iframe[sandbox='allow-scripts']").nth(1).get_by_role("alert")
    expect(alert).to_contain_text("This replay can't be shown.")
    assert "session.ndjson" in run(page, "print(broken.error)")

    page.evaluate("() => void window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    expect(frame.get_by_text("The kernel of this replay is gone")).to_be_visible()
    slider(frame).press("End")
    expect(frame.locator(".chat")).to_contain_text("the question")
    assert [] == troubles


def test_closing_takes_it_off_the_page(page: Page, kernel_server: Server, writer: Writer, troubles: list[str]) -> None:
    """After `close()` nothing of it is left: no frame, and no thread that goes on sending."""
    show(page, kernel_server, writer.id)
    until(page, "replay.following")
    run(page, "import threading; replay.close()")
    expect(page.locator("iframe[sandbox='allow-scripts']")).to_have_count(0)
    until(page, "not [one for one in threading.enumerate() if one.name.startswith('replay of')]")
    assert [] == troubles
