"""The player for those who use no mouse, no colours or no screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fixture_recording
import pytest
from lab import player_frame, position, slider
from playwright.sync_api import Browser, Frame, FrameLocator, Page, expect
from test_player import place
from test_player_reading import typed

AXE = Path(__file__).parents[2] / "labextension/node_modules/axe-core/axe.min.js"


def inner(page: Page) -> Frame:
    """The player's own frame, for what a locator can't do."""
    return page.frames[-1]


def violations(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical."""
    frame = inner(page)
    frame.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = frame.evaluate("async () => (await axe.run()).violations")
    return [
        f"{one['id']}: {node['target']} {node['any'][0]['message'] if node['any'] else ''}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 600])
def test_axe_finds_no_serious_violation(page: Page, tmp_path: Path, scheme: Any, width: int) -> None:
    """In light and dark, wide and narrow, with each panel open, no rule of axe-core is broken seriously."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    place(page, tmp_path, fixture_recording.recording())
    frame = player_frame(page)
    slider(frame).wait_for()
    assert violations(page) == []
    slider(frame).press("End")
    expect(frame.locator(".poster")).to_have_count(0)
    assert violations(page) == []
    slider(frame).press("o")
    assert violations(page) == []
    slider(frame).press("/")
    frame.get_by_role("searchbox").fill("holdout")
    expect(frame.locator(".count")).to_have_text("8 hits")
    frame.get_by_role("searchbox").press("Enter")
    assert violations(page) == []
    frame.get_by_role("searchbox").press("Escape")
    slider(frame).press("l")
    slider(frame).press("?")
    assert violations(page) == []


def test_axe_finds_nothing_in_typed_keys(page: Page, tmp_path: Path) -> None:
    """A terminal with its typed keys shown breaks no rule either."""
    place(page, tmp_path, typed(), start=1.35)
    expect(player_frame(page).locator(".keystrokes kbd")).to_have_count(4)
    assert violations(page) == []


def active(page: Page) -> str:
    """The name of what has the focus in the player."""
    name: str = inner(page).evaluate(
        "() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )
    return name


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has this name has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if inner(page).evaluate("() => document.hasFocus()") and active(page) == name:
            return
    raise AssertionError(f"Tab does not reach {name!r}")


def test_everything_works_by_keyboard_alone(page: Page, tmp_path: Path, troubles: list[str]) -> None:
    """From the page around, with no pointer: play, pause, seek, step, speed, idle, chapters, search, link, help."""
    place(page, tmp_path, fixture_recording.recording())
    frame = player_frame(page)
    slider(frame).wait_for()
    keyboard = page.keyboard
    play_and_pause(page, frame)
    tab_to(page, "Position in the recording")
    keyboard.press("Home")
    assert position(frame) == 0.0
    keyboard.press("ArrowRight")
    assert position(frame) == 5.0
    tab_to(page, "Speed")
    keyboard.press("ArrowDown")
    expect(frame.get_by_label("Speed")).to_have_value("1.5")
    tab_to(page, "Skip idle")
    keyboard.press("Space")
    expect(frame.get_by_role("button", name="Skip idle")).to_have_attribute("aria-pressed", "true")
    tab_to(page, "Step by")
    keyboard.press("c")
    tab_to(page, "Step on")
    keyboard.press("Enter")
    assert position(frame) > 5.0
    choose_a_chapter(page, frame)
    search_and_jump(page, frame)
    tab_to(page, "Copy a link to this moment")
    keyboard.press("Enter")
    expect(frame.locator(".toast")).to_contain_text("--start 26")
    tab_to(page, "Keyboard help")
    keyboard.press("Enter")
    expect(frame.get_by_role("dialog")).to_be_visible()
    keyboard.press("Escape")
    expect(frame.get_by_role("dialog")).to_be_hidden()
    assert active(page) == "Keyboard help"
    assert troubles == []


def play_and_pause(page: Page, frame: FrameLocator) -> None:
    tab_to(page, "Play the recording")
    page.keyboard.press("Enter")
    expect(slider(frame)).not_to_have_attribute("aria-valuenow", "0.0")
    assert active(page) == "Pause"
    page.keyboard.press("Enter")
    assert active(page) == "Play"


def choose_a_chapter(page: Page, frame: FrameLocator) -> None:
    tab_to(page, "Chapters")
    page.keyboard.press("Enter")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert position(frame) == 4.0
    page.keyboard.press("Escape")
    assert active(page) == "Chapters"


def search_and_jump(page: Page, frame: FrameLocator) -> None:
    tab_to(page, "Search")
    page.keyboard.press("Enter")
    page.keyboard.type("thanks")
    page.keyboard.press("Enter")
    assert position(frame) == 26.0
    page.keyboard.press("Escape")
    assert active(page) == "Search"


def test_tabs_are_chosen_by_arrow_keys(page: Page, tmp_path: Path) -> None:
    """On a narrow page the arrows go from track to track, as in any list of tabs."""
    page.set_viewport_size({"width": 640, "height": 800})
    place(page, tmp_path, fixture_recording.recording())
    frame = player_frame(page)
    tab = frame.get_by_role("tab", name="Notebook")
    tab.press("ArrowRight")
    expect(frame.get_by_role("tab", name="Terminal")).to_be_focused()
    expect(frame.locator(".xterm-rows")).to_be_visible()
    frame.get_by_role("tab", name="Terminal").press("End")
    expect(frame.locator(".chat")).to_be_visible()
    assert position(frame) == 0.0


def test_what_a_step_led_to_is_announced(page: Page, tmp_path: Path) -> None:
    """A polite live region tells where a step led, for those who don't see it."""
    place(page, tmp_path, fixture_recording.recording())
    frame = player_frame(page)
    slider(frame).press("]")
    slider(frame).press("]")
    said = frame.locator(".toast")
    expect(said).to_have_text("00:04, Train the model")
    expect(said).to_have_attribute("aria-live", "polite")


def test_nothing_moves_for_who_wants_no_motion(browser: Browser, tmp_path: Path) -> None:
    """With reduced motion asked for, no transition is left."""
    page = browser.new_page(reduced_motion="reduce")
    place(page, tmp_path, fixture_recording.recording())
    disc = player_frame(page).locator(".disc")
    expect(disc).to_have_css("transition-property", "none")
    page.close()
