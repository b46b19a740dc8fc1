"""A real JupyterLab for browser tests: how to start it, open a document in it, and reach the player's frame."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import FrameLocator, Locator, Page, expect

import jupyter_recorder

TOKEN = "test-token"
NO_KERNELS = ("--KernelSpecManager.ensure_native_kernel=False", "--KernelSpecManager.allowed_kernelspecs=none")
START_S = 180


@dataclass(frozen=True)
class Server:
    """A running JupyterLab: its address, the folder that it serves, and its process."""

    url: str
    root: Path
    process: subprocess.Popen[bytes]

    def api(self, path: str, method: str = "GET") -> Any:
        """Return what the server's REST interface answers; None for an empty answer."""
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"{self.url}/api/{path}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read() or "null")


def start_server(
    folder: Path, *options: str, kernels: bool = False, port: int | None = None, beside: Path | None = None
) -> Server:
    """Start JupyterLab (and Notebook) with settings, data and documents of its own below `folder`.

    A replay needs no kernel: without `kernels` none can be started. `port` is one that was used before, so that a
    server that is started again in the same folder has its old address. `beside` has packages with browser parts.
    """
    root, home, extensions = (folder / name for name in ("root", "home", "labextensions"))
    if not root.exists():
        for path in (root, home, extensions):
            path.mkdir()
        _settle(home)
        # The built files as they are in the tree, however the package was installed.
        (extensions / "jupyter-recorder").symlink_to(Path(jupyter_recorder.__file__).parent / "_labextension")
        for group in (beside / "share/jupyter/labextensions").iterdir() if beside else ():
            (extensions / group.name).symlink_to(group)
    port = port or _free_port()
    options = (*_arguments(port, root, extensions), *options, *(() if kernels else NO_KERNELS))
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=_environment(home),
            cwd=root,
            stdout=log,
            stderr=log,
        )
    server = Server(f"http://127.0.0.1:{port}", root, process)
    _wait(server, folder / "server.log")
    return server


def stop_server(server: Server) -> None:
    """Stop it by its process id and wait until it is gone."""
    server.process.terminate()
    try:
        server.process.wait(10)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


def _arguments(port: int, root: Path, extensions: Path) -> list[str]:
    apps = ("LabApp", "JupyterNotebookApp")
    return [
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={TOKEN}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *(f"--{app}.expose_app_in_browser=True" for app in apps),
        *(f"--{app}.extra_labextensions_path={extensions}" for app in apps),
    ]


def _settle(home: Path) -> None:
    """Answer the question that a first start asks: whether to fetch news."""
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    answers = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(answers))


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {**kept, "HOME": str(home), **{name: str(home / folder) for name, folder in folders.items()}}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Server, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            server.api("status")
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    stop_server(server)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-4000:]}")


def write_notebook(path: Path, *bundles: dict[str, Any]) -> None:
    """Write a notebook that was never signed, so it is untrusted, with one executed cell for each MIME bundle."""
    cells = [
        {
            "id": f"cell-{index}",
            "cell_type": "code",
            "execution_count": index + 1,
            "metadata": {},
            "source": "%record replay",
            "outputs": [{"output_type": "display_data", "metadata": {}, "data": bundle}],
        }
        for index, bundle in enumerate(bundles)
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    path.write_text(json.dumps(notebook))


def open_lab(page: Page, server: Server) -> None:
    """Load JupyterLab with an empty workspace and wait until it is ready."""
    page.goto(f"{server.url}/lab?reset&token={TOKEN}")
    page.wait_for_function("() => window.jupyterapp?.restored?.then(() => true)")
    page.wait_for_url(lambda url: "reset" not in url)  # JupyterLab takes it away a little later


def open_document(page: Page, server: Server, path: str) -> None:
    """Open a file of the server's folder in JupyterLab, by its default viewer."""
    open_lab(page, server)
    page.evaluate("path => void window.jupyterapp.commands.execute('docmanager:open', { path })", path)


def open_notebook(page: Page, server: Server, path: str) -> None:
    """Open a notebook in JupyterLab without a kernel and wait until its cells are there."""
    open_document(page, server, path)
    decline_kernel(page)
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible()


def open_notebook7(page: Page, server: Server, path: str) -> None:
    """Open a notebook in Notebook 7 without a kernel and wait until its cells are there."""
    page.goto(f"{server.url}/notebooks/{path}?token={TOKEN}")
    page.wait_for_function("() => window.jupyterapp?.restored?.then(() => true)")
    decline_kernel(page)
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible()


def decline_kernel(page: Page) -> None:
    """Choose "No Kernel" in the dialog that a notebook without one brings up, and whenever it comes again.

    JupyterLab asks a second time now and then, while the test is at something else.
    """
    button = page.get_by_role("dialog").get_by_role("button", name="No Kernel")
    page.remove_locator_handler(button)  # of a notebook that was opened before: it would be quicker
    button.click()
    page.add_locator_handler(button, lambda again: again.click())


def player_frame(page: Page, n: int = 0) -> FrameLocator:
    """Return the n-th player on the page, once its controls are there."""
    frame = page.frame_locator("iframe[sandbox='allow-scripts']").nth(n)
    expect(play_button(frame)).to_be_visible()
    return frame


def play_button(frame: FrameLocator | Locator) -> Locator:
    """Return the button that plays and pauses."""
    return frame.get_by_test_id("play")


def slider(frame: FrameLocator | Locator) -> Locator:
    """Return the timeline."""
    return frame.get_by_role("slider")


def position(frame: FrameLocator | Locator) -> float:
    """Return where the player stands, in seconds."""
    return float(slider(frame).get_attribute("aria-valuenow") or "nan")


def terminal_text(frame: FrameLocator) -> str:
    """Return what the terminal's screen shows, a line per row."""
    return "\n".join(frame.locator(".xterm-rows > div").all_inner_texts())
