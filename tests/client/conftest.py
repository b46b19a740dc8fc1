"""Servers are those of the server tests, and a plain client of the protocol says what they hold."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
sys.path[1:1] = [
    str(Path(__file__).parent),
    *(str(TESTS / name) for name in ("contract", "server", "crash")),
    str(TESTS),
]

from plain import Plain  # noqa: E402  # found by the lines above
from servers import TOKEN, serving  # noqa: E402


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's folder of recordings."""
    return tmp_path_factory.mktemp("client-root")


@pytest.fixture(scope="session")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    """A server that nobody hurts."""
    with serving(tmp_path_factory.mktemp("client") / "home", root) as process:
        plain = Plain(process.url, TOKEN, root)
        yield plain
