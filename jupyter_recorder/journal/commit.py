"""Who writes and syncs, and when: one scheduler thread, and a few workers that may hang without stopping others.

A file that hangs holds the one worker that waits for it. When all workers are held for longer than
`STUCK_SECONDS`, another is started, so that a second file never waits for the first one's disk.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from .. import forks

log = logging.getLogger(__name__)

# Eight threads synced a hundred dirty files in 3.4 ms where one took 9.0 ms (2 cores, a local disk).
WORKERS: Final = 8
MAX_WORKERS: Final = 64
STUCK_SECONDS: Final = 0.25

Task = Callable[[], object]


class Timer:
    """A task that will run once; `cancel()` before that makes it none."""

    __slots__ = ("_task",)

    def __init__(self, task: Task) -> None:
        self._task: Task | None = task

    def cancel(self) -> None:
        """Let the task never run, if it has not begun."""
        self._task = None

    def take(self) -> Task | None:
        """Return the task if it was not cancelled."""
        task, self._task = self._task, None
        return task


class Committer:
    """Runs tasks at their time, each in a worker; threads start at first use and are daemons."""

    def __init__(self, *, workers: int = WORKERS, max_workers: int = MAX_WORKERS) -> None:
        self._few = workers
        self._max = max_workers
        self._wake = threading.Condition()
        self._work = threading.Condition()
        self._timers: list[tuple[float, int, Timer]] = []
        self._ready: deque[Timer] = deque()
        self._order = itertools.count()
        self._idle = 0
        self._busy_since: dict[int, float] = {}
        self._scheduler: threading.Thread | None = None
        self._workers = 0
        forks.watch(self)

    def call_at(self, due: float, task: Task) -> Timer:
        """Run `task` in a worker at `due` (seconds of `time.monotonic`), or at once if that is past."""
        timer = Timer(task)
        with self._wake:
            first = not self._timers or due < self._timers[0][0]
            heapq.heappush(self._timers, (due, next(self._order), timer))
            if self._scheduler is None:
                self._scheduler = threading.Thread(target=self._schedule, name="jupyter-recorder-schedule", daemon=True)
                self._scheduler.start()
            elif first:
                self._wake.notify()
        return timer

    def call_later(self, seconds: float, task: Task) -> Timer:
        """Run `task` in a worker after `seconds`."""
        return self.call_at(time.monotonic() + seconds, task)

    def after_fork_in_child(self) -> None:
        """Have no threads and no tasks: they belong to the parent."""
        self.__init__(workers=self._few, max_workers=self._max)  # type: ignore[misc]  # fresh locks, on purpose

    def _schedule(self) -> None:
        while True:
            with self._wake:
                due = self._timers[0][0] if self._timers else None
                now = time.monotonic()
                if due is None or due > now:
                    self._wake.wait(self._nap(due, now))
                    timer = None
                else:
                    timer = heapq.heappop(self._timers)[2]
            self._dispatch(timer)

    def _nap(self, due: float | None, now: float) -> float | None:
        """Return how long the scheduler may sleep: while tasks wait for a worker it looks for stuck ones."""
        naps = [due - now] if due is not None else []
        if self._ready:
            naps.append(STUCK_SECONDS)
        return min(naps) if naps else None

    def _dispatch(self, timer: Timer | None) -> None:
        with self._work:
            if timer is not None:
                self._ready.append(timer)
            if not self._ready:
                return
            if self._idle >= len(self._ready):
                self._work.notify()
            elif self._workers < self._allowed():
                self._workers += 1
                threading.Thread(target=self._run, name="jupyter-recorder-sync", daemon=True).start()
            elif self._idle:
                self._work.notify()

    def _allowed(self) -> int:
        now = time.monotonic()
        stuck = sum(1 for since in self._busy_since.values() if now - since > STUCK_SECONDS)
        return min(self._few + stuck, self._max)

    def _run(self) -> None:
        me = threading.get_ident()
        while True:
            with self._work:
                self._busy_since.pop(me, None)
                if not self._ready and self._workers > self._few + len(self._busy_since):
                    self._workers -= 1
                    return
                self._idle += 1
                while not self._ready:
                    self._work.wait()
                self._idle -= 1
                task = self._ready.popleft().take()
                self._busy_since[me] = time.monotonic()
            if task is not None:
                self._attempt(task)
            del task

    @staticmethod
    def _attempt(task: Task) -> None:
        try:
            task()
        except Exception:  # noqa: BLE001  # a worker serves every recording: one failing task must not end it
            log.exception("a task of the recorder failed")


_shared: Committer | None = None
_shared_pid = 0
_shared_lock = threading.Lock()


def shared_committer() -> Committer:
    """Return this process's one committer."""
    global _shared, _shared_pid  # noqa: PLW0603  # one a process is the point: a hundred files share its threads
    with _shared_lock:
        if _shared is None or _shared_pid != os.getpid():
            _shared, _shared_pid = Committer(), os.getpid()
        return _shared
