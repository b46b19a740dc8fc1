"""JupyterLab's terminals: recorded on the server, each byte once, whatever its browsers do."""

from __future__ import annotations

import json
import resource
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import Server, serving
from talk import ask, eventually, socket
from websockets.sync.client import ClientConnection

from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a PTY")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of recordings."""
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose terminals run a plain shell, recorded by hand."""
    with serving(tmp_path_factory.mktemp("terminals") / "home", root, *SHELL) as server:
        yield server


SHELL = ("--ServerApp.terminado_settings={'shell_command': ['/bin/sh']}",)


def terminal(server: Server) -> str:
    """Open a terminal and return its name."""
    status, model = ask(server, "POST", "/terminals", {}, below="/api")
    assert status == 200
    return str(model["name"])


def screen(server: Server, name: str) -> Any:
    """Look at a terminal, as a browser tab does."""
    return socket(server, f"/terminals/websocket/{name}")


def type_in(tab: ClientConnection, text: str) -> None:
    """Type into a terminal."""
    tab.send(json.dumps(["stdin", text]))


def see(tab: ClientConnection, text: str) -> None:
    """Wait until the terminal shows a text."""
    shown = ""
    while text not in shown:
        kind, *rest = json.loads(tab.recv(timeout=30))
        shown += rest[0] if kind == "stdout" else ""


def record(server: Server, name: str, body: Any = None) -> str:
    """Record a terminal and return the recording's id."""
    status, answer = ask(server, "POST", f"/terminals/{name}", body)
    assert status == 201, answer
    return str(answer["recording_id"])


def recording(root: Path, recording_id: str) -> Recording:
    """Return a recording."""
    found = Library(root).find_id(recording_id)
    assert found is not None
    return found


def events(root: Path, recording_id: str) -> list[tuple[str, str]]:
    """Return a terminal's events, codes and data."""
    one = recording(root, recording_id)
    lines = one.read_cast("terminal.cast").splitlines() if one.cast_files() else []
    return [tuple(json.loads(line)[1:]) for line in lines[1:]]


def ended(root: Path, recording_id: str) -> tuple[str, str | None]:
    """Return how a recording ended, and why."""
    one = recording(root, recording_id)
    return one.state, one.manifest.get("reason")


def output(root: Path, recording_id: str) -> str:
    """Return what a terminal showed."""
    return "".join(data for code, data in events(root, recording_id) if code == "o")


def test_a_running_terminal_is_recorded_with_its_past(server: Server, root: Path) -> None:
    """What it had shown before comes first, what it shows then follows, and it ends in order."""
    name = terminal(server)
    with screen(server, name) as tab:
        type_in(tab, "echo be''fore\n")
        see(tab, "before")
        recording_id = record(server, name)
        type_in(tab, "echo af''ter\n")
        see(tab, "after")
        eventually(lambda: "after" in output(root, recording_id))
    assert output(root, recording_id).index("before") < output(root, recording_id).index("after")
    assert 204 == ask(server, "DELETE", f"/terminals/{name}")[0]
    assert ("completed", "terminal") == (
        recording(root, recording_id).state,
        recording(root, recording_id).manifest["kind"],
    )
    assert 404 == ask(server, "DELETE", f"/terminals/{name}")[0]


def test_tabs_make_no_difference(server: Server, root: Path) -> None:
    """With two tabs, with one and with none each byte is recorded once."""
    name = terminal(server)
    recording_id = record(server, name)
    with screen(server, name) as tab, screen(server, name) as other:
        type_in(tab, "echo on''ce; sleep 0.3; echo la''ter; touch done.$$\n")
        see(tab, "once")
        see(other, "once")
    eventually(lambda: "later" in output(root, recording_id))
    assert (1, 1) == (output(root, recording_id).count("once"), output(root, recording_id).count("later"))
    assert recording_id == record(server, name)


def test_what_is_typed_is_recorded_only_if_asked(server: Server, root: Path) -> None:
    """By itself there is no input; with `input` there is."""
    silent, told = terminal(server), terminal(server)
    ids = record(server, silent), record(server, told, {"input": True})
    for name in (silent, told):
        with screen(server, name) as tab:
            type_in(tab, "stty -echo\n")
            type_in(tab, "s3cretly\n")
            type_in(tab, "echo se''en\n")
            see(tab, "seen")
    eventually(lambda: all("seen" in output(root, one) for one in ids))
    assert {"o"} >= {code for code, _ in events(root, ids[0])} - {"r"}
    assert "s3cretly\n" in "".join(data for code, data in events(root, ids[1]) if code == "i")


def test_a_new_size_is_recorded(server: Server, root: Path) -> None:
    """When a tab sets the terminal's size, so does the recording."""
    name = terminal(server)
    recording_id = record(server, name)
    with screen(server, name) as tab:
        tab.send(json.dumps(["set_size", 33, 101, 660, 800]))
        eventually(lambda: ("r", "101x33") in events(root, recording_id))


def test_a_shell_that_ends_ends_its_recording(server: Server, root: Path) -> None:
    """With its exit status, and the browser is told as ever."""
    name = terminal(server)
    recording_id = record(server, name)
    with screen(server, name) as tab:
        type_in(tab, "exit 3\n")
        while json.loads(tab.recv(timeout=30))[0] != "disconnect":
            pass
    eventually(lambda: recording(root, recording_id).state == "completed")
    (end,) = [event for event in recording(root, recording_id).events() if event["type"] == "terminal_end"]
    assert 3 == end["exit_code"]


def test_all_are_recorded_from_their_first_byte_if_so_set(root: Path, tmp_path: Path) -> None:
    """`record_terminals=all` records each new terminal by itself, its first prompt included."""
    (tmp_path / "root").mkdir()
    with serving(tmp_path / "home", tmp_path / "root", *SHELL, "--RecorderApp.record_terminals=all") as server:
        name = terminal(server)
        with screen(server, name) as tab:
            type_in(tab, "echo fi''rst\n")
            see(tab, "first")
        ids = eventually(
            lambda: [one.name for one in (tmp_path / "root").iterdir() if one.name.startswith("terminal-")]
        )
        eventually(lambda: "first" in output(tmp_path / "root", ids[0]))
        assert output(tmp_path / "root", ids[0])[:1] in "#$\x1b"
        server.stop()
    assert ("completed", "server_stopped") == ended(tmp_path / "root", ids[0])


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits a process by prlimit")
def test_a_full_disk_leaves_the_terminal_alone(server: Server, root: Path) -> None:
    """While nothing can be written the terminal goes on, the status says so, and all of it is recorded afterwards."""
    name = terminal(server)
    recording_id = record(server, name)
    pid = server.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    with screen(server, name) as tab:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, limits[1]))
        try:
            type_in(tab, "ulimit -f unlimited 2>/dev/null; echo st''ill here\n")
            see(tab, "still here")
            eventually(lambda: ask(server, "GET", "/status")[1]["health"]["failing_sessions"])
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
        eventually(lambda: "still here" in output(root, recording_id))
        type_in(tab, "echo we''ll\n")
        see(tab, "well")
    eventually(lambda: "well" in output(root, recording_id))
    eventually(lambda: not ask(server, "GET", "/status")[1]["health"]["failing_sessions"])


def test_a_terminal_that_cannot_be_recorded_goes_on(server: Server, root: Path) -> None:
    """With no folder to record to, the start is refused, says so, and the shell works on; later it can be recorded."""
    name, moved = terminal(server), root.with_name("moved")
    with screen(server, name) as tab:
        root.rename(moved)
        root.write_text("a file in the way")
        status, answer = ask(server, "POST", f"/terminals/{name}")
        assert (503, "persist_failed") == (status, answer["code"])
        type_in(tab, "echo st''ill\n")
        see(tab, "still")
        root.unlink()
        moved.rename(root)
        recording_id = record(server, name)
        type_in(tab, "echo ag''ain\n")
        see(tab, "again")
    eventually(lambda: "again" in output(root, recording_id))


def test_a_recording_that_is_taken_away_costs_its_terminal_nothing(server: Server, root: Path) -> None:
    """The folder vanishes while it is recorded into, and the shell goes on."""
    name = terminal(server)
    recording_id = record(server, name)
    with screen(server, name) as tab:
        type_in(tab, "echo fi''rst\n")
        see(tab, "first")
        shutil.rmtree(root / recording_id)
        for number in range(5):
            type_in(tab, f"echo go''ne-{number}\n")
            see(tab, f"gone-{number}")
    ask(server, "DELETE", f"/terminals/{name}")
    assert server.answers()


def test_what_is_typed_is_recorded_for_all_if_so_set(tmp_path: Path) -> None:
    """With `record_terminals=all` and `record_input`, keys are in each recording, in order and once."""
    (tmp_path / "root").mkdir()
    options = (*SHELL, "--RecorderApp.record_terminals=all", "--RecorderApp.record_input=True")
    typed = [f"echo ty''ped-{number}\n" for number in range(20)]
    with serving(tmp_path / "home", tmp_path / "root", *options) as server:
        with screen(server, terminal(server)) as tab:
            for text in typed:
                type_in(tab, text)
            see(tab, "typed-19")
        assert 0 == server.stop()
    (folder,) = (tmp_path / "root").glob("terminal-*")
    assert "".join(typed) == "".join(data for code, data in events(tmp_path / "root", folder.name) if code == "i")


def test_a_terminal_is_listed_while_it_is_recorded(server: Server, root: Path) -> None:
    """Who comes later learns which terminals are recorded, and where."""
    name = terminal(server)
    recording_id = record(server, name)
    listed = ask(server, "GET", "/terminals")[1]["terminals"]
    assert {"terminal": name, "recording_id": recording_id} in listed
    ask(server, "DELETE", f"/terminals/{name}")
    assert name not in {one["terminal"] for one in ask(server, "GET", "/terminals")[1]["terminals"]}


def test_more_is_taken_out_of_a_terminal_if_asked(server: Server, root: Path) -> None:
    """A reader's own patterns go beside the server's; one that can't be used is refused, and nothing is recorded."""
    name = terminal(server)
    with screen(server, name) as tab:
        type_in(tab, "echo re''ady\n")
        see(tab, "ready")
        status, answer = ask(server, "POST", f"/terminals/{name}", {"redact_patterns": ["(unclosed"]})
        assert (400, "invalid_event") == (status, answer["code"])
        recording_id = record(server, name, {"redact_patterns": [r"ACME-\d{4}"]})
        type_in(tab, "echo ACME-''1234 the e''nd\n")
        eventually(lambda: "the end" in output(root, recording_id))
    ask(server, "DELETE", f"/terminals/{name}")
    assert "ACME-1234" not in output(root, recording_id)
