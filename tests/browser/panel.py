"""The Recordings panel in a page: how to show it, and its rows."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect


def execute(page: Page, command: str, args: dict[str, Any] | None = None) -> None:
    """Run a command of JupyterLab's without waiting for its end (it may be a dialog's)."""
    page.evaluate("([command, args]) => void window.jupyterapp.commands.execute(command, args)", [command, args or {}])


def show_panel(page: Page) -> Locator:
    """Show the panel and return it, its list loaded."""
    execute(page, "jupyter-recorder:show-recordings")
    panel = page.get_by_role("region", name="Recordings")
    expect(panel.locator(".jr-count")).to_have_text(re.compile("recording"))
    return panel


def row(page: Page, name: str) -> Locator:
    """Return the row of the recording of this name."""
    return page.locator(".jr-recording").filter(
        has=page.locator(".jr-name", has_text=re.compile(f"^{re.escape(name)}$"))
    )


def opener(row: Locator) -> Locator:
    """Return a row's main button."""
    return row.locator(".jr-open")


def choose(page: Page, row: Locator, action: str) -> None:
    """Choose an action from a row's menu."""
    row.locator(".jr-menu").click()
    page.get_by_role("menuitem", name=action, exact=True).click()
