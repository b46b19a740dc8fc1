"""`jupyter recorder trim`."""

from __future__ import annotations

import argparse
import math
import sys

from ..library.library import Library
from .output import add_json, add_name, add_new, clock, print_json, progress_bar, seconds

EXAMPLES = """examples:
  jupyter recorder trim demo --cut 10:25                from second 10 to second 25
  jupyter recorder trim demo --cut :5 --cut 1h2m:       the beginning, and all after 1 hour 2 minutes
  jupyter recorder trim demo --idle 2                   no pause longer than 2 seconds
  jupyter recorder trim demo --idle 1 --replace

What began in a part that is cut goes: messages, cells, commands, markers, and what terminals showed then."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_name(parser)
    parser.add_argument("--cut", action="append", default=[], type=_span, metavar="A:B", help="a part; again for more")
    parser.add_argument("--idle", type=seconds, metavar="TIME", help="shorten pauses to this")
    add_new(parser, "trimmed")
    add_json(parser)


def run(given: argparse.Namespace, library: Library) -> int:
    """Cut parts and pauses out of a recording, into a new one."""
    from ..edit import trim
    from ..library.catalog import Catalog

    if not given.cut and given.idle is None:
        print("jupyter recorder trim: say --cut A:B or --idle TIME", file=sys.stderr)
        return 2
    recording = library.find(given.name)
    with progress_bar(f"trimming {recording.name}") as progress:
        made = trim(
            library,
            recording,
            cuts=given.cut,
            idle=given.idle,
            name=given.new_name,
            replace=given.replace,
            progress=progress,
        )
    if made.replaced:
        Catalog(library).forget_deleted()
    if given.json:
        fields = {"recording": made.id, "source": made.source, "replaced": made.replaced}
        print_json({**fields, "removed_seconds": round(made.removed_seconds, 3)})
    else:
        what = "is deleted" if made.replaced else "is as it was"
        print(f"{_shown(made.removed_seconds)} cut out; {made.id} is the new recording, {made.source} {what}")
    return 0


def _shown(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else clock(value)


def _span(text: str) -> tuple[float, float]:
    start, colon, end = text.partition(":")
    if not colon or ":" in end or not (start or end):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no part; write A:B, such as 10:25, :5 or 1m30s:")
    span = (seconds(start) if start else 0.0, seconds(end) if end else math.inf)
    if span[1] <= span[0]:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} ends before it begins")
    return span
