"""Starting `recording_process.py`, and hurting it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupyter_recorder

SCRIPT = Path(__file__).with_name("recording_process.py")


class Program:
    """A program that said it is ready; `facts` is what it told."""

    def __init__(self, word: str, *arguments: object) -> None:
        command = [sys.executable, str(SCRIPT), word, *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"{word} ended early"
        self.facts: Any = json.loads(line)

    @property
    def path(self) -> Path:
        """The recording's folder."""
        return Path(self.facts["path"])

    def hold(self) -> None:
        """Let it live, but do nothing any more: not even what its threads had begun."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def environment() -> dict[str, str]:
    """Return an environment in which a program finds the package under test."""
    return {**os.environ, "PYTHONPATH": str(Path(jupyter_recorder.__file__).parents[1])}


def killed(word: str, *arguments: object) -> Path:
    """Run a program until it has recorded, kill it, and return its recording's folder.

    Not in the midst of replacing a file: what is left of that is tested where every call is a place to be killed.
    """
    program = Program(word, *arguments)
    path = program.path if "path" in program.facts else Path()
    program.hold()
    while path != Path() and list(path.glob(".*.tmp")):
        program.process.send_signal(signal.SIGCONT)
        time.sleep(0.005)
        program.hold()
    program.kill()
    return path


@contextlib.contextmanager
def living(word: str, *arguments: object) -> Iterator[Program]:
    """Run a program that goes on recording until the block ends."""
    program = Program(word, *arguments)
    try:
        yield program
    finally:
        program.kill()


@contextlib.contextmanager
def orphaned(word: str, *arguments: object) -> Iterator[Program]:
    """Kill a program whose worker lives on until the block ends."""
    program = Program(word, *arguments)
    try:
        program.kill()
        yield program
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(program.facts["worker"], signal.SIGKILL)


def output(word: str, *arguments: object) -> Any:
    """Run a program to its end and return what it told."""
    command = [sys.executable, str(SCRIPT), word, *map(str, arguments)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
