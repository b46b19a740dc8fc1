"""What a person types, as a query that FTS5 takes; pure.

    tokens of all words      both "disk full" words, anywhere in a text
    "disk full"              these words one after the other
    err*                     a word that begins so
    -debug                   not with this word
    cat OR dog               either

Whatever else is typed is taken as words: there is no wrong query.
"""

from __future__ import annotations

import re
from typing import Final

_LIMIT_CHARACTERS: Final = 1_000
_LIMIT_TERMS: Final = 32
_TERM: Final = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))(?P<star>\*?)')


def to_match(typed: str) -> str | None:
    """Return the expression for FTS5's MATCH, or None if nothing can be found by it."""
    wanted: list[list[str]] = []
    unwanted: list[str] = []
    either = False
    for found in list(_TERM.finditer(typed[:_LIMIT_CHARACTERS].replace("\0", " ")))[:_LIMIT_TERMS]:
        if found["word"] == "OR":
            either = bool(wanted)
            continue
        term = _term(found)
        if term is None:
            continue
        if found["minus"]:
            unwanted.append(term)
        elif either:
            wanted[-1].append(term)
        else:
            wanted.append([term])
        either = False
    if not wanted:
        return None
    match = " AND ".join(f"({' OR '.join(group)})" for group in wanted)
    return f"({match}) NOT ({' OR '.join(unwanted)})" if unwanted else match


def _term(found: re.Match[str]) -> str | None:
    text = found["phrase"] if found["word"] is None else found["word"]
    starred = bool(found["star"]) or text.endswith("*")
    if not any(char.isalnum() for char in text):
        return None
    return '"' + text.replace('"', "") + '"' + ("*" if starred else "")
