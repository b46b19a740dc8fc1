"""The committer: tasks at their time, hung ones in nobody's way, and no thread awake for nothing."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from jupyter_recorder.journal import commit
from jupyter_recorder.journal.commit import Committer, shared_committer


def test_tasks_run_in_the_order_of_their_times() -> None:
    """With one worker, a task that is due earlier runs earlier, whenever it was given."""
    committer, ran, done = Committer(workers=1), list[str](), threading.Event()
    gate = threading.Event()
    committer.call_later(0.0, gate.wait)
    now = time.monotonic()
    committer.call_at(now + 0.003, done.set)
    committer.call_at(now + 0.002, lambda: ran.append("second"))
    committer.call_at(now + 0.001, lambda: ran.append("first"))
    gate.set()
    assert done.wait(20)
    assert ran[:2] == ["first", "second"]


def test_a_cancelled_task_does_not_run() -> None:
    """A timer cancelled before its time is none."""
    committer, ran, done = Committer(workers=1), list[str](), threading.Event()
    committer.call_later(0.01, lambda: ran.append("cancelled")).cancel()
    committer.call_later(0.02, done.set)
    assert done.wait(20)
    assert ran == []


def test_many_quick_tasks_take_few_threads() -> None:
    """A hundred tasks that come due one after the other are done by a worker or two, as long as none is late."""

    def threads() -> int:
        committer, ran, done = Committer(), set[int](), threading.Event()
        now = time.monotonic()
        for number in range(100):
            committer.call_at(now + 0.02 + number * 0.0005, lambda: ran.add(threading.get_ident()))
        committer.call_at(now + 0.08, done.set)
        assert done.wait(20)
        return len(ran)

    # A machine that has other work may make one late; it does not each time.
    assert min(threads() for _ in range(10)) <= commit.AT_ONCE


def test_a_cancelled_task_wakes_no_worker() -> None:
    """What was cancelled before its time needs no thread to find that out."""
    committer, done = Committer(), threading.Event()
    for _ in range(50):
        committer.call_later(0.01, lambda: None).cancel()
    committer.call_later(0.05, done.set)
    assert done.wait(20)
    assert 1 == committer._workers


def test_a_task_that_fails_ends_no_worker(caplog: pytest.LogCaptureFixture) -> None:
    """The next task runs in the same, only worker, and the failure is logged."""
    committer, done = Committer(workers=1, max_workers=1), threading.Event()
    committer.call_later(0.0, lambda: 1 // 0)
    committer.call_later(0.0, done.set)
    assert done.wait(20)
    assert "a task of the recorder failed" in caplog.text


def test_hung_tasks_hold_up_no_other() -> None:
    """With ten times as many tasks hung as there are workers, another one runs at once."""
    committer, gate, done = Committer(workers=2), threading.Event(), threading.Event()
    for _ in range(20):
        committer.call_later(0.0, lambda: gate.wait(60))
    begun = time.monotonic()
    committer.call_later(0.0, done.set)
    assert done.wait(20)
    assert time.monotonic() - begun < 2
    gate.set()


def test_workers_beyond_the_few_go_when_they_have_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a hang is over, only the usual workers stay."""
    monkeypatch.setattr(commit, "STAY_SECONDS", 0.01)
    committer, gate = Committer(workers=2), threading.Event()
    for _ in range(6):
        committer.call_later(0.0, lambda: gate.wait(60))
    begun = threading.Event()
    committer.call_later(0.0, begun.set)
    assert begun.wait(20)
    assert committer._workers > 2
    gate.set()
    deadline = time.monotonic() + 20
    while committer._workers > 2 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert committer._workers == 2


@pytest.mark.skipif(sys.platform != "linux", reason="counts switches in /proc")
def test_no_thread_wakes_up_when_there_is_nothing_to_do() -> None:
    """A committer that has worked and waits for a far timer is not scheduled by the system at all."""
    committer, done = Committer(), threading.Event()
    known = set(os.listdir("/proc/self/task"))
    committer.call_later(0.0, done.set)
    assert done.wait(20)
    committer.call_later(3600, lambda: None)
    ours = set(os.listdir("/proc/self/task")) - known
    assert len(ours) == 2  # the scheduler and one worker

    def switches() -> dict[str, str]:
        texts = {task: Path(f"/proc/self/task/{task}/status").read_text() for task in ours}
        return {task: text[text.index("voluntary_ctxt") :].split()[1] for task, text in texts.items()}

    before = switches()
    for _ in range(100):  # until both have come to rest after their last task
        threading.Event().wait(0.05)
        if before == (before := switches()):
            break
    threading.Event().wait(0.3)
    assert switches() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_a_committer_of_its_own() -> None:
    """In the child the shared committer runs the child's tasks, and none of the parent's."""
    parents = threading.Event()
    shared_committer().call_later(0.0, parents.set)
    assert parents.wait(20)
    late = shared_committer().call_later(3600, lambda: None)
    child = os.fork()
    if child == 0:
        done = threading.Event()
        fresh = not shared_committer()._timers
        shared_committer().call_later(0.0, done.set)
        os._exit(0 if fresh and done.wait(20) else 1)
    assert os.waitpid(child, 0)[1] == 0
    late.cancel()
