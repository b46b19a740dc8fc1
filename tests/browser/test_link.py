"""Linked replays: the recording is on the server, and the notebook names it alone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab import Server, open_notebook, open_notebook7, play_button, player_frame, slider, write_notebook
from playwright.sync_api import FrameLocator, Page, expect
from recorded import Writer, root

from jupyter_recorder.replay.bundle import ReplayOptions, link_bundle

RECORD = [
    "recorder.record({'type': 'cell_start', 'cell_id': 'a', 'execution_count': 1, 'source': 'print(6 * 7)'})",
    "output = {'output_type': 'stream', 'name': 'stdout', 'text': '42\\n'}",
    "recorder.record({'type': 'output', 'cell_id': 'a', 'output': output})",
    "recorder.record({'type': 'cell_end', 'cell_id': 'a', 'status': 'ok', 'duration_ms': 5})",
    "recorder.chat.add('user', 'linked and said')",
    "terminal = recorder.terminal(60, 12, command='make')",
    "terminal.output('linked \\x1b[32mgreen\\x1b[0m ✓\\r\\n'.encode())",
    "terminal.end(0)",
]


@pytest.fixture
def finished(server: Server) -> Iterator[str]:
    """A finished recording of cells, a chat and a terminal; its id."""
    writer = Writer(server, "linked")
    writer.run(*RECORD)
    writer.stop()
    writer.close()
    yield writer.id
    shutil.rmtree(root(server) / writer.id, ignore_errors=True)


@pytest.fixture
def link(server: Server, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Writes a notebook that links to a recording; returns its path on the server."""

    def link(recording_id: str) -> str:
        path = f"{request.node.name.partition('[')[0]}.ipynb"
        manifest = {"id": recording_id, "name": "linked"}
        write_notebook(server.root / path, link_bundle(manifest, ReplayOptions(), summary="a replay"))
        return path

    return link


def alert(page: Page) -> FrameLocator:
    """The frame, as long as it has no player but a sentence."""
    return page.frame_locator("iframe[sandbox='allow-scripts']")


def expect_all_of_it(frame: FrameLocator) -> None:
    """Cells, chat and terminal stand there at the end."""
    slider(frame).press("End")
    expect(frame.locator(".cells")).to_contain_text("42")
    expect(frame.locator(".chat")).to_contain_text("linked and said")
    expect(frame.locator(".xterm-rows")).to_contain_text("linked green ✓")


def test_jupyterlab_fetches_the_recording(
    page: Page, server: Server, finished: str, link: Callable[[str], str], troubles: list[str], shots: Path
) -> None:
    """A link holds the id alone; JupyterLab fetches the rest from its server, and it plays."""
    path = link(finished)
    assert "linked and said" not in (server.root / path).read_text()
    open_notebook(page, server, path)
    frame = player_frame(page)
    expect_all_of_it(frame)
    slider(frame).press("Home")
    expect(frame.locator(".chat")).not_to_contain_text("linked and said")
    play_button(frame).click()
    expect(frame.locator(".chat")).to_contain_text("linked and said")
    page.screenshot(path=shots / "link-lab.png")
    assert troubles == []


def test_notebook_7_fetches_it_too(
    page: Page, server: Server, finished: str, link: Callable[[str], str], troubles: list[str]
) -> None:
    """Notebook 7 shows a linked replay like JupyterLab."""
    open_notebook7(page, server, link(finished))
    expect_all_of_it(player_frame(page))
    assert troubles == []


def test_a_recording_that_is_not_there_is_said(page: Page, server: Server, link: Callable[[str], str]) -> None:
    """A link whose recording was deleted says so, and names it."""
    open_notebook(page, server, link("never-20260101-000000"))
    said = alert(page).get_by_role("alert")
    expect(said).to_contain_text('There is no recording "never-20260101-000000" on this server')


def test_who_may_not_read_is_told_so(page: Page, server: Server, finished: str, link: Callable[[str], str]) -> None:
    """A server that refuses is not mistaken for a recording that is gone."""
    page.route(
        re.compile("/api/recording/recordings/"), lambda route: route.fulfill(status=403, json={"code": "forbidden"})
    )
    open_notebook(page, server, link(finished))
    expect(alert(page).get_by_role("alert")).to_contain_text("You may not read recordings on this server")


def test_a_server_without_the_extension_is_told_from_a_missing_recording(
    page: Page, server: Server, finished: str, link: Callable[[str], str]
) -> None:
    """Where no extension answers, the reader hears what to install."""
    page.route(
        re.compile("/api/recording/recordings/"), lambda route: route.fulfill(status=404, json={"message": "Not Found"})
    )
    open_notebook(page, server, link(finished))
    expect(alert(page).get_by_role("alert")).to_contain_text("It needs the recorder's server extension")


def test_a_server_that_is_away_is_asked_again(
    page: Page, server: Server, finished: str, link: Callable[[str], str]
) -> None:
    """While the server can't be reached the replay says so, and it shows as soon as the server is back."""
    page.route(re.compile("/api/recording/recordings/"), lambda route: route.abort())
    open_notebook(page, server, link(finished))
    expect(alert(page).get_by_role("alert")).to_contain_text("The Jupyter server can't be reached")
    page.unroute_all()
    expect_all_of_it(player_frame(page))


def test_a_forged_link_asks_for_nothing(page: Page, server: Server, troubles: list[str]) -> None:
    """An id that could lead elsewhere on the server is refused before anything is fetched."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/recording" in request.url else None)
    forged = {"version": 1, "id": "../../contents/secret", "name": "x", "options": {}}
    write_notebook(server.root / "forged-link.ipynb", {"application/vnd.jupyter-recorder.v1+json": forged})
    open_notebook(page, server, "forged-link.ipynb")
    expect(page.locator(".jupyter-recorder-replay")).to_contain_text("links to no recording")
    assert [url for url in asked if "/recordings/" in url or "secret" in url] == []
    assert troubles == []
