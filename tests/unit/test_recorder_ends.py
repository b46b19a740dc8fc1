"""A recording that several threads end at one moment: it ends once, in order, with all that it had taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from together import at_once

from jupyter_recorder.errors import NoActiveRecording
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder

ROUNDS = 10


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    """An open recording."""
    return Recorder.start(Library(tmp_path), "ends", "terminal")


def lines(recorder: Recorder) -> list[str]:
    """Return the types of a journal's lines."""
    journal = (recorder.path / "session.ndjson").read_text(encoding="utf-8")
    return [json.loads(line)["type"] for line in journal.splitlines()]


def test_a_recording_is_stopped_once(recorder: Recorder) -> None:
    """Of four that stop it one does, and is told how it ended; the others are told that it has."""
    stopped: list[object] = []
    raised = at_once(*[lambda: stopped.append(recorder.stop(reason="asked"))] * 4)
    assert 1 == len(stopped)
    assert [NoActiveRecording] * 3 == [type(error) for error in raised]
    assert ["header", "footer"] == lines(recorder)
    assert "asked" == json.loads((recorder.path / "manifest.json").read_bytes())["reason"]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_shell_may_end_as_its_recording_is_stopped(recorder: Recorder, number: int) -> None:
    """What was held back for the rest of a secret is there, the terminal's end before the recording's, and once."""
    track = recorder.terminal(80, 24)
    shown = f"{number} AKIA"  # as a key begins
    track.output(shown.encode())
    assert [] == at_once(lambda: track.end(number), recorder.stop)
    assert ["header", "terminal_start", "terminal_end", "footer"] == lines(recorder)
    cast = (recorder.path / "terminal.cast").read_text(encoding="utf-8").splitlines()[1:]
    assert shown == "".join(json.loads(line)[2] for line in cast)
