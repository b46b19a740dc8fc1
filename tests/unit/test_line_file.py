"""The file under a TerminalRecorder where the system gives no thread, as at a process's end."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
from faults import FaultyFiles

from jupyter_recorder.asciicast.linefile import LineFile, in_worker
from jupyter_recorder.journal.commit import Committer


class NoThreads(Committer):
    """A committer that can't begin its first thread."""

    def call_later(self, seconds: float, task: object) -> NoReturn:
        raise RuntimeError("can't start new thread")


def no_workers() -> Committer:
    """Return a committer that never gets to a task."""
    return Committer(workers=0, max_workers=0)


@pytest.mark.parametrize("committer", [NoThreads(), no_workers()], ids=["no thread", "no worker"])
def test_what_no_worker_takes_is_done_by_the_caller(committer: Committer) -> None:
    """A task that can't be handed over is done all the same."""
    done: list[str] = []
    assert in_worker(committer, lambda: done.append("done"), 0.05)
    assert ["done"] == done


@pytest.mark.parametrize("committer", [NoThreads(), no_workers()], ids=["no thread", "no worker"])
def test_without_threads_a_file_is_still_synced(tmp_path: Path, committer: Committer) -> None:
    """Lines are written, and on the disk at the latest when the file is closed."""
    files, failures = FaultyFiles(), list[OSError]()
    file = LineFile(
        tmp_path / "a.cast",
        b"head\n",
        files=files,
        committer=committer,
        on_failure=lambda error, _: failures.append(error),
    )
    file.append(b"line\n")
    assert file.close(0.05)
    assert (b"head\nline\n", []) == ((tmp_path / "a.cast").read_bytes(), failures)
    assert "datasync" in [call.kind for call in files.calls[-3:]]
