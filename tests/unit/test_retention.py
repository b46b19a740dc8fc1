"""Retention: what goes and what stays, by age, size and tag; never what is being recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_recorder.library.active import LOCK
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.locks import FileLock
from jupyter_recorder.library.prunethread import PruneThread
from jupyter_recorder.library.retention import Retention, due, prune
from jupyter_recorder.recorder import Recorder

DAY = 86_400_000


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Three finished recordings, the oldest first: a, b (tagged keep), c (tagged ci)."""
    library = Library(tmp_path / "root")
    for name, tags in (("a", ()), ("b", ("keep",)), ("c", ("ci",))):
        recorder = Recorder.start(library, name, "chat", tags=tags)
        recorder.chat.add("user", "x" * 1000)
        recorder.stop()
    return library


def names(library: Library) -> list[str]:
    """Return the names that are left, in order of the alphabet."""
    return sorted(one.name for one in library.recordings())


def now(library: Library) -> int:
    """Return when the last of them ended, in Unix ms."""
    return max(one.manifest["ended_at"] or 0 for one in library.recordings())


@pytest.mark.parametrize(
    ("retention", "left"),
    [
        (Retention(), ["a", "b", "c"]),
        (Retention(tags=("ci",)), ["a", "b", "c"]),
        (Retention(max_age_days=11), ["a", "b", "c"]),
        (Retention(max_age_days=9), []),
        (Retention(max_age_days=9, keep_tags=("keep",)), ["b"]),
        (Retention(max_age_days=9, tags=("ci", "keep")), ["a"]),
        (Retention(max_total_bytes=1 << 30), ["a", "b", "c"]),
        (Retention(max_total_bytes=0), []),
        (Retention(max_total_bytes=0, tags=("ci",)), ["a", "b"]),
    ],
)
def test_what_is_over_the_limits_goes(library: Library, retention: Retention, left: list[str]) -> None:
    """Age, size and tags say what goes; without a limit nothing does."""
    foreseen = {one.id for one in due(library, retention, now_ms=now(library) + 10 * DAY)}
    gone = list(prune(library, retention, now_ms=now(library) + 10 * DAY))

    assert left == names(library)
    assert foreseen == {one.id for one in gone}
    assert [None] * len(gone) == [one.error for one in gone]


def test_the_oldest_go_first(library: Library) -> None:
    """Over the total, the newest are kept as far as they fit."""
    sizes = sum(one.size_bytes() for one in library.recordings())
    list(prune(library, Retention(max_total_bytes=sizes - 1)))

    assert ["b", "c"] == names(library)


def test_what_is_recorded_or_damaged_stays(library: Library) -> None:
    """Neither a living recording nor one that cannot be read is deleted, whatever the limits."""
    running = Recorder.start(library, "running", "chat")
    damaged = next(one for one in library.recordings() if one.name == "a")
    (damaged.path / "manifest.json").write_text("{")
    list(prune(library, Retention(max_age_days=0, max_total_bytes=0), now_ms=now_of(running) + DAY))

    assert sorted([damaged.id, "running"]) == names(library)
    running.stop()


def wait_until(so: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 10
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def now_of(recorder: Recorder) -> int:
    """Return when a recording began, in Unix ms."""
    return recorder.started_at


def test_the_thread_deletes_and_says_so(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    """Soon after its start what is over the limits goes, and the log names it; without limits it ends at once."""
    idle = PruneThread(library, Retention(), first_seconds=3600.0)
    idle.start()
    idle.join(5.0)
    assert not idle.is_alive()
    with caplog.at_level("INFO"):
        thread = PruneThread(library, Retention(max_total_bytes=1), first_seconds=0.0)
        thread.start()
        wait_until(lambda: not names(library))
        thread.stop()
        thread.join(5.0)

    assert [] == names(library)
    assert 3 == sum("was deleted: over 1 bytes" in message for message in caplog.messages)


def test_the_thread_says_what_it_could_not_delete(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    """One that another process has locked stays, with a warning; the others go."""
    held = next(one for one in library.recordings() if one.name == "b")
    lock = FileLock(held.path / LOCK)
    assert lock.acquire()
    with caplog.at_level("WARNING"):
        thread = PruneThread(library, Retention(max_total_bytes=1), first_seconds=0.0)
        thread.start()
        wait_until(lambda: ["b"] == names(library) and caplog.messages)
        thread.stop()
        thread.join(5.0)
    lock.release()

    assert [f"{held.id} should be deleted (over 1 bytes in all): "] == [
        said.partition("'")[0] for said in caplog.messages
    ]


def test_the_thread_outlives_a_root_that_cannot_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It says what is wrong, and looks again at its next turn."""
    root = tmp_path / "root"
    root.write_text("no folder")
    thread = PruneThread(Library(root), Retention(max_total_bytes=1), first_seconds=0.0)
    thread.start()
    wait_until(lambda: caplog.messages)
    assert thread.is_alive()
    thread.stop()
    thread.join(5.0)

    assert f"can't list the recordings: Not a directory ({root})" in caplog.text
    assert not thread.is_alive()


def test_what_was_left_is_as_old_as_its_last_event(library: Library) -> None:
    """A session that was interrupted long after it began is judged by when it was last written to."""
    recorder = Recorder.start(library, "session", "chat", session_id="s1")
    recorder.chat.add("user", "x")
    recorder.stop(state="interrupted")
    path = recorder.path / "manifest.json"
    path.write_text(path.read_text().replace(f'"started_at":{recorder.started_at}', '"started_at":1000'))
    gone = [one.name for one in due(library, Retention(max_age_days=1))]

    assert [] == gone
