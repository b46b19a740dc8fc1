"""Pieces of patterns that know their own beginnings.

RE2 can't say that a text ends in the middle of a possible match. So each part carries, beside the expression that
matches it whole (`full`), one that matches each of its non-empty beginnings (`grow`); anchored at the end of the text,
the latter finds what has to be held back. `grow` may match too much (then more is held), never too little.

Expressions work on UTF-8 bytes. Unbounded classes take all bytes of a non-ASCII character or none, so a match never
ends inside a character.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


class Part(NamedTuple):
    """An expression and the expression of its non-empty beginnings."""

    full: str
    grow: str


@dataclass(frozen=True)
class Pattern:
    """One kind of secret.

    `kind`: the name shown in its place, lower-case ASCII, digits and `-`. `secret`: what is replaced; it never begins
    with `[`. `keep`, `post`: expressions of what must stand before and after, and stays; `keep` is at most 480 bytes
    wide. `tail`: the class of bytes that would make an accepted secret longer, empty if there is none. `layer`: 1 for
    tokens known by their spelling, 2 for what is known by its surroundings. No expression has capturing groups.
    """

    kind: str
    secret: Part
    keep: str = ""
    post: str = ""
    tail: str = ""
    layer: int = 1


def lit(text: str) -> Part:
    """Match exactly `text`, which is ASCII and not empty."""
    grow = ""
    for char in reversed(text):
        grow = f"{re.escape(char)}(?:{grow})?" if grow else re.escape(char)
    return Part(re.escape(text), grow)


def some(chars: str, least: int, most: int | None = None) -> Part:
    """Match from `least` (at least 1) to `most` (no limit if None) bytes of the class `chars`."""
    bound = "" if most is None else str(most)
    return Part(f"{chars}{{{least},{bound}}}", f"{chars}{{1,{bound}}}")


def seq(*parts: Part) -> Part:
    """Match the parts, at least one, one after the other."""
    full, grow = parts[-1]
    for part in reversed(parts[:-1]):  # no recursion: a user's expression may be long
        full, grow = part.full + full, f"(?:{part.full}(?:{grow})|{part.grow})"
    return Part(full, grow)


def headed(first: str, chars: str, least: int = 1) -> Part:
    """Match one byte of the class `first`, then of `chars`, at least `least` bytes in all."""
    return Part(f"{first}{chars}{{{least - 1},}}", f"{first}{chars}*")


def either(*parts: Part) -> Part:
    """Match one of the parts, the first that fits."""
    return Part(f"(?:{'|'.join(p.full for p in parts)})", f"(?:{'|'.join(p.grow for p in parts)})")


def mixed(plain: str, telling: str, inner: str, least: int) -> Part:
    """Match at least `least` bytes, one of them `telling`, the others of any of the three classes.

    A byte of `inner` tells as well, but can't be the first. RE2 has no lookahead, so each place that the first telling
    byte can have is spelt out.
    """
    told = f"(?:{telling}|{inner})"
    rest = f"(?:{plain}|{telling}|{inner})"
    spelt = [f"{telling}{rest}{{{least - 1},}}"]
    spelt += [f"{plain}{{{i}}}{told}{rest}{{{least - 1 - i},}}" for i in range(1, least)]
    spelt.append(f"{plain}{{{least},}}{told}{rest}*")
    return Part(f"(?:{'|'.join(spelt)})", f"(?:{telling}{rest}*|{plain}+(?:{told}{rest}*)?)")
