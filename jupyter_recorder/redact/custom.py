"""A user's own patterns: regular expressions, made fit for text that comes in pieces.

An expression is taken apart by Python's own parser, and written anew twice: as what matches whole characters of UTF-8
in RE2, and as what matches each of its beginnings. So a user's secret is found across the edges of pieces like a
built-in one, in linear time. What cannot be told from a piece (anchors, lookaround, references back) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from ..errors import InvalidPattern
from .grammar import Part, Pattern, either, seq
from .patterns import BUILTIN, MEMORY_BYTES, compiled
from .whole import Redactor

KIND: Final = "custom"
_LONGEST: Final = 1_000
_MOST: Final = 1_000
_BEYOND_ASCII: Final = r"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
_BEGUN: Final = r"[\xc2-\xf4]|[\xe0-\xf4][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{2}"
_NOTHING: Final = Part("", "")  # a choice that is empty
_WORD: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_CATEGORIES: Final = {
    "CATEGORY_DIGIT": frozenset("0123456789"),
    "CATEGORY_WORD": _WORD,
    "CATEGORY_SPACE": frozenset(" \t\n\r\f\v"),
}
_ASCII: Final = frozenset(map(chr, range(128)))


def pattern_of(expression: str, kind: str = KIND) -> Pattern:
    """Return the pattern of a regular expression; all that it matches is taken out. Raises `InvalidPattern`."""
    if not expression or len(expression) > _LONGEST:
        raise InvalidPattern(expression, f"it must have 1 to {_LONGEST:,} characters")
    try:
        tree: Any = re._parser.parse(expression)  # type: ignore[attr-defined]  # as `re.compile` does it
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidPattern(expression, str(error)) from error
    if tree.getwidth()[0] == 0:
        raise InvalidPattern(expression, "it matches nothing at all, too, and so everywhere")
    try:
        part = _Writer(expression, tree.state.flags).sequence(tree)
    except RecursionError as error:
        raise InvalidPattern(expression, "it is nested too deeply") from error
    assert part is not None  # noqa: S101  # only what has no width is none
    try:
        compiled(part.full)
        compiled(rf"(?:{part.grow})\z")
    except Exception as error:  # re2's own error, which has no type of its own
        raise InvalidPattern(expression, f"RE2 does not take it ({MEMORY_BYTES >> 20} MB at most): {error}") from error
    return Pattern(kind, part)


def redactor_with(expressions: Iterable[str], *, enabled: bool = True) -> Redactor:
    """Return a redactor of the built-in kinds and of regular expressions; raises `InvalidPattern`."""
    return Redactor((*BUILTIN, *map(pattern_of, expressions)), enabled=enabled)


def with_more(redactor: Redactor, expressions: Iterable[str]) -> Redactor:
    """Return a redactor that takes out what these regular expressions match, too; raises `InvalidPattern`."""
    more = tuple(map(pattern_of, expressions))
    return Redactor((*(redactor.patterns if redactor.enabled else ()), *more)) if more else redactor


class _Writer:
    """Writes a parsed expression in RE2, over bytes."""

    def __init__(self, expression: str, flags: int) -> None:
        self._expression = expression
        self._flags = flags

    def sequence(self, items: Any) -> Part | None:
        """Write items one after the other; None for what has no width."""
        parts = [part for item in items if (part := self._item(*item)) is not None]
        return seq(*parts) if parts else None

    def _item(self, op: Any, value: Any) -> Part | None:  # noqa: PLR0911  # one return for each kind of item
        name = str(op)
        if name == "LITERAL":
            return self._characters([chr(value)])
        if name == "NOT_LITERAL":
            return self._all_but(frozenset(chr(value)))
        if name == "ANY":
            return self._all_but(frozenset() if self._flags & re.DOTALL else frozenset("\n"))
        if name == "IN":
            return self._in(value)
        if name == "BRANCH":
            parts = [self.sequence(items) or _NOTHING for items in value[1]]
            grown = "|".join(part.grow for part in parts if part is not _NOTHING)
            return Part(f"(?:{'|'.join(part.full for part in parts)})", f"(?:{grown})") if grown else None
        if name == "SUBPATTERN":
            _, added, removed, items = value
            return _Writer(self._expression, (self._flags | added) & ~removed).sequence(items)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self._repeat(*value, lazy=name == "MIN_REPEAT")
        self._refuse({"AT": "anchors (^, $, \\b): text comes in pieces"}.get(name, "lookaround, or references back"))
        return None

    def _repeat(self, least: int, most: Any, items: Any, *, lazy: bool) -> Part | None:
        part = self.sequence(items)
        bound = None if str(most) == "MAXREPEAT" else int(most)
        if part is None or bound == 0:
            return None
        if max(least, bound or 0) > _MOST:
            self._refuse(f"more than {_MOST:,} repeats")
        times = f"{{{least},{'' if bound is None else bound}}}" + ("?" if lazy else "")
        before = "*" if bound is None else f"{{0,{bound - 1}}}"
        return Part(f"(?:{part.full}){times}", f"(?:(?:{part.full}){before}(?:{part.grow}))")

    def _in(self, members: Any) -> Part:
        negated = False
        wanted: set[str] = set()
        beyond = False
        for op, value in members:
            name = str(op)
            if name == "NEGATE":
                negated = True
            elif name == "LITERAL":
                wanted.add(chr(value))
            elif name == "RANGE":
                if value[1] > 127:
                    self._refuse("ranges of characters beyond ASCII")
                wanted.update(map(chr, range(value[0], value[1] + 1)))
            else:
                category = str(value).replace("_NOT_", "_")
                found = _CATEGORIES.get(category, frozenset())
                beyond = beyond or "_NOT_" in str(value)
                wanted |= _ASCII - found if "_NOT_" in str(value) else found
        if negated:
            return self._all_but(frozenset(wanted), beyond=not beyond)
        return self._with_beyond(wanted) if beyond else self._characters(sorted(wanted))

    def _characters(self, chars: list[str]) -> Part:
        ascii_, others = (
            [c for c in self._cased(chars) if c.isascii()],
            [c for c in self._cased(chars) if not c.isascii()],
        )
        parts = [Part(_class(ascii_), _class(ascii_))] if ascii_ else []
        for char in others:
            data = char.encode("utf-8", "surrogatepass")
            parts.append(seq(*(Part(f"\\x{byte:02x}", f"\\x{byte:02x}") for byte in data)))
        return parts[0] if len(parts) == 1 else either(*parts)

    def _cased(self, chars: list[str]) -> list[str]:
        if not self._flags & re.IGNORECASE:
            return chars
        both = (form for char in chars for form in (char, char.lower(), char.upper()))
        return sorted({form for form in both if len(form) == 1})

    def _all_but(self, chars: frozenset[str], *, beyond: bool = True) -> Part:
        unwanted = set(self._cased(sorted(chars)))
        if not all(char.isascii() for char in unwanted):
            self._refuse("[^…] with characters beyond ASCII")
        wanted = _ASCII - unwanted
        return self._with_beyond(wanted) if beyond else self._characters(sorted(wanted))

    @staticmethod
    def _with_beyond(wanted: Any) -> Part:
        """Match one of the ASCII characters, or any other character as a whole."""
        parts = [_class(sorted(char for char in wanted if char.isascii()))] if wanted else []
        whole = "|".join([*parts, _BEYOND_ASCII])
        return Part(f"(?:{whole})", f"(?:{whole}|{_BEGUN})")

    def _refuse(self, what: str) -> None:
        raise InvalidPattern(self._expression, f"it has {what}, which can't be used here")


def _class(chars: list[str]) -> str:
    """Write a class of ASCII characters in ranges."""
    ranges: list[list[int]] = []
    for code in sorted(map(ord, chars)):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    inner = "".join(f"\\x{a:02x}" if a == b else f"\\x{a:02x}-\\x{b:02x}" for a, b in ranges)
    return f"[{inner}]"
