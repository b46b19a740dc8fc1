"""Holds how many of the package's branches the tests take: `python tests/branches.py report.json`, of `coverage json`.

`coverage report --fail-under` counts lines and branches together, where many lines that are easily reached hide the
branches that are not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

LEAST: Final = 95.0
_SHOWN: Final = 10


def judge(report: dict[str, Any]) -> str | None:
    """Return what is wrong with a report: that too few branches are taken, and where most are left; None if nothing."""
    share = taken(report)
    if share >= LEAST:
        return None
    left = {name: file["summary"]["missing_branches"] for name, file in report["files"].items()}
    most = sorted(left.items(), key=lambda one: (-one[1], one[0]))[:_SHOWN]
    told = "".join(f"\n  {count:4} {name}" for name, count in most if count)
    return f"{share:.2f} % of the branches are taken, under {LEAST:g} %; not taken in:{told}"


def taken(report: dict[str, Any]) -> float:
    """Return how many branches are taken, in percent."""
    totals = report["totals"]
    return float(100 * totals["covered_branches"] / totals["num_branches"])


def main(path: str) -> None:
    """Print the share of a report; end with 1 if it is too small."""
    report = json.loads(Path(path).read_text("utf-8"))
    wrong = judge(report)
    if wrong is not None:
        sys.exit(wrong)
    print(f"{taken(report):.2f} % of the branches alone, at least {LEAST:g} % wanted")


if __name__ == "__main__":
    main(sys.argv[1])
