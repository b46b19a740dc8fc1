"""Fixtures that more than one folder of tests uses, and how Hypothesis looks for examples: the same ones each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Return an empty folder, 0700, as a recording is kept in."""
    folder = tmp_path / "demo-20261120-231501"
    folder.mkdir(0o700)
    return folder


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a new segment tried again every 10 ms, not every second."""
    monkeypatch.setattr("jupyter_recorder.journal.log.RETRY_SECONDS", (0.0, 0.01))
