"""Processes killed and files cut anywhere: no acknowledged event is lost, doubled or moved (D1, D2, D3)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from faults import CountingFiles
from journals import HEADER, begin, note

from jupyter_recorder.files import SYSTEM
from jupyter_recorder.journal.blobs import join_payloads
from jupyter_recorder.journal.codec import encode_line, is_whole
from jupyter_recorder.journal.reader import Report, read_events, read_lines, segments
from jupyter_recorder.journal.repair import broken_path, repair_tail
from jupyter_recorder.journal.writer import JournalWriter

SCRIPT: Final = Path(__file__).with_name("journal_process.py")
KILLS: Final = 50
SEED = os.environ.get("KILL_SEED", "")
SESSIONS: Final = 20


# -- D1: killed under load


class Acked:
    """What a process told durable, over all its lives."""

    def __init__(self) -> None:
        self.upto: dict[str, int] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}

    def take(self, output: bytes) -> None:
        """Add the lines that a process printed; the last one may be torn by the kill."""
        for line in output.split(b"\n")[:-1]:
            name, _, seq = line.partition(b" ")
            if seq:
                self.upto[name.decode()] = max(self.upto.get(name.decode(), 0), int(seq))

    def check(self, folder: Path) -> None:
        """Hold every journal against what was told: all of it is there, in order, once, and as it was before."""
        for place in sorted(folder.iterdir()):
            report = Report()
            events = list(read_events(place, report))
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            assert report.damage == []
            assert len(events) >= self.upto.get(place.name, 0)
            before = self.events.get(place.name, [])
            assert events[: len(before)] == before
            self.events[place.name] = events[: self.upto.get(place.name, 0)]
            _check_content(place, events)


def _check_content(place: Path, events: list[dict[str, Any]]) -> None:
    threads: dict[str, int] = {}
    for event in events:
        text = join_payloads(place, event["text"])
        assert len(text) == event["size"]
        thread, count, _ = text.split(" ", 2)
        assert int(count) > threads.get(thread, -1)
        threads[thread] = int(count)


def _run_and_kill(folder: Path, seed: int, lines: int) -> bytes:
    """Let a process append until it has reported so many lines, kill it, and return all that it reported."""
    command = [sys.executable, str(SCRIPT), "append", str(folder), str(SESSIONS), "3", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        seen = b""
        while seen.count(b"\n") < lines or b"ready\n" not in seen:
            part = os.read(process.stdout.fileno(), 1 << 16)
            assert part, "the process ended by itself"
            seen += part
        process.send_signal(signal.SIGKILL)
        return seen + process.stdout.read()


@pytest.mark.timeout(600)
def test_a_killed_process_has_lost_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    """Killed at 50 random points under load, and resumed each time: every acknowledged event is there, once."""
    chance, acked = random.Random(f"20261120{SEED}"), Acked()
    for kill in range(KILLS):
        known = sum(acked.upto.values())
        acked.take(_run_and_kill(tmp_path, kill, known + chance.randint(1, 400)))
        acked.check(tmp_path)
    assert min(acked.upto.values()) > 0


def test_what_a_killed_writer_left_unsynced_is_synced_before_it_counts(recording: Path) -> None:
    """A writer that resumes syncs file and folder before it calls the lines in them durable."""
    begin(recording).close("completed", 20)
    files = CountingFiles()
    writer = JournalWriter.resume(recording, HEADER, files=files)
    assert [call.kind for call in files.calls] == ["open_append", "datasync", "sync_folder"]
    writer.close("completed", 20)


# -- D2: cut anywhere


def reference(folder: Path) -> tuple[bytes, list[int]]:
    """Write a journal with all that a line can hold; return its bytes, and where each line ends."""
    writer = begin(folder)
    for event in (
        note("plain"),
        {
            "type": "message_add",
            "message_id": "m1",
            "role": "user",
            "content": "zażółć 日本語 🎉 \u2028 \x85 \x00 \n end",
        },
        {"type": "note", "text": '{"seq":7,"at":1,"type":"note"}\n{"seq":8}'},
        {"type": "output", "cell_id": "c", "output": {"data": {"text/plain": "x" * 600}}},
        {"type": "from_the_future", "field": [{"deep": [1, 2.5, None, True]}]},
    ):
        writer.append(event)
    assert writer.close("completed", 20)
    data = (folder / "session.ndjson").read_bytes()
    return data, [0] + [n + 1 for n, byte in enumerate(data) if byte == ord("\n")]


def state(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_cut_at_every_byte_is_repaired_to_its_whole_lines(recording: Path, tmp_path: Path) -> None:
    """At each offset: the whole lines stay, the cut bytes are kept in .broken, and a second repair changes nothing."""
    data, ends = reference(recording)
    place = tmp_path / "cut"
    place.mkdir()
    path = place / "session.ndjson"
    for size in range(len(data) + 1):
        path.write_bytes(data[:size])
        whole = max(end for end in ends if end <= size)
        assert repair_tail(SYSTEM, path, is_whole) == size - whole
        once = state(place)
        assert once.pop("session.ndjson") == data[:whole]
        assert once == ({"session.ndjson.broken": data[whole:size]} if size > whole else {})
        before = state(place)
        assert repair_tail(SYSTEM, path, is_whole) == 0
        assert state(place) == before
        broken_path(path).unlink(missing_ok=True)


def test_a_journal_cut_at_every_byte_is_resumed_with_whole_lines_only(recording: Path, tmp_path: Path) -> None:
    """At each tenth offset and each line's end: the writer goes on with the next number, and all reads back."""
    data, ends = reference(recording)
    for size in sorted({*range(0, len(data) + 1, 10), *ends, *(end - 1 for end in ends[1:])}):
        place = tmp_path / f"cut-{size}"
        place.mkdir()
        (place / "session.ndjson").write_bytes(data[:size])
        writer = JournalWriter.resume(place, HEADER)
        kept = writer.seq
        writer.append(note("after"))
        assert writer.close("completed", 20)
        report = Report()
        texts = [(event["seq"], event.get("text")) for event in read_events(place, report)]
        assert [seq for seq, _ in texts] == list(range(1, kept + 2))
        assert texts[-1][1] == "after"
        assert report.damage == []
        assert report.header is not None
        assert kept == max(0, min(len([end for end in ends if 0 < end <= size]) - 1, 5))


TAILS: Final = {
    "nuls": bytes(5000),
    "nuls in a line": b'{"seq":9,"at' + bytes(300) + b"\n",
    "garbage without newline": b"\xff\xfe garbage",
    "a garbage last line": b"garbage\n",
    "several garbage lines": b"\x00\n[1,2]\n\n\n{\n",
    "a value that is no object": b"17\n",
    "a half of a character": '{"seq":9,"text":"é'.encode()[:-1],
    "a line of too deep JSON": b'{"a":' + b"[" * 100_000 + b"\n",
    "a hundred thousand empty lines": b"\n" * 100_000,
    "a long piece": b"x" * 300_000,
}


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS.keys())
def test_any_garbage_at_the_end_is_cut_and_kept(recording: Path, tail: bytes) -> None:
    """Whatever stands after the last whole line goes to .broken, and the file ends as it was written."""
    data, _ = reference(recording)
    path = recording / "session.ndjson"
    path.write_bytes(data + tail)
    assert repair_tail(SYSTEM, path, is_whole) == len(tail)
    assert state(recording) == {"session.ndjson": data, "session.ndjson.broken": tail}


def test_broken_collects_the_tails_of_several_crashes(recording: Path) -> None:
    """A second torn tail is appended to the first one's copy."""
    data, _ = reference(recording)
    path = recording / "session.ndjson"
    for tail in (b"first", b"second", b"second"):
        path.write_bytes(data + tail)
        repair_tail(SYSTEM, path, is_whole)
    assert broken_path(path).read_bytes() == b"firstsecond"


@pytest.mark.parametrize("damage", [b"garbage", b"\x00" * 40, b'{"seq":1,"at":1,"type":"note"}', b"", b"[]"])
def test_damage_in_the_middle_is_reported_and_never_rewritten(recording: Path, damage: bytes) -> None:
    """A line that can't be read between whole ones is skipped, named with its place, and left in the file."""
    data, ends = reference(recording)
    path = recording / "session.ndjson"
    hurt = data[: ends[3]] + damage + b"\n" + data[ends[4] :]  # in the place of event 3
    path.write_bytes(hurt)
    assert repair_tail(SYSTEM, path, is_whole) == 0
    report = Report()
    assert [event["seq"] for event in read_events(recording, report)] == [1, 2, 4, 5]
    assert [(d.file, d.offset, d.size) for d in report.damage] == [("session.ndjson", ends[3], len(damage) + 1)]
    assert path.read_bytes() == hurt


def test_a_torn_tail_is_not_reported_as_damage(recording: Path) -> None:
    """A reader of a live file stops at the last whole line, and says how many bytes follow."""
    data, _ = reference(recording)
    (recording / "session.ndjson").write_bytes(data + b'{"seq":6,')
    report = Report()
    assert len(list(read_events(recording, report))) == 5
    assert (report.damage, report.torn_bytes) == ([], 9)


# -- D3: repair killed, and run again


@pytest.mark.parametrize("half", ["0", "1"])
def test_a_repair_killed_at_any_call_and_run_again_ends_the_same(recording: Path, half: str) -> None:
    """Killed at each of its file calls, then run again: the same file, the same .broken."""
    data, _ = reference(recording)
    path = recording / "session.ndjson"
    path.write_bytes(data + b"torn")
    broken_path(path).write_bytes(b"older")
    calls = CountingFiles()
    repair_tail(calls, path, is_whole)
    expected = state(recording)
    assert expected == {"session.ndjson": data, "session.ndjson.broken": b"oldertorn"}
    for nth in range(len(calls.calls)):
        path.write_bytes(data + b"torn")
        broken_path(path).write_bytes(b"older")
        killed = subprocess.run([sys.executable, str(SCRIPT), "repair", str(path), str(nth), half], check=False)
        assert killed.returncode == -signal.SIGKILL
        repair_tail(SYSTEM, path, is_whole)
        left = state(recording)
        for name in [name for name in left if name.endswith(".tmp")]:
            (recording / name).unlink()
            del left[name]
        assert left == expected


def test_a_segment_that_a_kill_left_half_made_is_no_segment(recording: Path) -> None:
    """A next segment has its name only when it is whole: what stands under another name is not read, and made anew."""
    writer = begin(recording)
    writer.append(note("a"))
    assert writer.close("completed", 20)
    (recording / ".session.1.ndjson.tmp").write_bytes(encode_line({"type": "header"})[:9])
    assert [number for number, _ in segments(recording)] == [0]
    assert [line for _, line in read_lines(recording / "session.ndjson", Report())] != []
    assert JournalWriter.resume(recording, HEADER).seq == 1
