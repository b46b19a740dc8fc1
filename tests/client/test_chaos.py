"""Cuts, kills of the server and kills of the client, one after the other at random moments, and all ways mixed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

from cutting_proxy import CuttingProxy
from plain import Plain, eventually, new_id
from programs import environment
from servers import TOKEN, Server

from jupyter_recorder import RecorderClient

PROGRAM = Path(__file__).with_name("giving_process.py")
# The full run is as many steps in each of eight parts.
STEPS = int(os.environ.get("CHAOS_STEPS", "20"))
SEED = os.environ.get("KILL_SEED", "")


class Giver:
    """A program that records one session until it is killed; `told` is what it was told is kept."""

    def __init__(self, url: str, outbox: Path, mode: str) -> None:
        self.session_id = new_id("chaos")
        self.told: list[str] = []
        command = [sys.executable, str(PROGRAM), url, str(outbox), self.session_id, mode, "1000000", "0.001"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def until(self, count: int) -> None:
        """Wait until it was told so many lines."""
        eventually(lambda: len(self.told) >= count)

    def kill(self) -> None:
        """End it as kill -9 does."""
        self._process.kill()
        self._process.wait()
        self._reading.join()

    def check(self, server: Plain) -> None:
        """Hold what the server has against what the program was told."""
        if not self.told:  # it was killed before it could begin
            return
        contents = server.contents(self.session_id)
        count = contents["stream"].count("[") if "stream" in contents else 0
        last = max((int(line[1:]) for line in self.told if line.startswith("+")), default=-1)
        assert count in (last + 1, last + 2)  # the last one may not have been told of
        assert "".join(f"[{number}]" for number in range(count)) == contents.get("stream", "")
        assert {line for line in self.told if line.startswith("m")} <= set(contents)
        journal = server.journal(self.session_id)
        assert list(range(1, len(journal) + 1)) == [line["seq"] for line in journal]

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            self.told.extend(line.strip() for line in lines if line.endswith("\n"))


def test_nothing_is_lost_or_doubled_whatever_is_cut_or_killed(tmp_path: Path) -> None:
    """Through dozens of cuts and kills of either side, each token that a program was told is kept is recorded once."""
    root, box, dice = tmp_path / "root", tmp_path / "box", random.Random(f"5{SEED}")
    root.mkdir()
    process = Server(tmp_path / "home", root)
    givers: list[Giver] = []
    try:
        process.wait(process.answers)
        with CuttingProxy(process.url) as proxy:
            givers.append(Giver(proxy.url, box, "hybrid"))
            for step in range(STEPS):
                time.sleep(dice.uniform(0.05, 0.5))
                if step % 4 == 3:
                    if step % 8 == 3:  # the others are killed wherever they are, before they have begun, too
                        givers[-1].until(500)
                    givers[-1].kill()
                    givers.append(Giver(proxy.url, box, dice.choice(["live", "batch", "hybrid"])))
                elif step % 8 == 5:
                    process.process.kill()
                    process.process.wait()
                    process = Server(tmp_path / "home", root, port=process.port)
                else:
                    proxy.cut_after(dice.randrange(1, 5000))
            givers[-1].kill()
        process.wait(process.answers)
        with RecorderClient(process.url, TOKEN, outbox=box) as client:
            client.flush(60)
            assert [] == client.refused
        for giver in givers:
            giver.check(Plain(process.url, TOKEN, root))
        assert sum(len(giver.told) for giver in givers) > 1000
    finally:
        for giver in givers:
            giver.kill()
        process.process.kill()
        process.process.wait()
