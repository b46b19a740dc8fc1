"""Races for the lock of a recording: never two writers, and nothing is taken from the living."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from programs import Program, environment

from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recovery import recover
from jupyter_recorder.library.state import RecordingState

ROUNDS = 500

# Makes recordings one after the other, each with an event on the disk.
RECORDINGS = """
import sys
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder
for number in range(int(sys.argv[2])):
    recorder = Recorder.start(Library(sys.argv[1]), "race", "notebook")
    recorder.mark(str(number))
    assert recorder.wait(10)
    recorder.stop()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to hold the lock of."""
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def race(*words: tuple[object, ...]) -> list[Any]:
    """Run programs that begin at the same time, and return what each told."""
    programs = [Program("together", *word) for word in words]
    for program in programs:
        program.process.stdin.close()  # type: ignore[union-attr]
    told = [program.process.stdout.read() for program in programs]  # type: ignore[union-attr]
    assert [0] * len(programs) == [program.process.wait() for program in programs]
    return [json.loads(line) for line in told]


def test_two_processes_that_start_and_stop_are_never_both_writing(folder: Path) -> None:
    """Over 1,000 rounds each start is alone, and a third process' clean-ups meanwhile take nothing.

    That it is alone is shown by a file that only one can make; that they did race, by each having been refused.
    """
    racers = (("race", folder, number, ROUNDS) for number in (1, 2))
    first, second, cleaner = race(*racers, ("clean", folder, 40 * ROUNDS))

    assert (ROUNDS, ROUNDS, []) == (first["won"], second["won"], cleaner["taken"])
    assert min(first["refused"], second["refused"]) > 0
    assert [] == list(folder.iterdir())


def test_a_recording_that_lives_is_never_recovered(tmp_path: Path) -> None:
    """While one process makes 40 recordings, recoveries in another take none of them and change nothing."""
    command = [sys.executable, "-c", RECORDINGS, str(tmp_path), "40"]
    maker = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment())
    recoveries, taken = 0, []
    while maker.poll() is None:
        taken += recover(Library(tmp_path))
        recoveries += 1
    _, errors = maker.communicate()

    assert (0, "", []) == (maker.returncode, errors, taken)
    assert recoveries > 4
    states = [recording.manifest["state"] for recording in Library(tmp_path).recordings()]
    assert ["completed"] * 40 == states


def test_starts_that_die_never_block_the_next(folder: Path) -> None:
    """Two processes whose children are killed with the lock held leave a folder that can be started in."""
    race(("race_dying", folder, 1, 40), ("race_dying", folder, 2, 40))
    state = RecordingState(folder)

    assert "next" == state.start("next", "session.ndjson").name
    state.stop()
    assert [] == list(folder.iterdir())


def test_makers_of_one_name_in_one_second_all_get_a_folder(tmp_path: Path) -> None:
    """Two processes that make recordings of one name at once get one folder each time."""
    race(("make", tmp_path, 25), ("make", tmp_path, 25))
    ids = [recording.id for recording in Library(tmp_path).recordings()]

    assert (50, 50) == (len(ids), len(set(ids)))
    assert set(ids) == {recording.manifest["id"] for recording in Library(tmp_path).recordings()}
