"""Every hurt of the crash harness, each with one subject in turn; `make prove` goes through all of them many times."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from harness import HURTS, SUBJECTS, Case, can_mount, run

CASES = [Case(SUBJECTS[at % len(SUBJECTS)], hurt, 1) for at, hurt in enumerate(HURTS)]


@pytest.mark.skipif(sys.platform == "win32", reason="has neither these signals nor such disks")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_was_said_to_be_safe_is_there(case: Case, tmp_path: Path) -> None:
    """Started for real, hurt, recovered: every piece that was safe is there, once, whole and in order."""
    if case.hurt.startswith("disk full") and not can_mount(tmp_path / "try"):
        pytest.skip("mounting a tmpfs needs root")
    assert run(case, tmp_path) > 0
