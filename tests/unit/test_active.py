"""The one recording of a process, by its Python names."""

from __future__ import annotations

from pathlib import Path

import pytest

import jupyter_recorder
from jupyter_recorder import text
from jupyter_recorder.status import Stopped
from jupyter_recorder.timeline import Counts


def test_a_block_that_ends_its_recording_itself_is_left_in_peace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows in it is not recorded, and leaving it is no second end."""
    monkeypatch.setenv("JUPYTER_RECORDER_DIR", str(tmp_path))
    with jupyter_recorder.record("block") as recorder:
        recorder.note("recorded")
        jupyter_recorder.stop(reason="enough")
        assert jupyter_recorder.current() is None
    found = jupyter_recorder.open("block")
    assert ("completed", "enough") == (found.state, found.manifest.get("reason"))
    assert ["recorded"] == [event["text"] for event in found.events() if event["type"] == "note"]


@pytest.mark.parametrize(
    ("size", "told"), [(999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (2_500_000_000, "2.5 GB")]
)
def test_how_much_a_recording_takes_is_told_in_its_unit(tmp_path: Path, size: int, told: str) -> None:
    """Of gigabytes too, which is the largest."""
    ended = Stopped("id", "name", tmp_path, 1.0, Counts(), size)
    assert f"'name' holds nothing; {told} in " in text.stopped(ended)
