"""RecordingService: what is acked is on the disk, repeats are told, and sessions go on after everything."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faults import Fault, FaultyFiles
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from services import PATIENCE, SID, Service, add, append, end, numbered, start

from jupyter_recorder.library.state import RecordingState
from jupyter_recorder.protocol import Ack, Error
from jupyter_recorder.recorder import Recorder

STEPS = ["send", "again", "skip", "restart", "batch"]
SECRET = "sk-ant-api03-" + "Zx9" * 31 + "AA"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service over an empty root, closed at the end."""
    one = Service(tmp_path / "root")
    yield one
    assert one.core.close()


def wait_until(so: Any) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# -- resume


def test_a_session_goes_on_in_the_next_process(tmp_path: Path) -> None:
    """After an orderly stop the next service takes the session's next event without a new start."""
    first = Service(tmp_path)
    first.send(start(), add("m", "hello"))
    assert first.core.close()
    assert ("interrupted", "server_stopped") == (first.manifest()["state"], first.manifest()["reason"])
    second = Service(tmp_path)
    assert 4 == second.ack(append(" again")).seq
    assert "hello again" == second.text()
    assert ["session_start", "message_add", "resume", "message_append"] == [line["type"] for line in second.lines()]
    assert ("recording", None) == (second.manifest()["state"], second.manifest()["ended_at"])
    assert second.core.close()


def test_a_session_waits_for_the_recovery_that_has_its_recording(tmp_path: Path) -> None:
    """A server marks what the last one left while clients are back already: none of them is refused."""
    first = Service(tmp_path)
    first.send(start(), add("m", "hello"))
    assert first.core.close()
    claim = RecordingState(first.path()).claim()
    assert claim is not None
    second = Service(tmp_path)
    timer = threading.Timer(1.0, claim.abandon)  # longer than a lock is tried for where nothing recovers
    timer.start()
    assert 4 == second.ack(append(" again")).seq
    timer.join()
    assert second.core.close()


def test_bytes_before_a_resume_never_change(tmp_path: Path) -> None:
    """A resumed journal begins with the bytes that it ended with."""
    first = Service(tmp_path)
    first.send(start(), add(), end())
    before = (first.path() / "session.ndjson").read_bytes()
    first.ack(append("more"))
    assert first.core.close()
    assert (first.path() / "session.ndjson").read_bytes().startswith(before)


def test_a_completed_session_is_resumed_by_any_event_but_a_heartbeat_or_another_end(service: Service) -> None:
    """Neither of these two touches it; an append does."""
    service.send(start(), add(), end())
    ended = service.lines()
    assert "session_ended" == service.ack(end()).status
    assert "heartbeat" == service.ack({"type": "heartbeat", "session_id": SID, "timestamp": 1}).status
    assert (ended, "completed") == (service.lines(), service.manifest()["state"])
    service.ack(append("x"))
    assert "recording" == service.manifest()["state"]


@pytest.mark.parametrize("left", ["ended", "stopped"])
def test_a_refused_event_uses_up_its_number_in_a_session_that_is_not_open(tmp_path: Path, left: str) -> None:
    """After an end, and after a restart, an event that is refused for good has its number, and the next is taken."""
    first = Service(tmp_path)
    first.send(*numbered([start(), add("m", "hi"), *([end()] if left == "ended" else [])]))
    if left == "stopped":
        assert first.core.close()
    number = 4 if left == "ended" else 3
    service = first if left == "ended" else Service(tmp_path)
    bad = [append("x", "nosuch"), append("x", "m", offset=99), add("m", "other"), {**add(), "content": 1}]
    codes = ["message_not_found", "offset_mismatch", "conflict", "invalid_event"]
    for at, (event, code) in enumerate(zip(bad, codes, strict=True)):
        assert code == service.code(numbered([event], first=number + at)[0])
        service.ack(numbered([end()], "q", first=at + 1)[0])  # it is closed again
    service.ack(numbered([append("!", "m")], first=number + 4)[0])
    assert "hi!" == service.text()
    assert service.core.close()


def test_a_refused_event_uses_up_its_number_after_one_that_is_held(service: Service) -> None:
    """An append that is held, as it may end in half a secret, does not cost a refusal behind it its number."""
    answers = service.send(*numbered([start(), add(), append("a sk-ant"), append("x", offset=99), append("!")]))
    codes = [one.code if isinstance(one, Error) else one.status for one in answers[2:]]
    assert ["message_appended", "offset_mismatch", "message_appended"] == codes
    assert "a sk-ant!" == service.text()


def test_a_session_whose_journal_was_never_begun_is_begun(tmp_path: Path) -> None:
    """A folder that its maker gave its id, and no journal before it died, does not keep the session from recording."""
    Service(tmp_path).library.create(SID, "chat", session_id=SID).state.stop()
    service = Service(tmp_path)
    assert "session_not_found" == service.code(add("m", "hi"))
    service.send(start(), add("m", "hi"))
    assert ["resume", "session_start", "message_add"] == [line["type"] for line in service.lines()]
    assert service.core.close()


def test_a_repeated_end_finishes_one_that_a_crash_cut_off(tmp_path: Path) -> None:
    """Where the end's line was on the disk and the manifest not yet, the same event again completes the session."""
    first = Service(tmp_path)
    events = numbered([start(), add("m", "hi"), end()])
    first.send(*events)
    assert first.core.close()
    manifest = first.path() / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"completed"', '"interrupted"'), "utf-8")
    second = Service(tmp_path)
    answer = second.ack(events[-1])
    assert (True, 3, "completed") == (answer.duplicate, answer.seq, second.manifest()["state"])
    assert second.core.close()


def test_repeats_do_not_resume_an_ended_session(service: Service) -> None:
    """A whole batch sent three times changes nothing after the first."""
    batch = numbered([start(), add("m", "hi"), append(" there"), end()])
    first = service.send(*batch)
    before = (service.path() / "session.ndjson").read_bytes()
    for _ in range(2):
        again = service.send(*batch)
        assert [True] * 4 == [isinstance(one, Ack) and one.duplicate for one in again]
        assert [one.seq for one in first if isinstance(one, Ack)] == [one.seq for one in again if isinstance(one, Ack)]
    assert before == (service.path() / "session.ndjson").read_bytes()


def test_a_session_that_times_out_is_interrupted_and_resumed(tmp_path: Path) -> None:
    """After its time without an event it lets go of its lock; the next event takes it up."""
    service = Service(tmp_path, session_timeout_secs=0.05)
    service.send(start(), add())
    wait_until(lambda: service.manifest()["state"] == "interrupted")
    assert "timeout" == service.manifest()["reason"]
    wait_until(lambda: not (service.path() / "recording.lock").exists())
    service.ack(append("x"))
    assert "x" == service.text()
    assert service.core.close()


def test_the_longest_idle_session_makes_way(tmp_path: Path) -> None:
    """With as many open as may be, a new one has the longest idle one interrupted; its next event resumes it."""
    service = Service(tmp_path, max_sessions=2)
    for name in ("a", "b", "c"):
        service.ack(start(name))
    wait_until(lambda: service.manifest("a")["state"] == "interrupted")
    assert "ack" == type(service.one(add("m", "x", "a"))).__name__.lower()
    assert service.core.close()


def test_another_process_own_session_is_in_progress(tmp_path: Path) -> None:
    """Two services on one root each own their sessions; the error names the owner."""
    first, second = Service(tmp_path), Service(tmp_path)
    first.ack(start("one"))
    second.ack(start("two"))
    for service, session_id in ((second, "one"), (first, "two")):
        answer = service.one(add("m", "x", session_id))
        assert isinstance(answer, Error)
        assert "recording_in_progress" == answer.code
        assert "process" in answer.message
    assert first.core.close()
    assert 3 == second.ack(add("m", "x", "one")).seq
    assert second.core.close()


# -- what is safe


def test_nothing_is_acked_before_it_is_synced(tmp_path: Path) -> None:
    """While a sync hangs there is no answer; when it ends there is."""
    hold = Fault("datasync", "session.ndjson", hang=True)
    files = FaultyFiles()
    service = Service(tmp_path, files)
    service.ack(start())
    files.faults.append(hold)
    answered = threading.Event()
    service.core.submit([add()], lambda _: answered.set())
    assert hold.wait_hit()
    assert not answered.is_set()
    hold.on = False
    hold.release.set()
    assert answered.wait(PATIENCE)
    assert service.core.close()


def test_with_written_an_ack_waits_for_the_write_alone(tmp_path: Path) -> None:
    """With `durability="written"` an event is acked, as such, while its sync hangs, and its line is in the file."""
    hold = Fault("datasync", "session.ndjson", hang=True)
    files = FaultyFiles()
    service = Service(tmp_path, files, durability="written")
    service.ack(start())
    files.faults.append(hold)
    assert "written" == service.ack(add("m", "hello")).durability
    assert b'"hello"' in (service.path() / "session.ndjson").read_bytes()
    assert "written" == service.ack(append(" again")).durability
    hold.on = False
    hold.release.set()
    assert service.core.close()


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("kind", ["write", "datasync"])
def test_a_failure_is_told_at_once_and_healed(tmp_path: Path, kind: str) -> None:
    """A disk that fails once gives `persist_failed`; sent again, the event is there once, and a gap says what was."""
    files = FaultyFiles()
    service = Service(tmp_path, files)
    told: list[str] = []
    service.core.on_change.append(lambda session, what, error: told.append(what))
    service.send(start(), add())
    files.faults.append(Fault(kind, "session.ndjson", errno.EIO, nth=0))
    event = append("kept", event_id="e")
    assert "persist_failed" == service.code(event)
    wait_until(lambda: isinstance(service.one(event), Ack))
    assert "kept" == service.text()
    wait_until(lambda: "gap" in [line["type"] for line in service.lines()])
    wait_until(lambda: told[-1] == "healed")
    assert ["started", "failed", "healed"] == told
    assert service.core.close()


def test_a_failing_session_is_seen_and_the_others_go_on(tmp_path: Path) -> None:
    """Health names the session whose disk refuses, and another one is acked meanwhile."""
    files = FaultyFiles()
    service = Service(tmp_path, files)
    service.send(start("bad"), start("good"))
    files.faults.append(Fault("write", "session.ndjson", errno.ENOSPC, nth=0))
    files.faults.append(Fault("create", ".session.1.ndjson.tmp", errno.ENOSPC))
    assert "persist_failed" == service.code(add("m", "x", "bad"))
    assert isinstance(service.one(add("m", "x", "good")), Ack)
    assert ["bad"] == [one["session_id"] for one in service.core.health()["failing_sessions"]]
    files.faults.clear()
    wait_until(lambda: not service.core.health()["failing_sessions"])
    assert service.core.close()


def test_an_open_session_closes_its_file_when_many_others_are_used(service: Service, monkeypatch: Any) -> None:
    """Beyond a number of open journals the least recently used one has no descriptor, and writes on all the same."""
    monkeypatch.setattr("jupyter_recorder.service.service.OPEN_JOURNALS", 3)
    names = [f"s{number}" for number in range(6)]
    for name in names:
        service.send(start(name), add("m", "", name))

    def opened() -> int:
        return sum(
            Path(f"/proc/self/fd/{fd}").resolve().name == "session.ndjson"
            for fd in [one.name for one in Path("/proc/self/fd").iterdir()]
            if Path(f"/proc/self/fd/{fd}").exists()
        )

    if Path("/proc/self/fd").exists():
        wait_until(lambda: opened() <= 4)
    for name in names:
        service.ack(append("more", "m", name))
        assert "more" == service.text("m", name)


# -- repeats and refusals


def test_a_refused_event_uses_up_its_number_on_the_disk(tmp_path: Path) -> None:
    """After a restart the refused number is still used up, and told as before."""
    first = Service(tmp_path)
    first.send(*numbered([start()]))
    bad = numbered([append("x", "nosuch")], first=2)[0]
    assert "message_not_found" == first.code(bad)
    assert first.core.close()
    second = Service(tmp_path)
    assert "message_not_found" == second.code(bad)
    assert isinstance(second.one(numbered([add()], first=3)[0]), Ack)
    assert second.core.close()


def test_an_invalid_event_uses_up_its_number(service: Service) -> None:
    """One that is no event at all, but has a session and a number."""
    service.send(*numbered([start()]))
    assert "invalid_event" == service.code(numbered([{"type": "nosuch", "session_id": SID}], first=2)[0])
    assert isinstance(service.one(numbered([add()], first=3)[0]), Ack)


def test_an_invalid_first_event_uses_up_its_number(tmp_path: Path) -> None:
    """Also where its session has no recording yet: it gets one, and after a restart all is as before."""
    first = Service(tmp_path)
    bad = numbered([{"type": "session_start", "session_id": SID, "title": 1}])[0]
    assert "invalid_event" == first.code(bad)
    assert ["refused"] == [line["type"] for line in first.lines()]
    assert "message_not_found" == first.code(numbered([append("x", "m")], first=2)[0])
    assert first.core.close()
    second = Service(tmp_path)
    assert "invalid_event" == second.code(bad)
    assert "message_not_found" == second.code(numbered([append("x", "m")], first=3)[0])
    second.send(*numbered([start(), add("m", "hi")], first=4))
    assert "hi" == second.text()
    assert second.core.close()


@pytest.mark.parametrize("failing", [("mkdir", "*"), ("create", "*.ndjson*"), ("create", "*manifest*"), ("write", "*")])
def test_an_event_is_not_taken_before_the_one_that_could_not_be(tmp_path: Path, failing: tuple[str, str]) -> None:
    """Where a disk is full as a session begins, its later events wait for the first, in whatever state it is."""
    files = FaultyFiles()
    service = Service(tmp_path, files)
    files.faults.append(Fault(*failing, errno.ENOSPC))
    events = numbered([start(), start(), add("m", "hi")])
    assert "persist_failed" == service.code(events[0])
    files.faults.clear()
    assert {"gap"} <= {service.code(events[1]), service.code(events[2])} <= {"gap", "session_not_found"}
    wait_until(lambda: isinstance(service.one(events[0]), Ack))
    service.send(*events[1:])
    assert "hi" == service.text()
    assert [1, 2, 3] == [line["producer_seq"] for line in service.lines() if "producer_seq" in line]
    assert service.core.close()


def test_a_repeat_under_a_new_number_uses_it_up(service: Service) -> None:
    """A message that is there already is a duplicate; its producer goes on with the next number, however often."""
    service.send(*numbered([start(), add("m", "x")]))
    again = numbered([add("m", "x")], first=3)[0]
    for _ in range(3):
        assert (True, 2) == (service.ack(again).duplicate, service.ack(again).seq)
    assert isinstance(service.one(numbered([append("y")], first=4)[0]), Ack)


def test_old_messages_are_known_as_well_as_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of messages that were let go of: each can be changed, is a duplicate or a conflict, and is counted once."""
    monkeypatch.setattr("jupyter_recorder.service.messages.RECENT", 2)
    service = Service(tmp_path)
    service.send(start(), *(add(f"m{number}", f"text {number}") for number in range(20)))
    for again in range(2):
        assert "conflict" == service.code(add("m4", "other"))
        assert "message_not_found" == service.code(append("x", "m20"))
        assert "offset_mismatch" == service.code(append("x", "m5", offset=99))
        assert service.ack(add("m3", "text 3")).duplicate
        service.ack(append("!", "m1", offset=6 + again))
        update = {"type": "message_update", "session_id": SID, "message_id": "m0", "content": f"new {again}"}
        service.ack({**update, "is_complete": False})
        service.ack(append("?", "m0", offset=5))
        service.ack({"type": "message_delete", "session_id": SID, "message_id": "m2"})
        assert "message_not_found" == service.code(append("x", "m2"))
        service.ack(add("m2", f"again {again}"))
        assert service.ack(append("!", "m1", offset=6)).duplicate
        content = [{"message_id": "m6", "role": "user", "content": "of a snapshot"}]
        service.ack({"type": "session_snapshot", "session_id": SID, "provider": "p", "messages": content})
        service.ack(append(" ", "m6", offset=13))
        assert service.core.close()  # and the same once more, with all of it read again
        service = Service(tmp_path)
    assert ("text 1!!", "again 1", "new 1?") == tuple(service.text(name) for name in ("m1", "m2", "m0"))
    assert "text 19" == service.text("m19")
    assert service.ack({**end(), "final_message_count": 20}).warning in (None, msgspec.UNSET)
    assert service.core.close()


def test_a_number_that_a_repeat_used_up_is_no_other_events(service: Service) -> None:
    """Another event under the number is a conflict, and not told to be recorded; the repeat itself still is one."""
    service.send(*numbered([start(), add("m", "x")]))
    again = numbered([add("m", "x")], first=3)[0]
    assert service.ack(again).duplicate
    other = {"type": "session_update", "session_id": SID, "title": "another"}
    assert "conflict" == service.code(numbered([other], first=3)[0])
    service.ack(numbered([{"type": "message_delete", "session_id": SID, "message_id": "m"}], first=4)[0])
    assert service.ack(again).duplicate


def test_a_resent_append_is_known_by_its_offset(service: Service) -> None:
    """Without any id: the same bytes at the same place are a duplicate, others are not."""
    service.send(start(), add("m", "é"), append("abc", offset=2), append("def", offset=5))
    assert service.ack(append("abc", offset=2)).duplicate
    assert service.ack(append("bcd", offset=3)).duplicate
    for other in (append("abX", offset=2), append("efg", offset=6), append("x", offset=99)):
        answer = service.one(other)
        assert isinstance(answer, Error)
        assert ("offset_mismatch", 8) == (answer.code, answer.expected)
    assert "éabcdef" == service.text()


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 4)), max_size=14))
def test_however_it_is_sent_each_event_is_there_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """A producer that resends, skips ahead and meets restarts: the journal has its text once, in order."""
    root = tmp_path_factory.mktemp("once")
    service, events = Service(root), numbered([start(), add(), *(append(f"{n} ") for n in range(60))])
    sent = 0
    for step, count in steps:
        if step == "restart":
            assert service.core.close()
            service = Service(root)
        elif step == "again" and sent:
            assert all(isinstance(a, Ack) and a.duplicate for a in service.send(*events[max(0, sent - count) : sent]))
        elif step == "skip" and sent:
            assert "gap" == service.code(events[sent + count])
        elif step in ("send", "batch"):
            part = events[sent : sent + count]
            answers = service.send(*part) if step == "batch" else [service.one(event) for event in part]
            assert all(isinstance(answer, Ack) and not answer.duplicate for answer in answers), answers
            sent += count
    if sent > 1:
        assert "".join(f"{n} " for n in range(sent - 2)) == service.text()
    assert service.core.close()


# -- secrets


@pytest.mark.parametrize("cut", range(1, len(SECRET) + 12, 7))
def test_a_secret_cut_anywhere_is_not_recorded(service: Service, cut: int) -> None:
    """Over two appends a secret is found; what is left of it is no more than how all of its kind begin."""
    text = f"my key {SECRET} ok"
    service.send(start(), add())
    answers = service.send(append(text[:cut]), append(text[cut:]))
    assert all(isinstance(answer, Ack) for answer in answers)
    assert service.text().replace("[redacted:anthropic-key]", "") in (
        "my key  ok",
        "my key s ok",
        "my key sk ok",
        "my key sk- ok",
    )
    assert SECRET[6:] not in (service.path() / "session.ndjson").read_text("utf-8")


def test_a_redacted_event_is_known_again(tmp_path: Path) -> None:
    """By the hash of what was sent: the same secret is a duplicate, another one a conflict, also after a restart."""
    service = Service(tmp_path)
    event = add("m", f"key {SECRET}", event_id="e")
    service.send(start(), event)
    for _ in range(2):
        assert service.ack(event).duplicate
        assert "conflict" == service.code(add("m", f"key {SECRET[:-4]}AAAA", event_id="e"))
        assert service.core.close()
        service = Service(tmp_path)
    assert service.core.close()


def test_offsets_count_what_was_sent(tmp_path: Path) -> None:
    """After a redaction, and a restart, an append goes on where the client's own text ends."""
    service = Service(tmp_path)
    text = f"key {SECRET} "
    service.send(start(), add("m", text), append(text, offset=len(text)))
    assert service.core.close()
    service = Service(tmp_path)
    assert isinstance(service.one(append("end", offset=2 * len(text))), Ack)
    assert service.text().endswith(" end")
    assert service.core.close()


def test_metadata_and_titles_pass_redaction(service: Service) -> None:
    """Not only what is said."""
    service.send(
        start(title=f"t {SECRET}", workspace_path=f"/x/{SECRET}", metadata={"password": "hunter22", "k": SECRET}),
        {
            "type": "session_snapshot",
            "session_id": SID,
            "provider": "p",
            "messages": [said("a", SECRET), said("b", "x")],
        },
    )
    assert SECRET not in (service.path() / "session.ndjson").read_text("utf-8")
    assert "hunter22" not in (service.path() / "session.ndjson").read_text("utf-8")
    assert SECRET not in (service.path() / "manifest.json").read_text("utf-8")
    assert isinstance(service.one(append("y", "a", offset=len(SECRET))), Ack)


def said(message_id: str, content: str) -> dict[str, Any]:
    """Return a message as a snapshot has it."""
    return {"message_id": message_id, "role": "user", "content": content}


# -- names


@pytest.mark.parametrize(
    "session_id", ["../../x", "..", "a/b", "CON", "nul.txt", "x" * 256, "\u202egnp", "é", "e\u0301", "A", " "]
)
def test_any_id_has_a_folder_of_its_own(service: Service, session_id: str) -> None:
    """Whatever a client calls its session, the folder is in the root, and the manifest keeps the original."""
    service.ack(start(session_id))
    path = service.path(session_id)
    assert service.library.root == path.parent
    assert session_id == service.manifest(session_id)["session_id"]


def test_twins_are_apart(service: Service) -> None:
    """Ids that differ in case or in Unicode's forms are different sessions."""
    twins = ["twin", "TWIN", "\u00e9", "e\u0301"]
    for session_id in twins:
        service.ack(start(session_id))
    assert 4 == len({service.path(session_id) for session_id in twins})


def test_a_million_events_cost_no_more_each(service: Service) -> None:
    """The work for an event does not grow with its session: counted in journal reads, not in seconds."""
    reads: list[str] = []
    service.send(*numbered([start(), add()]))
    session = service.core.get_session(SID)
    assert session is not None
    opened = session._opened
    assert opened is not None
    find = opened.folded.dedupe.check
    opened.folded.dedupe.check = lambda event, suspects: reads.append("read") or find(event, suspects)  # type: ignore[method-assign,func-returns-value]
    for first in range(0, 3000, 500):
        service.send(*numbered([append("x") for _ in range(500)], first=3 + first))
    assert [] == reads
    assert 3000 == len(service.text())


def test_close_ends_what_is_no_session_too(tmp_path: Path) -> None:
    """A terminal's recording ends with the service, in order."""
    service = Service(tmp_path)
    recorder, track = service.core.start_terminal("terminal-1", 80, 24)
    track.output(b"hello")
    assert recorder in service.core.recorders()
    assert service.core.close()
    assert not recorder.active
    assert isinstance(recorder, Recorder)
    assert b"hello" in (recorder.path / "terminal.cast").read_bytes()
