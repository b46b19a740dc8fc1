"""D1: a server that is killed under twenty streaming sessions has lost nothing that it acked."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from servers import TOKEN, Server, serving

from jupyter_recorder.library.library import Library

SESSIONS = 20
# The full run is a thousand kills; here a few, at moments that are drawn.
KILLS = int(os.environ.get("SERVER_KILLS", "4"))
SEED = os.environ.get("KILL_SEED", "")
SCRIPT = Path(__file__).with_name("streaming_process.py")


def run_and_kill(home: Path, root: Path, acks: Path, seconds: float) -> None:
    """Start a server and a client that streams, and kill the server after `seconds` of streaming."""
    with serving(home, root) as server:
        url = f"{server.url.replace('http', 'ws', 1)}/api/recording/ws"
        command = [sys.executable, str(SCRIPT), url, TOKEN, str(acks), "0", str(SESSIONS)]
        client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert client.stdout is not None
        try:
            assert client.stdout.readline() == "streaming\n", client.stderr and client.stderr.read()
            time.sleep(seconds)  # no order rests on it: the kill is to come at any moment
            server.process.kill()
            server.process.wait()
            assert client.wait(30) == 0, client.stderr and client.stderr.read()
        finally:
            client.kill()
            client.communicate()


def acked(acks: Path) -> dict[str, dict[int, int]]:
    """Return what was acked: for each session, numbers to seqs."""
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for line in acks.read_text().splitlines():
        session, number, seq = line.split()
        assert found[session].setdefault(int(number), int(seq)) == int(seq)
    return found


def numbers(events: list[dict[str, Any]]) -> dict[int, int]:
    """Return the producer's numbers of a journal, each once and in order, with their seqs."""
    found = [(event["producer_seq"], event["seq"]) for event in events if "producer_seq" in event]
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    return dict(found)


@pytest.mark.timeout(600)
def test_nothing_acked_is_lost_doubled_or_reordered(tmp_path: Path) -> None:
    """After each kill every acked event is on the disk with its number, and the next server says so too."""
    root, acks, chance = tmp_path / "root", tmp_path / "acks", random.Random(f"7{SEED}")
    root.mkdir()
    library = Library(root)
    for kill in range(KILLS):
        run_and_kill(tmp_path / f"home-{kill}", root, acks, chance.random() * 0.5)
        promised = acked(acks)
        assert SESSIONS == len(promised)
        for session, seqs in promised.items():
            recorded = numbers(list(library.find_session(session).events()))
            assert seqs.items() <= recorded.items(), session
    with serving(tmp_path / "last", root) as server:
        for session, seqs in acked(acks).items():
            text = get(server, f"session/{session}")["messages"][0]["content"]
            said = [int(word) for word in text.split()]
            assert said == list(range(3, len(said) + 3))
            assert max(seqs) <= len(said) + 2


def get(server: Server, path: str) -> Any:
    """Return what the server answers."""
    import urllib.request

    request = urllib.request.Request(f"{server.url}/api/recording/{path}", headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)
