"""`make bench`: every benchmark, one after the other, one table, and the figures kept for comparison over time.

    python tests/benchmarks/bench.py [--only WORD] [--list] [-- OPTION…]

A benchmark is a program beside this one that takes `--json FILE` and writes `{figure: [value, …]}`, a figure's name
with its unit in brackets. OPTIONs go to each. The figures of a run are `.bench/<time>.json`; the table shows
the medians beside those of the run before.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
KEPT: Final = HERE.parents[1] / ".bench"


def benchmarks() -> list[Path]:
    """Return the programs that measure, by name."""
    programs = (path for path in sorted(HERE.glob("*.py")) if not path.name.startswith(("test_", "bench", "measure")))
    return [
        path for path in programs if '"--json"' in path.read_text("utf-8") or "from measure" in path.read_text("utf-8")
    ]


def measured(program: Path, options: list[str]) -> dict[str, list[float]] | None:
    """Run one and return its figures; None, with what it said, if it failed."""
    file = KEPT / f".{program.stem}.json"
    file.unlink(missing_ok=True)
    print(f"== {program.stem}", flush=True)
    begun = time.monotonic()
    done = subprocess.run([sys.executable, str(program), "--json", str(file), *options], check=False)
    print(f"   ({time.monotonic() - begun:.0f} s)", flush=True)
    if done.returncode or not file.exists():
        return None
    figures: dict[str, list[float]] = json.loads(file.read_text("utf-8"))
    file.unlink()
    return figures


def before() -> dict[str, Any]:
    """Return the run that was kept last; empty if there is none."""
    kept = sorted(KEPT.glob("[0-9]*.json"))
    found: dict[str, Any] = json.loads(kept[-1].read_text("utf-8")) if kept else {}
    return found


def table(run: dict[str, Any], old: dict[str, Any]) -> str:
    """Return the medians of a run, as Markdown, beside those of an earlier one."""
    rows = ["| benchmark | figure | median | rounds | before |", "|---|---|---|---|---|"]
    for name, figures in run["figures"].items():
        for figure, values in figures.items():
            past = old.get("figures", {}).get(name, {}).get(figure)
            was = f"{statistics.median(past):,.4g}" if past else ""
            rows.append(f"| {name} | {figure} | {statistics.median(values):,.4g} | {len(values)} | {was} |")
    return "\n".join(rows)


def main() -> int:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description="Every benchmark, and one table.")
    parser.add_argument("--only", default="", help="those with this word in their name")
    parser.add_argument("--list", action="store_true", help="say which there are, and end")
    parser.add_argument("options", nargs="*", help="after --: for each benchmark")
    given = parser.parse_args()
    programs = [path for path in benchmarks() if given.only in path.stem]
    if given.list:
        print("\n".join(path.stem for path in programs))
        return 0
    KEPT.mkdir(exist_ok=True)
    old, failed = before(), []
    machine = f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    run: dict[str, Any] = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine, "figures": {}}
    for program in programs:
        figures = measured(program, given.options)
        if figures is None:
            failed.append(program.stem)
        else:
            run["figures"][program.stem] = figures
    (KEPT / f"{run['at'].replace(':', '')}.json").write_text(json.dumps(run, indent=1), "utf-8")
    print(f"\n{table(run, old)}\n\n{machine}, {run['at']}" + (f"\nfailed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
