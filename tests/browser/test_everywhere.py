"""The same replay wherever a notebook is shown: each place plays, pauses, seeks, steps, searches and changes speed."""

from __future__ import annotations

import re
from pathlib import Path

import fixture_recording
import pytest
from lab import play_button, position, slider
from places import EVERYWHERE, Place
from playwright.sync_api import FrameLocator, Locator, Page, expect

from jupyter_recorder.replay.bundle import ReplayOptions, mime_bundle


def use_it(frame: FrameLocator | Locator) -> None:
    """Do what a reader does, and see that each of it works."""
    play = play_button(frame)
    play.click()
    expect(frame.get_by_test_id("time")).to_have_text(re.compile(r"^00:0[1-9] / 00:42$"))
    play.click()
    expect(play).to_have_attribute("aria-label", "Play")
    slider(frame).press("5")
    assert position(frame) == 21.0
    expect(frame.locator(".cells")).not_to_contain_text("NameError")
    slider(frame).press("]")
    assert position(frame) == 30.0
    slider(frame).press(">")
    expect(frame.get_by_label("Speed")).to_have_value("1.5")
    slider(frame).press("/")
    frame.get_by_role("searchbox").fill("flattens")
    frame.get_by_role("searchbox").press("Enter")
    expect(frame.locator(".chat")).to_contain_text("then flattens")
    assert 14 < position(frame) < 25


@pytest.mark.parametrize("place", EVERYWHERE, ids=lambda place: place.__name__)
def test_it_can_be_used_everywhere(
    request: pytest.FixtureRequest, page: Page, troubles: list[str], shots: Path, place: Place
) -> None:
    """Play, pause, seek, step, speed and search work, with no console error and no request to the outside."""
    frame = place(request, fixture_recording.recording())
    use_it(frame)
    page.screenshot(path=shots / f"{place.__name__}.png")
    assert [] == troubles


def test_where_no_frame_may_stand_the_text_does(page: Page, tmp_path: Path) -> None:
    """GitHub drops frames and keeps their text; a terminal shows the plain text: both say what there is."""
    data = fixture_recording.recording()
    bundle = mime_bundle(data, ReplayOptions(), summary="▶ riders & <more>", max_embed_bytes=5 << 20)
    assert bundle["text/plain"] == "▶ riders & <more>"
    without_tags = re.sub(r"</?(iframe|div)[^>]*>", "", str(bundle["text/html"]))
    assert without_tags == "▶ riders &amp; &lt;more&gt;"
