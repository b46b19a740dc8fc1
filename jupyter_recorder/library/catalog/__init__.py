"""Search: what was said, run, printed and shown in all recordings of a library.

The index is SQLite FTS5 on a local disk outside the root (a home folder on NFS breaks SQLite), one file a root. It is
derived: missing, old or damaged, it is made anew. Any number of processes may have it; one at a time updates it. What
it holds is what stands in the recordings' files, so what was redacted there stays redacted here, and a recording that
is deleted is wiped out of it.

    query.py      what a person types to FTS5's language; pure
    texts.py      a journal's events to pieces of text; pure but for payloads
    tracks.py     one track that grows: reads on where it stood
    listing.py    which recordings there are, and which have changed
    fairness.py   in which order they are read; pure
    database.py   the file: tables, rows, versions, damage
    catalog.py    `Catalog`: search, and bringing it up to date in bounded time
    thread.py     `CatalogThread`: keeps it current in a server
"""

from __future__ import annotations

from .catalog import Catalog, Hit, SearchResult
from .thread import CatalogThread

__all__ = ["Catalog", "CatalogThread", "Hit", "SearchResult"]
