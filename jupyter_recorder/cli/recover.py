"""`jupyter recorder recover`."""

from __future__ import annotations

import argparse
import sys

from ..library.library import Library
from .output import add_json, agreed, print_json

EXAMPLES = """examples:
  jupyter recorder recover --dry-run            only list what there is to recover
  jupyter recorder recover                      list, ask, recover
  jupyter recorder recover --yes --json         for scripts

A recovered recording is called recovered-<time of its last event>. Its events do not change; what is cut off a torn
end is kept beside it in a `.broken` file."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--dry-run", action="store_true", help="only list what there is to recover")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--force", action="store_true", help="also what another, silent host was recording")
    add_json(parser)


def run(given: argparse.Namespace, library: Library) -> int:
    """List what dead processes left, ask, and recover it."""
    from .. import text
    from ..library.recovery import recover

    if given.dry_run or not given.yes:
        stale = library.stale()
        if given.dry_run:
            found = [{"id": one.id, "name": one.name, "path": str(one.path)} for one in stale]
            print_json(found) if given.json else print(text.recoverable(stale))
            return 0
        if stale:
            print(text.recoverable(stale), file=sys.stderr)
            if not agreed("Recover?"):
                print("nothing was changed")
                return 0
    infos = recover(library, force=given.force)
    if given.json:
        print_json([{**info._asdict(), "path": str(info.path)} for info in infos])
    else:
        print(text.recovered(infos))
    return 1 if any(info.error for info in infos) else 0
