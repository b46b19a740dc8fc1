"""`jupyter recorder search`."""

from __future__ import annotations

import argparse

from ..library.library import Library
from .output import add_json, one_line, print_json, progress_bar

EXAMPLES = """examples:
  jupyter recorder search disk full             both words, anywhere in one text
  jupyter recorder search '"disk full"'         one after the other
  jupyter recorder search 'err* -debug'         beginning so; without that word
  jupyter recorder search 'cat OR dog' --json

Found are chats, sources and outputs of cells, commands, markers, and what stood on a terminal's screen, also when it
was overwritten."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("words", nargs="+", metavar="WORD", help="what to look for; see below")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    parser.add_argument("--after", metavar="NEXT", help="go on after a page: the `next` of its --json")
    parser.add_argument("--no-update", action="store_true", help="search what is indexed, whatever came since")
    add_json(parser)


def run(given: argparse.Namespace, library: Library) -> int:
    """Search all recordings."""
    import datetime

    from ..library.catalog import Catalog

    catalog = Catalog(library)
    if not given.no_update:
        with progress_bar("indexing") as catalog.on_progress:
            catalog.update()
    found = catalog.search(" ".join(given.words), limit=given.limit, after=given.after)
    if given.json:
        print_json({"hits": [hit._asdict() for hit in found.hits], "total": found.total, "next": found.next})
        return 0
    for hit in found.hits:
        when = datetime.datetime.fromtimestamp(hit.at / 1000).strftime("%Y-%m-%d %H:%M:%S")
        print(f"{hit.recording_id}  {one_line(hit.track)}  {when}\n    {one_line(hit.snippet)}")
    more = found.total - len(found.hits)
    print(f"{found.total} found" + (f", {more} more (--limit, or --after {found.next})" if found.next else ""))
    return 0
