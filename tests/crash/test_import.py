"""An import that is killed leaves finished recordings and nothing else, once recovery has run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recovery import recover

PROGRAM = """
import sys
from jupyter_recorder.convert import import_file
from jupyter_recorder.library.library import Library
import_file(Library(sys.argv[1]), sys.argv[2])
"""
MESSAGES = 40
TALKS = 200


@pytest.mark.parametrize("after", [1, 20])
def test_a_killed_import_leaves_whole_recordings(tmp_path: Path, after: int) -> None:
    """Killed at any moment, what is listed is complete: every conversation has all its messages."""
    path = tmp_path / "conversations.json"
    nodes = {
        f"n{number}": {"parent": f"n{number - 1}", "message": {"author": {"role": "user"},
                       "content": {"content_type": "text", "parts": ["x" * 70_000 if number == 5 else "y"]}}}
        for number in range(MESSAGES)
    }  # fmt: skip
    talks = [{"title": f"talk {number}", "create_time": number, "mapping": nodes} for number in range(TALKS)]
    path.write_text(json.dumps(talks))
    root = tmp_path / "root"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, root, path]) as process:
        deadline = time.monotonic() + 60
        while len(list(root.glob("talk-*"))) < after and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.001)
        process.kill()
    library = Library(root)
    recover(library, force=True)  # it may have been killed before it could lock the next folder
    found = list(library.recordings())

    assert after <= len(found) < TALKS
    assert [] == library.leftovers()
    for recording in found:
        assert recording.state in ("completed", "recovered")
        assert MESSAGES == sum(event["type"] == "message_add" for event in recording.events())
    assert sum(recording.state == "recovered" for recording in found) <= 1
