"""What every benchmark of `make bench` shares: rounds taken in turn, figures by name, and a file for them.

A figure's name says its unit in brackets at its end; what is kept of it are the values of all rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

Figures = dict[str, list[float]]
ROUNDS: Final = 7
TESTS: Final = Path(__file__).parents[1]


class Took(NamedTuple):
    """What a process has taken, its children included: seconds by the clock and of processors."""

    wall: float
    cpu: float


def arguments(about: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=(about or "").split("\n", 1)[0])
    parser.add_argument("--json", type=Path, help="a file for the figures of all rounds")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of each measurement (default: {ROUNDS})")
    return parser


def finish(figures: Figures, rows: list[tuple[str, str]], file: Path | None) -> None:
    """Print the medians, then the ratios, and keep all values."""
    shown = [(name, f"{statistics.median(values):,.4g}") for name, values in figures.items()] + rows
    width = max(len(name) for name, _ in shown)
    print("\n".join(f"{name:<{width}}  {value:>12}" for name, value in shown))
    if file is not None:
        file.write_text(json.dumps(figures, indent=1))


def note(figures: Figures, name: str, value: float) -> None:
    """Add a round's value."""
    figures.setdefault(name, []).append(value)


def ratio(figures: Figures, one: str, other: str) -> float:
    """Return the median of the ratios, round by round: what the machine does meanwhile is in both."""
    return statistics.median(a / b for a, b in zip(figures[one], figures[other], strict=True))


def run(command: list[str], **variables: str) -> Took:
    """Run a program with its output thrown away, and return what it took; one that fails is an error."""
    begun = time.perf_counter()
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **variables},
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.stderr is not None
        assert process.returncode == 0, (command, process.stderr.read()[-2000:])
    return Took(wall, used.ru_utime + used.ru_stime)


def python(code: str, *words: object) -> Took:
    """Run Python code in a process of its own."""
    return run([sys.executable, "-c", code, *map(str, words)])
