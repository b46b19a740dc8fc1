"""RecordingService when something comes again, or late: after its session's end, beside another process, redacted."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from faults import Fault, FaultyFiles
from services import PATIENCE, SID, Service, add, append, end, numbered, start

from jupyter_recorder.protocol import Ack
from jupyter_recorder.service.views import session_view

SECRET = "sk-ant-api03-" + "A1b2C3d4" * 8


def test_a_repeat_under_a_new_number_uses_that_up_though_its_session_has_ended(tmp_path: Path) -> None:
    """It is answered as the repeat that it is, and the producer's next event follows it."""
    service = Service(tmp_path)
    service.send(*numbered([start(), add("m", "hello"), end()]))
    again = service.ack(numbered([add("m", "hello")], first=4)[0])
    assert (True, 2) == (again.duplicate, again.seq)
    assert {SID: 4} == service.core.committed("p", [SID])
    service.ack(numbered([append("!")], first=5)[0])
    assert "hello!" == service.text()
    assert service.core.close()


def test_what_is_committed_is_known_of_any_session(tmp_path: Path) -> None:
    """Of one that is recorded, of one that has ended, and 0 of one that nobody knows."""
    service = Service(tmp_path)
    service.send(*numbered([start(), add("m")]))
    service.send(*numbered([start("ended"), end("ended")]))
    assert {SID: 2, "ended": 2, "nosuch": 0} == service.core.committed("p", [SID, "ended", "nosuch"])
    assert ({SID: 2}, {}) == (service.core.committed("p"), service.core.committed("another"))
    assert service.core.close()


def test_two_processes_that_begin_a_session_at_once_make_one_recording(tmp_path: Path) -> None:
    """Who comes second goes on where the other has ended."""
    hold = Fault("mkdir", hang=True)
    slow, quick = Service(tmp_path, FaultyFiles(hold)), Service(tmp_path)
    answers: list[Any] = []
    answered = threading.Event()
    slow.core.submit([start(), add("late", "b")], lambda found: (answers.extend(found), answered.set()))
    assert hold.wait_hit()
    quick.send(start(), add("first", "a"))
    assert quick.core.close()
    hold.release.set()
    assert answered.wait(PATIENCE)
    assert [True, True] == [isinstance(answer, Ack) for answer in answers]
    assert {"first": "a", "late": "b"} == {name: one.content for name, one in slow.fold().messages.items()}
    assert 1 == len(list(slow.library.recordings()))
    assert slow.core.close()


def test_a_message_with_a_secret_is_known_again(tmp_path: Path) -> None:
    """What was sent is compared, which is not what is recorded: the same is a repeat, another secret a conflict."""
    service = Service(tmp_path)
    first, another = add("m", f"key {SECRET}"), add("m", f"key {SECRET[:-1]}x")
    service.send(start(), first)
    assert SECRET not in service.text()
    again = service.ack(first)
    assert (True, 2, "conflict") == (again.duplicate, again.seq, service.code(another))
    assert service.core.close()


def test_a_piece_with_a_secret_is_known_again_as_a_whole_alone(tmp_path: Path) -> None:
    """A part of it can't be compared with what is recorded: that is refused, with the length that the message has."""
    service = Service(tmp_path)
    service.send(start(), add("m"))
    piece = append(f"key {SECRET}!", offset=0)
    seq = service.ack(piece).seq
    again = service.ack(piece)
    assert (True, seq, "offset_mismatch") == (again.duplicate, again.seq, service.code(append(SECRET, offset=4)))
    service.ack(append("more", offset=len(f"key {SECRET}!")))
    assert service.core.close()


def test_a_message_that_is_kept_as_a_payload_grows_after_its_sessions_end(tmp_path: Path) -> None:
    """Its length is known from its journal, where no more stands of it than where its text is."""
    service = Service(tmp_path)
    text = "é" * 70_000
    service.send(start(), add("m", text), end())
    service.ack(append("!", offset=140_000))
    view = session_view(service.library.find_session(SID), SID)
    assert f"{text}!" == view["messages"][0]["content"]
    assert "offset_mismatch" == service.code(append("?", offset=140_002))
    assert service.core.close()
