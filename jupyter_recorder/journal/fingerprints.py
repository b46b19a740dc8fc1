"""A set of names, each with a number, in a few bytes a name: a hint that is checked where it points, never a fact."""

from __future__ import annotations

from array import array
from collections.abc import Hashable
from typing import Final

# Parts, so that growing one of a million names stalls nobody: a thousand names are moved in half a millisecond.
_PART_BITS: Final = 10
_FIRST_SIZE: Final = 4
_MASK: Final = (1 << 64) - 1


class Fingerprints:
    """Keeps 64 bits of each name's hash and a number up to 2**32; about 24 bytes a name."""

    def __init__(self) -> None:
        self._parts: list[_Part | None] = [None] * (1 << _PART_BITS)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, name: Hashable, number: int) -> None:
        """Take in one name; the same one may be added more than once."""
        print_ = hash(name) & _MASK
        part = self._parts[print_ >> (64 - _PART_BITS)]
        if part is None:
            part = self._parts[print_ >> (64 - _PART_BITS)] = _Part()
        part.add(print_ or 1, number)
        self._count += 1

    def find(self, name: Hashable) -> list[int]:
        """Return the numbers that may have been added for `name`; seldom another name's are among them."""
        print_ = hash(name) & _MASK
        part = self._parts[print_ >> (64 - _PART_BITS)]
        return [] if part is None else part.find(print_ or 1)


class _Part:
    """An open-addressed table: a fingerprint of 0 is a free place."""

    __slots__ = ("_count", "_numbers", "_prints")

    def __init__(self) -> None:
        self._prints = array("Q", bytes(8 * _FIRST_SIZE))
        self._numbers = array("I", bytes(4 * _FIRST_SIZE))
        self._count = 0

    def add(self, print_: int, number: int) -> None:
        if self._count * 4 >= len(self._prints) * 3:
            self._grow()
        self._count += 1
        self._put(print_, number)

    def find(self, print_: int) -> list[int]:
        prints, mask = self._prints, len(self._prints) - 1
        at, found = print_ & mask, []
        while (there := prints[at]) != 0:
            if there == print_:
                found.append(self._numbers[at])
            at = (at + 1) & mask
        return found

    def _put(self, print_: int, number: int) -> None:
        prints, mask = self._prints, len(self._prints) - 1
        at = print_ & mask
        while prints[at]:
            at = (at + 1) & mask
        prints[at] = print_
        self._numbers[at] = number

    def _grow(self) -> None:
        prints, numbers = self._prints, self._numbers
        self._prints = array("Q", bytes(8 * 2 * len(prints)))
        self._numbers = array("I", bytes(4 * 2 * len(prints)))
        for print_, number in zip(prints, numbers, strict=True):
            if print_:
                self._put(print_, number)
