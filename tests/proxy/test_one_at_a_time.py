"""The program of docs/embedding.md that records one thing at a time, run as it stands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proxy import page

Run = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts the program with a name, and ends it with the test."""
    script, running = tmp_path / "program.py", list[subprocess.Popen[str]]()
    script.write_text(page.program("One recording at a time"), "utf-8")

    def run(name: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(script), str(tmp_path / "kept"), name]
        running.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.communicate()


def begin(process: subprocess.Popen[str]) -> None:
    """Wait until it records, and give it a line."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert "recording " in process.stdout.readline()
    process.stdin.write("a line\n")


def test_a_run_keeps_what_it_was_given(run: Run, tmp_path: Path) -> None:
    """A run that ends in order leaves its data, and no lock."""
    process = run("first")
    begin(process)
    process.communicate("another\n", timeout=60)
    assert 0 == process.returncode
    assert ["first.txt"] == [path.name for path in (tmp_path / "kept").iterdir()]
    assert "a line\nanother\n" == (tmp_path / "kept" / "first.txt").read_text()


def test_a_second_run_is_refused_by_name(run: Run) -> None:
    """While one runs, another one says who it is and ends."""
    first = run("first")
    begin(first)
    second = run("second")
    said, _ = second.communicate(timeout=60)
    assert 1 == second.returncode
    assert said.startswith(f"'first' is being recorded by process {first.pid}")


def test_a_killed_run_is_told_and_its_data_kept(run: Run, tmp_path: Path) -> None:
    """After kill -9 the next run says what was cut off, keeps its data, and records."""
    first = run("first")
    begin(first)
    kept = tmp_path / "kept" / "first.txt"
    while not kept.exists() or kept.read_text() != "a line\n":
        assert first.poll() is None
    first.kill()
    first.wait()
    said, _ = run("second").communicate("x\n", timeout=60)
    assert [f"first was cut off; what it has is in {kept}", "recording second"] == said.splitlines()
    assert ("a line\n", "x\n") == (kept.read_text(), kept.with_name("second.txt").read_text())
