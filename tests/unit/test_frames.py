"""Python's fold against the frames that the player's fold is held to as well (labextension's `frames.test.ts`)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from frames import FIXTURES, events_of, frames_of

from jupyter_recorder.events import TYPES

NAMES = sorted(path.stem for path in FIXTURES.glob("*.ndjson"))


def golden(name: str) -> Path:
    return FIXTURES / f"{name}.frames.jsonl"


@pytest.mark.parametrize("name", NAMES)
def test_frames_are_the_golden_ones(name: str) -> None:
    """After every event of a fixture the frame is the one kept beside it; WRITE_FRAMES=1 keeps new ones."""
    frames = frames_of(events_of(name))
    if os.environ.get("WRITE_FRAMES"):
        lines = [json.dumps(frame, ensure_ascii=False, sort_keys=True) + "\n" for frame in frames]
        golden(name).write_text("".join(lines), encoding="utf-8")

    expected = [json.loads(line) for line in golden(name).read_text("utf-8").splitlines()]
    assert expected == frames


def test_fixtures_hold_every_type_of_event() -> None:
    """No event of the protocol or of the journal is without a frame."""
    held = {event["type"] for name in NAMES for event in events_of(name)}
    assert set(TYPES) - held == set()
