"""Things that wait, in order, for one before them to be whole: in memory, from some megabytes on in a file."""

from __future__ import annotations

import pickle
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import IO, Any, Final

HELD_BYTES: Final = 16 << 20
_FEW: Final = 64

Thing = tuple[str, Any]


class Waiting(AbstractContextManager["Waiting"]):
    """A queue of things, each with the number of the event that changes it last.

    Those that are whole behind one that is not go to a temporary file without a name, once all together take over
    `held_bytes`. The file is this process's own, so what is read back is what was written.
    """

    def __init__(self, held_bytes: int = HELD_BYTES) -> None:
        self._limit = held_bytes
        self._queue: deque[tuple[int, Thing | _Stored]] = deque()
        self._file: IO[bytes] | None = None
        self._looked = 0

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, thing: Thing, last: int) -> None:
        """Let a thing wait until the event numbered `last` has come."""
        self._queue.append((last, thing))

    def done(self, seq: int, forget: Callable[[Thing], None]) -> Iterator[Thing]:
        """Yield the things at the front that the events up to `seq` have made whole; each is told to `forget`."""
        while self._queue and self._queue[0][0] <= seq:
            _, thing = self._queue.popleft()
            yield self._back(thing, forget)
        self._looked += 1
        if len(self._queue) > _FEW and self._looked % _FEW == 0:
            self._store(seq, forget)

    def rest(self) -> Iterator[Thing]:
        """Yield what is left, at the end of all events."""
        while self._queue:
            yield self._back(self._queue.popleft()[1], lambda _: None)

    def _store(self, seq: int, forget: Callable[[Thing], None]) -> None:
        held = [(last, thing) for last, thing in self._queue if not isinstance(thing, _Stored)]
        if sum(weight(thing[1]) for _, thing in held) < self._limit:
            return
        self._queue = deque(
            (last, thing if isinstance(thing, _Stored) or last > seq else self._written(thing, forget))
            for last, thing in self._queue
        )

    def _written(self, thing: Thing, forget: Callable[[Thing], None]) -> _Stored:
        forget(thing)
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the queue
        place = self._file.seek(0, 2)
        pickle.dump(thing, self._file)
        return _Stored(place)

    def _back(self, thing: Thing | _Stored, forget: Callable[[Thing], None]) -> Thing:
        if not isinstance(thing, _Stored):
            forget(thing)
            return thing
        assert self._file is not None  # noqa: S101  # what is stored is in it
        self._file.seek(thing.place)
        found: Thing = pickle.load(self._file)  # noqa: S301  # this process wrote it, to a file that no other can open
        return found


class _Stored:
    """A thing that stands in the file, from `place` on."""

    __slots__ = ("place",)

    def __init__(self, place: int) -> None:
        self.place = place


def weight(value: Any) -> int:
    """Return about how many bytes a thing holds."""
    if isinstance(value, str | bytes):
        return len(value) + 50
    if isinstance(value, dict):
        return 100 + sum(map(weight, value.values()))
    if isinstance(value, list | tuple):
        return 60 + sum(map(weight, value))
    return 100 + (weight(vars(value)) if hasattr(value, "__dict__") else 0)
