"""`jupyter recorder list`."""

from __future__ import annotations

import argparse

from ..library.library import Library
from .output import add_json, as_shell, print_json

EXAMPLES = """examples:
  jupyter recorder list
  jupyter recorder list --kind terminal --tag course --limit 0
  jupyter recorder list --json | jq -r '.[].id'"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20; 0: all)")
    parser.add_argument("--kind", choices=("notebook", "terminal", "chat"), help="only of this kind")
    parser.add_argument("--state", choices=("recording", "completed", "interrupted", "recovered", "corrupt"))
    parser.add_argument("--tag", metavar="TAG", help="only with this tag")
    add_json(parser)


def run(given: argparse.Namespace, library: Library) -> int:
    """List recordings."""
    import itertools

    from .. import text

    found = library.recordings(kind=given.kind, state=given.state)
    if given.tag is not None:
        found = (one for one in found if given.tag in one.tags)
    recordings = list(itertools.islice(found, given.limit or None))
    if given.json:
        damaged = [{"id": one.id, "error": one.error} for one in recordings if one.error]
        print_json([one.shown for one in recordings if not one.error] + damaged)
    else:
        print(as_shell(text.listing(recordings)))
    return 0
