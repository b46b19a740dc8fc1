"""Acks that mean `written`: they survive a killed process, which is all that they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jupyter_recorder.library.library import Library

PROGRAM = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from services import Service, add, append, start
service = Service(Path(sys.argv[1]), durability="written")
service.ack(start())
service.ack(add())
for number in range(2000):
    answers = service.send(*(append(f"{number} ") for _ in range(3)))
    assert {"written"} == {answer.durability for answer in answers}
    os.write(1, b"%d %d\\n" % (number, answers[-1].seq))
    if number == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_acked_as_written_survives_a_kill(tmp_path: Path) -> None:
    """Killed the moment after an ack, early and late: each acked event is in the journal, with its number."""
    for kill in (0, 1, 7, 60):
        root = tmp_path / str(kill)
        command = [sys.executable, "-c", PROGRAM, str(root), str(Path(__file__).parents[1]), str(kill)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert -9 == ran.returncode, ran.stderr
        acked = [tuple(map(int, line.split())) for line in ran.stdout.splitlines()]
        recorded = {event["seq"]: event for event in Library(root).find_session("a session").events()}

        assert kill + 1 == len(acked)
        for number, seq in acked:
            assert f"{number} " == recorded[seq]["content_delta"]
