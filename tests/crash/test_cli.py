"""`jupyter recorder`: the command line, on what really killed processes left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from programs import environment, killed, living

from jupyter_recorder import Library

WORDS = ["list", "recover"]


def run(root: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run `jupyter recorder` on the recordings under `root`."""
    command = [sys.executable, "-m", "jupyter_recorder", "--root", str(root), *words]
    variables = {key: value for key, value in environment().items() if key != "JUPYTER_RECORDER_DIR"}
    return subprocess.run(command, input=typed, capture_output=True, text=True, env=variables, check=False)


def states(root: Path) -> list[str]:
    """Return the states of all recordings, newest first."""
    return [recording.state for recording in Library(root).recordings()]


def test_a_dry_run_lists_and_changes_nothing(tmp_path: Path) -> None:
    """`recover --dry-run` names what a killed process left, and leaves it as it is."""
    folder = killed("record", tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run(tmp_path, "recover", "--dry-run")
    assert 0 == done.returncode
    assert str(folder) in done.stdout
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(("typed", "state"), [("y\n", "recovered"), ("n\n", "interrupted"), ("", "interrupted")])
def test_recover_asks(tmp_path: Path, typed: str, state: str) -> None:
    """Without `--yes` only the answer `y` recovers; no answer is no."""
    killed("record", tmp_path)
    assert 0 == run(tmp_path, "recover", typed=typed).returncode
    assert [state] == states(tmp_path)


def test_recover_tells_programs_what_it_did(tmp_path: Path) -> None:
    """`recover --yes --json` prints what became of each recording; a second run has nothing to do."""
    folder = killed("record", tmp_path)
    (info,) = json.loads(run(tmp_path, "recover", "--yes", "--json").stdout)
    assert (folder.name, "recovered", None) == (info["id"], info["state"], info["error"])
    assert info["name"].startswith("recovered-")
    assert [] == json.loads(run(tmp_path, "recover", "--yes", "--json").stdout)


def test_a_living_recording_is_left_alone(tmp_path: Path) -> None:
    """What is being recorded is neither listed for recovery nor touched."""
    with living("record", tmp_path):
        assert "nothing to recover" in run(tmp_path, "recover", "--dry-run").stdout
        assert "nothing to recover" in run(tmp_path, "recover", "--yes").stdout
        assert ["recording"] == states(tmp_path)


def test_list_shows_what_there_is(tmp_path: Path) -> None:
    """`list` prints a line a recording, `list --json` their manifests."""
    folder = killed("record", tmp_path)
    assert "interrupted" in run(tmp_path, "list").stdout
    assert [folder.name] == [one["id"] for one in json.loads(run(tmp_path, "list", "--json").stdout)]


def test_a_failure_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    """A root that is a file gets one line that names it."""
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file", "list")
    assert 1 == done.returncode
    assert done.stderr.startswith("jupyter recorder: ")
    assert 1 == done.stderr.count("\n")


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    """An unknown command is wrong usage, as is none."""
    assert (2, 2) == (run(tmp_path, "retrieve").returncode, run(tmp_path).returncode)


@pytest.mark.parametrize("word", WORDS)
def test_every_command_is_documented(word: str) -> None:
    """The README names each command."""
    assert f"`jupyter recorder {word}" in (Path(__file__).parents[2] / "README.md").read_text("utf-8")
