"""The lock of a recording: never two writers, nothing stolen from the living, nothing lost to the dead."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from programs import killed, living, orphaned, output
from recording_process import tree

from jupyter_recorder.errors import CorruptState, NoActiveRecording, RecordingInProgress
from jupyter_recorder.files import Files
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.locks import FileLock, holder_pid
from jupyter_recorder.library.owner import FOREIGN_SECONDS, me, parse_owner, start_time
from jupyter_recorder.library.recovery import recover
from jupyter_recorder.library.state import RecordingState

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asked of /proc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to hold the lock of."""
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def change_record(folder: Path, **changes: Any) -> None:
    """Rewrite what the owner said of itself; the heartbeat stays fresh."""
    record = json.loads((folder / "recording.json").read_bytes())
    (folder / "recording.json").write_text(json.dumps({**record, **changes}))


def age_record(folder: Path, seconds: float) -> None:
    """Let the last heartbeat be so long ago."""
    then = time.time() - seconds
    os.utime(folder / "recording.json", (then, then))


# -- another one meanwhile


class Meanwhile(Files):
    """Lets something happen right after a lock's file was opened, before it is locked."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.acts = [act]

    def open_append(self, path: Path) -> int:
        fd = super().open_append(path)
        if self.acts:
            self.acts.pop()()
        return fd


def test_a_lock_whose_file_was_replaced_meanwhile_is_not_held(folder: Path) -> None:
    """Who locks a file that the last holder has removed does not hold the lock that the next one made."""
    first, second = FileLock(folder / "lock"), FileLock(folder / "lock")
    assert first.acquire()
    third = FileLock(folder / "lock", Meanwhile(lambda: (first.release(), second.acquire())))
    assert (third.acquire(), third.held, second.held) == (False, False, True)
    second.release()


def test_an_owner_that_came_meanwhile_is_respected(folder: Path) -> None:
    """Where locks are not shared, a start or clean-up sees the owner that came while it took the lock."""
    killed("hold", folder)
    owner = RecordingState(folder)

    def come() -> None:
        (folder / "recording.lock").unlink()
        owner.start("came", "session.ndjson")
        (folder / "recording.lock").unlink()

    assert RecordingState(folder, files=Meanwhile(come)).cleanup_stale_lock() is None
    assert owner.heartbeat()
    owner.stop()
    killed("hold", folder)
    with pytest.raises(RecordingInProgress, match="came"):
        RecordingState(folder, files=Meanwhile(come)).start("mine", "session.ndjson")
    assert owner.heartbeat()
    owner.stop()


# -- the living


def test_a_start_beside_a_living_owner_is_refused_at_once(folder: Path) -> None:
    """The refusal names the owner, and comes before the lock is even tried."""

    class Untouched(Files):
        def open_append(self, path: Path) -> int:
            raise AssertionError(f"{path} was opened")

    with living("hold", folder) as program:
        with pytest.raises(RecordingInProgress) as caught:
            RecordingState(folder, files=Untouched()).start("mine", "session.ndjson")
        assert (caught.value.name, caught.value.pid) == ("held", program.facts["pid"])


def test_a_stop_from_another_process_is_refused_while_the_owner_lives(folder: Path) -> None:
    """Nobody's lock is taken away from under it."""
    with living("hold", folder):
        before = tree(folder)
        with pytest.raises(RecordingInProgress):
            RecordingState(folder).stop()
        assert RecordingState(folder).cleanup_stale_lock(force=True) is None
        assert tree(folder) == before


def test_a_living_owner_without_its_lock_is_still_the_owner(folder: Path) -> None:
    """Where locks are not shared (a file system that keeps them local), the record alone protects the owner."""
    with living("hold", folder):
        (folder / "recording.lock").unlink()
        with pytest.raises(RecordingInProgress):
            RecordingState(folder).start("mine", "session.ndjson")
        assert RecordingState(folder).cleanup_stale_lock(force=True) is None
        assert RecordingState(folder).current().name == "held"


def test_an_owner_that_may_not_be_signalled_is_alive() -> None:
    """EPERM from kill means that there is such a process."""
    if os.geteuid() == 0:
        told = output("life_as_nobody", os.getpid(), start_time(os.getpid()))
    else:
        told = output("life_as_nobody", 1, start_time(1))
    assert told == {"life": "alive"}


def test_a_garbled_record_under_a_held_lock_is_not_stolen(folder: Path) -> None:
    """With no readable record the flock decides: it is held."""
    with living("hold", folder):
        (folder / "recording.json").write_bytes(b"{garbage")
        before = tree(folder)
        with pytest.raises(RecordingInProgress):
            RecordingState(folder).start("mine", "session.ndjson")
        assert RecordingState(folder).cleanup_stale_lock(force=True) is None
        assert tree(folder) == before


def test_a_fresh_heartbeat_from_another_host_is_respected(folder: Path) -> None:
    """An owner that cannot be asked may live until its heartbeat is five minutes old."""
    killed("hold", folder)
    change_record(folder, host="another-host")
    with pytest.raises(RecordingInProgress) as caught:
        RecordingState(folder).start("mine", "session.ndjson")
    assert caught.value.host == "another-host"
    assert RecordingState(folder).cleanup_stale_lock() is None


# -- the dead


def test_the_record_stands_after_a_crash(folder: Path) -> None:
    """A killed owner's session is still told."""
    killed("hold", folder)
    state = RecordingState(folder)
    assert (state.is_recording(), state.current().name) == (True, "held")


@pytest.mark.parametrize("pid", [os.getpid(), os.getppid()], ids=["this one", "another one"])
def test_a_pid_that_is_used_again_is_not_the_owner(folder: Path, pid: int) -> None:
    """A living process with the owner's pid and another start time does not keep the lock."""
    killed("hold", folder)
    change_record(folder, pid=pid)
    assert RecordingState(folder).cleanup_stale_lock() is not None


DEAD: dict[str, Callable[[Path], object]] = {
    "killed": lambda folder: None,
    "another boot": lambda folder: change_record(folder, boot_id="another boot", pid=os.getpid()),
    "foreign and old": lambda folder: (
        change_record(folder, host="another-host"),
        age_record(folder, FOREIGN_SECONDS + 5),
    ),
    "empty record": lambda folder: (folder / "recording.json").write_bytes(b""),
    "garbage record": lambda folder: (folder / "recording.json").write_bytes(b"\xff{garbage"),
    "garbage lock": lambda folder: (folder / "recording.lock").write_bytes(b"4711 garbage"),
    "no lock": lambda folder: (folder / "recording.lock").unlink(),
    "no record": lambda folder: (folder / "recording.json").unlink(),
}


@pytest.mark.parametrize("hurt", DEAD)
def test_a_start_takes_over_from_the_dead(folder: Path, hurt: str) -> None:
    """Whatever a dead owner left of its lock, the next start gets it, and its session data stays."""
    killed("hold", folder)
    (folder / "session.ndjson").write_bytes(b"data")
    DEAD[hurt](folder)
    state = RecordingState(folder)
    assert state.start("mine", "session.ndjson").name == "mine"
    state.stop()
    assert (folder / "session.ndjson").read_bytes() == b"data"
    assert not (folder / "recording.lock").exists()


def test_a_garbled_record_is_kept_for_who_wants_to_look(folder: Path) -> None:
    """Clean-up puts a record that cannot be read aside, and says so."""
    killed("hold", folder)
    (folder / "recording.json").write_bytes(b"{garbage")
    with pytest.raises(CorruptState):
        RecordingState(folder).current()
    assert not RecordingState(folder).is_recording()
    info = RecordingState(folder).cleanup_stale_lock()
    assert info is not None
    assert "recording.json.broken" in str(info.error)
    assert (folder / "recording.json.broken").read_bytes() == b"{garbage"


def test_force_counts_a_foreign_owner_as_dead(folder: Path) -> None:
    """An explicit force does not wait for the heartbeat to grow old."""
    killed("hold", folder)
    change_record(folder, host="another-host")
    info = RecordingState(folder).cleanup_stale_lock(force=True)
    assert (info and info.name, list(folder.iterdir())) == ("held", [])


def test_a_stop_is_allowed_once_the_owner_is_dead(folder: Path) -> None:
    """Another process may stop what nobody records any more, once."""
    killed("hold", folder)
    assert RecordingState(folder).stop().name == "held"
    with pytest.raises(NoActiveRecording):
        RecordingState(folder).stop()
    assert list(folder.iterdir()) == []


def test_a_zombie_is_dead(folder: Path) -> None:
    """An owner that was killed but not yet waited for does not keep its recording."""
    with living("hold", folder) as program:
        program.process.kill()
        os.waitid(os.P_PID, program.process.pid, os.WEXITED | os.WNOWAIT)
        assert RecordingState(folder).cleanup_stale_lock() is not None


# -- what is no lock

TRAPS: dict[str, Callable[[Path, Path], None]] = {
    "symlink": lambda path, target: path.symlink_to(target),
    "dangling symlink": lambda path, target: path.symlink_to(target.with_name("nowhere")),
    "FIFO": lambda path, target: os.mkfifo(path),
    "folder": lambda path, target: path.mkdir(),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_something_else_in_the_locks_place_is_refused(folder: Path, tmp_path: Path, trap: str) -> None:
    """A lock that is no regular file is an error; it stays, and so does what it names."""
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    TRAPS[trap](folder / "recording.lock", target)
    with pytest.raises(CorruptState):
        RecordingState(folder).start("mine", "session.ndjson")
    with pytest.raises(CorruptState):
        RecordingState(folder).cleanup_stale_lock(force=True)
    assert (target.read_bytes(), os.listdir(folder)) == (b"precious", ["recording.lock"])
    assert not target.with_name("nowhere").exists()


@pytest.mark.parametrize("trap", ["symlink", "FIFO"])
def test_something_else_in_the_records_place_is_not_followed(folder: Path, tmp_path: Path, trap: str) -> None:
    """A start puts it aside and leaves what it names as it was."""
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    TRAPS[trap](folder / "recording.json", target)
    state = RecordingState(folder)
    state.start("mine", "session.ndjson")
    assert (target.read_bytes(), (folder / "recording.json").is_symlink()) == (b"precious", False)
    state.stop()


def test_a_hard_linked_lock_is_not_written_to(folder: Path, tmp_path: Path) -> None:
    """The lock's content is never read or written, so that a link to another file does that file no harm."""
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    os.link(target, folder / "recording.lock")
    state = RecordingState(folder)
    state.start("mine", "session.ndjson")
    state.stop()
    assert target.read_bytes() == b"precious"


# -- forks


def in_child(act: Callable[[], object]) -> str:
    """Fork, run `act` in the child, and return what it gave or raised."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            told = repr(act())
        except BaseException as error:  # the parent reports it
            told = type(error).__name__
        os.write(writer, told.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        return pipe.read()


def test_a_forked_child_cannot_stop_its_parents_recording(folder: Path) -> None:
    """In the child `stop` is an error and the heartbeat false; the parent goes on."""
    state = RecordingState(folder)
    state.start("mine", "session.ndjson")
    assert in_child(state.stop) == "NoActiveRecording"
    assert in_child(state.heartbeat) == "False"
    assert in_child(RecordingState(folder).stop) == "RecordingInProgress"
    assert in_child(lambda: state.start("again", "x")) == "RecordingInProgress"
    assert (state.heartbeat(), state.stop().name) == (True, "mine")


@linux
def test_a_forked_child_does_not_have_the_lock_open(tmp_path: Path) -> None:
    """With the owner dead and its worker alive, nobody holds the lock's file."""
    with orphaned("fork_worker", tmp_path) as program:
        os.kill(program.facts["worker"], 0)
        assert holder_pid(program.path / "recording.lock") is None


def test_a_forked_child_records_nothing(tmp_path: Path) -> None:
    """The recorder that a worker inherits is not active there."""
    with orphaned("fork_worker", tmp_path) as program:
        recover(Library(tmp_path))
        assert (tmp_path / "worker").read_text() == f"{program.facts['worker']} True"


@pytest.mark.parametrize(
    "wrong", [{"pid": "1"}, {"pid": True}, {"pid": 0}, {"pid": -1}, {"pid": 1 << 31}, {"host": 7}, {"start_time": None}]
)
def test_an_owner_that_is_no_process_is_none(wrong: dict[str, object]) -> None:
    """A pid that would ask a whole group, or fields of other types, are damage and no owner."""
    good = {**me().as_writer(), "nonce": "n"}
    assert parse_owner(good).pid == os.getpid()
    with pytest.raises(ValueError, match="owner"):
        parse_owner({**good, **wrong})
