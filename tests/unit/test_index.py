"""The background list of recordings: what comes and goes is seen, and nothing is read twice for nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from jupyter_recorder.library.index import RecordingsIndex
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder


class Counted(Library):
    """A library that counts how often its folder was listed."""

    lists = 0

    def folders(self) -> dict[Path, Any]:
        """List it."""
        self.lists += 1
        return super().folders()


def made(library: Library, name: str) -> Path:
    """Make a finished recording and return its folder."""
    recorder = Recorder.start(library, name, "notebook")
    recorder.mark("here")
    return recorder.stop().path


def aged(root: Path) -> None:
    """Have the root changed a minute ago."""
    past = os.stat(root).st_mtime_ns - 60_000_000_000
    os.utime(root, ns=(past, past))


def names(index: RecordingsIndex) -> list[str]:
    """Return the names that are listed."""
    return [one["name"] for one in index.page(limit=100)["recordings"]]


@pytest.fixture
def library(tmp_path: Path) -> Counted:
    """A library with one recording."""
    library = Counted(tmp_path / "root")
    made(library, "first")
    return library


def test_a_folder_that_did_not_change_is_not_listed_again(library: Counted) -> None:
    """Its time tells; with ten thousand recordings, listing them all the time would keep a processor busy."""
    aged(library.root)
    index = RecordingsIndex(library)
    for _ in range(5):
        assert ["first"] == names(index)
    assert 1 == library.lists


def test_what_changed_just_now_is_listed_again(library: Counted) -> None:
    """A second change within what the folder's time can show would not be seen in it."""
    index = RecordingsIndex(library)
    assert (["first"], ["first"]) == (names(index), names(index))
    assert 2 == library.lists


def test_what_comes_and_goes_is_seen(library: Counted) -> None:
    """A new recording, and one that is gone, are noticed by the next question, and told."""
    told: list[tuple[str, str]] = []
    aged(library.root)
    index = RecordingsIndex(library)
    index.on_change.append(lambda one, state, _: told.append((one, state)))
    assert ["first"] == names(index)
    second = made(library, "second")
    assert {"first", "second"} == set(names(index))
    shutil.rmtree(second)
    assert ["first"] == names(index)
    assert [(second.name, "completed"), (second.name, "deleted")] == told[-2:]
