"""A browser and a real JupyterLab for the tests in this folder, which run in a process of their own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import chromium
import pytest
from lab import Server, start_server, stop_server
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from recorded import Writer, root
from refusing_proxy import RefusingProxy


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say what dialogs were open where a test failed: they take every click."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if call.when == "call" and report.failed and isinstance(page, Page) and not page.is_closed():
        with contextlib.suppress(PlaywrightError):
            dialogs = page.get_by_role("dialog").all_inner_texts()
            report.sections.append(("open dialogs", "\n--\n".join(dialogs) or "none"))
    return report


# Nothing here is slow by itself, but a machine may have other things to do.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab that serves a temporary folder and has no kernels."""
    server = start_server(tmp_path_factory.mktemp("lab"))
    yield server
    stop_server(server)


@pytest.fixture
def record(server: Server) -> Iterator[Callable[..., Writer]]:
    """Begins recordings in processes of their own, and removes them after the test."""
    writers: list[Writer] = []

    def record(name: str, *statements: str) -> Writer:
        writers.append(Writer(server, name))
        writers[-1].run(*statements)
        return writers[-1]

    yield record
    for writer in writers:
        writer.close()
        shutil.rmtree(root(server) / writer.id, ignore_errors=True)


@pytest.fixture(scope="session")
def kernel_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab that has kernels, for the widget."""
    server = start_server(tmp_path_factory.mktemp("lab-with-kernels"), kernels=True)
    yield server
    stop_server(server)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, else Playwright's own."""
    # Chromium's sandbox can't be set up by root, as in a container.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=arguments)
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
    context = browser.new_context(
        viewport={"width": 1440, "height": 900},
        color_scheme="light",
        proxy={"server": proxy.url, "bypass": "127.0.0.1"},
    )
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

    def refuse(dialog: Dialog) -> None:
        troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", refuse)
    return troubles


@pytest.fixture
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: the folder that PLAYER_SHOTS names, else a temporary one."""
    named = os.environ.get("PLAYER_SHOTS")
    folder = Path(named) if named else tmp_path_factory.getbasetemp() / "shots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
