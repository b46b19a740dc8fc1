"""RecordingState in one process: what it keeps in its folder, and what it answers."""

from __future__ import annotations

import os
import resource
import stat
from pathlib import Path

import pytest

from jupyter_recorder.errors import NoActiveRecording, RecordingInProgress, StorageError
from jupyter_recorder.files import Files
from jupyter_recorder.library.active import RECORD
from jupyter_recorder.library.owner import Life, life_of, me
from jupyter_recorder.library.state import RecordingState


def test_a_start_is_told_and_a_stop_takes_it_back(tmp_path: Path) -> None:
    """Between start and stop the session is current; afterwards the folder is as it was."""
    state = RecordingState(tmp_path)
    session = state.start("demo", tmp_path / "data")
    assert (state.is_recording(), state.current()) == (True, session)
    assert (session.name, session.session_path, session.owner.pid) == ("demo", tmp_path / "data", os.getpid())
    assert state.stop() == session
    assert (state.is_recording(), state.current(), list(tmp_path.iterdir())) == (False, None, [])


def test_a_second_start_names_the_first(tmp_path: Path) -> None:
    """Neither the same object nor another one of the process starts twice."""
    state = RecordingState(tmp_path)
    state.start("demo", "data")
    for other in (state, RecordingState(tmp_path)):
        with pytest.raises(RecordingInProgress, match="demo") as caught:
            other.start("again", "data")
        assert (caught.value.name, caught.value.pid) == ("demo", os.getpid())
    state.stop()


def test_a_stop_with_nothing_running_is_an_error(tmp_path: Path) -> None:
    """There is nothing to stop before a start and after a stop."""
    state = RecordingState(tmp_path)
    with pytest.raises(NoActiveRecording):
        state.stop()
    state.start("demo", "data")
    state.stop()
    with pytest.raises(NoActiveRecording):
        state.stop()


def test_it_can_start_again(tmp_path: Path) -> None:
    """One object serves one recording after the other, each with a nonce of its own."""
    state = RecordingState(tmp_path)
    nonces = set()
    for _ in range(3):
        nonces.add(state.start("demo", "data").nonce)
        state.stop()
    assert len(nonces) == 3


def test_lock_and_record_are_private(tmp_path: Path) -> None:
    """Both files are 0600, whatever the umask allows."""
    before = os.umask(0)
    try:
        state = RecordingState(tmp_path)
        state.start("demo", "data")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    state.stop()
    assert modes == {"recording.lock": 0o600, "recording.json": 0o600}


def test_a_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    """The folder is not made; the error says which is missing."""
    with pytest.raises(StorageError, match=r"can't start a recording.*missing"):
        RecordingState(tmp_path / "missing").start("demo", "data")
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_fails_leaves_no_lock(tmp_path: Path) -> None:
    """With a full disk nothing is started, and once there is room a start succeeds."""

    class Full(Files):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space"):
        RecordingState(tmp_path, files=Full()).start("demo", "data")
    assert list(tmp_path.iterdir()) == []


def test_a_start_whose_folder_cannot_be_synced_leaves_no_record(tmp_path: Path) -> None:
    """A record that was renamed into place but may not last is taken back, so that the next start is free."""

    class Unsynced(Files):
        def sync_folder(self, path: Path) -> None:
            raise OSError(5, "Input/output error")

    with pytest.raises(StorageError, match="Input/output"):
        RecordingState(tmp_path, files=Unsynced()).start("demo", "data")
    assert list(tmp_path.iterdir()) == []


def test_a_stop_that_fails_can_be_tried_again(tmp_path: Path) -> None:
    """While the disk refuses, the lock stays held; once it does not, the stop succeeds."""

    class Stubborn(Files):
        refuses = True

        def unlink(self, path: Path) -> None:
            if self.refuses:
                raise OSError(5, "Input/output error")
            super().unlink(path)

    files = Stubborn()
    state = RecordingState(tmp_path, files=files)
    state.start("demo", "data")
    with pytest.raises(StorageError):
        state.stop()
    assert state.heartbeat()
    files.refuses = False
    assert state.stop().name == "demo"


def test_a_record_that_cannot_be_read_just_now_is_not_lost(tmp_path: Path) -> None:
    """With no descriptor left, a heartbeat is a `StorageError`, not the news of a takeover."""
    state = RecordingState(tmp_path)
    state.start("demo", "data")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(StorageError):
            state.heartbeat()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert state.heartbeat()
    state.stop()


def test_a_heartbeat_touches_the_record_and_changes_no_byte(tmp_path: Path) -> None:
    """The record's time moves on, its bytes stay."""
    state = RecordingState(tmp_path)
    state.start("demo", "data")
    record = tmp_path / "recording.json"
    os.utime(record, (1, 1))
    before = record.read_bytes()
    assert state.heartbeat()
    assert (record.stat().st_mtime > 1, record.read_bytes()) == (True, before)
    state.stop()


def test_an_owner_whose_record_is_gone_learns_of_it(tmp_path: Path) -> None:
    """The heartbeat is False once the record was taken away."""
    state = RecordingState(tmp_path)
    state.start("demo", "data")
    (tmp_path / "recording.json").unlink()
    assert not state.heartbeat()
    state.stop()


def test_an_owner_that_was_replaced_takes_nothing_from_its_successor(tmp_path: Path) -> None:
    """With another's lock and record in the folder, the heartbeat is False and a stop leaves both."""
    first, second = RecordingState(tmp_path), RecordingState(tmp_path)
    first.start("first", "data")
    for path in tmp_path.iterdir():
        path.unlink()
    second.start("second", "data")
    assert not first.heartbeat()
    first.stop()
    assert (second.heartbeat(), second.stop().name) == (True, "second")


def test_who_was_replaced_lets_go_of_the_lock_and_leaves_the_record(tmp_path: Path) -> None:
    """After that the folder can be started in here too; letting go again does nothing."""
    state = RecordingState(tmp_path)
    state.start("mine", "data")
    (tmp_path / RECORD).unlink()
    with pytest.raises(RecordingInProgress):
        RecordingState(tmp_path).start("too early", "data")
    state.abandon()
    successor = RecordingState(tmp_path)
    session = successor.start("next", "data")
    state.abandon()
    assert (session, False, True) == (successor.current(), state.heartbeat(), successor.heartbeat())
    successor.stop()
    assert [] == list(tmp_path.iterdir())


def test_cleanup_finds_nothing_where_nothing_is_stale(tmp_path: Path) -> None:
    """An empty folder and a living recording are both left alone."""
    state = RecordingState(tmp_path)
    assert RecordingState(tmp_path).cleanup_stale_lock() is None
    state.start("demo", "data")
    assert RecordingState(tmp_path).cleanup_stale_lock() is None
    assert state.heartbeat()
    state.stop()


def test_this_process_is_alive() -> None:
    """An owner knows itself."""
    assert life_of(me(), lambda: None) is Life.ALIVE


@pytest.mark.parametrize(
    ("age", "expected"), [(None, Life.UNKNOWN), (-9.0, Life.UNKNOWN), (299.0, Life.UNKNOWN), (300.0, Life.DEAD)]
)
def test_an_owner_elsewhere_is_judged_by_its_heartbeat(age: float | None, expected: Life) -> None:
    """It is dead once it has been silent for five minutes, and unknown before."""
    assert life_of(me()._replace(host="elsewhere"), lambda: age) is expected
