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
# So many work at a time as long as nothing is late: each more is one more that the interpreter has to go round to.
AT_ONCE: Final = 2
# A task may be so late, so that a hundred terminals do not wake the scheduler for each of their pieces.
SLACK_SECONDS: Final = 0.005
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

    @property
    def is_wanted(self) -> bool:
        """Whether it was neither cancelled nor taken."""
        return self._task is not None

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
        self._begun: dict[int, float] = {}  # when each busy worker began its task, by its thread
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
                due = self._all_due(nap)
            nap = self._dispatch(due)

    def _all_due(self, nap: float | None) -> list[Timer]:
        """Return all that is due; if nothing is, sleep until something is, or for `nap` seconds, and return nothing."""
        now = time.monotonic()
        if not self._timers or self._timers[0][0] > now:
            naps = [max(SLACK_SECONDS, self._timers[0][0] - now)] if self._timers else []
            naps += [nap] if nap is not None else []
            self._wake.wait(min(naps) if naps else None)
            return []
        found = []
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if timer.is_wanted:
                found.append(timer)
        return found

    def _dispatch(self, due: list[Timer]) -> float | None:
        """Hand over what is due; return when to look again whether a task still waits (None: need not)."""
        now = time.monotonic()
        with self._work:
            for timer in due:
                timer.ready = now
            self._ready.extend(due)
            if not self._ready:
                return None
            held = sum(now - begun >= LATE_SECONDS for begun in self._begun.values())
            is_late = now - self._ready[0].ready >= LATE_SECONDS
            few = max(self._few, held) if is_late else min(self._few, AT_ONCE)  # the more hang, the more hang on them
            wanted = min(len(self._ready), few - (self._workers - self._idle - held))
            woken = max(0, min(wanted, self._idle))
            if woken:
                self._work.notify(woken)
            self._start_workers(wanted - woken)
            return LATE_SECONDS

    def _start_workers(self, wanted: int) -> None:
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
        me = threading.get_ident()
        with self._work:
            self._begun.pop(me, None)
            self._idle += 1
            while not self._ready:
                told = self._work.wait(STAY_SECONDS if self._workers > self._few else None)
                if not told and not self._ready and self._workers > self._few:
                    self._idle -= 1
                    self._workers -= 1
                    return None
            self._idle -= 1
            self._begun[me] = time.monotonic()
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
