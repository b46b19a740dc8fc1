"""`jupyter recorder redact`."""

from __future__ import annotations

import argparse

from ..library.library import Library
from .output import add_json, add_name, add_new, print_json, progress_bar

EXAMPLES = r"""examples:
  jupyter recorder redact demo --dry-run                      only count what would go
  jupyter recorder redact demo                                the kinds that are known; into demo-redacted
  jupyter recorder redact demo --pattern 'ACME-\d{6}' --pattern '(?i)project falcon'
  jupyter recorder redact demo --replace                      the old recording is deleted once the new one is whole

A pattern is a regular expression (without anchors and lookaround); all that it matches becomes [redacted:custom]. Names
of people are no secrets that can be known: give them as patterns. What was taken out is counted, never shown."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_name(parser)
    parser.add_argument("--pattern", action="append", default=[], metavar="REGEX", help="this too; again for more")
    add_new(parser, "redacted")
    parser.add_argument("--dry-run", action="store_true", help="only count")
    add_json(parser)


def run(given: argparse.Namespace, library: Library) -> int:
    """Take secrets out of a recording, into a new one."""
    from ..edit import redact
    from ..library.catalog import Catalog
    from ..redact import pattern_of

    patterns = tuple(pattern_of(expression) for expression in given.pattern)
    recording = library.find(given.name)
    with progress_bar(f"redacting {recording.name}") as progress:
        made = redact(
            library,
            recording,
            patterns=patterns,
            name=given.new_name,
            replace=given.replace,
            dry_run=given.dry_run,
            progress=progress,
        )
    if made.replaced:
        Catalog(library).forget_deleted()
    if given.json:
        print_json({"recording": made.id, "source": made.source, "replaced": made.replaced, "redacted": made.redacted})
        return 0
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(made.redacted.items()))
    print(f"{sum(made.redacted.values())} taken out" + (f": {kinds}" if kinds else ""))
    if made.id is not None:
        print(f"{made.id} is the new recording; {made.source} " + ("is deleted" if made.replaced else "is as it was"))
    return 0
