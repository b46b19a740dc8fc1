"""RecordingService where it ends, lags or is robbed: who sent something is told, and nothing is acked in vain."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults import Fault, FaultyFiles
from services import PATIENCE, SID, Service, add, append, numbered, start

from jupyter_recorder import recorder as recording
from jupyter_recorder.errors import NoActiveRecording, PersistFailed
from jupyter_recorder.library.active import RECORD
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
    monkeypatch.setattr(recording, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(recording, "RECOVERY_PATIENCE_SECONDS", 0.1)
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
    assert service.code(append(" again", event_id="e")) in ("persist_failed", "recording_in_progress")
    assert ["started", "lost"] == told
    assert journal == service.lines()
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


def test_the_room_that_is_left_is_told_before_anything_is_recorded(tmp_path: Path) -> None:
    """As long as there is no folder of recordings: of the disk where it will be."""
    service = Service(tmp_path / "not" / "yet")
    assert service.core.health()["free_disk_bytes"] > 0
    assert service.core.close()
