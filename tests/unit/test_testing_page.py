"""docs/testing.md says which test holds what: every test that it names is there, and nothing to be held is missing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "testing.md").read_text("utf-8")
PROMISES = [*(f"D{n}" for n in range(1, 13)), "F1", "F2", "P2", *(f"S{n}" for n in range(1, 7))]
ATTACKS = ["ids and names", "HTML and titles", "terminal sequences", "JSON", "WebSocket", "exports"]


def rows() -> dict[str, str]:
    """Return the tables' rows by what they begin with."""
    return {line.split("|")[1].strip(): line for line in PAGE.splitlines() if line.startswith("|")}


def test_every_test_that_the_page_names_is_there() -> None:
    """Each `path::name` is a test function of that file."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 60
    missing = []
    for path, name in named:
        tree = ast.parse((PROJECT / path).read_text("utf-8")) if (PROJECT / path).is_file() else ast.Module([], [])
        if name not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}:
            missing.append(f"{path}::{name}")
    assert [] == missing


def test_every_promise_and_attack_has_a_test() -> None:
    """No line of the page is without one."""
    found = rows()
    assert [] == [name for name in (*PROMISES, *ATTACKS) if "::test_" not in found.get(name, "")]
