"""TerminalRecorder in a real SSH server, the one of docs/embedding.md, with real clients."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from faults import Fault, FaultyFiles
from proxy.sessions import USER, full_screen, serving, two_sessions

from jupyter_recorder import RecordingConfig, TerminalRecorder
from jupyter_recorder.asciicast.reader import read
from jupyter_recorder.replay.bundle import CAST_TYPE, ReplayData, ReplayOptions, mime_bundle

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no PTY here")


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> list[TerminalRecorder]:
    """Two recorded sessions: one that ended in order, one that was cut off."""
    return asyncio.run(two_sessions(tmp_path_factory.mktemp("proxy")))


def path(recorder: TerminalRecorder) -> Path:
    """Return the recorder's `.cast`."""
    assert recorder.path is not None
    return recorder.path


def sidecar(recorder: TerminalRecorder) -> dict[str, Any]:
    """Return what the sidecar says."""
    found: dict[str, Any] = json.loads(path(recorder).with_suffix(".json").read_bytes())
    return found


def text(recorder: TerminalRecorder, code: str = "o") -> str:
    """Return a recording's text of one kind."""
    return "".join(event.data for event in read(path(recorder)).events if event.code == code)


def asciinema(home: Path, *arguments: str) -> bytes:
    """Return what asciinema 2.4 prints."""
    environment = {**os.environ, "HOME": str(home), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "asciinema", *arguments]
    return subprocess.run(command, capture_output=True, check=True, env=environment, timeout=60).stdout


def test_all_that_was_shown_and_typed_is_recorded(sessions: list[TerminalRecorder]) -> None:
    """Text, the full screen's escapes, keys and sizes stand in the file, in the order that they had."""
    shown = text(sessions[0])
    for word in ("héllo €", "\x1b[?1049h", "«80 by 24»", "100 by 30", "90 by 20", "\x1b[?1049l", "exit"):
        assert word in shown
    assert text(sessions[0], "i").endswith("qexit 7\r")
    assert [(100, 30), (90, 20)] == [
        tuple(map(int, event.data.split("x"))) for event in read(path(sessions[0])).events if event.code == "r"
    ]


def test_a_new_size_stands_before_what_is_drawn_in_answer(sessions: list[TerminalRecorder]) -> None:
    """In a replay the screen has its new size when the program draws on it."""
    codes = [event for event in read(path(sessions[0])).events if event.code in "or"]
    at = next(number for number, event in enumerate(codes) if event.data == "100x30")
    assert "100 by 30" not in "".join(event.data for event in codes[:at])
    assert "100 by 30" in "".join(event.data for event in codes[at:])


def test_the_sidecar_of_a_session_that_ended(sessions: list[TerminalRecorder]) -> None:
    """It says who it was, where from, how long, with what exit status, and that nothing is missing."""
    found = sidecar(sessions[0])
    assert {"user": USER, "from": "127.0.0.1", "term": "xterm-256color"} == found["metadata"]
    assert (7, None, 2) == (found["exit_status"], found["error"], found["events"]["r"])
    assert path(sessions[0]).stat().st_size == found["bytes"]
    assert abs(found["ended_at"] - found["started_at"] - found["duration"] * 1000) <= 1


def test_a_session_that_was_cut_off_is_whole(sessions: list[TerminalRecorder]) -> None:
    """The client's connection is gone, its recording is there to the last byte, with an end."""
    cast = read(path(sessions[1]))
    assert "cut-23" in "".join(event.data for event in cast.events)
    assert (0, False) == (cast.damage.lines, cast.damage.torn)
    found = sidecar(sessions[1])
    assert (None, True) == (found["error"], found["ended_at"] is not None)
    assert found["exit_status"] != 0


@pytest.mark.parametrize("number", [0, 1], ids=["ended", "cut off"])
def test_both_play_in_asciinema(sessions: list[TerminalRecorder], tmp_path: Path, number: int) -> None:
    """asciinema 2.4 prints and plays each file: all of its output, byte for byte."""
    file, shown = str(path(sessions[number])), text(sessions[number]).encode()
    assert shown == asciinema(tmp_path, "cat", file)
    assert shown == asciinema(tmp_path, "play", "--idle-time-limit", "0.001", "--speed", "100", file)


@pytest.mark.parametrize("number", [0, 1], ids=["ended", "cut off"])
def test_both_can_be_embedded(sessions: list[TerminalRecorder], number: int) -> None:
    """A replay's bundle carries each as its one terminal, unchanged."""
    cast = path(sessions[number]).read_bytes()
    data = ReplayData({"id": "x", "name": "ssh"}, b"", {"terminal.cast": cast}, {})
    bundle = mime_bundle(data, ReplayOptions(), summary="ssh", max_embed_bytes=5 << 20)
    assert cast.decode() == bundle[CAST_TYPE]


def test_the_recorder_is_optional(tmp_path: Path) -> None:
    """Without a configuration the server serves the same, and writes nothing."""

    async def run() -> int | None:
        async with serving(None) as server, server.client() as client:
            client.type("echo un-$((1+1))\r")
            await client.until("un-2")
            client.type("exit 3\r")
            return await client.leave()

    assert 3 == asyncio.run(run())
    assert [] == list(tmp_path.iterdir())


# What can go wrong in the middle of a session, and whether the recorder can go on after it.
FAULTS = {
    "full": lambda: Fault("write", "*.cast", errno.ENOSPC, on=False),
    "a part of a line": lambda: Fault("write", "*.cast", errno.ENOSPC, keep=7, on=False),
    "a failing write": lambda: Fault("write", "*.cast", errno.EIO, on=False),
    "a failing sync": lambda: Fault("datasync", "*.cast", errno.EIO, on=False),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_failing_disk_leaves_the_session_usable(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """From the failure on, the shell answers to its last byte; sidecar, `error` and log say what is missing."""
    fault = FAULTS[name]()
    lines = "".join(f"line {n} {'é' * 40}\r\n" for n in range(2000))

    async def run() -> tuple[TerminalRecorder, str]:
        config = RecordingConfig(output_dir=tmp_path / "recordings")
        async with serving(config, FaultyFiles(fault)) as server:
            async with server.client() as client:
                client.type("PS1=; stty -echo; echo be-$((1+1))fore\r")
                await client.until("be-2fore")
                fault.on = True
                client.type("echo fault-$((1+1))\r")
                await client.until("fault-2")
                assert await asyncio.to_thread(fault.wait_hit)
                await full_screen(client, tmp_path)
                client.type(f"{sys.executable} -c \"for n in range(2000): print('line', n, 'é' * 40)\"; exit 5\r")
                assert await client.leave() == 5
            await server.ended.acquire()
            return server.recorders[0], client.seen.decode()

    with caplog.at_level(logging.ERROR, "jupyter_recorder"):
        recorder, seen = asyncio.run(run())
    assert lines in seen
    assert str(recorder.error) == sidecar(recorder)["error"]
    assert "could not be recorded" in str(recorder.error)
    assert [True] == [str(recorder.path) in message for message in caplog.messages]
    cast = read(path(recorder))
    assert "be-2fore" in "".join(event.data for event in cast.events)
    assert (0, False) == (cast.damage.lines, cast.damage.torn)


def test_a_folder_that_cannot_be_used_leaves_the_session_usable(tmp_path: Path) -> None:
    """A login works though nothing of it can be recorded, and `error` says so."""
    (tmp_path / "file").write_text("")

    async def run() -> tuple[TerminalRecorder, int | None]:
        async with serving(RecordingConfig(output_dir=tmp_path / "file" / "x")) as server, server.client() as client:
            client.type("exit 4\r")
            return server.recorders[0], await client.leave()

    recorder, status = asyncio.run(run())
    assert 4 == status
    assert "Not a directory" in str(recorder.error)


def test_sessions_at_once_are_recorded_apart(tmp_path: Path) -> None:
    """Eight logins at the same time give eight files, each with its own text alone."""

    async def session(server: Any, number: int) -> None:
        async with server.client() as client:
            client.type(f"echo me-$((1000+{number}))\r")
            await client.until(f"me-{1000 + number}")
            client.type("exit\r")
            await client.leave()

    async def run() -> list[TerminalRecorder]:
        async with serving(RecordingConfig(output_dir=tmp_path)) as server:
            await asyncio.gather(*(session(server, number) for number in range(8)))
            for _ in range(8):
                await server.ended.acquire()
            return server.recorders

    recorders = asyncio.run(run())
    found = [[n for n in range(8) if f"me-{1000 + n}" in text(recorder)] for recorder in recorders]
    assert [[n] for n in range(8)] == sorted(found)
