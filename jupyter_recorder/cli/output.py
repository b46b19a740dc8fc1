"""What commands share: options, JSON, a progress bar, durations, questions."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+(?:\.\d+)?)s?)?", re.ASCII)
_BAR: Final = 30
_SAID: Final = (
    ("%record start NAME begins", "`jupyter recorder rec` records one"),
    ("%record replay ", "jupyter recorder play "),
    (" shows it", " plays it"),
    ("%record:", "jupyter recorder:"),
    ("%record ", "jupyter recorder "),
)
_UNSHOWN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option `--json`."""
    parser.add_argument("--json", action="store_true", help="print data for programs")


def add_name(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a recording."""
    parser.add_argument("name", metavar="NAME", help="a recording's id, or a name (then its newest take)")


def add_new(parser: argparse.ArgumentParser, ending: str) -> None:
    """Declare what to call the recording that is made of another, and what becomes of that."""
    parser.add_argument("--name", dest="new_name", metavar="NEW", help=f"what to call the new one (NAME-{ending})")
    parser.add_argument("--replace", action="store_true", help="delete the old recording afterwards, and keep its name")


def print_json(value: object) -> None:
    """Print a value for programs."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def as_shell(said: str) -> str:
    """Return what is said to a person in a notebook, as it is said in a shell."""
    for magic, command in _SAID:
        said = said.replace(magic, command)
    return said


def one_line(text: str, limit: int = 200) -> str:
    """Return recorded text as one line that does nothing to a terminal."""
    line = _UNSHOWN.sub(" ", text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def seconds(text: str) -> float:
    """Return a duration in seconds, of `90`, `1.5`, `90s`, `1m30s` or `1h`; raises `ArgumentTypeError`."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no duration; write 90, 1m30s or 2h")
    hours, minutes, rest = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest or 0)


def clock(value: float) -> str:
    """Return seconds as people read them: `1:02:03`."""
    minutes, rest = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def agreed(question: str) -> bool:
    """Ask a person; no answer is no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[float, float], None] | None]:
    """Give `progress(done, total)`, which draws a bar; None where nobody sees it (stderr is no terminal)."""
    if not sys.stderr.isatty():
        yield None
        return
    began, last = time.monotonic(), 0.0

    def draw(done: float, total: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - began < 0.3 or (now - last < 0.1 and done < total):
            return
        last, part = now, min(1.0, done / total) if total else 0.0
        filled = round(part * _BAR)
        print(f"\r{what} {'━' * filled}{'─' * (_BAR - filled)} {part:4.0%}", end="", file=sys.stderr, flush=True)

    try:
        yield draw
    finally:
        if last:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
