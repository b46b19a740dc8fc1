"""The executed quickstart, opened in a real JupyterLab without a kernel, as its reader sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab import Server, open_notebook, play_button, player_frame, position, slider, terminal_text
from playwright.sync_api import FrameLocator, Page, expect

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(scope="session")
def quickstart(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The quickstart, run for real and put where the server sees it; its path there."""
    target = server.root / "quickstart.ipynb"
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; import demo;"
        "demo.run(Path(sys.argv[1]) / '01-quickstart.ipynb', Path(sys.argv[2]))"
    )
    home = tmp_path_factory.mktemp("recordings")
    environment = {**os.environ, "JUPYTER_RECORDER_DIR": str(home / "root"), "IPYTHONDIR": str(home / "ipython")}
    subprocess.run([sys.executable, "-c", program, NOTEBOOKS, target], env=environment, check=True)
    return target.name


@pytest.fixture
def frame(page: Page, server: Server, quickstart: str) -> FrameLocator:
    """The replay in the opened notebook."""
    open_notebook(page, server, quickstart)
    page.locator(".jupyter-recorder-replay").first.scroll_into_view_if_needed()
    return player_frame(page)


def test_the_quickstart_replays_without_a_kernel(
    page: Page, server: Server, frame: FrameLocator, troubles: list[str], shots: Path
) -> None:
    """Its cells, its terminal and its chat play to their end, in the untrusted notebook, with no kernel running."""
    slider(frame).press("Home")
    play_button(frame).click()
    expect(frame.locator(".chat")).to_contain_text("It is on the disk")
    page.screenshot(path=shots / "quickstart.png")
    expect(frame.locator(".chat")).to_contain_text("at its pace")
    expect(frame.locator(".cells")).to_contain_text("KeyError")
    assert "colour 35" in terminal_text(frame)
    assert "done" in terminal_text(frame)
    assert [] == server.api("kernels")
    assert [] == troubles


def test_seeking_shows_the_screen_of_that_moment(frame: FrameLocator, troubles: list[str]) -> None:
    """Forward to the end, back to the beginning, and on to the first chapter: the text on screen is that moment's."""
    slider(frame).press("End")
    expect(frame.locator(".xterm-rows")).to_contain_text("colour 35")
    slider(frame).press("Home")
    assert 0.0 == position(frame)
    expect(frame.locator(".cells")).not_to_contain_text("step 5 of 5")
    assert "colour" not in terminal_text(frame)
    for _ in range(40):
        if "A terminal program" in frame.locator(".cells").inner_text():
            break
        slider(frame).press("]")
    expect(frame.locator(".cells")).to_contain_text("step 5 of 5")
    assert "colour 35" not in terminal_text(frame)
    assert [] == troubles
