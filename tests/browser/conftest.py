"""A browser and a real JupyterLab for the tests in this folder, which run in a process of their own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Server, start_server, stop_server
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright


# Chromium asks this of its maker at any page with a form, as JupyterLab's are.
BROWSERS_OWN = "CONNECT content-autofill.googleapis.com:443 HTTP/1.1"


class RefusingProxy:
    """Takes every connection that leaves the machine, notes where it would have gone, and closes it."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                request = connection.recv(4096).split(b"\r\n")[0].decode("ascii", "replace")
                if request != BROWSERS_OWN:
                    self.requests.append(request)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab that serves a temporary folder and has no kernels."""
    server = start_server(tmp_path_factory.mktemp("lab"))
    yield server
    stop_server(server)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, else Playwright's own."""
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    # Chromium's sandbox can't be set up by root, as in a container.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0] if found else None, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def proxy() -> Iterator[RefusingProxy]:
    """Sees what a page's request events miss: a fetch by a sandboxed frame."""
    proxy = RefusingProxy()
    yield proxy
    proxy.close()


@pytest.fixture
def context(browser: Browser, proxy: RefusingProxy) -> Iterator[BrowserContext]:
    """A fresh profile whose every request beyond the loopback ends at the proxy."""
    refusing = {"server": proxy.url, "bypass": "127.0.0.1"}
    context = browser.new_context(viewport={"width": 1440, "height": 900}, proxy=refusing, color_scheme="light")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of its own for each test."""
    return context.new_page()


# Notebook 7.6 raises this on every page by itself, with no extension installed.
NOTEBOOKS_OWN = re.compile(r"reading 'schema'\)\s+at \S+/static/notebook/notebook_core")


@pytest.fixture
def troubles(page: Page, proxy: RefusingProxy) -> list[str]:
    """What must not happen: console errors, uncaught exceptions, dialogs, pages opened, requests that leave.

    A live list: read it at the end of a test.
    """
    troubles = proxy.requests
    page.on("console", lambda message: troubles.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: None if NOTEBOOKS_OWN.search(error.stack or "") else troubles.append(str(error)))
    page.on("popup", lambda popup: troubles.append(f"popup: {popup.url}"))

    def refuse(dialog: object) -> None:
        troubles.append(f"dialog: {dialog}")
        dialog.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", refuse)
    return troubles


@pytest.fixture
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: the folder that PLAYER_SHOTS names, else a temporary one."""
    named = os.environ.get("PLAYER_SHOTS")
    folder = Path(named) if named else tmp_path_factory.getbasetemp() / "shots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
