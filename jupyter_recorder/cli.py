"""`jupyter recorder …`: what can be done with recordings from a shell.

Exit codes: 0 done; 1 failed, in whole or in part; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import text
from .errors import RecError
from .library.folders import default_root
from .library.library import Library
from .library.recovery import RecoveryInfo, recover

DONE, FAILED = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; wrong usage is `SystemExit` 2."""
    given = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace, Library], int] = given.command
    try:
        return command(given, Library(default_root(given.root)))
    except RecError as error:
        print(f"jupyter recorder: {error}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jupyter recorder", description="Recordings of notebooks, terminals and chats, from a shell."
    )
    parser.add_argument("--root", help="the folder of recordings (default: JUPYTER_RECORDER_DIR, else Jupyter's data)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = _command(commands, "list", _list, "the recordings, newest first")
    listing.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20; 0: all)")
    recovering = _command(commands, "recover", _recover, "get back what dead processes left unfinished")
    recovering.add_argument("--dry-run", action="store_true", help="only list what there is to recover")
    recovering.add_argument("--yes", action="store_true", help="do not ask")
    recovering.add_argument("--force", action="store_true", help="also what another, silent host was recording")
    return parser


def _command(commands: Any, name: str, run: Callable[..., int], about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about[0].upper() + about[1:])
    parser.add_argument("--json", action="store_true", help="print data for programs")
    parser.set_defaults(command=run)
    return parser


def _list(given: argparse.Namespace, library: Library) -> int:
    recordings = list(library.recordings(limit=given.limit or None))
    if given.json:
        damaged = [{"id": one.id, "error": one.error} for one in recordings if one.error]
        _print_json([one.shown for one in recordings if not one.error] + damaged)
    else:
        print(text.listing(recordings))
    return DONE


def _recover(given: argparse.Namespace, library: Library) -> int:
    if given.dry_run or not given.yes:
        stale = library.stale()
        if given.dry_run:
            found = [{"id": one.id, "name": one.name, "path": str(one.path)} for one in stale]
            _print_json(found) if given.json else print(text.recoverable(stale))
            return DONE
        if stale and not _agreed(text.recoverable(stale)):
            print("nothing was changed")
            return DONE
    infos = recover(library, force=given.force)
    _print_json([_as_json(info) for info in infos]) if given.json else print(text.recovered(infos))
    return FAILED if any(info.error for info in infos) else DONE


def _agreed(what: str) -> bool:
    print(what, file=sys.stderr)
    print("Recover? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _as_json(info: RecoveryInfo) -> dict[str, Any]:
    return {**info._asdict(), "path": str(info.path)}


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))
