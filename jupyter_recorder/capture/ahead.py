"""Asking for what comes next while what came last is worked on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MOST: Final = 16


class Ahead(Generic[T]):
    """Gives what `items` gives, which a thread of its own asks for, at most `most` of them ahead.

    None from `items` says that there is nothing yet: then the thread sees whether anybody still wants more. What
    `items` raises is raised where they are taken, after what came before. Who leaves early calls `end`.
    """

    def __init__(self, items: Iterable[T | None], most: int = MOST) -> None:
        self._items, self._most = items, most
        self._changed = threading.Condition()
        self._given: deque[T] = deque()
        self._ended = self._unwanted = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="jupyter-recorder-read", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        """Yield what comes, in order."""
        while True:
            with self._changed:
                while not self._given and not self._ended:
                    self._changed.wait()
                if not self._given:
                    break
                item = self._given.popleft()
                self._changed.notify()
            yield item
        self._thread.join()
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Let the thread end, and wait for that: it asks for nothing more then."""
        with self._changed:
            self._unwanted = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._keep(item):
                    return
        except BaseException as error:  # noqa: BLE001  # it is raised where the items are taken
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()

    def _keep(self, item: T | None) -> bool:
        """Put an item where it is taken, once there is room; false if nobody wants more."""
        with self._changed:
            while len(self._given) >= self._most and not self._unwanted:
                self._changed.wait()
            if item is not None and not self._unwanted:
                self._given.append(item)
                self._changed.notify()
            return not self._unwanted
