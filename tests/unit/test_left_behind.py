"""What a dead process has left of a recording: the lock of its folder is cleaned up, and the recording recovered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_recorder.errors import RecordingNotFound
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.state import RecordingState

DYING = """
import os, pathlib, sys
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder
directory = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
recorder = Recorder.start(Library(sys.argv[1]), "left", "chat", directory=directory)
recorder.note("kept")
assert recorder.wait(20)
print(recorder.path, flush=True)
os.kill(os.getpid(), 9)
"""


def left(root: Path, *directory: Path) -> Path:
    """Return the folder of a recording whose process was killed."""
    command = [sys.executable, "-c", DYING, str(root), *map(str, directory)]
    return Path(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.strip())


def test_with_a_store_its_recording_is_recovered_too(tmp_path: Path) -> None:
    """It is listed as recovered, with all that it had; after that there is nothing to clean up."""
    library = Library(tmp_path)
    path = left(tmp_path)
    info = RecordingState(path).cleanup_stale_lock(library)
    assert info is not None
    assert (None, path, "recovered") == (info.error, info.path, library.find("left").state)
    assert ["kept"] == [event["text"] for event in library.find("left").events() if event["type"] == "note"]
    assert RecordingState(path).cleanup_stale_lock(library) is None


def test_one_outside_of_the_root_is_recovered_and_deleted_as_any_other(tmp_path: Path) -> None:
    """It is found by the root's note of where it is, which goes with it."""
    (tmp_path / "elsewhere").mkdir()
    library = Library(tmp_path / "root")
    path = left(library.root, tmp_path / "elsewhere")
    assert tmp_path / "elsewhere" == path.parent
    info = RecordingState(path).cleanup_stale_lock(library)
    assert info is not None
    assert (None, "recovered") == (info.error, library.find("left").state)
    library.delete(library.find("left"))
    assert ([], []) == (list(library.recordings()), list((tmp_path / "elsewhere").iterdir()))
    with pytest.raises(RecordingNotFound):
        library.find("left")
