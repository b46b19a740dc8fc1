"""What docs/promises.md and SECURITY.md promise is held by tests that exist."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("docs/promises.md", "SECURITY.md")
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def promises(document: str) -> list[str]:
    """Return the promises of a document: its list items, each on one line."""
    text = (ROOT / document).read_text("utf-8")
    items = re.findall(r"^- (.*(?:\n  .*)*)", text, re.MULTILINE)
    return [" ".join(item.split()) for item in items]


@functools.cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the tests that a file defines."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds) and node.name.startswith("test_"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_promise_names_tests_that_exist(document: str) -> None:
    """Each is a sentence and, in brackets after it, at least one test of this repository."""
    found = promises(document)
    assert len(found) >= 7
    for promise in found:
        said, _, held = promise.partition(" (`tests/")
        assert said.endswith("."), promise
        named = _NAMED.findall("`tests/" + held)
        assert named, f"no test holds: {said}"
        assert held.count("::") == len(named), f"misspelt: {promise}"
        for file, test in named:
            assert test in names_in(file), f"there is no {file}::{test}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    """A file that is named as a link is there."""
    folder = (ROOT / document).parent
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / document).read_text("utf-8")):
        assert (folder / target).exists(), target
