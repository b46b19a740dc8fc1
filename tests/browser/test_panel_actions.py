"""What is done with a recording from its row: name and tag it, export, delete, recover, copy and drag it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from lab import Server, decline_kernel, open_lab, open_notebook, open_notebook7, player_frame, slider, write_notebook
from panel import choose, execute, opener, row, show_panel
from playwright.sync_api import Page, expect
from recorded import Writer, root, said

Record = Callable[..., Writer]

HOSTILE = "<img src=x onerror=alert(1)>\u202egnp.exe\"'&lt;"


@pytest.fixture
def ended(record: Record) -> Writer:
    """A finished recording."""
    writer = record("acted-on", said("something was said"))
    writer.stop()
    return writer


def test_it_is_renamed_and_tagged(page: Page, server: Server, ended: Writer, troubles: list[str], shots: Path) -> None:
    """F2 asks for name, title and tags; hostile ones are text wherever they show, also in the dialog of a deletion."""
    open_lab(page, server)
    panel = show_panel(page)
    opener(row(page, "acted-on")).press("F2")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    dialog.get_by_label("Title").fill(HOSTILE)
    dialog.get_by_label("Tags").fill("<b>bold</b>\nplain")
    page.screenshot(path=shots / "rename.png")
    dialog.get_by_role("button", name="Save").click()
    expect(row(page, HOSTILE).locator(".jr-tag")).to_have_text(["<b>bold</b>", "plain"])
    expect(panel.get_by_label("Tag").locator("option")).to_have_text(["Tag", "<b>bold</b>", "plain"])
    shown = server.api(f"recording/recordings/{ended.id}")
    assert (HOSTILE, ["<b>bold</b>", "plain"]) == (shown["title"], shown["tags"])
    opener(row(page, HOSTILE)).click()
    expect(page.locator(".lm-DockPanel-tabBar .lm-mod-current")).to_contain_text("<img src=x")
    player_frame(page)
    choose(page, row(page, HOSTILE), "Delete…")
    expect(dialog).to_contain_text(HOSTILE)
    dialog.get_by_role("button", name="Cancel").click()
    assert page.locator("img[src=x]").count() == 0
    assert troubles == []


def test_it_is_deleted_after_a_question(page: Page, server: Server, ended: Writer, troubles: list[str]) -> None:
    """Nothing happens without a yes; one that is being recorded can't be deleted."""
    open_lab(page, server)
    show_panel(page)
    opener(row(page, "acted-on")).press("Delete")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert (root(server) / ended.id).exists()
    choose(page, row(page, "acted-on"), "Delete…")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row(page, "acted-on")).to_have_count(0)
    assert not (root(server) / ended.id).exists()
    assert troubles == []


def test_it_is_exported(page: Page, server: Server, ended: Writer, troubles: list[str]) -> None:
    """The chosen format is downloaded under its own name."""
    open_lab(page, server)
    show_panel(page)
    choose(page, row(page, "acted-on"), "Export…")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").select_option(label="Document (.md)")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Export").click()
    assert f"{ended.id}.md" == download.value.suggested_filename
    assert "something was said" in Path(download.value.path()).read_text()
    assert troubles == []


def test_what_crashed_is_recovered(page: Page, server: Server, record: Record, troubles: list[str]) -> None:
    """The panel says that something crashed, and one press gets it back under a name of its own."""
    writer = record("crashes", said("before the end"))
    open_lab(page, server)
    panel = show_panel(page)
    writer.close()
    expect(row(page, "crashes").locator(".jr-facts")).to_contain_text("crashed")
    panel.get_by_role("button", name="Recover a recording that crashed").click()
    recovered = panel.locator(f"[data-id='{writer.id}']")
    expect(recovered).to_have_attribute("data-state", "recovered")
    expect(recovered.locator(".jr-name")).to_have_text(re.compile(r"^recovered-\d{4}-"))
    expect(panel.locator(".jr-recover")).not_to_be_visible()
    assert troubles == []


def test_it_is_copied_as_a_cell_and_dragged(page: Page, server: Server, ended: Writer, troubles: list[str]) -> None:
    """A copied cell replays in any notebook and is saved with it; a dragged one is the magic that replays it."""
    write_notebook(server.root / "target.ipynb", {"text/plain": "what was there"})
    open_notebook(page, server, "target.ipynb")
    show_panel(page)
    choose(page, row(page, "acted-on"), "Copy as Embedded Cell")
    expect(page.locator(".jp-Notification-Status-Text")).to_have_text("1")
    page.locator(".jp-Notebook .jp-Cell").first.locator(".jp-InputPrompt").click()
    execute(page, "notebook:paste-cell-below")
    frame = player_frame(page)
    slider(frame).press("End")
    expect(frame.locator(".chat")).to_contain_text("something was said")
    drag(page)
    cells = page.locator(".jp-Notebook .jp-Cell")
    expect(cells).to_have_count(3)
    execute(page, "docmanager:save")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    notebook = json.loads((server.root / "target.ipynb").read_text())
    nbformat.validate(notebook)
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    assert [f"%record replay {ended.id}"] * 2 == [source for source in sources if ended.id in source]
    assert 1 == sum(
        "application/vnd.jupyter-recorder.v1+json" in json.dumps(cell["outputs"]) for cell in notebook["cells"]
    )
    assert troubles == []


def drag(page: Page) -> None:
    """Drag the row into the notebook by mouse."""
    page.locator(".jr-recording .jr-name", has_text="acted-on").hover()
    page.mouse.down()
    target = page.locator(".jp-Notebook .jp-Cell").first.bounding_box()
    assert target is not None
    page.mouse.move(target["x"] + 100, target["y"] + 10, steps=5)
    expect(page.locator(".jr-dragged")).to_be_visible()
    page.mouse.move(target["x"] + 110, target["y"] + 12)
    page.mouse.up()


def test_journals_open_by_double_click(page: Page, server: Server, ended: Writer, troubles: list[str]) -> None:
    """A journal in the file browser opens in the player, with the terminals beside it; what is none says so."""
    folder = server.root / "copied"
    shutil.copytree(root(server) / ended.id, folder)
    (server.root / "session.ndjson").write_text('{"no": "journal"}\n')
    open_lab(page, server)
    page.locator(".jp-DirListing-item", has_text="session.ndjson").dblclick()
    expect(page.locator(".jr-said")).to_contain_text("no journal of jupyter-recorder's")
    page.locator(".jp-DirListing-item", has_text="copied").dblclick()
    expect(page.locator(".jp-DirListing-item", has_text="manifest.json")).to_be_visible()
    page.locator(".jp-DirListing-item", has_text="session.ndjson").dblclick()
    frame = player_frame(page)
    slider(frame).press("End")
    expect(frame.locator(".chat")).to_contain_text("something was said")
    assert troubles == []


ERROR = {
    "output_type": "error",
    "ename": "ZeroDivisionError",
    "evalue": "division by zero",
    "traceback": ["ZeroDivisionError: division by zero"],
}
FAILS = {
    "id": "fails",
    "cell_type": "code",
    "execution_count": 1,
    "metadata": {},
    "source": "1 / 0",
    "outputs": [ERROR],
}


def test_a_cells_error_leads_to_its_moment(page: Page, server: Server, record: Record, troubles: list[str]) -> None:
    """From an error in a notebook the recording opens where the cell failed."""
    start = "recorder.record({'type': 'cell_start', 'cell_id': '%s', 'execution_count': 1, 'source': '1 / 0'})"
    fails = f"recorder.record({{'type': 'output', 'cell_id': '%s', 'output': {ERROR!r}}})"
    end = "recorder.record({'type': 'cell_end', 'cell_id': '%s', 'status': 'error', 'duration_ms': 5})"
    other = [line % "other" for line in (start, fails, end)]
    own = [line % "fails" for line in (start, fails, end)]
    # So that the moments are told apart.
    pause = "import time; time.sleep(0.6)"
    record("with-errors", *other, pause, *own, pause, said("long after")).stop()
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [FAILS]}
    (server.root / "fails.ipynb").write_text(json.dumps(notebook))
    open_lab(page, server)
    execute(page, "docmanager:open", {"path": "fails.ipynb"})
    decline_kernel(page)
    show_panel(page)
    expect(row(page, "with-errors")).to_be_visible()
    page.locator(".jp-Notebook .jp-OutputArea").click(button="right")
    page.get_by_role("menuitem", name="Show This Error in Its Recording").click()
    frame = player_frame(page)
    expect(frame.locator(".cells")).to_contain_text("ZeroDivisionError")
    assert 0.6 <= float(slider(frame).get_attribute("aria-valuenow") or 0) < 1.2
    assert troubles == []


def test_notebook_7_lists_replays_and_exports(
    page: Page, server: Server, ended: Writer, troubles: list[str], shots: Path
) -> None:
    """Notebook 7 has the panel too: its replays open below the notebook, and exports are downloads."""
    write_notebook(server.root / "seven.ipynb", {"text/plain": "what was there"})
    open_notebook7(page, server, "seven.ipynb")
    show_panel(page)
    opener(row(page, "acted-on")).click()
    frame = player_frame(page)
    slider(frame).press("End")
    expect(frame.locator(".chat")).to_contain_text("something was said")
    page.screenshot(path=shots / "notebook7-panel.png")
    choose(page, row(page, "acted-on"), "Export…")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").select_option(label="Plain text (.txt)")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Export").click()
    assert f"{ended.id}.txt" == download.value.suggested_filename
    assert troubles == []
