"""Which messages a session has, in a few bytes a message however many they are.

Those that came last are known exactly: the line that began each, and its length. Of the others a hint is kept: 32 bits
of the id's hash and the line's number, sorted in runs. What such a message is now stands in the journal and is read
there by who needs it, which is seldom: a message grows when it is new.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from itertools import islice
from typing import Final

# So many are known exactly, and up to twice as many before the older ones are let go of.
RECENT: Final = 512
# Runs are joined up to this length: sorting it stalls nobody for more than some milliseconds.
_LONGEST_RUN: Final = 1 << 16
_PRINT_BITS: Final = 32
_LENGTH_BITS: Final = 44


class Messages:
    """A session's messages by their ids; `count` is how many there are."""

    def __init__(self) -> None:
        self.count = 0
        self._recent: dict[str, int] = {}  # the first line's number and the length, in one number
        self._runs: list[array[int]] = []
        self._recalled: set[str] = set()  # known exactly again, with a hint already
        self._absent: set[str] = set()  # hinted at, and not there

    def __contains__(self, message_id: str) -> bool:
        """Tell whether a message is known exactly."""
        return message_id in self._recent

    def is_old(self, message_id: str) -> bool:
        """Tell whether there may be a message of which there is no more than a hint."""
        if not self._runs or message_id in self._recent or message_id in self._absent:
            return False
        return bool(self.hints(message_id))

    def hints(self, message_id: str) -> list[int]:
        """Return the numbers of the lines that may have begun a message."""
        print_ = _print(message_id)
        return [seq for run in self._runs for seq in _find(run, print_)]

    def first(self, message_id: str) -> int:
        """Return the number of the line that began a message which is known exactly; raises `KeyError`."""
        return self._recent[message_id] >> _LENGTH_BITS

    def length(self, message_id: str) -> int:
        """Return the length in bytes of a message which is known exactly; raises `KeyError`."""
        return self._recent[message_id] & ((1 << _LENGTH_BITS) - 1)

    def begin(self, message_id: str, first: int, size: int) -> None:
        """Take in a message of `size` bytes that line `first` began; for one that there is, its new length."""
        old = self._recent.get(message_id)
        if old is None:
            self.count += 1
            self._absent.discard(message_id)
        else:
            first = old >> _LENGTH_BITS
        self._recent[message_id] = first << _LENGTH_BITS | size

    def grow(self, message_id: str, size: int) -> None:
        """Let a message be `size` bytes longer; of one that is not known exactly the journal tells."""
        if message_id in self._recent:
            self._recent[message_id] += size

    def remove(self, message_id: str) -> None:
        """Take a message back."""
        if self._recent.pop(message_id, None) is not None or self.is_old(message_id):
            self.count -= 1
            self._recalled.discard(message_id)

    def recall(self, message_id: str, state: tuple[int, int] | None) -> None:
        """Know a message exactly again: its first line and its length, or that it is not there."""
        if state is None:
            self._absent.add(message_id)
        else:
            self._recent[message_id] = state[0] << _LENGTH_BITS | state[1]
            self._recalled.add(message_id)

    def trim(self) -> None:
        """Let go of what is known of older messages; not in the midst of a line that is about several."""
        if len(self._recent) <= 2 * RECENT:
            return
        gone = list(islice(self._recent.items(), len(self._recent) - RECENT))
        for message_id, _ in gone:
            del self._recent[message_id]
        fresh = [(name, packed >> _LENGTH_BITS) for name, packed in gone if name not in self._recalled]
        self._add_run(_print(name) << _PRINT_BITS | first for name, first in fresh)
        self._recalled.difference_update(name for name, _ in gone)
        self._absent.clear()

    def _add_run(self, entries: Iterable[int]) -> None:
        run = array("Q", sorted(entries))
        while self._runs and len(self._runs[-1]) <= len(run) and len(self._runs[-1]) + len(run) <= _LONGEST_RUN:
            run = array("Q", sorted([*self._runs.pop(), *run]))
        if run:
            self._runs.append(run)


def _print(message_id: str) -> int:
    return hash(message_id) & ((1 << _PRINT_BITS) - 1)


def _find(run: array[int], print_: int) -> list[int]:
    """Return the numbers that a run has for a fingerprint."""
    at, found = bisect_left(run, print_ << _PRINT_BITS), []
    while at < len(run) and run[at] >> _PRINT_BITS == print_:
        found.append(run[at] & ((1 << _PRINT_BITS) - 1))
        at += 1
    return found
