"""`jupyter recorder doctor`."""

from __future__ import annotations

import argparse

from ..library.library import Library
from .output import add_json, one_line, print_json, progress_bar

EXAMPLES = """examples:
  jupyter recorder doctor
  jupyter recorder doctor --quick               without reading every file
  jupyter recorder doctor --json | jq '.findings[].todo'

Nothing is changed. Exit code 1 if something was found."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--quick", action="store_true", help="read no recording's files")
    add_json(parser)


def run(given: argparse.Namespace, library: Library) -> int:
    """Check everything, and say what to do about what was found."""
    from ..library.checkup import Checked, checkup

    with progress_bar("checking") as progress:
        told = list(checkup(library, quick=given.quick, progress=progress))
    checks = [one for one in told if isinstance(one, Checked)]
    findings = [one for one in told if not isinstance(one, Checked)]
    if given.json:
        print_json({"checks": [one._asdict() for one in checks], "findings": [one._asdict() for one in findings]})
        return 1 if findings else 0
    for check in checks:
        mine = [one for one in findings if one.check in (check.check, "disk" if check.check == "root" else "")]
        print(f"{'✗' if mine else '✓'} {check.check}: {one_line(check.saw, 500)}")
        for one in mine:
            print(f"    {one_line(one.where, 500)}\n      {one_line(one.what, 500)}\n      → {one_line(one.todo, 500)}")
    print(f"{len(findings)} found" if findings else "all is well")
    return 1 if findings else 0
