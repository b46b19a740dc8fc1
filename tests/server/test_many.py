"""Ten thousand recordings under the root: the server answers at once and lists in the background."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from servers import Server, serving
from talk import ask, eventually

from jupyter_recorder.library.library import Library
from jupyter_recorder.library.manifest import read_manifest
from jupyter_recorder.recorder import Recorder

COUNT = 10_000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with ten thousand finished recordings, made after one real one, and one that cannot be read."""
    root = tmp_path_factory.mktemp("many")
    recorder = Recorder.start(Library(root), "real", "notebook")
    recorder.mark("here")
    recorder.stop()
    manifest = {**read_manifest(recorder.path)}
    journal = (recorder.path / "session.ndjson").read_bytes()
    for number in range(COUNT):
        stamp = f"202{number % 5}0101-{number // 3600 % 24:02}{number // 60 % 60:02}{number % 60:02}"
        path = root / f"take{number}-{stamp}"
        path.mkdir(0o700)
        (path / "manifest.json").write_text(json.dumps({**manifest, "id": path.name, "name": f"take{number}"}))
        (path / "session.ndjson").write_bytes(journal)
    (root / "bad-20230101-000000").mkdir()
    (root / "bad-20230101-000000" / "manifest.json").write_text("{")
    return root


def test_it_answers_at_once_and_lists_all_in_the_end(root: Path, tmp_path: Path) -> None:
    """The first session is recorded before the list is whole; in the end all are in it, but the one that is bad."""
    with serving(tmp_path / "home", root) as server:
        begun = time.monotonic()
        start = {"type": "session_start", "session_id": "s", "provider": "p"}
        status, answer = ask(server, "POST", "/events", {"events": [start]})
        assert (200, "ack") == (status, answer["responses"][0]["type"])
        _, page = ask(server, "GET", "/recordings?limit=20")
        assert page["recordings"]
        assert time.monotonic() - begun < 10  # reading all of them takes longer on a busy machine
        eventually(lambda: total(server) == COUNT + 2, pause=0.5)  # who asks has the server's time while it reads
        _, page = ask(server, "GET", "/recordings?q=take4321&limit=5")
        assert [f"take{4321}"] == [one["name"] for one in page["recordings"]]


def total(server: Server) -> int:
    """Return how many recordings are listed."""
    return int(ask(server, "GET", "/recordings?limit=1")[1]["total"])
