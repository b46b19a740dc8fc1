"""One real Jupyter server for the whole folder, and a client that knows the protocol's description alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[1:1] = [str(HERE), str(HERE.parent / "server"), str(HERE.parent / "crash"), str(HERE.parent)]

from plain import Plain, add, new_id, start  # noqa: E402  # found by the line above
from servers import TOKEN, Server, serving  # noqa: E402
from silent import Silent  # noqa: E402


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's folder of recordings."""
    return tmp_path_factory.mktemp("contract-root")


@pytest.fixture(scope="session")
def process(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server process that all tests share; each has sessions of its own."""
    with serving(tmp_path_factory.mktemp("contract") / "home", root) as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def silent(process: Server) -> Iterator[Silent]:
    """A client that says nothing from the first test on, so that no test has to wait for it alone."""
    with Silent(process.url, TOKEN) as client:
        yield client


@pytest.fixture
def server(process: Server, root: Path) -> Plain:
    """The way to the server, as the user that its token stands for."""
    return Plain(process.url, TOKEN, root)


@pytest.fixture
def sid(server: Plain) -> str:
    """The id of a session that has been started."""
    session_id = new_id()
    assert "ack" == server.one(start(session_id))["type"]
    return session_id


@pytest.fixture
def mid(server: Plain, sid: str) -> str:
    """The id of the session's one message, `hello` from a user."""
    assert "ack" == server.one(add(sid, "m1"))["type"]
    return "m1"
