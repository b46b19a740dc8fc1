"""Appends that are taken as one run are recorded and answered as if each had come by itself."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from services import SID, Service

from jupyter_recorder.journal.reader import read_events
from jupyter_recorder.protocol import Answer
from jupyter_recorder.service import runs
from jupyter_recorder.service.answers import Submission
from jupyter_recorder.service.service import Batch

BEGINS: tuple[dict[str, Any], ...] = (
    {"type": "session_start", "session_id": SID, "provider": "t", "producer": "p", "producer_seq": 1},
    *(
        {"type": "message_add", "session_id": SID, "message_id": mid, "role": "user", "content": "é", "producer": "p"}
        | {"producer_seq": number}
        for number, mid in ((2, "m"), (3, "other"))
    ),
)
FIRST = 4


def append(number: int, text: str = "x") -> dict[str, Any]:
    """Return an append to a message by the producer."""
    event = {"type": "message_append", "session_id": SID, "message_id": "m", "content_delta": text}
    return {**event, "producer": "p", "producer_seq": number}


# What each event has that differs from the one before, beside a number that follows: nothing, as a rule.
ODD = st.sampled_from(
    [
        *[{}] * 12,
        {"message_id": "other"},
        {"message_id": "no such"},
        {"event_id": "e"},
        {"event_id": "p:4"},
        {"event_id": None},
        {"content_delta": "\ud800"},
        {"content_delta": "é" * 70_000},
        {"content_delta": 1},
        {"offset": 2},
        {"offset": None},
        {"producer": "q", "producer_seq": 1},
        {"producer": None},
        {"color": "blue"},
        {"by": "eve"},
        {"type": "message_add", "message_id": "m", "role": "user", "content": "é"},
    ]
)
TEXT = st.sampled_from(["a ", "é", "token ", "", "\n", '"quoted" '])


@st.composite
def streams(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """Frames of events, mostly appends that follow each other; some number is at times left out, or said again."""
    number, offset, frames = FIRST, 2, []
    with_ids, with_offsets = draw(st.booleans()), draw(st.booleans())
    for size in draw(st.lists(st.integers(1, 12), min_size=1, max_size=4)):
        frame = []
        for _ in range(size):
            text = draw(TEXT)
            event = append(number, text)
            event |= {"event_id": f"id-{number}"} if with_ids else {}
            event |= {"offset": offset} if with_offsets else {}
            odd = draw(ODD)
            frame.append({**event, **odd})
            offset += len(text.encode()) if not odd else 0
            number += draw(st.sampled_from([1] * 14 + [0, 2, -1]))
        frames.append(frame)
    return frames


def told(answer: Answer) -> dict[str, Any]:
    """Return what an answer says, without ids that are made up for an event that has none."""
    said = {key: getattr(answer, key) for key in answer.__struct_fields__}
    return {key: value for key, value in said.items() if key not in ("event_id", "message")}


def recorded(service: Service) -> list[dict[str, Any]]:
    """Return the lines of the session's journal, without times and made-up ids."""
    lines = [{key: value for key, value in line.items() if key != "at"} for line in read_events(service.path())]
    return [line if "producer" in line else {**line, "event_id": "?"} for line in lines]


@settings(max_examples=60, deadline=None)
@given(streams(), st.booleans())
def test_a_run_is_recorded_as_its_events(frames: list[list[dict[str, Any]]], redact: bool) -> None:
    """Answers and lines are the same, whether events come many at once or each by itself."""
    with tempfile.TemporaryDirectory() as folder:
        together, apart = (Service(Path(folder) / name, redact=redact) for name in ("together", "apart"))
        for service in (together, apart):
            service.send(*BEGINS)
        many = [answer for frame in frames for answer in together.send(*frame)]
        single = [apart.one(event) for frame in frames for event in frame]
        assert list(map(told, single)) == list(map(told, many))
        assert recorded(apart) == recorded(together)
        lengths = [service.core.get_session(SID).folded.length("m") for service in (apart, together)]  # type: ignore[union-attr]
        assert lengths[0] == lengths[1]
        for service in (together, apart):
            service.core.close()


def test_a_run_may_be_of_several_frames(tmp_path: Path) -> None:
    """What one sender has sent in several frames is answered frame by frame, and journaled together, however long."""
    service = Service(tmp_path)
    service.send(*BEGINS)
    sizes = (1, 300, 1, 200, 11)
    found: dict[int, list[Answer]] = {}
    done = threading.Event()
    numbers = iter(range(FIRST, FIRST + sum(sizes)))

    def taker(place: int) -> Any:
        def take(answers: list[Answer]) -> None:
            found[place] = answers
            if len(found) == len(sizes):
                done.set()

        return take

    batches = [
        Batch([append(next(numbers)) for _ in range(size)], taker(place), "ana") for place, size in enumerate(sizes)
    ]
    service.core.submit_all(batches)
    assert done.wait(20)
    assert list(sizes) == [len(found[place]) for place in range(len(sizes))]
    assert list(range(4, 4 + sum(sizes))) == [answer.seq for place in range(len(sizes)) for answer in found[place]]  # type: ignore[union-attr]
    service.core.close()


def test_most_of_what_is_streamed_is_taken_as_one() -> None:
    """Appends with and without ids and offsets become one ticket; a single one, and what differs, does not."""
    share = [runs.Share(Submission.of(3, print), 0, 3)]
    plain = [append(number) for number in (4, 5, 6)]
    named = [{**event, "event_id": f"id-{event['producer_seq']}", "offset": at} for at, event in enumerate(plain)]
    for events in (plain, named):
        (ticket,) = runs.tickets(events, share, "ana", None) or [None]
        assert ticket is not None
        assert 3 == ticket.count
    assert runs.tickets(plain[:1], share, "ana", None) is None
    assert runs.tickets([*plain[:2], {**plain[2], "offset": 9}], share, "ana", None) is None


def test_a_secret_in_a_run_is_taken_out(tmp_path: Path) -> None:
    """A secret that came in pieces, all at once, is not on the disk, and each of the events is acked."""
    service = Service(tmp_path)
    service.send(*BEGINS)
    secret = "sk-ant-api03-" + "Zx9" * 31 + "AA"
    pieces = [secret[at : at + 7] for at in range(0, len(secret), 7)]
    answers = service.send(*[append(number, piece) for number, piece in enumerate(["key ", *pieces, " end"], FIRST)])
    assert list(range(FIRST, FIRST + len(pieces) + 2)) == [answer.seq for answer in answers]  # type: ignore[union-attr]
    text = "".join(str(line.get("content_delta", "")) for line in recorded(service))
    assert "Zx9" not in text
    assert text.startswith("key [redacted:")
    assert text.endswith(" end")
    service.core.close()


def test_a_run_that_comes_too_late_is_answered_event_by_event(tmp_path: Path) -> None:
    """A service that was closed answers each event of a run, so that its sender is not left waiting."""
    service = Service(tmp_path)
    service.send(*BEGINS)
    service.core.close()
    answers = service.send(*[append(number) | {"event_id": f"id-{number}"} for number in (4, 5, 6)])
    assert [("persist_failed", f"id-{number}") for number in (4, 5, 6)] == [
        (getattr(answer, "code", ""), answer.event_id) for answer in answers
    ]
