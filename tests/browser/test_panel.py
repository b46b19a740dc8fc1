"""The Recordings panel: what is recorded and was recorded, found again, opened at its moment, always up to date."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from lab import Server, open_lab, player_frame, position, slider
from panel import opener, row, show_panel
from playwright.sync_api import Page, expect
from recorded import Writer, root, said

Record = Callable[..., Writer]


def test_what_is_recorded_now_comes_first_and_opens_in_the_player(
    page: Page, server: Server, record: Record, troubles: list[str], shots: Path
) -> None:
    """Live ones stand first with their time and how safe they are; a click opens one, and it is followed."""
    live = record("panel-live", said("before it was opened"))
    ended = record("panel-ended", said("long over"))
    ended.stop()
    open_lab(page, server)
    panel = show_panel(page)
    first = row(page, "panel-live")
    expect(panel.locator(".jr-recording").first).to_have_attribute("data-id", live.id)
    expect(first.locator(".jr-elapsed")).to_have_text(re.compile(r"^\d+:\d\d$"))
    expect(first.locator(".jr-safe")).to_have_text(re.compile(r"safe up to event \d+$"))
    expect(row(page, "panel-ended").locator(".jr-facts")).to_have_text("notebook · completed · 1 message")
    opener(first).click()
    frame = player_frame(page)
    expect(frame.locator(".chat")).to_contain_text("before it was opened")
    live.run(said("while it is open"))
    expect(frame.locator(".chat")).to_contain_text("while it is open")
    page.screenshot(path=shots / "panel.png")
    assert troubles == []


def test_it_changes_by_itself(page: Page, server: Server, record: Record, troubles: list[str]) -> None:
    """A recording that begins, ends or is deleted elsewhere does so in the panel, and what stands open says it."""
    open_lab(page, server)
    show_panel(page)
    writer = record("panel-comes", said("hello"))
    expect(row(page, "panel-comes")).to_have_attribute("data-state", "recording")
    writer.stop()
    expect(row(page, "panel-comes")).to_have_attribute("data-state", "completed")
    opener(row(page, "panel-comes")).click()
    frame = player_frame(page)
    shutil.rmtree(root(server) / writer.id)
    expect(row(page, "panel-comes")).to_have_count(0)
    expect(frame.locator(".notice.banner")).to_contain_text("This recording was deleted")
    assert troubles == []


def test_a_press_meets_what_it_was_on(page: Page, server: Server, record: Record, troubles: list[str]) -> None:
    """While a button is pressed nothing moves from under it, in the panel and among a live replay's chapters."""
    live = record("panel-pressed", said("hello"), "recorder.mark('the first')")
    open_lab(page, server)
    panel = show_panel(page)
    before = panel.locator(".jr-count").inner_text()
    opener(row(page, "panel-pressed")).hover()
    page.mouse.down()
    record("panel-newer", said("this one stands above it then"))
    expect(panel.locator(".jr-count")).not_to_have_text(before)
    expect(row(page, "panel-newer")).to_have_count(0)
    page.mouse.up()
    frame = player_frame(page)
    expect(frame.locator(".chat")).to_contain_text("hello")
    expect(row(page, "panel-newer")).to_have_attribute("aria-posinset", "1")

    frame.get_by_role("button", name="Chapters").click()
    chapters = frame.locator(".moments button")
    chapters.first.hover()
    page.mouse.down()
    length = slider(frame).get_attribute("aria-valuemax") or ""
    live.run("recorder.mark('the second')")
    expect(slider(frame)).not_to_have_attribute("aria-valuemax", length)
    expect(chapters).to_have_count(1)
    page.mouse.up()
    expect(chapters).to_have_count(2)
    expect(chapters.first).to_have_attribute("aria-current", "true")
    assert troubles == []


def test_a_recording_that_is_not_safe_is_red(page: Page, server: Server, record: Record, troubles: list[str]) -> None:
    """Where the disk refuses, the mark turns red and says why; when all is safe again, it says that."""
    writer = record("panel-fails", said("safe"))
    open_lab(page, server)
    show_panel(page)
    failing = row(page, "panel-fails")
    expect(failing.locator(".jr-safe")).to_have_attribute("data-safe", "true")
    writer.refuse()
    expect(failing).to_have_attribute("data-state", "failing")
    expect(failing.locator(".jr-safe")).to_contain_text(re.compile("NOT SAFE: .*File too large"))
    writer.allow()
    expect(failing.locator(".jr-safe")).to_have_text(re.compile("safe up to event"))
    assert troubles == []


def _when(server: Server, writer: Writer, word: str) -> float:
    """Return when a word was said, in seconds of the recording."""
    folder = root(server) / writer.id
    started: int = json.loads((folder / "manifest.json").read_text())["started_at"]
    [at] = [json.loads(line)["at"] for line in (folder / "session.ndjson").read_text().splitlines() if word in line]
    return float(at - started) / 1000


def test_a_hit_opens_at_its_moment(page: Page, server: Server, record: Record, troubles: list[str]) -> None:
    """What is searched for is found in names and inside; what was found inside opens where it was said."""
    writer = record("panel-search", said("nothing yet"))
    writer.run("import time; time.sleep(1.2)", said("the xylophone was tuned"), "time.sleep(0.5)", said("the end"))
    writer.stop()
    open_lab(page, server)
    panel = show_panel(page)
    panel.get_by_role("searchbox").fill("xylophone")
    hit = panel.locator(".jr-found")
    expect(hit).to_have_count(1)
    expect(hit.locator(".jr-snippet")).to_contain_text("xylophone")
    hit.locator(".jr-open").click()
    frame = player_frame(page)
    expect(frame.locator(".chat")).to_contain_text("the xylophone was tuned")
    expect(frame.locator(".chat")).not_to_contain_text("the end")
    assert position(frame) == pytest.approx(_when(server, writer, "xylophone"), abs=0.051)
    slider(frame).press("End")
    hit.locator(".jr-open").click()
    expect(frame.locator(".chat")).not_to_contain_text("the end")
    panel.get_by_role("searchbox").fill("panel-sear")
    expect(panel.locator(".jr-recording")).to_have_count(1)
    assert troubles == []


def test_it_is_filtered_by_kind_state_and_tag(page: Page, server: Server, record: Record) -> None:
    """Each filter leaves what fits all of them."""
    record("panel-one", said("a"), "jupyter_recorder.library.manifest.change_labels(recorder.path, {'tags': ['red']})")
    record(
        "panel-two", said("b"), "jupyter_recorder.library.manifest.change_labels(recorder.path, {'tags': ['blue']})"
    ).stop()
    open_lab(page, server)
    panel = show_panel(page)
    panel.get_by_label("Tag").select_option("blue")
    expect(panel.locator(".jr-recording")).to_have_count(1)
    expect(row(page, "panel-two").locator(".jr-tag")).to_have_text("blue")
    panel.get_by_label("Tag").select_option("")
    panel.get_by_label("State").select_option("recording")
    expect(row(page, "panel-one")).to_be_visible()
    expect(row(page, "panel-two")).to_have_count(0)
    panel.get_by_label("Kind").select_option("terminal")
    expect(row(page, "panel-one")).to_have_count(0)
