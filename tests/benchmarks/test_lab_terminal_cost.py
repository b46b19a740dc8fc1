"""What `labterminals.py` measures, in small: it runs through, and says all it should."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("labterminals.py")
SMALL = ["--rounds", "1", "--keys", "10", "--terminals", "3", "--seconds", "0.5"]

pytestmark = pytest.mark.skipif(not Path("/dev/ptmx").exists(), reason="needs a PTY")


def test_all_bytes_are_there_and_every_figure_is_told(tmp_path: Path) -> None:
    """Three terminals for half a second, a few keys, recorded and not: each `.cast` holds what was printed."""
    command = [sys.executable, str(PROGRAM), "--json", str(tmp_path / "figures"), *SMALL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert 0 == done.returncode, done.stderr
    assert "3 of 3" in done.stdout
    figures = json.loads((tmp_path / "figures").read_text())
    for part in ("echo", "many, echo"):
        for at in ("p50", "p99"):
            wanted = {f"{part}, {how} {at} (s)" for how in ("unrecorded,", "recorded,", "added at")}
            assert wanted <= figures.keys()
    assert {1} == {len(values) for values in figures.values()}
