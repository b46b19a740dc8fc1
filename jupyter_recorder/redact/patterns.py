"""Both layers together, compiled: what is searched for, and what could yet become a match."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

import re2

from .grammar import Pattern
from .surroundings import SURROUNDED
from .tokens import TOKENS

BUILTIN: Final[tuple[Pattern, ...]] = (*TOKENS, *SURROUNDED)
MEMORY_BYTES: Final = 64 << 20
KEEP_WIDTH: Final = 480
"""The widest `keep` of a pattern, in bytes: how much of what is already written a match may rest on."""


class Hit(NamedTuple):
    """A match in a buffer: where it starts, where its secret lies (bytes), and which pattern it is of."""

    start: int
    secret: int
    end: int
    pattern: Pattern


class Layer:
    """Patterns that are searched for at once, leftmost first; compiled at first use."""

    def __init__(self, patterns: tuple[Pattern, ...]) -> None:
        self._patterns = patterns

    def is_clean(self, data: bytes, start: int) -> bool:
        """Tell whether nothing from `start` on is a match, or could become one: one search, which captures nothing."""
        return not self._patterns or self._any.search(data, start) is None

    def find(self, data: bytes, start: int) -> Hit | None:
        """Find the first match in `data` from `start` on."""
        match = self._full.search(data, start) if self._patterns else None
        if match is None:
            return None
        group = match.lastindex
        return Hit(match.start(), match.start(group), match.end(group), self._patterns[group - 1])

    def unfinished(self, data: bytes, start: int) -> tuple[int, int] | None:
        """Find the texts from `start` on that reach the end of `data` and could become, or grow as, a match.

        Gives where the first of them starts, and the first place where a secret of one starts.
        """
        found = self._one_unfinished(data, start)
        if found is None:
            return None
        first, secret = found
        later = self._one_unfinished(data, first + 1)
        while later and later[0] < secret:
            secret = min(secret, later[1])
            later = self._one_unfinished(data, later[0] + 1)
        return first, secret

    def _one_unfinished(self, data: bytes, start: int) -> tuple[int, int] | None:
        match = self._growing.search(data, start) if self._patterns else None
        if match is None:
            return None
        # Capturing costs a hundred times the search. A beginning of a beginning is one too, so it's enough to look
        # as far as the secret's first bytes, with one byte before for a word boundary.
        begin: int = match.start()
        before = max(0, begin - 1)
        first = self._begun.search(data[before : begin + KEEP_WIDTH + 8], begin - before)
        return begin, before + first.start(first.lastindex)

    @cached_property
    def _any(self) -> Any:
        full = "|".join(f"{p.keep}(?:{p.secret.full}){p.post}" for p in self._patterns)
        return compiled(f"{full}|{self._unfinished}")

    @cached_property
    def _full(self) -> Any:
        return compiled("|".join(f"{p.keep}({p.secret.full}){p.post}" for p in self._patterns))

    @cached_property
    def _growing(self) -> Any:
        return compiled(self._unfinished)

    @property
    def _unfinished(self) -> str:
        return rf"(?:{'|'.join(f'{p.keep}{p.secret.grow}' for p in self._patterns)})\z"

    @cached_property
    def _begun(self) -> Any:
        return compiled(rf"(?:{'|'.join(f'{p.keep}({p.secret.grow})' for p in self._patterns)})\z")


@lru_cache(maxsize=8)
def layers(patterns: tuple[Pattern, ...]) -> tuple[Layer, Layer]:
    """Give the two layers of `patterns`, the same objects for the same patterns."""
    first, second = (tuple(p for p in patterns if p.layer == n) for n in (1, 2))
    return Layer(first), Layer(second)


@lru_cache(maxsize=64)
def continued(tail: str) -> Any:
    """Compile what takes as many bytes of the class `tail` as there are."""
    return compiled(f"{tail}*")


def replacement(kind: str) -> bytes:
    """Give what stands in a secret's place."""
    return f"[redacted:{kind}]".encode("ascii")


def compiled(expression: str) -> Any:
    """Compile an expression over bytes; raises RE2's error."""
    # Matched byte by byte: offsets need no conversion, and lone surrogates and cut characters do no harm.
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = MEMORY_BYTES
    return re2.compile(expression.encode("latin-1"), options)
