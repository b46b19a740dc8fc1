"""What a forked child must let go of: locks, open files and threads belong to its parent alone.

A child that kept the lock's descriptor would keep a dead parent's recording locked, and one that kept
the journal's would write into a file that another process numbers.
"""

from __future__ import annotations

import contextlib
import os
from typing import Protocol


class ForkSensitive(Protocol):
    """Something that a forked child must drop without taking any lock (a lock may be held for ever there)."""

    def after_fork_in_child(self) -> None: ...


# A dict, because adding and removing one key is atomic: a fork may come at any point.
_open: dict[int, ForkSensitive] = {}


def watch(thing: ForkSensitive) -> None:
    """Call `thing.after_fork_in_child()` in every child forked from now on."""
    _open[id(thing)] = thing


def unwatch(thing: ForkSensitive) -> None:
    """Forget `thing`, which holds nothing any more."""
    _open.pop(id(thing), None)


def _after_fork_in_child() -> None:
    held = list(_open.values())
    _open.clear()  # first: what starts anew in the child may want to be watched again
    for thing in held:
        with contextlib.suppress(Exception):  # one that cannot let go must not keep the others from it
            thing.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
