"""What `make coverage` holds beside the figure of lines and branches together."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "branches.py"


@pytest.mark.parametrize(
    ("covered", "code", "told"),
    [
        (95, 0, "95.00 % of the branches alone, at least 95 % wanted\n"),
        (94, 1, "94.00 % of the branches are taken, under 95 %; not taken in:\n     5 b.py\n     1 a.py\n"),
    ],
)
def test_too_few_branches_are_told_with_where_they_are(tmp_path: Path, covered: int, code: int, told: str) -> None:
    """Under 95 % it fails and names the modules, those with most left first; none is named that has nothing left."""
    report = tmp_path / "report.json"
    missing = {"a.py": 1, "b.py": 5, "c.py": 0}
    files = {name: {"summary": {"missing_branches": count}} for name, count in missing.items()}
    report.write_text(json.dumps({"totals": {"covered_branches": covered, "num_branches": 100}, "files": files}))
    done = subprocess.run([sys.executable, str(SCRIPT), str(report)], capture_output=True, text=True, check=False)
    assert (code, told) == (done.returncode, done.stdout + done.stderr)
