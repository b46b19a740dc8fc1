"""The player where it is used: a real JupyterLab and Notebook, with untrusted files and no kernel."""

from __future__ import annotations

import re
from pathlib import Path

import fixture_recording
import pytest
from lab import (
    Server,
    open_lab,
    open_notebook,
    open_notebook7,
    play_button,
    player_frame,
    position,
    slider,
    terminal_text,
    write_notebook,
)
from playwright.sync_api import Page, expect

from jupyter_recorder.replay.bundle import ReplayOptions, mime_bundle

LIMIT = 5 << 20


@pytest.fixture
def notebook(server: Server, request: pytest.FixtureRequest) -> str:
    """An untrusted notebook that holds one replay; its path on the server."""
    path = f"{request.node.name}.ipynb"
    bundle = mime_bundle(fixture_recording.recording(), ReplayOptions(), summary="a replay", max_embed_bytes=LIMIT)
    write_notebook(server.root / path, bundle)
    return path


def test_an_untrusted_notebook_without_a_kernel_plays(
    page: Page, server: Server, notebook: str, troubles: list[str], shots: Path
) -> None:
    """A reopened notebook shows our renderer, and its time advances, with no kernel and no trust."""
    open_notebook(page, server, notebook)
    frame = player_frame(page)
    play_button(frame).click()
    expect(frame.get_by_test_id("time")).to_have_text(re.compile(r"^00:0[2-9] / 00:42$"))
    page.screenshot(path=shots / "lab-playing.png")
    trusted = "() => window.jupyterapp.shell.currentWidget.content.widgets[0].model.trusted"
    assert page.evaluate(trusted) is False
    assert page.locator(".jupyter-recorder-replay").count() == 1
    assert server.api("kernels") == []
    assert troubles == []


def test_keys_seek_and_stay_out_of_the_notebook(page: Page, server: Server, notebook: str, troubles: list[str]) -> None:
    """End shows the last of every track, and no key of the player edits the notebook around it."""
    open_notebook(page, server, notebook)
    frame = player_frame(page)
    slider(frame).press("End")
    expect(frame.locator(".cells")).to_contain_text("'r2': 0.87")
    expect(frame.locator(".chat")).to_contain_text("Thanks, I'll try that.")
    expect(frame.locator(".xterm-rows")).to_contain_text("24 passed in 0.88s")
    slider(frame).press("Home")
    slider(frame).press("ArrowRight")
    assert position(frame) == 5.0
    assert page.locator(".jp-Notebook .jp-Cell").count() == 1
    assert troubles == []


def test_the_slider_seeks_where_it_is_pressed(page: Page, server: Server, notebook: str) -> None:
    """A press in the middle of the timeline goes to the middle, where the second test run is not there yet."""
    open_notebook(page, server, notebook)
    frame = player_frame(page)
    slider(frame).click()
    assert abs(position(frame) - fixture_recording.SECONDS / 2) < 0.5
    slider(frame).press("6")
    expect(frame.locator(".xterm-rows")).to_contain_text("1 failed, 23 passed")
    assert "24 passed" not in terminal_text(frame)


def test_the_player_takes_labs_theme(page: Page, server: Server, notebook: str, shots: Path) -> None:
    """A change of JupyterLab's theme reaches a player that is already shown."""
    open_notebook(page, server, notebook)
    frame = player_frame(page)
    expect(frame.locator("html")).to_have_attribute("data-theme", "light")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
    slider(frame).press("7")
    page.screenshot(path=shots / "lab-dark.png")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")


def test_notebook_7_plays_it_too(page: Page, server: Server, notebook: str, troubles: list[str], shots: Path) -> None:
    """Notebook 7 shows the same player for the same untrusted file."""
    open_notebook7(page, server, notebook)
    frame = player_frame(page)
    play_button(frame).click()
    expect(frame.get_by_test_id("time")).to_have_text(re.compile(r"^00:0[1-9] / 00:42$"))
    page.screenshot(path=shots / "notebook7.png")
    assert page.locator(".jupyter-recorder-replay").count() == 1
    assert troubles == []


def test_a_cast_opens_from_the_file_browser(page: Page, server: Server, troubles: list[str], shots: Path) -> None:
    """A double click on a `.cast` file opens it as a replay that plays."""
    (server.root / "tests.cast").write_bytes(fixture_recording.cast())
    open_lab(page, server)
    page.locator(".jp-DirListing-item", has_text="tests.cast").dblclick()
    frame = player_frame(page)
    slider(frame).press("End")
    expect(frame.locator(".xterm-rows")).to_contain_text("24 passed in 0.88s")
    page.screenshot(path=shots / "lab-cast.png")
    assert troubles == []


def test_a_cast_as_an_output_plays(page: Page, server: Server) -> None:
    """An output that holds nothing but an asciicast is a replay as well."""
    write_notebook(server.root / "cast.ipynb", {"application/x-asciicast": fixture_recording.cast().decode()})
    open_notebook(page, server, "cast.ipynb")
    frame = player_frame(page)
    slider(frame).press("End")
    expect(frame.locator(".xterm-rows")).to_contain_text("24 passed in 0.88s")
