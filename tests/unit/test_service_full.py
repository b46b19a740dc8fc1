"""RecordingService while a disk lags so far behind that there is no room: what is refused, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import Fault, FaultyFiles
from services import PATIENCE, Service, add, append, end, numbered, start

from jupyter_recorder.journal.writer import JournalWriter
from jupyter_recorder.protocol import Ack, Error

# Of so many bytes that may be held back, these pieces take more than all, with what each costs beside its text.
HELD = 20_000
PIECES = ("x" * 15_000, "x" * 4_500)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """One whose disk hangs until the test `heals` it, with a session that there is no room for any more."""
    defaults = JournalWriter.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "held_bytes", HELD)
    hold = Fault("write", "session.ndjson", hang=True, on=False)
    service = Service(tmp_path, FaultyFiles(hold))
    service.send(*numbered([start(), add("m")], "p"), *numbered([add("other")], "q"))
    recorder = service.core.sessions()[0].recorder
    assert recorder is not None
    hold.on = True
    service.core.submit(numbered([append(piece) for piece in PIECES], "p", 3), lambda _: None)
    assert hold.wait_hit()
    deadline = time.monotonic() + PATIENCE
    while recorder.seq < 5:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    yield service
    heal(service)
    assert service.core.close()
    assert "".join(PIECES) == service.text()


def heal(service: Service) -> None:
    """Let the disk answer, and what waits be written."""
    files = service.library.files
    assert isinstance(files, FaultyFiles)
    for fault in files.faults:
        fault.on = False
        fault.release.set()
    for session in service.core.sessions():
        assert session.recorder is not None
        assert session.recorder.wait(20)


def test_an_end_is_refused_and_can_be_sent_again(service: Service) -> None:
    """It is in no journal, so the session goes on; once there is room the same end ends it."""
    assert "persist_failed" == service.code(end())
    assert 1 == service.core.active_count()
    heal(service)
    service.ack(end())
    assert ("completed", 0) == (service.manifest()["state"], service.core.active_count())


def test_of_a_run_each_event_is_refused_and_can_be_sent_again(service: Service) -> None:
    """None of it is taken, and none of its numbers is used up: sent again it is there once, in its order."""
    run = numbered([append(f"{number} ", "other") for number in range(50)], "q", 2)
    refused = [answer.code for answer in service.send(*run) if isinstance(answer, Error)]
    assert ("persist_failed", 50) == (refused[0], len(refused))
    assert {"persist_failed", "gap"} >= set(refused)
    heal(service)
    assert [False] * 50 == [answer.duplicate for answer in service.send(*run) if isinstance(answer, Ack)]
    assert "".join(event["content_delta"] for event in run) == service.text("other")


def test_a_refusal_that_cannot_be_written_uses_up_no_number(service: Service) -> None:
    """Its sender is told what is wrong with the event, and may give its number to a better one."""
    assert "message_not_found" == service.code(numbered([append("x", "nothing")], "q", 2)[0])
    heal(service)
    service.ack(numbered([append("y", "other")], "q", 2)[0])
    assert "y" == service.text("other")
