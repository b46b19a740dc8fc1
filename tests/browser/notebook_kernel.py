"""A notebook in JupyterLab with a kernel that runs: what its cells do, and what Python makes of it."""

from __future__ import annotations

import json
import time

from lab import Server, open_document
from playwright.sync_api import Page, expect

PATIENCE_S = 30

_RUN = """async code => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const future = kernel.requestExecute({ code });
  let said = "";
  future.onIOPub = ({ header, content }) => {
    said += header.msg_type === "stream" ? content.text : header.msg_type === "error" ? content.evalue : "";
  };
  await future.done;
  return said;
}"""
_READY = """async () => {
  const context = window.jupyterapp.shell.currentWidget?.sessionContext;
  await context?.ready;
  await context?.session?.kernel?.info;
  return context?.session?.kernel?.status === "idle";
}"""


def open_and_run(page: Page, server: Server, name: str, *cells: str) -> None:
    """Write a notebook of these cells, open it with a kernel of its own, and run it."""
    made = [
        {"id": f"c{n}", "cell_type": "code", "execution_count": None, "metadata": {}, "source": cell, "outputs": []}
        for n, cell in enumerate(cells)
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made}
    (server.root / name).write_text(json.dumps(notebook))
    open_document(page, server, name)
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible()
    page.wait_for_function(_READY)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")


def run(page: Page, code: str) -> str:
    """Run code in the open notebook's kernel, in no cell; returns what it printed, or its error."""
    return str(page.evaluate(_RUN, code)).strip()


def until(page: Page, expression: str) -> None:
    """Ask the kernel until `expression` is true."""
    deadline = time.monotonic() + PATIENCE_S
    while run(page, f"print(bool({expression}))") != "True":
        assert time.monotonic() < deadline, (
            f"{expression} stayed false; {run(page, 'print(replay.get_state())')[-600:]}"
        )
