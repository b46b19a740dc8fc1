"""The player by itself, in the HTML that any page can show."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fixture_recording
import pytest
from fixture_recording import START, Journal
from lab import play_button, player_frame, position, slider, terminal_text
from playwright.sync_api import FrameLocator, Page, expect

from jupyter_recorder.replay.bundle import ReplayData, ReplayOptions, mime_bundle

Show = Callable[..., FrameLocator]


def place(page: Page, folder: Path, data: ReplayData, **options: Any) -> None:
    """Put a recording on a plain page, opened as a file."""
    bundle = mime_bundle(data, ReplayOptions(**options), summary="a replay", max_embed_bytes=5 << 20)
    file = folder / "replay.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><body>{bundle['text/html']}", encoding="utf-8")
    page.goto(file.as_uri())


@pytest.fixture
def show(page: Page, tmp_path: Path) -> Show:
    """Puts a recording on a plain page and returns the player's frame."""

    def show(data: ReplayData, **options: Any) -> FrameLocator:
        place(page, tmp_path, data, **options)
        return player_frame(page)

    return show


def alone(journal: Journal, **manifest: Any) -> ReplayData:
    """A recording of nothing but this journal."""
    return ReplayData({"name": "alone", "started_at": START, **manifest}, journal.encode(), {}, {})


def test_the_html_alone_replays(show: Show, troubles: list[str]) -> None:
    """The fallback plays from a file, without JupyterLab, network or console error."""
    frame = show(fixture_recording.recording())
    play_button(frame).click()
    expect(slider(frame)).not_to_have_attribute("aria-valuenow", "0.0")
    slider(frame).press("End")
    expect(frame.locator(".xterm-rows")).to_contain_text("24 passed")
    assert troubles == []


def test_before_it_is_played_the_end_is_shown(show: Show) -> None:
    """The poster is the end, at time nought; playing begins at the start."""
    frame = show(fixture_recording.recording())
    expect(frame.locator(".cells")).to_contain_text("'r2': 0.87")
    assert position(frame) == 0.0
    frame.get_by_role("button", name="Play the recording").click()
    expect(frame.locator(".cells")).not_to_contain_text("'r2': 0.87")


def test_a_start_is_where_it_begins(show: Show) -> None:
    """With a start given, that moment is shown and nothing after it."""
    frame = show(fixture_recording.recording(), start=13.0)
    expect(frame.locator(".cells")).to_contain_text("epoch 7")
    expect(frame.locator(".cells")).not_to_contain_text("NameError")
    assert position(frame) == 13.0


def test_going_back_shows_what_was(show: Show) -> None:
    """After a jump back, every track stands as it stood then."""
    frame = show(fixture_recording.recording(), start=42.0)
    expect(frame.locator(".xterm-rows")).to_contain_text("24 passed")
    slider(frame).press("5")
    expect(frame.locator(".xterm-rows")).not_to_contain_text("FAILED")
    expect(frame.locator(".xterm-rows")).to_contain_text("pytest -q")
    expect(frame.locator(".cells")).not_to_contain_text("NameError")
    expect(frame.locator(".chat")).not_to_contain_text("Thanks")


def test_a_cell_shows_what_a_notebook_shows(show: Show) -> None:
    """Prompt, source, coloured stream, table, picture and traceback stand there as text and image."""
    frame = show(fixture_recording.recording(), start=42.0)
    cells = frame.locator(".cell")
    expect(cells.nth(0).locator(".prompt")).to_have_text("[1]")
    expect(cells.nth(0).locator("td").nth(1)).to_have_text("1204")
    expect(cells.nth(1).locator(".stream span").first).to_have_css("color", "rgb(13, 122, 135)")
    assert cells.nth(1).locator("img").evaluate("image => image.naturalWidth") == 420
    expect(cells.nth(2).locator(".traceback")).to_contain_text("name 'holdout' is not defined")
    expect(cells.nth(3).locator(".stderr")).to_have_text("██████████ 100 %")


def test_a_running_cell_is_marked(show: Show) -> None:
    """While a cell runs, its prompt is a star."""
    frame = show(fixture_recording.recording(), start=7.0)
    expect(frame.locator(".cell.running .prompt")).to_have_text("[*]")


def test_the_chat_types_at_its_pace(show: Show) -> None:
    """In the middle of an answer only what had come by then is there."""
    frame = show(fixture_recording.recording(), start=16.5)
    expect(frame.locator(".message.assistant")).to_contain_text("The loss falls fast at first")
    expect(frame.locator(".message.assistant")).not_to_contain_text("Try a schedule")
    expect(frame.locator(".message.user")).to_have_count(1)


def test_idle_time_passes_quickly_when_skipped(show: Show) -> None:
    """An hour of nothing passes within seconds, and the time shown stays the recording's."""
    journal = Journal(id="x", name="x", kind="notebook")
    journal.add(0, "cell_start", cell_id="a", execution_count=1, source="sleep()")
    journal.add(3600, "cell_end", cell_id="a", status="ok", duration_ms=3_600_000)
    frame = show(alone(journal), idle=0.5)
    play_button(frame).click()
    expect(frame.get_by_test_id("time")).to_have_text("1:00:00 / 1:00:00")


def test_speed_keys_step_through_the_speeds(show: Show) -> None:
    """`>` is faster and `<` slower, and the menu shows it."""
    frame = show(fixture_recording.recording())
    slider(frame).press(">")
    slider(frame).press(">")
    expect(frame.get_by_label("Speed")).to_have_value("2")
    slider(frame).press("<")
    expect(frame.get_by_label("Speed")).to_have_value("1.5")


def test_brackets_go_from_chapter_to_chapter(show: Show) -> None:
    """`]` goes to the next cell, marker, command or error, `[` to the one before."""
    frame = show(fixture_recording.recording())
    for expected in (0.5, 4.0, 4.5):
        slider(frame).press("]")
        assert position(frame) == expected
    slider(frame).press("[")
    assert position(frame) == 4.0
    expect(frame.locator(".now")).to_have_text("Train the model")


def test_space_plays_and_pauses(show: Show) -> None:
    """Space toggles, wherever the focus is in the player."""
    frame = show(fixture_recording.recording())
    frame.locator(".cells").press(" ")
    expect(play_button(frame)).to_have_attribute("aria-label", "Pause")
    frame.locator(".cells").press(" ")
    expect(play_button(frame)).to_have_attribute("aria-label", "Play")


def test_a_narrow_page_has_tabs(show: Show, page: Page, shots: Path) -> None:
    """Where there is no room side by side, one track is shown at a time."""
    page.set_viewport_size({"width": 640, "height": 800})
    frame = show(fixture_recording.recording(), start=42.0)
    expect(frame.locator(".xterm-rows")).not_to_be_visible()
    frame.get_by_role("tab", name="Terminal").click()
    expect(frame.locator(".xterm-rows")).to_be_visible()
    expect(frame.locator(".cells")).not_to_be_visible()
    page.screenshot(path=shots / "narrow.png")


def test_a_gap_is_seen(show: Show) -> None:
    """What is missing is said where it is missing."""
    journal = Journal(id="x", name="x", kind="notebook")
    journal.add(0, "cell_start", cell_id="a", execution_count=1, source="flood()")
    journal.add(1, "gap", reason="queue_full", events=812)
    frame = show(alone(journal), start=1.0)
    expect(frame.locator(".divider.gap")).to_have_text("Gap: 812 events are missing (queue full)")


def test_damaged_lines_are_skipped_and_counted(show: Show) -> None:
    """Garbage in the middle of a journal and of a cast costs these lines alone."""
    data = fixture_recording.recording()
    journal = data.journal.replace(b"\n", b'\n{"seq": 2, \xff\n', 1)
    cast = data.casts["terminal.cast"].replace(b"\n", b"\n[1.0\n", 1)
    frame = show(ReplayData(data.manifest, journal, {"terminal.cast": cast}, data.blobs), start=42.0)
    expect(frame.locator(".head")).to_contain_text("2 damaged lines skipped")
    expect(frame.locator(".cells")).to_contain_text("'r2': 0.87")


def terminal(*lines: object) -> ReplayData:
    """A recording of nothing but a cast with these lines; a string stands for itself."""
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return ReplayData({}, b"", {"terminal.cast": text.encode()}, {})


def test_a_version_3_cast_plays(show: Show) -> None:
    """Intervals add up, comments are no damage, and the screen has the header's size."""
    header = {"version": 3, "term": {"cols": 30, "rows": 5}}
    frame = show(terminal(header, "# a comment", [0.5, "o", "one "], [1.5, "o", "two"]), start=1.9)
    expect(frame.locator(".xterm-rows")).to_contain_text("one")
    assert "two" not in terminal_text(frame)
    expect(frame.locator(".xterm-rows > div")).to_have_count(5)
    slider(frame).press("End")
    expect(frame.locator(".xterm-rows")).to_contain_text("one two")
    assert position(frame) == 2.0


def test_a_resize_changes_the_screen(show: Show) -> None:
    """The terminal takes the size that it had, and its old size when one goes back."""
    sizes = [1, "r", "60x10"], [2, "r", "99999999x0"]
    frame = show(terminal({"version": 2, "width": 40, "height": 6}, [0, "o", "a"], *sizes, [3, "o", "b"]), start=3.0)
    expect(frame.locator(".xterm-rows > div")).to_have_count(10)
    slider(frame).press("Home")
    expect(frame.locator(".xterm-rows > div")).to_have_count(6)


def test_what_is_no_cast_says_so(page: Page, tmp_path: Path) -> None:
    """A file that can't be played gives one sentence instead of a player."""
    place(page, tmp_path, terminal("hello"))
    alert = page.frame_locator("iframe").get_by_role("alert")
    expect(alert).to_have_text("This replay can't be shown. This is no asciicast: its first line is not a JSON header.")
