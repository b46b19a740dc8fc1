"""Recording from JupyterLab: terminals by a button, notebooks by a command, both by themselves; health in sight."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab import Server, open_lab, player_frame, start_server, stop_server, terminal_text
from panel import execute, opener, row, show_panel
from playwright.sync_api import Locator, Page, expect
from recorded import Writer, root, said

SETTINGS = Path("home/settings/jupyter-recorder/recorder.jupyterlab-settings")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab that has kernels, and a plain shell in its terminals."""
    server = start_server(
        tmp_path_factory.mktemp("recording"),
        "--ServerApp.terminado_settings={'shell_command': ['/bin/sh']}",
        kernels=True,
    )
    yield server
    stop_server(server)


@pytest.fixture(autouse=True)
def nothing_left(server: Server) -> Iterator[None]:
    """Each test begins without recordings and settings."""
    yield
    (server.root.parent / SETTINGS).unlink(missing_ok=True)
    for terminal in server.api("terminals"):
        server.api(f"terminals/{terminal['name']}", "DELETE")
    shutil.rmtree(root(server), ignore_errors=True)


def set_up(server: Server, **settings: object) -> None:
    """Set what a person would in the settings' editor."""
    path = server.root.parent / SETTINGS
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(settings))


def open_terminal(page: Page) -> Locator:
    """Open a terminal, wait for its prompt and return its document."""
    execute(page, "terminal:create-new")
    terminal = page.locator(".jp-MainAreaWidget:has(.jp-Terminal):visible")
    expect(terminal.locator(".xterm-screen")).to_be_visible()
    page.wait_for_function(SHOWS, arg="# " if os.geteuid() == 0 else "$ ")
    return terminal


# JupyterLab draws a terminal's text: its buffer has it.
SHOWS = """text => {
    const widget = [...window.jupyterapp.shell.widgets('main')].find(({ content }) => content?.session?.name === '1');
    const buffer = widget?.content._term?.buffer.active;
    const lines = Array.from({ length: buffer?.length ?? 0 }, (_, row) => buffer.getLine(row).translateToString());
    return lines.some(line => line.includes(text));
}"""


def type_in(page: Page, terminal: Locator, text: str, shown: str) -> None:
    """Type a line into a terminal and wait until it shows something."""
    terminal.locator(".xterm-helper-textarea").focus()
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_function(SHOWS, arg=shown)


def tab(page: Page, label: str) -> Locator:
    """Return a document's tab."""
    return page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=label)


def test_a_terminal_is_recorded_by_its_button(page: Page, server: Server, troubles: list[str], shots: Path) -> None:
    """The button records and stops; meanwhile the tab has a red dot, the status bar counts, and the panel follows."""
    open_lab(page, server)
    terminal = open_terminal(page)
    show_panel(page)
    button = terminal.locator(".jp-Toolbar").get_by_role("button", name="Record This Terminal")
    expect(button).to_be_visible()
    expect(page.locator(".jr-status")).not_to_be_visible()
    button.click()
    expect(tab(page, "Terminal 1")).to_have_class(re.compile("jr-mod-recorded"))
    expect(page.locator(".jr-status")).to_have_text("1 recording")
    type_in(page, terminal, "echo re''corded", "recorded")
    expect(page.locator(".jr-recording[data-state=recording]")).to_have_count(1)
    page.screenshot(path=shots / "terminal.png")
    terminal.locator(".jp-Toolbar").get_by_role("button", name="Stop Recording This Terminal").click()
    expect(tab(page, "Terminal 1")).not_to_have_class(re.compile("jr-mod-recorded"))
    expect(page.locator(".jr-status")).not_to_be_visible()
    opener(page.locator(".jr-recording[data-state=completed]")).click()
    frame = player_frame(page)
    frame.get_by_role("slider").press("End")
    expect(frame.locator(".xterm-rows")).to_contain_text("recorded")
    assert "recorded" in terminal_text(frame)
    assert troubles == []


def test_terminals_are_recorded_by_themselves_if_so_set(page: Page, server: Server, troubles: list[str]) -> None:
    """With the setting on, a new terminal is recorded; what the reader's own patterns match is taken out of it."""
    set_up(server, recordTerminals=True, redactPatterns=[r"ACME-\d{4}"])
    open_lab(page, server)
    terminal = open_terminal(page)
    expect(tab(page, "Terminal 1")).to_have_class(re.compile("jr-mod-recorded"))
    type_in(page, terminal, "echo ACME-''1234 do''ne", "done")
    execute(page, "jupyter-recorder:record-terminal")
    expect(tab(page, "Terminal 1")).not_to_have_class(re.compile("jr-mod-recorded"))
    (cast,) = root(server).glob("*/terminal.cast")
    assert "done" in cast.read_text()
    assert "ACME-1234" not in cast.read_text()
    assert troubles == []


def test_a_notebook_is_recorded_by_a_command(page: Page, server: Server, troubles: list[str]) -> None:
    """The command records its kernel's cells under the notebook's name; its tab says so as long as that goes on."""
    (server.root / "My work.ipynb").write_text(json.dumps(NOTEBOOK))
    open_lab(page, server)
    execute(page, "docmanager:open", {"path": "My work.ipynb"})
    show_panel(page)
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible()
    page.wait_for_function("() => window.jupyterapp.commands.isEnabled('jupyter-recorder:record-notebook')")
    execute(page, "jupyter-recorder:record-notebook")
    expect(tab(page, "My work.ipynb")).to_have_class(re.compile("jr-mod-recorded"))
    execute(page, "notebook:run-all-cells")
    expect(page.locator(".jp-OutputArea-output")).to_have_text("42")
    execute(page, "jupyter-recorder:record-notebook")
    expect(tab(page, "My work.ipynb")).not_to_have_class(re.compile("jr-mod-recorded"))
    opener(row(page, "My-work")).click()
    frame = player_frame(page)
    frame.get_by_role("slider").press("End")
    expect(frame.locator(".cells")).to_contain_text("42")
    expect(frame.locator(".cells")).not_to_contain_text("run_line_magic")
    assert troubles == []


def test_notebooks_are_recorded_by_themselves_if_so_set(page: Page, server: Server, troubles: list[str]) -> None:
    """With the setting on, a notebook that is opened is recorded: its cells, and nothing of how that was begun."""
    set_up(server, recordNotebooks=True)
    (server.root / "By itself.ipynb").write_text(json.dumps(NOTEBOOK))
    open_lab(page, server)
    execute(page, "docmanager:open", {"path": "By itself.ipynb"})
    expect(tab(page, "By itself.ipynb")).to_have_class(re.compile("jr-mod-recorded"), timeout=60_000)
    execute(page, "notebook:run-all-cells")
    expect(page.locator(".jp-OutputArea-output")).to_have_text("42")
    execute(page, "jupyter-recorder:record-notebook")
    expect(tab(page, "By itself.ipynb")).not_to_have_class(re.compile("jr-mod-recorded"))
    (journal,) = root(server).glob("*/session.ndjson")
    assert ["print(6 * 7)"] == re.findall(r'"source":"([^"]*)"', journal.read_text())
    assert troubles == []


NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "cells": [
        {
            "id": "answer",
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "source": "print(6 * 7)",
            "outputs": [],
        }
    ],
}


def test_a_failing_recording_can_not_be_missed(
    page: Page, server: Server, record: Callable[..., Writer], troubles: list[str], shots: Path
) -> None:
    """The status bar turns red and says how many are not safe, with the reason; then it is as before."""
    writer = record("failing", said("safe"))
    open_lab(page, server)
    status = page.locator(".jr-status")
    expect(status).to_have_text("1 recording")
    writer.refuse()
    expect(status).to_have_text("NOT SAFE: 1 of 1 recording")
    expect(status).to_have_attribute("title", re.compile("File too large"))
    expect(page.locator(".jp-Notification-Status-Text")).to_have_text("1")
    status.click()
    expect(row(page, "failing")).to_have_attribute("data-state", "failing")
    page.screenshot(path=shots / "failing.png")
    writer.allow()
    expect(status).to_have_text("1 recording")
    expect(page.locator(".jp-Notification-Status-Text")).to_have_text("0")
    assert troubles == []


def test_the_settings_say_what_is_captured_and_who_can_read_it(
    page: Page, server: Server, troubles: list[str], shots: Path
) -> None:
    """The settings' editor has the recorder's settings in plain words."""
    open_lab(page, server)
    execute(page, "settingeditor:open", {"query": "Recorder"})
    editor = page.locator(".jp-SettingsPanel")
    expect(editor).to_contain_text("whoever may read this server's recordings can replay, search and export it")
    expect(editor.get_by_label("Record every new terminal")).not_to_be_checked()
    expect(editor).to_contain_text("among them passwords that a terminal does not show")
    page.screenshot(path=shots / "settings.png")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)
    page.screenshot(path=shots / "settings-dark.png")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")
    assert troubles == []
