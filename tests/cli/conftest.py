"""What tests of the command line share: running it as a process of its own, with folders of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_recorder.library.library import Library


class Cli:
    """`jupyter recorder` with the recordings in `root`, run in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.library = Library(self.root)
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER_RECORDER")}
        self.environment |= {"JUPYTER_RECORDER_CACHE": str(folder / "cache"), "LC_ALL": "C.UTF-8", "PS1": "> "}
        self.environment |= {"HOME": str(folder), "SHELL": "/bin/sh", "TERM": "xterm-256color"}

    def command(self, *words: str) -> list[str]:
        """Return the command line of a process."""
        return [sys.executable, "-m", "jupyter_recorder", "--root", str(self.root), *words]

    def __call__(self, *words: str, code: int = 0, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run it to its end, which must have the exit code `code`."""
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment,
            timeout=60,
            check=False,
            **options,
        )
        assert (code, "") == (done.returncode, done.stderr if done.returncode != code else "")
        return done


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line on an empty library."""
    return Cli(tmp_path)
