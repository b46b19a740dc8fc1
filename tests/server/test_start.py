"""A server's start: what killed processes left is repaired and marked, and nothing else is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kernels import Kernel
from programs import Program, environment, killed, living
from recording_process import tree
from servers import Server, serving

from jupyter_recorder.library.library import Library
from jupyter_recorder.library.locks import FileLock
from jupyter_recorder.library.manifest import read_manifest
from jupyter_recorder.library.recovery import interrupt, recover

TORN = b'{"seq":5,"at"'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of recordings."""
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def torn(root: Path) -> Path:
    """Return the recording of a killed process, with the torn tail that a crash of the machine leaves."""
    path = killed("record", root)
    with (path / "session.ndjson").open("ab") as file:
        file.write(TORN)
    return path


def marked(server: Server, path: Path) -> None:
    """Wait until the server has said that it marked a recording."""
    server.wait(lambda: f"{path.name}, left by a dead process, is interrupted now" in server.log())


def warnings(server: Server) -> list[str]:
    """Return the lines that the extension logged as warnings, or worse."""
    return [line for line in server.log().splitlines() if line.startswith(("[W", "[E", "[C")) and "Recorder" in line]


def test_a_killed_recording_is_repaired_and_marked(root: Path, tmp_path: Path) -> None:
    """It is `interrupted` with a reason, its own name and counts; lock and record are gone, and the tail is kept."""
    path = torn(root)
    whole = (path / "session.ndjson").read_bytes().removesuffix(TORN)
    with serving(tmp_path / "home", root) as server:
        marked(server, path)
    manifest = read_manifest(path)
    assert ("demo", "interrupted", "writer_gone") == (manifest["name"], manifest["state"], manifest["reason"])
    assert (4, 1) == (manifest["counts"]["events"], manifest["counts"]["cells"])
    assert manifest["ended_at"] is not None
    assert (whole, TORN) == ((path / "session.ndjson").read_bytes(), (path / "session.ndjson.broken").read_bytes())
    assert [] == [name for name in tree(path) if name.startswith("recording.")]


def test_what_a_server_marked_is_recovered(root: Path, tmp_path: Path) -> None:
    """`recover` takes it to `recovered`, as if no server had been there before."""
    path = torn(root)
    with serving(tmp_path / "home", root) as server:
        marked(server, path)
    (info,) = recover(Library(root))
    manifest = read_manifest(path)
    assert ("demo", "recovered", None) == (info.previous_name, info.state, info.error)
    assert manifest["name"].startswith("recovered-2")
    assert "reason" not in manifest


def test_the_next_kernel_still_tells(tmp_path: Path) -> None:
    """A kernel is killed and a server started: `%load_ext` in the next kernel says so, and `recover` gets it back."""
    kernel = Kernel(tmp_path)
    kernel.run("%record start demo")
    kernel.run("import jupyter_recorder; assert jupyter_recorder.current().wait(10)")
    folder = kernel.folder("demo")
    kernel.kill()
    with serving(tmp_path / "server", kernel.root) as server:
        marked(server, folder)
    following = Kernel(tmp_path)
    try:
        assert "there is a recording that a dead process left unfinished" in following.loaded.out
        assert "✓ 'demo' is 'recovered-" in following.run("%record recover").out
        assert "there is nothing to recover\n" == following.run("%record recover").out
    finally:
        following.shut_down()


def test_a_living_and_a_completed_recording_are_left_alone(root: Path, tmp_path: Path) -> None:
    """Beside a dead one, what is being recorded and what ended in order stay byte for byte as they are."""
    completed = killed("complete", root)
    with living("record", root, "alive") as program:
        before = tree(completed), tree(program.path)
        path = killed("record", root)
        with serving(tmp_path / "home", root) as server:
            marked(server, path)
            assert [] == warnings(server)
        assert before == (tree(completed), tree(program.path))


def test_a_second_start_changes_no_byte(root: Path, tmp_path: Path) -> None:
    """What one start has marked, the next one leaves as it is."""
    torn(root)
    interrupt(Library(root))
    before = tree(root)
    path = killed("record", tmp_path / "other", "second")
    path.rename(root / path.name)  # what tells that the second start is done
    with serving(tmp_path / "home", root) as server:
        marked(server, path)
        assert 1 == server.log().count("left by a dead process")
    assert before == {name: digest for name, digest in tree(root).items() if not name.startswith(path.name)}


def test_an_empty_recording_is_kept(root: Path) -> None:
    """A start removes no recording; an explicit recovery takes the empty one away."""
    path = killed("record_one", root, "nothing")
    (info,) = interrupt(Library(root))
    assert ("interrupted", False) == (read_manifest(path)["state"], info.removed)
    (info,) = recover(Library(root))
    assert (True, False) == (info.removed, path.exists())


def test_a_timed_out_session_keeps_its_reason(root: Path) -> None:
    """A session that was let go of in order is neither marked again nor taken, and is not told of."""
    killed("interrupt", root, "timeout")
    before = tree(root)
    assert ([], [], []) == (interrupt(Library(root)), Library(root).stale(), recover(Library(root)))
    assert before == tree(root)


def test_a_start_killed_at_any_point_and_run_again_gives_the_same(root: Path, tmp_path: Path) -> None:
    """Killed at each of its file calls, a start that runs again ends in the same bytes as one that was not."""
    torn(root)
    (tmp_path / "scratch").mkdir()
    code = (
        "import sys, recording_process; from jupyter_recorder.library.recovery import interrupt;"
        "recording_process.recover = interrupt; recording_process.killed_recoveries(*sys.argv[1:])"
    )
    variables = environment()
    variables["PYTHONPATH"] += os.pathsep + str(Path(sys.modules["programs"].__file__ or "").parent)
    command = [sys.executable, "-c", code, str(root), str(tmp_path / "scratch")]
    results = json.loads(subprocess.run(command, env=variables, capture_output=True, check=True).stdout)
    interrupt(Library(root))
    assert len(results) > 20
    assert [tree(root)] * len(results) == results


def test_a_damaged_recording_gets_one_line_and_blocks_no_other(root: Path, tmp_path: Path) -> None:
    """A manifest that cannot be read is one warning without a traceback; the others are marked."""
    bad, good = killed("record", root), killed("record", root)
    (bad / "manifest.json").write_bytes(b'{"format":"jupyter-recorder"')
    with serving(tmp_path / "home", root) as server:
        marked(server, good)
        server.wait(lambda: bad.name in "".join(warnings(server)))
        assert 1 == len(warnings(server))
        assert "Traceback" not in server.log()


def test_an_unusable_root_leaves_the_server_serving(tmp_path: Path) -> None:
    """A root that is a file gets one warning that names it, and the server answers and stops in order."""
    (tmp_path / "file").write_text("")
    with serving(tmp_path / "home", tmp_path / "file") as server:
        server.wait(lambda: bool(warnings(server)))
        assert server.answers()
        assert 0 == server.stop()
        (line,) = warnings(server)
        assert str(tmp_path / "file") in line
        assert "Traceback" not in server.log()


def test_the_root_can_be_set(root: Path, tmp_path: Path) -> None:
    """Without JUPYTER_RECORDER_DIR, `RecorderApp.root` says where recordings are."""
    path = killed("record", root)
    with serving(tmp_path / "home", None, f"--RecorderApp.root={root}") as server:
        marked(server, path)


def test_what_is_to_be_recorded_and_is_not_there_is_told(root: Path, tmp_path: Path) -> None:
    """Chats without jupyterlab-chat are one warning, terminals of a server that has none nothing: it serves."""
    chats = ("--ServerApp.jpserver_extensions={'jupyterlab_chat': False}", "--RecorderApp.record_chats=True")
    terminals = ("--ServerApp.terminals_enabled=False", "--RecorderApp.record_terminals=all")
    with serving(tmp_path / "home", root, *chats, *terminals) as server:
        server.wait(lambda: bool(warnings(server)))
        assert 0 == server.stop()
        (line,) = warnings(server)
        assert "no jupyterlab-chat" in line
        assert "Traceback" not in server.log()


def test_a_server_answers_while_it_marks_a_thousand(root: Path, tmp_path: Path) -> None:
    """The server answers before the first recording is marked, and within a second all the while."""
    for _ in range(10):
        Program("many", root, 100).kill()
    last = next(Library(root).recordings()).path  # the newest comes last
    other = FileLock(root / ".recovery.lock")
    assert other.acquire()  # so that marking waits
    with serving(tmp_path / "home", root) as server:
        assert "recording" == read_manifest(last)["state"]
        other.release()
        delays = []
        while read_manifest(last)["state"] == "recording":
            begun = time.monotonic()
            server.status()
            delays.append(time.monotonic() - begun)
            time.sleep(0.02)  # or the questions alone would fill the server's time
        marked(server, last)
    print(f"{len(delays)} answers, the slowest after {max(delays) * 1000:.0f} ms")
    assert max(delays) < 1
    assert {"interrupted"} == {one.state for one in Library(root).recordings()}


def test_a_server_stops_while_another_recovers(root: Path, tmp_path: Path) -> None:
    """A start that waits for its turn does not keep the server from ending."""
    killed("record", root)
    before = tree(root)
    other = FileLock(root / ".recovery.lock")
    assert other.acquire()
    with serving(tmp_path / "home", root) as server:
        assert 0 == server.stop()
    other.release()
    assert before == tree(root)
