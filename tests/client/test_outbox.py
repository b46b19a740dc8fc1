"""The outbox: what was given survives kills, torn lines and full disks, and one process has it at a time."""

from __future__ import annotations

import errno
import gc
import json
import math
import os
import random
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path
from types import FrameType

import pytest
from faults import CountingFiles, Fault, FaultyFiles, KillingFiles
from hypothesis import given
from hypothesis import strategies as st
from plain import eventually
from programs import environment

from jupyter_recorder import InvalidEvent, OutboxFull, OutboxInUse, RecorderClient, StorageError
from jupyter_recorder.client.backlog import Backlog, Entry
from jupyter_recorder.client.intake import Intake
from jupyter_recorder.client.outbox import Outbox

NOWHERE = "http://127.0.0.1:9"
PROGRAM = Path(__file__).with_name("giving_process.py")


def nothing() -> None:
    """Be woken, and do nothing."""


def intake(folder: Path, files: CountingFiles | None = None, max_bytes: int = 2**26) -> Intake:
    """Open an outbox that nobody sends from."""
    return Intake(Outbox(folder, files or CountingFiles()), max_bytes, nothing)


def start(session_id: str = "s") -> dict[str, object]:
    """Return an event."""
    return {"type": "session_start", "session_id": session_id, "provider": "test"}


def add(number: int, session_id: str = "s") -> dict[str, object]:
    """Return an event whose content is its number."""
    event = {"type": "message_add", "session_id": session_id, "message_id": f"m{number}", "role": "user"}
    return {**event, "content": str(number)}


def held(folder: Path) -> list[dict[str, object]]:
    """Return the events that an opening finds."""
    opened = intake(folder)
    events = [json.loads(entry.data) for entry in opened.backlog]
    opened.outbox.close()
    return events


def test_what_was_given_is_there_at_the_next_opening(tmp_path: Path) -> None:
    """Events stand in the next opening in order, with their ids, producer and numbers from 1."""
    first = intake(tmp_path)
    ids = [first.send(event) for event in (start(), add(1), add(2))]
    first.outbox.close()
    events = held(tmp_path)
    assert ids == [event["event_id"] for event in events]
    assert [1, 2, 3] == [event["producer_seq"] for event in events]
    assert {first.producer} == {event["producer"] for event in events}


def test_each_opening_is_a_producer_of_its_own(tmp_path: Path) -> None:
    """What is given after a restart is numbered from 1 by another producer, behind what was left."""
    first = intake(tmp_path)
    first.send(start())
    first.outbox.close()
    second = intake(tmp_path)
    second.send(add(1))
    second.outbox.close()
    before, after = held(tmp_path)
    assert (1, 1) == (before["producer_seq"], after["producer_seq"])
    assert before["producer"] != after["producer"]


def test_sessions_are_numbered_apart(tmp_path: Path) -> None:
    """Each session counts from 1."""
    opened = intake(tmp_path)
    for event in (start("a"), start("b"), add(1, "a"), add(1, "b")):
        opened.send(event)
    opened.outbox.close()
    assert [("a", 1), ("a", 2), ("b", 1), ("b", 2)] == [(e["session_id"], e["producer_seq"]) for e in held(tmp_path)]


def test_what_was_answered_is_gone(tmp_path: Path) -> None:
    """Events up to the last one that was answered for good are not there at the next opening."""
    opened = intake(tmp_path)
    for number in range(5):
        opened.send(add(number))
    taken = opened.backlog.take(1, 3, 2**20)
    for entry in taken:
        opened.settle(entry, acked=True)
    opened.note_done({"s": taken[-1]})
    assert (3, 2) == (opened.acked, opened.unacked)
    opened.outbox.close()
    assert ["3", "4"] == [event["content"] for event in held(tmp_path)]


def test_a_file_cut_at_every_byte_keeps_whole_events(tmp_path: Path) -> None:
    """Whatever byte a kill leaves as the last one, exactly the whole events are found, and no error is raised."""
    folder = tmp_path / "box"
    opened = intake(folder)
    opened.send(start())
    opened.send(add(1))
    opened.grow("s", "m1", "é1")
    opened.grow("s", "m1", "2")
    opened.send(add(2))
    opened.outbox.close()
    data = (folder / "outbox.ndjson").read_bytes()
    wanted = {
        1: ["session_start"],
        2: ["session_start", "message_add"],
        3: ["session_start", "message_add", "message_append"],
        6: ["session_start", "message_add", "message_append", "message_add"],
    }
    for size in range(len(data) + 1):
        cut = tmp_path / f"cut{size}"
        cut.mkdir()
        (cut / "outbox.ndjson").write_bytes(data[:size])
        lines = data[:size].count(b"\n") - 1
        kinds = wanted[max(known for known in wanted if known <= lines)] if lines > 0 else []
        assert kinds == [event["type"] for event in held(cut)], size


def test_damage_is_kept_beside_it(tmp_path: Path) -> None:
    """A line that says nothing is passed over, kept in a file of its own, and the others are found."""
    opened = intake(tmp_path)
    opened.send(add(1))
    opened.send(add(2))
    opened.outbox.close()
    path = tmp_path / "outbox.ndjson"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"garbage\n", *lines[2:], b'{"torn']))
    assert ["1", "2"] == [event["content"] for event in held(tmp_path)]
    assert b'garbage\n{"torn\n' == (tmp_path / "outbox.ndjson.broken").read_bytes()


def test_pieces_are_one_event_with_an_offset(tmp_path: Path) -> None:
    """Pieces of a growing message that a kill left become one append, whose offset counts UTF-8 bytes."""
    opened = intake(tmp_path)
    opened.send({**add(1), "content": "é"})
    for piece in ("a", "ü", "\ud83d\ude00"):
        opened.grow("s", "m1", piece)
    opened.outbox.close()
    event = held(tmp_path)[1]
    assert ("aü😀", 2) == (event["content_delta"], event["offset"])


def test_pieces_keep_their_place(tmp_path: Path) -> None:
    """What follows a piece comes after it: another event, and a piece of another message."""
    opened = intake(tmp_path)
    for number in (1, 2):
        opened.send(add(number))
    opened.grow("s", "m1", "a")
    opened.grow("s", "m2", "b")
    opened.send({"type": "message_delete", "session_id": "s", "message_id": "m1"})
    kinds = [(json.loads(e.data)["type"], json.loads(e.data)["message_id"]) for e in opened.backlog]
    opened.outbox.close()
    assert [("message_append", "m1"), ("message_append", "m2"), ("message_delete", "m1")] == kinds[2:]


def test_two_clients_on_one_outbox_are_refused(tmp_path: Path) -> None:
    """The second client of an outbox is told who to close, and the first one goes on."""
    with RecorderClient(NOWHERE, outbox=tmp_path) as client:
        with pytest.raises(OutboxInUse, match="another client has the outbox"):
            RecorderClient(NOWHERE, outbox=tmp_path)
        client.send(start())
        assert 1 == client.unacked
        client.close(0)


def test_by_default_two_clients_have_two_outboxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an outbox of their own, two clients take two; the next one takes over what the first one left."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    first, second = RecorderClient(NOWHERE), RecorderClient(NOWHERE)
    assert first.outbox != second.outbox
    first.send(start())
    first.close(0)
    third = RecorderClient(NOWHERE)
    assert (first.outbox, 1) == (third.outbox, third.unacked)
    second.close(0)
    third.close(0)


def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Folder and file can be read by their owner alone."""
    opened = intake(tmp_path / "box")
    opened.send(add(1))
    opened.outbox.close()
    assert (0o700, 0o600) == tuple(
        os.stat(path).st_mode & 0o777 for path in (tmp_path / "box", tmp_path / "box" / "outbox.ndjson")
    )


def test_a_full_disk_is_the_callers_error(tmp_path: Path) -> None:
    """An event that the disk did not take is an error, its number is given again, and nothing of it is found."""
    fault = Fault("write", error=errno.ENOSPC, keep=20, on=False)
    opened = intake(tmp_path, FaultyFiles(fault))
    opened.send(add(1))
    fault.on = True
    with pytest.raises(StorageError, match="can't keep an event in the outbox"):
        opened.send(add(2))
    fault.on = False
    opened.send(add(3))
    opened.outbox.close()
    assert [("1", 1), ("3", 2)] == [(event["content"], event["producer_seq"]) for event in held(tmp_path)]
    assert not (tmp_path / "outbox.ndjson.broken").exists()


def test_what_cannot_be_taken_back_damages_no_other_line(tmp_path: Path) -> None:
    """Where a disk takes half a line and does not let go of it, the next event is whole, and the half is kept aside."""
    faults = Fault("write", error=errno.ENOSPC, keep=20, on=False), Fault("truncate", error=errno.EIO, on=False)
    opened = intake(tmp_path, FaultyFiles(*faults))
    opened.send(add(1))
    for fault in faults:
        fault.on = True
    with pytest.raises(StorageError):
        opened.send(add(2))
    for fault in faults:
        fault.on = False
    opened.send(add(3))
    opened.send(add(4))
    opened.outbox.close()
    assert ["1", "3", "4"] == [event["content"] for event in held(tmp_path)]
    assert 1 == (tmp_path / "outbox.ndjson.broken").read_bytes().count(b"\n")


def test_an_outbox_that_cannot_be_read_is_told_and_not_held(tmp_path: Path) -> None:
    """Something else in the file's place is an error that names it; put away, the outbox can be opened."""
    (tmp_path / "outbox.ndjson").mkdir()
    with pytest.raises(StorageError, match="can't read the outbox"):
        RecorderClient(NOWHERE, outbox=tmp_path)
    (tmp_path / "outbox.ndjson").rmdir()
    assert [] == held(tmp_path)


def test_what_says_nothing_is_kept_aside(tmp_path: Path) -> None:
    """Lines of another version, of no type that is known, or without their number: aside, and again the next time."""
    for number in range(2):
        opened = intake(tmp_path)
        opened.send(add(number))
        opened.outbox.close()
        with (tmp_path / "outbox.ndjson").open("ab") as file:
            file.write(b'{"type":"header","format":"other","version":9}\n{"type":"of tomorrow"}\n{"no":"type"}\n')
            file.write(
                b'{"type":"event","event":{"session_id":"s","producer":"p","producer_seq":"1","event_id":"e"}}\n'
            )
    assert ["0", "1"] == [event["content"] for event in held(tmp_path)]
    assert 8 == (tmp_path / "outbox.ndjson.broken").read_bytes().count(b"\n")


def test_it_is_bounded(tmp_path: Path) -> None:
    """Beyond its bound nothing is taken, with an error that says what to do; what it has stays."""
    opened = intake(tmp_path, max_bytes=1000)
    while opened.backlog.size <= 1000:
        opened.send(add(opened.unacked))
    with pytest.raises(OutboxFull, match="max_outbox_bytes"):
        opened.send(add(100))
    assert 1000 < opened.backlog.size < 1500
    opened.outbox.close()


def test_what_was_answered_takes_no_room(tmp_path: Path) -> None:
    """Of 20,000 events that were answered one after the other, the file keeps less than 3 MiB."""
    opened = intake(tmp_path)
    text = "x" * 300
    largest = 0
    for number in range(20_000):
        opened.send({**add(number), "content": text})
        (entry,) = opened.backlog.take(number + 1, 1, 2**20)
        opened.settle(entry, acked=True)
        opened.note_done({"s": entry})
        largest = max(largest, opened.outbox.size)
    opened.outbox.close()
    assert largest < 3 * 2**20
    assert [] == held(tmp_path)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "marker", "session_id": "s", "label": "x"},
        {"type": "heartbeat", "timestamp": 1},
        {"type": "message_add", "session_id": "s", "message_id": "m", "role": "user"},
        {**add(1), "session_id": ""},
        {**add(1), "message_id": "é" * 129},
        {**add(1), "content": "x" * (4 * 2**20)},
        {**add(1), "content": {"blob": "x"}},
        {"type": "session_start", "provider": "x"},
        "no event",
    ],
)
def test_what_no_server_takes_is_the_callers_error(tmp_path: Path, event: object) -> None:
    """An event that would be refused for good is refused on entry, and uses up no number."""
    opened = intake(tmp_path)
    with pytest.raises(InvalidEvent):
        opened.send(event)  # type: ignore[arg-type]
    assert 0 == opened.unacked
    opened.outbox.close()


@pytest.mark.parametrize("seed", range(5))
def test_a_kill_at_any_point_loses_nothing_that_was_taken(tmp_path: Path, seed: int) -> None:
    """A program is killed while it gives: all that it had been told is kept is found, in order, tokens too."""
    command = [sys.executable, str(PROGRAM), NOWHERE, str(tmp_path / "box"), "s", "hybrid", "100000", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if len(lines) == 1:
            limit = random.Random(seed).randrange(10, 3000)
        if len(lines) >= limit:
            break
    process.kill()
    lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    last = max(int(line[1:]) for line in lines if line.startswith("+"))
    messages = {line.strip() for line in lines if line.startswith("m")}
    events = held(tmp_path / "box")
    text = "".join(str(event["content_delta"]) for event in events if event["type"] == "message_append")
    assert text.startswith("".join(f"[{number}]" for number in range(last + 1)))
    assert messages <= {event.get("message_id") for event in events}
    first = [e["producer_seq"] for e in events if e["producer"] == events[0]["producer"]]
    assert list(range(1, len(first) + 1)) == first


def work(folder: Path, files: CountingFiles, told: int) -> None:
    """Give events, have some of them answered, tidy, and give more; tells of each on the descriptor `told`."""
    opened = intake(folder, files)
    for number in range(4):
        opened.send(add(number))
        os.write(told, b"+%d\n" % number)
    taken = opened.backlog.take(1, 2, 2**20)
    for entry in taken:
        opened.settle(entry, acked=True)
    opened.note_done({"s": taken[-1]})
    opened.grow("s", "m3", "piece")
    os.write(told, b"+piece\n")
    opened.outbox.rewrite(opened._lines())
    opened.send(add(4))
    os.write(told, b"+4\n")
    opened.outbox.close()


@pytest.mark.parametrize("half", [False, True])
def test_a_kill_at_each_file_call_loses_nothing_that_was_taken(tmp_path: Path, half: bool) -> None:
    """Killed at each of its file calls, half a write included, the next opening has all that was taken."""
    for nth in range(1000):
        folder = tmp_path / str(nth)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            work(folder, KillingFiles(nth, half=half), writing)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            told = [line.strip()[1:] for line in pipe]
        status = os.waitpid(pid, 0)[1]
        events = held(folder)
        text = [str(event.get("content", event.get("content_delta"))) for event in events]
        assert [one for one in told if one not in ("0", "1")] == [one for one in text if one in told and one > "1"], nth
        assert list(dict.fromkeys(text)) == text, nth
        if not os.WIFSIGNALED(status):
            break
    assert 10 < nth < 999


def test_ctrl_c_at_any_point_keeps_numbers_whole(tmp_path: Path) -> None:
    """However often Ctrl-C comes, what is in the file is what is in memory, numbered without a gap."""
    opened = intake(tmp_path)
    within = {Intake.send.__code__, Intake.grow.__code__}

    def interrupt(_: int, frame: FrameType | None) -> None:
        while frame is not None and frame.f_code not in within:
            frame = frame.f_back
        if frame is not None:  # and not in the test itself
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGALRM, interrupt)
    interrupted = 0
    gc.disable()  # a Ctrl-C in a finalizer is nobody's to catch
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0003)
        for number in range(2000):
            try:
                opened.send(add(number))
                opened.grow("s", f"m{number}", "x")
            except KeyboardInterrupt:
                interrupted += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()
    opened.cut(math.inf)
    numbers = [entry.number for entry in opened.backlog]
    opened.outbox.close()
    assert interrupted > 10
    assert list(range(1, len(numbers) + 1)) == numbers == [event["producer_seq"] for event in held(tmp_path)]


def test_what_waits_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not acknowledged within two seconds or so is synced to this machine's own disk, once."""
    synced: list[int] = []
    original = Outbox.sync

    def sync(outbox: Outbox) -> None:
        synced.append(outbox._unsynced)
        original(outbox)

    monkeypatch.setattr(Outbox, "sync", sync)
    monkeypatch.setattr("jupyter_recorder.client.delivery._SYNC_SECONDS", 0.05)
    with RecorderClient(NOWHERE, outbox=tmp_path) as client:
        client.send(start())
        eventually(lambda: len(synced) > 3)
        client.close(0)
    assert 1 == sum(synced)


@given(st.lists(st.tuples(st.sampled_from(["give", "take", "answer", "cut", "fail"]), st.integers(0, 2)), max_size=60))
def test_a_backlog_sends_each_lane_in_order(steps: list[tuple[str, int]]) -> None:
    """Whatever is given, sent, answered, cut and kept back, a lane is answered in order, and nothing is lost."""
    backlog, gave, answered, flying = Backlog(), [0, 0, 0], [0, 0, 0], deque[Entry]()
    for number, (step, lane) in enumerate(steps, 1):
        if step == "give":
            gave[lane] += 1
            backlog.add(Entry(str(lane), "p", gave[lane], "", b"x"))
        elif step == "take":
            flying += backlog.take(number, 3, 1000)
        elif step == "cut":
            backlog.rewind()
            flying.clear()
        elif flying:
            entry = flying.popleft()
            found = backlog.lane(entry.session_id)
            assert found is not None
            if not entry.frame or found.entries[0] is not entry:
                continue
            if step == "answer":
                answered[int(entry.session_id)] += 1
                assert answered[int(entry.session_id)] == entry.number
                backlog.settle(entry)
            else:
                backlog.rest(found, 0)
                backlog.wake(1)
    assert sum(gave) - sum(answered) == backlog.count == len(list(backlog))
    backlog.rewind()
    left = backlog.take(1000, 1000, 100_000)
    assert len(left) == backlog.count
    for lane in range(3):
        assert list(range(answered[lane] + 1, gave[lane] + 1)) == [e.number for e in left if e.session_id == str(lane)]
