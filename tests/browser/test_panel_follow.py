"""Following live from the panel while the server is restarted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import TOKEN, Server, open_lab, player_frame, start_server, stop_server
from panel import opener, row, show_panel
from playwright.sync_api import Browser, Error, FrameLocator, Page, expect
from refusing_proxy import RefusingProxy

from jupyter_recorder import RecorderClient

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops servers by signal")


class Restarted:
    """A JupyterLab that can be stopped and started again at its address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = start_server(folder)

    def stop(self) -> None:
        stop_server(self.server)

    def start(self) -> None:
        self.server = start_server(self.folder, port=int(self.server.url.rpartition(":")[2]))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarted]:
    """A JupyterLab of these tests' own."""
    lab = Restarted(tmp_path_factory.mktemp("follow"))
    yield lab
    lab.stop()


def watch(browser: Browser, server: Server, proxy: RefusingProxy) -> tuple[Page, FrameLocator, list[str]]:
    """Open the live chat from the panel of a browser of its own; what goes wrong there is in the list.

    A request of JupyterLab's own may fall into the time when the server is away; that is no error of ours.
    """
    page = browser.new_context(
        viewport={"width": 1280, "height": 2600}, proxy={"server": proxy.url, "bypass": "127.0.0.1"}
    ).new_page()
    errors: list[str] = []

    def note(error: Error) -> None:
        said = error.stack or str(error)
        if "Failed to fetch" not in said or "extensions/jupyter-recorder" in said:
            errors.append(said)

    page.on("pageerror", note)
    open_lab(page, server)
    show_panel(page)
    opener(row(page, "The chat")).click()
    return page, player_frame(page), errors


def test_two_browsers_follow_across_a_restart(
    browser: Browser, lab: Restarted, proxy: RefusingProxy, tmp_path: Path
) -> None:
    """F2: an early and a late viewer end with every message once, in order, though the server was gone meanwhile."""
    messages = [f"message {number:02d}" for number in range(24)]
    with RecorderClient(lab.server.url, TOKEN, outbox=tmp_path / "outbox") as client:
        session = client.session("followed", provider="tests", title="The chat")
        for text in messages[:6]:
            session.add("user", text)
        client.flush()
        early = watch(browser, lab.server, proxy)
        expect(early[1].locator(".message")).to_have_count(6)
        for text in messages[6:12]:
            session.add("user", text)
        client.flush()
        late = watch(browser, lab.server, proxy)
        expect(late[1].locator(".message")).to_have_count(12)
        lab.stop()
        for page, frame, _ in (early, late):
            expect(frame.locator(".notice.banner")).to_contain_text("can't be reached")
            expect(page.locator(".jr-problem")).to_contain_text("can't be reached")
        for text in messages[12:18]:
            session.add("user", text)
        lab.start()
        for text in messages[18:]:
            session.add("user", text)
        session.end()
        client.flush()
        for page, frame, errors in (early, late):
            expect(frame.locator(".message .rich")).to_have_text(messages)
            expect(page.locator(".jr-problem")).not_to_be_visible()
            expect(row(page, "The chat")).to_have_attribute("data-state", "completed")
            assert errors == []
            page.context.close()
    assert [] == proxy.requests
