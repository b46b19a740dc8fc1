"""Who writes and syncs, and when: one scheduler thread, and workers of which any number may hang.

A few workers do the work of many healthy files. A task that nobody has begun within `LATE_SECONDS`, since they are
held by slow or hanging disks, gets a worker of its own: a file waits for its own disk only. When nothing is to be
done, no thread wakes up.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from .. import forks

log = logging.getLogger(__name__)

# Eight threads synced a hundred dirty files in 3.4 ms where one took 9.0 ms (2 cores, a local disk).
WORKERS: Final = 8
# At most 256 journals keep a descriptor open, and each can hold two: one in a write, one in a sync.
MAX_WORKERS: Final = WORKERS + 512
LATE_SECONDS: Final = 0.010
# Workers beyond the few stay so long without work, so that a slow disk doesn't make threads come and go.
STAY_SECONDS: Final = 5.0

Task = Callable[[], object]


class Timer:
    """A task that will run once; `cancel()` before that makes it none."""

    __slots__ = ("_task", "ready")

    def __init__(self, task: Task) -> None:
        self._task: Task | None = task
        self.ready = 0.0  # when it came to the workers

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
        self._scheduler: threading.Thread | None = None
        self._workers = 0
        forks.watch(self)

    def call_at(self, due: float, task: Task) -> Timer:
        """Run `task` in a worker at `due` (seconds of `time.monotonic`), or at once if that is past."""
        timer = Timer(task)
        if due <= time.monotonic() and self._hand_over(timer):
            return timer
        with self._wake:
            first = not self._timers or due < self._timers[0][0]
            heapq.heappush(self._timers, (due, next(self._order), timer))
            if self._scheduler is None:
                scheduler = threading.Thread(target=self._schedule, name="jupyter-recorder-schedule", daemon=True)
                scheduler.start()
                self._scheduler = scheduler
            elif first:
                self._wake.notify()
        return timer

    def call_later(self, seconds: float, task: Task) -> Timer:
        """Run `task` in a worker after `seconds`."""
        return self.call_at(time.monotonic() + seconds, task)

    def after_fork_in_child(self) -> None:
        """Have no threads and no tasks: they belong to the parent."""
        self.__init__(workers=self._few, max_workers=self._max)  # type: ignore[misc]  # fresh locks, on purpose

    def _hand_over(self, timer: Timer) -> bool:
        """Give a task that is due to an idle worker, without a detour by the scheduler; False if there is none."""
        with self._work:
            if len(self._ready) >= self._idle:
                return False
            timer.ready = time.monotonic()
            self._ready.append(timer)
            self._work.notify()
            return True

    # -- the scheduler's thread

    def _schedule(self) -> None:
        nap: float | None = None
        while True:
            with self._wake:
                timer = self._next_due(nap)
            nap = self._dispatch(timer)

    def _next_due(self, nap: float | None) -> Timer | None:
        """Return the timer that is due; else sleep until the next one is, or for `nap` seconds, and return None."""
        now = time.monotonic()
        due = self._timers[0][0] if self._timers else None
        if due is not None and due <= now:
            return heapq.heappop(self._timers)[2]
        naps = [seconds for seconds in (nap, None if due is None else due - now) if seconds is not None]
        self._wake.wait(min(naps) if naps else None)
        return None

    def _dispatch(self, timer: Timer | None) -> float | None:
        """Hand `timer` to the workers; return when to look again whether a task still waits (None: need not)."""
        now = time.monotonic()
        with self._work:
            if timer is not None:
                timer.ready = now
                self._ready.append(timer)
            waiting = len(self._ready) - self._idle
            if self._idle and self._ready:
                self._work.notify(min(self._idle, len(self._ready)))
            if waiting <= 0:
                return None
            self._start_workers(waiting, now)
            return LATE_SECONDS

    def _start_workers(self, waiting: int, now: float) -> None:
        late = sum(1 for timer in self._ready if now - timer.ready >= LATE_SECONDS)
        wanted = max(min(waiting, self._few - self._workers), min(waiting, late))
        for _ in range(min(wanted, self._max - self._workers)):
            try:
                threading.Thread(target=self._run, name="jupyter-recorder-sync", daemon=True).start()
            except RuntimeError:  # the system gives no more threads now: those that there are go on
                return
            self._workers += 1

    # -- a worker's thread

    def _run(self) -> None:
        while (timer := self._next_ready()) is not None:
            task = timer.take()
            if task is not None:
                self._attempt(task)
            del task, timer  # not to keep a recording alive while idle

    def _next_ready(self) -> Timer | None:
        """Wait for a task; None if there was none for so long that this worker is one too many."""
        with self._work:
            self._idle += 1
            while not self._ready:
                told = self._work.wait(STAY_SECONDS if self._workers > self._few else None)
                if not told and not self._ready and self._workers > self._few:
                    self._idle -= 1
                    self._workers -= 1
                    return None
            self._idle -= 1
            return self._ready.popleft()

    @staticmethod
    def _attempt(task: Task) -> None:
        try:
            task()
        except Exception:  # a worker serves every recording: one failing task must not end it
            log.exception("a task of the recorder failed")


_shared: Final = Committer()  # no thread runs before its first task


def shared_committer() -> Committer:
    """Return this process's one committer; a forked child has it anew."""
    return _shared
