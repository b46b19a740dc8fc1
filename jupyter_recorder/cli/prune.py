"""`jupyter recorder prune`."""

from __future__ import annotations

import argparse
import re
import sys

from ..library.library import Library
from .output import add_json, agreed, one_line, print_json

EXAMPLES = """examples:
  jupyter recorder prune --max-age 90d --dry-run
  jupyter recorder prune --max-age 90d --keep-tag course --yes
  jupyter recorder prune --max-total 20GB --tag ci

Without a limit nothing is deleted. What is being recorded is never deleted, nor is what is damaged."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B?", re.ASCII)
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--max-age", type=_days, metavar="DAYS", help="delete what ended longer ago (30, 90d)")
    parser.add_argument("--max-total", type=_bytes, metavar="SIZE", help="delete the oldest over this (500MB, 20GB)")
    parser.add_argument("--tag", action="append", default=[], metavar="TAG", help="only those with it; again for more")
    parser.add_argument("--keep-tag", action="append", default=[], metavar="TAG", help="never those with it")
    parser.add_argument("--dry-run", action="store_true", help="only list what would go")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_json(parser)


def run(given: argparse.Namespace, library: Library) -> int:
    """List what is over the limits, ask, and delete it."""
    from ..library.catalog import Catalog
    from ..library.retention import Retention, due, prune

    retention = Retention(given.max_age, given.max_total, tuple(given.tag), tuple(given.keep_tag))
    if not retention.limits:
        print("jupyter recorder prune: say --max-age DAYS or --max-total SIZE", file=sys.stderr)
        return 2
    found = list(due(library, retention))
    if not given.json or not (given.dry_run or given.yes):
        for one in found:
            print(f"  {one_line(one.name)}  {one.id}  {one.bytes:,} bytes: {one.why}", file=sys.stderr)
    if not given.dry_run and found:
        if not (given.yes or agreed(f"Delete {len(found)} for good?")):
            print("nothing was deleted")
            return 0
        found = list(prune(library, retention))
        Catalog(library).forget_deleted()
    failed = [one for one in found if one.error]
    if given.json:
        print_json([{**one._asdict(), "path": str(one.path)} for one in found])
    else:
        done = [one for one in found if not one.error]
        would = "would be" if given.dry_run else "were"
        print(
            f"{len(done)} {would} deleted, {sum(one.bytes for one in done):,} bytes" if found else "nothing to delete"
        )
        for one in failed:
            print(f"  ✗ {one.id}: {one.error}", file=sys.stderr)
    return 1 if failed else 0


def _days(text: str) -> float:
    try:
        value = float(text.strip().removesuffix("d"))
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of days")
    return value


def _bytes(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no size; write 500MB or 20GB")
    return int(float(match[1]) * _UNITS[match[2]])
