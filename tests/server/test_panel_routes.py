"""What JupyterLab's panel asks of the server: how safe recordings are, terminals, recovery, replays as outputs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import PROJECT, Server, serving
from talk import ask

from jupyter_recorder import Library, record
from jupyter_recorder.convert import FORMATS
from jupyter_recorder.ids import session_folder_id
from jupyter_recorder.library.active import LOCK
from jupyter_recorder.library.locks import FileLock

_LEFT = """
import os, sys
import jupyter_recorder
recorder = jupyter_recorder.start(sys.argv[1])
if len(sys.argv) > 2:
    recorder.chat.add("user", sys.argv[2])
    recorder.wait()
print(recorder.id, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("panel") / "home", root) as server:
        yield server


def tell(server: Server, *events: dict[str, Any]) -> None:
    """Record events; they are on the disk then."""
    events = tuple({"session_id": "safe", **event} for event in events)
    status, answer = ask(server, "POST", "/events", {"events": events})
    assert (200, {"ack"}) == (status, {one["type"] for one in answer["responses"]})


def left(root: Path, *words: str) -> str:
    """Return the id of what a process that was killed has recorded."""
    environment = {**os.environ, "JUPYTER_RECORDER_DIR": str(root)}
    command = [sys.executable, "-c", _LEFT, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert -signal.SIGKILL == done.returncode, done.stderr
    return done.stdout.strip()


def test_a_live_recording_says_how_safe_it_is(server: Server) -> None:
    """What this server writes is told as it is now; what has ended says nothing of it."""
    tell(server, {"type": "session_start", "provider": "p"})
    tell(server, {"type": "message_add", "message_id": "m", "role": "user", "content": "x"})
    path = f"/recordings/{session_folder_id('safe')}"
    assert {"seq": 2, "unsafe": 0} == ask(server, "GET", path)[1]["safe"]
    assert {"seq": 2, "unsafe": 0} == ask(server, "GET", "/recordings")[1]["recordings"][0]["safe"]
    tell(server, {"type": "session_end"})
    assert "safe" not in ask(server, "GET", path)[1]


def test_another_processes_recording_says_it_by_its_manifest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer puts it there when it saves its counts, and takes it away at the end."""
    monkeypatch.setenv("JUPYTER_RECORDER_DIR", str(root))
    with record("told") as recorder:
        recorder.note("x")
        recorder.wait()
        recorder.belongs_to("a-kernel")  # has the manifest written
        while (shown := Library(root).find(recorder.id).shown).get("kernel_id") is None:
            time.sleep(0.005)
        assert {"seq": 1, "unsafe": 0} == shown["safe"]
    assert "safe" not in Library(root).find_id(recorder.id).shown  # type: ignore[union-attr]


def test_what_crashed_is_recovered_one_by_one(server: Server, root: Path) -> None:
    """It gets its state and a name; again, nothing changes; one that holds nothing is gone."""
    one, other, empty = left(root, "one", "hello"), left(root, "other", "hi"), left(root, "empty")
    status, answer = ask(server, "POST", f"/recordings/{one}/recover")
    assert (200, False, "recovered") == (status, answer["removed"], answer["recording"]["state"])
    assert answer == ask(server, "POST", f"/recordings/{one}/recover")[1]
    assert "interrupted" == ask(server, "GET", f"/recordings/{other}")[1]["state"]
    assert (200, {"removed": True}) == ask(server, "POST", f"/recordings/{empty}/recover")
    assert 404 == ask(server, "POST", f"/recordings/{empty}/recover")[0]


def test_what_a_living_process_keeps_locked_is_not_recovered(server: Server, root: Path) -> None:
    """It is said who has it, and once that is over it is recovered."""
    one = left(root, "locked", "hello")
    lock = FileLock(root / one / LOCK)
    assert lock.acquire()
    status, answer = ask(server, "POST", f"/recordings/{one}/recover")
    lock.release(unlink=False)
    assert (409, "recording_in_progress") == (status, answer["code"])
    assert str(os.getpid()) in answer["message"]
    assert 200 == ask(server, "POST", f"/recordings/{one}/recover")[0]


def test_a_replay_is_an_output(server: Server, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the bundle that `%record replay` displays."""
    monkeypatch.setenv("JUPYTER_RECORDER_DIR", str(root))
    with record("shown") as recorder:
        recorder.chat.add("user", "hello")
    status, bundle = ask(server, "GET", f"/recordings/{recorder.id}/replay")
    assert (200, recorder.id) == (status, bundle["application/vnd.jupyter-recorder.v1+json"]["id"])
    assert {"text/html", "text/plain"} < set(bundle)


def test_a_replay_that_is_too_large_is_refused(server: Server, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook does not take in any amount: the answer says how much it is."""
    monkeypatch.setenv("JUPYTER_RECORDER_DIR", str(root))
    with record("huge") as recorder:
        terminal = recorder.terminal(80, 24)
        terminal.output(os.urandom(6 << 20).hex().encode())
    status, answer = ask(server, "GET", f"/recordings/{recorder.id}/replay")
    assert (413, "too_large") == (status, answer["code"])
    assert "MiB" in answer["message"]


def test_the_panel_offers_every_export_format() -> None:
    """Its list names what the server can do, no more and no less."""
    listed = (PROJECT / "labextension/src/lab/export-formats.ts").read_text("utf-8")
    assert {one.name for one in FORMATS} == set(re.findall(r"^  \['([^']+)'", listed, re.MULTILINE))
