"""RecordingService where it ends, lags or is robbed: who sent something is told, and nothing is acked in vain."""

from __future__ import annotations

import contextlib
import errno
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults import Fault, FaultyFiles
from services import PATIENCE, SID, Service, add, append, end, numbered, start

from jupyter_recorder import ownership
from jupyter_recorder.errors import NoActiveRecording, PersistFailed, RecordingInProgress
from jupyter_recorder.library.active import RECORD
from jupyter_recorder.library.state import RecordingState
from jupyter_recorder.protocol import Ack, Error
from jupyter_recorder.redact import Redactor
from jupyter_recorder.service import RecordingService, ServiceConfig
from jupyter_recorder.service.views import session_view


def wait_until(so: Any) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextlib.contextmanager
def hanging(files: FaultyFiles, kind: str = "datasync") -> Iterator[Fault]:
    """Have a session's disk hang until the block ends."""
    hold = Fault(kind, "session.ndjson", hang=True)
    files.faults.append(hold)
    try:
        yield hold
    finally:
        hold.on = False
        hold.release.set()


OWNER = """
import sys
from jupyter_recorder.library.state import RecordingState
RecordingState(sys.argv[1]).start("another's", "session.ndjson", patience=20)
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def another_owner(folder: Path) -> Iterator[None]:
    """Have another process own a recording's folder until the block ends."""
    command = [sys.executable, "-c", OWNER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield
        process.communicate()


def test_what_comes_after_the_end_is_refused_to_be_sent_again(tmp_path: Path) -> None:
    """A service that was closed takes nothing, says so with the event's id, and makes no recording."""
    service = Service(tmp_path)
    service.ack(start())
    assert service.core.close()
    before = service.lines()
    late, other = service.send(append("x", event_id="late"), start("another"))
    assert isinstance(late, Error)
    assert isinstance(other, Error)
    assert ("persist_failed", "late", "persist_failed") == (late.code, late.event_id, other.code)
    assert (before, 1) == (service.lines(), len(list(service.library.recordings())))
    with pytest.raises(NoActiveRecording):
        service.core.start_terminal("terminal-1", 80, 24)


def test_an_end_that_a_disk_holds_up_says_so_and_can_be_asked_for_again(tmp_path: Path) -> None:
    """`close` returns in its time with what is left open; once the disk answers, all of it is ended in order."""
    files = FaultyFiles()
    service = Service(tmp_path, files)
    service.ack(start())
    with hanging(files) as hold:
        service.core.submit([add("m", "hello")], lambda _: None)
        assert hold.wait_hit()
        assert not service.core.close(0.2)
        assert 1 == service.core.active_count()
    assert service.core.close()
    assert ("hello", "interrupted") == (service.text(), service.manifest()["state"])


def test_who_waits_for_one_event_is_told_when_its_time_is_over(tmp_path: Path) -> None:
    """`process_event` gives up with an error that leaves open whether it was recorded; sent again, it is there once."""
    files = FaultyFiles()
    service = Service(tmp_path, files)
    assert isinstance(service.core.process_event(start(), by="ana"), Ack)
    event = add("m", "hello", event_id="e")
    with hanging(files), pytest.raises(PersistFailed, match="may yet be recorded"):
        service.core.process_event(event, timeout=0.05)
    answer = service.core.process_event(event)
    assert isinstance(answer, Ack)
    assert (True, 1) == (answer.duplicate, [line["type"] for line in service.lines()].count("message_add"))
    assert service.core.close()


def test_a_disk_that_lags_too_far_behind_takes_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is no room for is refused at once, in its order; sent again later, each event is there once."""
    monkeypatch.setattr("jupyter_recorder.journal.room.WAIT_SECONDS", 0.0)
    files = FaultyFiles()
    service = Service(tmp_path, files)
    service.send(*numbered([start(), add("m")]))
    pieces = numbered([append(str(number % 10) * 900_000) for number in range(90)], first=3)
    answers: list[Any] = []
    answered = threading.Event()
    with hanging(files, "write") as hold:
        for piece in pieces:
            service.core.submit([piece], lambda found: (answers.extend(found), len(answers) == 90 and answered.set()))
        assert hold.wait_hit()
        wait_until(lambda: any(isinstance(answer, Error) for answer in answers))
        assert {"persist_failed", "gap"} >= {answer.code for answer in answers}
    assert answered.wait(PATIENCE)
    for piece in pieces:
        service.ack(piece)
    view = session_view(service.library.find_session(SID), SID)
    assert "".join(str(number % 10) * 900_000 for number in range(90)) == view["messages"][0]["content"]
    assert 90 == [line["type"] for line in service.lines()].count("message_append")
    assert service.core.close()


def test_a_recording_that_was_taken_over_is_written_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another process has the owner's record, what waits is refused, and listeners hear that it is lost."""
    monkeypatch.setattr(ownership, "HEARTBEAT_SECONDS", 0.05)
    service = Service(tmp_path)
    told: list[str] = []
    service.core.on_change.append(lambda session, what, error: told.append(what))
    service.send(start(), add("m", "hello"))
    session = service.core.get_session(SID)
    assert session is not None
    assert session.recorder is not None
    (service.path() / RECORD).unlink()
    wait_until(lambda: not session.recorder or not session.recorder.active)
    journal = service.lines()
    with another_owner(service.path()):
        assert service.code(append(" again", event_id="e")) == "recording_in_progress"
        assert ["started", "lost"] == told
        assert journal == service.lines()
    assert service.core.close()


def test_what_waits_for_a_hanging_disk_is_refused_when_the_recording_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told at once, though it may be written yet: so long the lock is kept. Sent again, it is there once."""
    monkeypatch.setattr(ownership, "HEARTBEAT_SECONDS", 0.05)
    files = FaultyFiles()
    service = Service(tmp_path, files)
    service.send(start(), add("m"))
    event = append("hello", event_id="e")
    with hanging(files, "write") as hold:
        answers: list[Any] = []
        answered = threading.Event()
        service.core.submit([event], lambda found: (answers.extend(found), answered.set()))
        assert hold.wait_hit()
        (service.path() / RECORD).unlink()
        assert answered.wait(PATIENCE)
        assert ["persist_failed"] == [answer.code for answer in answers]
        assert "was taken over by another process" in answers[0].message
        with pytest.raises(RecordingInProgress):
            RecordingState(service.path()).start("too early", "session.ndjson")
    with another_owner(service.path()):
        assert [1, 2, 3] == [line["seq"] for line in service.lines()]
    again = service.ack(event)
    assert (True, 3, "hello") == (again.duplicate, again.seq, service.text())
    assert service.core.close()


def test_an_end_is_not_acked_if_the_recording_was_taken_over_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender is told, and the manifest, which is another's, is left as it was."""
    monkeypatch.setattr(ownership, "HEARTBEAT_SECONDS", 0.05)
    files = FaultyFiles()
    service = Service(tmp_path, files)
    service.send(start(), add("m", "hello"))
    recorder = service.core.sessions()[0].recorder
    assert recorder is not None
    answers: list[Any] = []
    answered = threading.Event()
    with hanging(files) as hold:
        service.core.submit([end()], lambda found: (answers.extend(found), answered.set()))
        assert hold.wait_hit()
        (service.path() / RECORD).unlink()
        wait_until(lambda: recorder.is_lost)
    assert answered.wait(PATIENCE)
    assert ["persist_failed"] == [answer.code for answer in answers]
    assert "was taken over by another process" in answers[0].message
    assert "recording" == service.manifest()["state"]
    with another_owner(service.path()):
        pass
    assert service.core.close()


def test_what_fails_once_the_recording_is_taken_over_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing disk keeps no lock, and no further file is begun in what is another's folder."""
    monkeypatch.setattr(ownership, "HEARTBEAT_SECONDS", 0.05)
    full = Fault("write", "*session*.ndjson*", error=errno.ENOSPC, on=False)
    service = Service(tmp_path, FaultyFiles(full))
    service.send(start(), add("m"))
    full.on = True
    assert service.code(append("lost")) == "persist_failed"
    recorder = service.core.sessions()[0].recorder
    assert recorder is not None
    (service.path() / RECORD).unlink()
    with another_owner(service.path()):
        full.on = False
        before = sorted(path.name for path in service.path().glob("*session*"))
        assert not recorder.wait()
        assert service.code(append("refused")) == "recording_in_progress"
        assert before == sorted(path.name for path in service.path().glob("*session*")) == ["session.ndjson"]
    service.ack(append("hello"))
    assert "hello" == service.text()
    assert service.core.close()


def test_an_end_that_the_disk_takes_no_manifest_for_can_be_sent_again(tmp_path: Path) -> None:
    """It is refused and the session stays this service's; sent again, it is the same end, and no lock is left."""
    full = Fault("create", "*manifest.json*", error=errno.ENOSPC, on=False)
    service = Service(tmp_path, FaultyFiles(full))
    service.send(*numbered([start(), add("m", "hello")]))
    last = numbered([end()], first=3)[0]
    full.on = True
    assert ("persist_failed", "persist_failed") == (service.code(last), service.code(last))
    assert "recording" == service.manifest()["state"]
    full.on = False
    again = service.ack(last)
    assert (3, "completed", False) == (again.seq, service.manifest()["state"], (service.path() / RECORD).exists())
    assert [1, 2, 3] == [line["seq"] for line in service.lines()]
    assert (0, None) == (service.core.active_count(), service.manifest().get("safe"))
    assert service.core.close()


def test_a_recording_that_cannot_be_made_is_made_when_its_event_is_sent_again(tmp_path: Path) -> None:
    """A full disk refuses the first event and leaves nothing of it; whoever holds an ended session sees that it is."""
    full = Fault("mkdir", error=errno.ENOSPC)
    service = Service(tmp_path, FaultyFiles(full))
    first = numbered([start()])[0]
    assert "persist_failed" == service.code(first)
    assert [] == list(service.library.recordings())
    full.on = False
    assert 1 == service.ack(first).seq
    session = service.core.get_session(SID)
    assert session is not None
    assert 1 == session.committed("p")
    service.ack(end())
    assert (0, 0, True, None) == (session.committed("p"), session.unsynced, session.park(), session.recorder)
    assert service.core.close()


def test_a_repeat_of_what_is_not_on_the_disk_is_not_acked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused after a while, as long as its first hangs; after that it is known as a repeat."""
    monkeypatch.setattr("jupyter_recorder.service.session._PATIENCE_SECONDS", 0.05)
    files = FaultyFiles()
    service = Service(tmp_path, files)
    service.send(*numbered([start(), add("m")]))
    event = numbered([append("hello")], first=3)[0]
    answers: list[Any] = []
    answered = threading.Event()
    with hanging(files) as hold:
        service.core.submit([event], lambda found: (answers.extend(found), answered.set()))
        assert hold.wait_hit()
        refused = service.one(event)
        assert isinstance(refused, Error)
        assert ("persist_failed", True) == (refused.code, "not on the disk yet" in refused.message)
        assert not answered.is_set()
    assert answered.wait(PATIENCE)
    assert [3] == [answer.seq for answer in answers]
    assert (True, 3) == (service.ack(event).duplicate, service.ack(event).seq)
    assert service.core.close()


def test_what_may_be_half_a_secret_is_refused_when_the_recording_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was held back and is in no file: its sender is told, and can send it again."""
    monkeypatch.setattr(ownership, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr("jupyter_recorder.service.opened.HOLD_SECONDS", 60.0)
    service = Service(tmp_path)
    service.send(start(), add("m"))
    answers: list[Any] = []
    answered = threading.Event()
    service.core.submit([append("a sk-ant-api03-")], lambda found: (answers.extend(found), answered.set()))
    assert 1 == service.core.sessions()[0].unsynced
    (service.path() / RECORD).unlink()
    assert answered.wait(PATIENCE)
    assert ["persist_failed"] == [answer.code for answer in answers]
    with another_owner(service.path()):
        assert "" == service.text()
    assert service.core.close()


def test_a_terminal_that_was_taken_over_can_be_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its listeners hear of one end, and nothing that is shown after that is written."""
    monkeypatch.setattr(ownership, "HEARTBEAT_SECONDS", 0.05)
    service = Service(tmp_path)
    told: list[str] = []
    service.core.on_change.append(lambda session, what, error: told.append(what))
    recorder, track = service.core.start_terminal("terminal-1", 80, 24)
    track.output(b"shown")
    assert recorder.wait(PATIENCE)
    cast = recorder.path / track.cast.file
    before = cast.read_bytes()
    (recorder.path / RECORD).unlink()
    wait_until(lambda: "failed" in told)
    track.output(b"too late")
    track.flush()
    service.core.stop_other(recorder)
    service.core.stop_other(recorder)
    with another_owner(recorder.path):
        assert before == cast.read_bytes()
    assert ["started", "failed", "completed"] == told
    assert service.core.close()


def test_a_listeners_mistake_costs_no_event(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, the others hear all the same, and the session is recorded."""
    service = Service(tmp_path)
    told: list[str] = []

    def mistaken(*_: object) -> None:
        raise ZeroDivisionError

    service.core.on_change += [mistaken, lambda session, what, error: told.append(what)]
    service.ack(start())
    assert service.core.close()
    wait_until(lambda: len(told) > 1)  # the last is told once the session is no more
    assert ["started", "interrupted"] == told
    assert "a listener of the service failed" in caplog.text


def test_without_redaction_a_frame_of_tokens_is_recorded_as_it_came(tmp_path: Path) -> None:
    """Appends to one message that come together, with secrets left in: each is acked, repeats are known."""
    service = Service(tmp_path)
    service.core = RecordingService(ServiceConfig(redact=False), service.library, redactor=Redactor(enabled=False))
    service.send(*numbered([start(), add("m")]))
    frame = numbered([append(f"sk-ant-{number} ") for number in range(50)], first=3)
    assert list(range(3, 53)) == [answer.seq for answer in service.send(*frame) if isinstance(answer, Ack)]
    assert all(isinstance(answer, Ack) and answer.duplicate for answer in service.send(*frame))
    assert "".join(f"sk-ant-{number} " for number in range(50)) == service.text()
    assert service.core.close()


def test_where_there_can_be_no_folder_the_room_of_the_disk_is_told(tmp_path: Path) -> None:
    """A file in the place of the recordings' folder is an error of the event that needs that, not of the health."""
    (tmp_path / "file").write_text("no folder")
    service = Service(tmp_path / "file" / "recordings")
    assert service.core.health()["free_disk_bytes"] > 0
    assert service.core.close()


def test_the_room_that_is_left_is_told_before_anything_is_recorded(tmp_path: Path) -> None:
    """As long as there is no folder of recordings: of the disk where it will be."""
    service = Service(tmp_path / "not" / "yet")
    assert service.core.health()["free_disk_bytes"] > 0
    assert service.core.close()
