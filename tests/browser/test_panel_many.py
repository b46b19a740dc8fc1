"""A panel of 5,000 recordings: it scrolls, keeps its place, and is for those who use no mouse or no screen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import Server, open_lab, start_server, stop_server
from panel import opener, row, show_panel
from playwright.sync_api import Browser, Page, expect
from recorded import Writer, root, said
from test_player_long import assert_smooth

MANY = 5000
AXE = Path(__file__).parents[2] / "labextension/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab of these tests' own."""
    server = start_server(tmp_path_factory.mktemp("many"))
    yield server
    stop_server(server)


@pytest.fixture(scope="module")
def many(server: Server) -> None:
    """Five thousand recordings on the disk, as the server lists them."""
    for number in range(MANY):
        folder = root(server) / f"many-{number:04d}-20260101-000000"
        folder.mkdir(mode=0o700, parents=True)
        name = f"many-{number:04d}"
        manifest: dict[str, Any] = {
            "format": "jupyter-recorder", "version": 1, "id": folder.name, "name": name, "tags": [f"tag{number % 7}"],
            "kind": ("notebook", "terminal", "chat")[number % 3], "state": "completed", "ended_at": 1_790_000_060_000,
            "started_at": 1_790_000_000_000 + number, "writer": {}, "tracks": [], "counts": {"events": 3, "cells": 2},
        }  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps(manifest) + "\n")


@pytest.fixture(scope="module")
def opened(browser: Browser, server: Server, many: None) -> Iterator[tuple[Page, list[str]]]:
    """A page whose panel has all of them, and what must not happen in it."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    open_lab(page, server)
    panel = show_panel(page)
    expect(panel.locator(".jr-count")).to_have_text(re.compile(rf"^{MANY:,} recordings"), timeout=60_000)
    yield page, troubles
    page.context.close()


@pytest.fixture
def panel_page(opened: tuple[Page, list[str]]) -> Iterator[Page]:
    """That page, its list at the top and whole; nothing goes wrong in it."""
    page, troubles = opened
    page.get_by_role("searchbox", name="Search in all recordings").fill("")
    page.evaluate("() => { document.querySelector('.jr-rows').scrollTop = 0 }")
    yield page
    assert troubles == []


SCROLL = """async frames => {
    const list = document.querySelector('.jr-rows');
    const next = () => new Promise(requestAnimationFrame);
    const times = [];
    let last = await next();
    for (let frame = 0; frame < frames; frame += 1) {
        list.scrollTop += 150;
        const now = await next();
        times.push(now - last);
        last = now;
    }
    return times.sort((a, b) => a - b);
}"""


@pytest.mark.quiet
def test_five_thousand_scroll_smoothly(panel_page: Page) -> None:
    """While scrolling on, 95 % of frames come within 33 ms, in the quietest of three rounds."""
    assert_smooth(lambda: panel_page.evaluate(SCROLL, 200))
    assert panel_page.locator(".jr-row").count() < 60


# The rows that are in the page are those of where the list stands: they come a frame after it was scrolled.
IN_SIGHT = """() => {
    const middle = ({ top, height }) => top + height / 2;
    const list = middle(document.querySelector('.jr-rows').getBoundingClientRect());
    const places = [...document.querySelectorAll('.jr-row')].map(row => middle(row.getBoundingClientRect()));
    return places.some(place => Math.abs(place - list) < 60);
}"""


def test_the_panel_keeps_its_place(panel_page: Page, server: Server) -> None:
    """What begins meanwhile comes in above, and what the reader looks at stays where it is."""
    panel_page.evaluate("() => { document.querySelector('.jr-rows').scrollTop = 40_000 }")
    panel_page.wait_for_function(IN_SIGHT)
    seen = panel_page.locator(".jr-recording").nth(8)
    name, place = seen.locator(".jr-name").inner_text(), seen.bounding_box()
    writer = Writer(server, "comes-in")
    writer.run(said("above"))
    expect(panel_page.locator(".jr-count")).to_have_text(re.compile("1 being recorded"))
    assert place == row(panel_page, name).bounding_box()
    writer.stop()
    writer.close()


def violations(page: Page, within: str) -> list[str]:
    """What axe-core finds in a part of the page that is serious or critical."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("async within => (await axe.run(within)).violations", within)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_no_serious_violation(panel_page: Page, theme: str, shots: Path) -> None:
    """In the panel, its menu and its dialogs, light and dark, no rule of axe-core is broken seriously."""
    page = panel_page
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    page.wait_for_function(
        "light => document.body.dataset.jpThemeLight === light", arg="true" if theme.endswith("Light") else "false"
    )
    assert violations(page, ".jr-panel") == []
    page.get_by_role("searchbox", name="Search in all recordings").fill("many-00")
    expect(page.locator(".jr-count")).to_have_text(re.compile("^100 recordings, "))
    assert violations(page, ".jr-panel") == []
    first = page.locator(".jr-recording").first
    first.locator(".jr-menu").click()
    assert violations(page, ".lm-Menu") == []
    page.keyboard.press("Escape")
    for key in ("F2", "Delete"):
        opener(first).press(key)
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations(page, ".jp-Dialog") == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    page.screenshot(path=shots / f"panel-{theme.split()[1].lower()}.png")


def focused(page: Page) -> str:
    """The name of what has the focus."""
    name: str = page.evaluate(
        "() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )
    return name


def test_everything_works_by_keyboard_alone(panel_page: Page) -> None:
    """With no pointer: search, filter, walk the list, the menu, rename, a question declined, back in the list."""
    page, keyboard = panel_page, panel_page.keyboard
    page.get_by_role("searchbox", name="Search in all recordings").focus()
    keyboard.type("many-000")
    for name in ("Kind", "State", "Tag"):
        keyboard.press("Tab")
        assert name == focused(page)
    expect(page.locator(".jr-count")).to_have_text(re.compile("^10 recordings"))
    keyboard.press("Tab")
    assert "many-0009" in focused(page)
    keyboard.press("ArrowDown")
    assert "many-0008" in focused(page)
    keyboard.press("End")
    assert "many-0000" in focused(page)
    keyboard.press("ArrowUp")
    keyboard.press("ArrowRight")
    assert "Actions for many-0001" == focused(page)
    keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Rename and Tag…")).to_be_visible()
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Name", exact=True)).to_be_focused()
    keyboard.press("Tab")
    keyboard.type("by keyboard")
    keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row(page, "by keyboard")).to_be_visible()
    opener(row(page, "by keyboard")).focus()
    keyboard.press("Delete")
    expect(page.get_by_role("dialog")).to_contain_text("by keyboard")
    keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "by keyboard" in focused(page)
