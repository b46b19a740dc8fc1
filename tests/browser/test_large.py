"""A terminal that is too large for a page: read by ranges, shown at once, exact anywhere."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import large_cast
import pytest
from lab import Server, open_lab, open_notebook, play_button, player_frame, position, slider
from large_recording import Large, inside, link, make, seek, show
from playwright.sync_api import Browser, FrameLocator, Page, Request, expect
from recorded import Writer, root

EVENTS = 90_000  # 12 MiB


# Scrolls as far up as it goes: xterm reads a wheel's old-fashioned delta, whose sign is the other one in a made event.
_TO_THE_TOP = """stamp => {
    const wheel = new WheelEvent('wheel', {deltaY: 1e5, bubbles: true});
    document.querySelector('.xterm-screen').dispatchEvent(wheel);
    return document.querySelector('.xterm-rows').textContent.includes(stamp);
}"""


@pytest.fixture(scope="module")
def large(server: Server) -> Iterator[Large]:
    """A finished recording with a large terminal."""
    large = make(server, "large", EVENTS)
    yield large
    shutil.rmtree(root(server) / large.id)


@pytest.fixture(scope="module")
def asked() -> list[Request]:
    """What the page below asked of the terminal's file."""
    return []


@pytest.fixture(scope="module")
def opened(browser: Browser, server: Server, large: Large, asked: list[Request]) -> Iterator[Page]:
    """JupyterLab with the linked replay, just opened."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.on("request", lambda request: asked.append(request) if request.url.endswith(".cast") else None)
    show(page, server, large)
    yield page
    page.close()


def ready(page: Page) -> FrameLocator:
    """Return the player once all of the terminal is prepared."""
    frame = player_frame(page)
    expect(frame.locator(".status")).to_have_text("make all · exit 0", timeout=60_000)
    return frame


def test_every_moment_is_right_before_and_after_it_was_prepared(
    opened: Page, large: Large, asked: list[Request], shots: Path
) -> None:
    """Wherever a reader goes, the screen is what a terminal would show; the file is never fetched whole."""
    places = random.Random(5)
    for _ in range(2):
        for number in [EVENTS - 1, 20, 3_600, *(places.randrange(EVENTS) for _ in range(8))]:
            sought = seek(inside(opened), large, number)
            assert large_cast.screen(sought.number) == sought.rows
        ready(opened)
    opened.screenshot(path=shots / "large.png")
    assert all(request.method == "HEAD" or "range" in request.headers for request in asked)


def test_what_scrolled_away_is_there_once_the_reader_rests(opened: Page, large: Large) -> None:
    """A seek begins from a keyframe without history, which is fetched when nothing moves."""
    frame = ready(opened)
    sought = seek(inside(opened), large, 70_000)
    # Among the oldest of the 1000 lines that a terminal keeps; what a keyframe alone leads to holds fewer.
    earlier = large_cast.stamp(sought.number - 1010)
    rows = frame.locator(".xterm-rows")
    expect(rows).to_contain_text(large_cast.stamp(sought.number))
    inside(opened).wait_for_function(_TO_THE_TOP, arg=earlier, timeout=30_000)


def test_it_plays_on_from_anywhere(opened: Page, large: Large) -> None:
    """Play goes on from a moment that was sought, and where it pauses the screen is right."""
    frame = ready(opened)
    sought = seek(inside(opened), large, 50_000)
    play_button(frame).click()
    expect(frame.locator(".xterm-rows")).not_to_contain_text(large_cast.stamp(sought.number - 1))
    play_button(frame).click()
    at = round((position(frame) - large.begins) * large_cast.PER_SECOND)
    stood = seek(inside(opened), large, at)
    assert stood.number > sought.number
    assert large_cast.screen(stood.number) == stood.rows


def test_a_search_goes_through_all_of_it(opened: Page) -> None:
    """A search finds what no page holds, and a hit leads to its moment."""
    frame = ready(opened)
    slider(frame).press("/")
    frame.get_by_role("searchbox").fill("00080012 echo compiling")
    expect(frame.locator(".count")).to_have_text("1 hit", timeout=30_000)
    frame.get_by_role("searchbox").press("Enter")
    expect(frame.locator(".xterm-rows")).to_contain_text("00080012")


def test_what_is_still_written_is_followed(page: Page, server: Server) -> None:
    """A large terminal that is still recorded grows in the player, and its newest lines are shown."""
    writer = Writer(server, "growing")
    writer.run("terminal = recorder.terminal(80, 24)")
    writer.run("[terminal.output(b'0123456789 \\r\\n' * 80_000) for _ in range(12)]", "terminal.output(b'then this')")
    large = Large(writer.id, 0)
    open_notebook(page, server, link(server, large))
    frame = player_frame(page)
    expect(frame.locator(".xterm-rows")).to_contain_text("then this", timeout=30_000)
    writer.run("terminal.output(b'\\r\\nand later this')")
    expect(frame.locator(".xterm-rows")).to_contain_text("and later this", timeout=30_000)
    writer.run("terminal.output(b'\\r\\nand the end')", "terminal.end(0)")
    writer.stop()
    writer.close()
    expect(frame.locator(".xterm-rows")).to_contain_text("and the end", timeout=30_000)
    expect(frame.locator(".head")).not_to_contain_text("still recording")
    shutil.rmtree(root(server) / writer.id)


def test_a_large_file_of_the_file_browser_is_read_by_ranges(page: Page, server: Server, troubles: list[str]) -> None:
    """A double click on a large `.cast` shows it like any other; JupyterLab never holds it whole."""
    large_cast.write(server.root / "big.cast", EVENTS)
    with (server.root / "big.cast").open("a") as file:
        file.write('[99999.5, "o", "half a l')  # it may be still written
    received: list[int] = []
    page.on("response", lambda response: received.append(int(response.headers.get("content-length", 0))))
    open_lab(page, server)
    page.locator(".jp-DirListing-item", has_text="big.cast").dblclick()
    frame = player_frame(page)
    expect(frame.locator(".xterm-rows")).to_contain_text(re.compile(r"\d{8}"))
    received.clear()
    for number in (70_000, 20, EVENTS - 1):
        sought = seek(inside(page), Large("", 0), number)
        assert large_cast.screen(sought.number) == sought.rows
    assert received
    assert max(received) < 4 << 20
    assert [] == troubles
    (server.root / "big.cast").unlink()


def test_a_host_without_ranges_is_named(page: Page, server: Server, large: Large) -> None:
    """Where something on the way drops ranges, the reader hears why the terminal is not there; the rest is."""
    page.route(
        re.compile(r"/terminal\.cast"),
        lambda route: route.continue_() if route.request.method == "HEAD" else route.fulfill(status=200, body="whole"),
    )
    open_notebook(page, server, link(server, large))
    frame = player_frame(page)
    expect(frame.get_by_text("does not pass on ranges of files")).to_be_visible()
    expect(slider(frame)).to_be_visible()
