"""The places in which a replay stands: each shows a recording in one, and returns the player's frame there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import Server, open_notebook, open_notebook7, player_frame, write_notebook
from nbconvert import HTMLExporter
from notebook_kernel import open_and_run, until
from playwright.sync_api import FrameLocator, Locator, Page
from recorded import keep, root

from jupyter_recorder.convert import export_recording
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.replay.bundle import ReplayData, ReplayOptions, mime_bundle

Place = Callable[[pytest.FixtureRequest, ReplayData], FrameLocator | Locator]

SUMMARY = "▶ a replay"
# What VS Code allows the page in which it puts outputs, where no Jupyter is.
VS_CODE = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src https: data:;"
    " font-src data:; connect-src https:; child-src https: data:"
)
HEAD = "<!doctype html><meta charset=utf-8><title>host</title>"


def bundle(data: ReplayData) -> dict[str, Any]:
    """Return the MIME bundle of a recording."""
    return mime_bundle(data, ReplayOptions(), summary=SUMMARY, max_embed_bytes=5 << 20)


def _have(request: pytest.FixtureRequest) -> tuple[Page, Path]:
    return request.getfixturevalue("page"), request.getfixturevalue("tmp_path")


def jupyterlab(request: pytest.FixtureRequest, data: ReplayData) -> FrameLocator:
    """An untrusted notebook in JupyterLab."""
    (page, folder), server = _have(request), request.getfixturevalue("server")
    write_notebook(server.root / f"{folder.name}.ipynb", bundle(data))
    open_notebook(page, server, f"{folder.name}.ipynb")
    return player_frame(page)


def notebook_7(request: pytest.FixtureRequest, data: ReplayData) -> FrameLocator:
    """An untrusted notebook in Notebook 7."""
    (page, folder), server = _have(request), request.getfixturevalue("server")
    write_notebook(server.root / f"{folder.name}.ipynb", bundle(data))
    open_notebook7(page, server, f"{folder.name}.ipynb")
    return player_frame(page)


def nbconvert_page(request: pytest.FixtureRequest, data: ReplayData) -> FrameLocator:
    """What `nbconvert --to html` makes, opened as a file with the network off."""
    page, folder = _have(request)
    write_notebook(folder / "n.ipynb", bundle(data))
    # By itself nbconvert links to scripts on the web, for formulas and widgets.
    exporter = HTMLExporter(require_js_url="", mathjax_url="", jquery_url="")
    text, _ = exporter.from_filename(str(folder / "n.ipynb"))  # type: ignore[no-untyped-call]
    (folder / "n.html").write_text(text, encoding="utf-8")
    page.context.set_offline(True)
    page.goto((folder / "n.html").as_uri())
    return player_frame(page)


def page_without_jupyter(request: pytest.FixtureRequest, data: ReplayData) -> FrameLocator:
    """An output put into a page by its HTML alone, under a policy as strict as VS Code's."""
    page, folder = _have(request)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{VS_CODE}">'
    (folder / "p.html").write_text(f"{HEAD}{policy}<body><main></main>", encoding="utf-8")
    page.goto((folder / "p.html").as_uri())
    page.evaluate("html => void (document.querySelector('main').innerHTML = html)", bundle(data)["text/html"])
    return player_frame(page)


def exported_page(request: pytest.FixtureRequest, data: ReplayData) -> Locator:
    """What `export --to html` makes: a page of its own, with no frame around it."""
    page, folder = _have(request)
    recording = Recording(folder / keep(folder, data, "kept"))
    export_recording(recording, "html", folder / "e.html")
    page.goto((folder / "e.html").as_uri())
    return page.locator("body")


def widget(request: pytest.FixtureRequest, data: ReplayData) -> FrameLocator:
    """A `Replay` in JupyterLab, fed by a kernel."""
    page, _ = _have(request)
    server: Server = request.getfixturevalue("kernel_server")
    name = keep(root(server), data, "placed")
    request.addfinalizer(lambda: shutil.rmtree(root(server) / name))
    cell = f"from jupyter_recorder import Replay\nreplay = Replay('{name}')\nreplay"
    open_and_run(page, server, f"{name}.ipynb", cell)
    frame = player_frame(page)
    until(page, "replay.duration > 0")  # all of it is there
    return frame


EVERYWHERE: list[Place] = [jupyterlab, notebook_7, nbconvert_page, page_without_jupyter, exported_page, widget]
