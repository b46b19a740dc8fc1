"""The writer: numbers, times, privacy, the end, and what a forked child may do."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from functools import partial
from pathlib import Path

import pytest
from faults import CountingFiles, Fault, FaultyFiles
from journals import HEADER, begin, journal, note, notes, numbers
from together import at_once

from jupyter_recorder.clock import RecordingClock
from jupyter_recorder.errors import InvalidEvent, NoActiveRecording
from jupyter_recorder.journal import writer as writer_module
from jupyter_recorder.journal.reader import Report, read_events
from jupyter_recorder.journal.writer import JournalWriter


def test_events_are_numbered_from_one_in_the_order_of_their_appends(recording: Path) -> None:
    """From ten threads: no number is missing or doubled, and each thread's order holds."""
    order: list[int] = []
    with journal(recording, on_event=lambda recorded, _: order.append(recorded.seq)) as writer:

        def append(thread: int) -> None:
            for n in range(100):
                recorded = writer.append(note(f"{thread} {n}"))
                assert recorded is not None

        assert [] == at_once(*[partial(append, n) for n in range(10)])
    assert order == list(range(1, 1001))
    assert numbers(recording) == order
    for thread_number in range(10):
        mine = [text for text in notes(recording) if text.startswith(f"{thread_number} ")]
        assert mine == [f"{thread_number} {n}" for n in range(100)]


def test_seq_and_at_of_a_client_are_left_out(recording: Path) -> None:
    """The numbers are the writer's own: a line has each key once."""
    with journal(recording) as writer:
        recorded = writer.append({"type": "note", "text": "a", "seq": 99, "at": 5})
        assert recorded is not None
        assert recorded.event == note("a")
        writer.append(note("b"))
    assert numbers(recording) == [1, 2]
    assert (recording / "session.ndjson").read_bytes().count(b'"seq"') == 2


def test_times_never_go_back_over_a_resume(recording: Path) -> None:
    """A wall clock that was set back an hour changes no order: `at` goes on from the last one."""
    ahead = RecordingClock(wall_ns=lambda: 2_000_000_000_000_000_000)
    with journal(recording, clock=ahead) as writer:
        writer.append(note("a"))
    resumed = JournalWriter.resume(recording, HEADER)
    resumed.append(note("b"))
    resumed.close("completed", 20)
    times = [event["at"] for event in read_events(recording)]
    assert times == sorted(times)


def test_a_clock_that_was_set_is_told(recording: Path) -> None:
    """A drift of the wall clock over a second adds a `clock` line before the next event."""
    wall = [10**18]
    clock = RecordingClock(wall_ns=lambda: wall[0], monotonic_ns=lambda: 0)
    with journal(recording, clock=clock) as writer:
        writer.append(note("a"))
        wall[0] += 5 * 10**9
        writer.append(note("b"))
        writer.append(note("c"))
    assert [event["type"] for event in read_events(recording)] == ["note", "clock", "note", "note"]


def test_the_journal_is_private_from_the_start(recording: Path) -> None:
    """Every file is made 0600, whatever the umask."""
    before = os.umask(0)
    try:
        with journal(recording, files=FaultyFiles(Fault("datasync", "session.ndjson", 5))) as writer:
            writer.append(note("a"))
            assert writer.wait(timeout=20)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in recording.iterdir()}
    assert modes == {"session.ndjson": 0o600, "session.1.ndjson": 0o600}


def test_an_existing_journal_is_never_begun_again(recording: Path) -> None:
    """Creating where one stands fails, and leaves it as it is."""
    with journal(recording) as writer:
        writer.append(note("a"))
    data = (recording / "session.ndjson").read_bytes()
    with pytest.raises(FileExistsError):
        begin(recording)
    assert (recording / "session.ndjson").read_bytes() == data


def test_resuming_where_nothing_stands_is_an_os_error(recording: Path) -> None:
    """There is no journal to go on with."""
    with pytest.raises(FileNotFoundError):
        JournalWriter.resume(recording, HEADER)


def test_a_closed_journal_takes_no_more(recording: Path) -> None:
    """An append after the end is refused, and closing again only waits."""
    writer = begin(recording)
    writer.append(note("a"))
    assert writer.close("completed", 20)
    with pytest.raises(NoActiveRecording):
        writer.append(note("b"))
    assert writer.close("completed", 20)
    assert (recording / "session.ndjson").read_bytes().count(b'"footer"') == 1


def test_nothing_follows_the_footer_of_threads_that_append_while_it_is_closed(recording: Path) -> None:
    """Each append either stands before the footer or is refused; two closes write one footer."""
    writer, kept = begin(recording), []

    def append() -> None:
        with contextlib.suppress(NoActiveRecording):
            for n in range(10_000):
                writer.append(note(n))
                kept.append(n)

    def close() -> None:
        assert writer.close("completed", 20)

    assert [] == at_once(append, append, append, append, close, close)
    report = Report()
    assert len(list(read_events(recording, report))) == len(kept) == writer.seq
    assert report.footer == {"type": "footer", "at": report.footer["at"], "status": "completed", "events": len(kept)}  # type: ignore[index]
    assert (recording / "session.ndjson").read_bytes().split(b"\n")[-2].startswith(b'{"type":"footer"')
    assert (recording / "session.ndjson").read_bytes().count(b'"footer"') == 1


@pytest.mark.parametrize("depth", [200, 5000])
def test_an_event_that_cannot_be_written_uses_no_number(recording: Path, depth: int) -> None:
    """It is refused before it is numbered, and the next one takes its place."""
    deep: list[object] = []
    for _ in range(depth):
        deep = [deep]
    with journal(recording) as writer:
        with pytest.raises(InvalidEvent):
            writer.append({"type": "note", "text": deep})
        writer.append(note("a"))
    assert numbers(recording) == [1]


def test_an_event_longer_than_a_line_may_be_is_refused(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no reader would read is not written."""
    monkeypatch.setattr(writer_module, "LINE_BYTES", 10_000)
    with journal(recording) as writer, pytest.raises(InvalidEvent):
        writer.append({"type": "note", "parts": ["x" * 9_000, "x" * 9_000]})


def test_a_group_of_events_costs_one_sync(recording: Path) -> None:
    """A hundred events that come at once are made durable together."""
    files = CountingFiles()
    with journal(recording, files=files, linger=0.2) as writer:
        for n in range(100):
            writer.append(note(n))
        writer.wait(timeout=20)
        assert files.count("datasync", "session.ndjson") <= 3
    assert len(notes(recording)) == 100


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="lists descriptors in /proc")
def test_one_descriptor_a_journal_and_none_after_it(recording: Path) -> None:
    """An open journal holds one descriptor, whatever was written, failed segments too; a closed one holds none."""

    def held() -> list[str]:
        links = [os.path.join("/proc/self/fd", fd) for fd in os.listdir("/proc/self/fd")]
        targets = [os.readlink(link) for link in links if os.path.lexists(link)]
        return [target for target in targets if target.startswith(str(recording))]

    files = FaultyFiles(Fault("datasync", "session.ndjson", 5), Fault("datasync", "session.1.ndjson", 5))
    with journal(recording, files=files) as writer:
        for n in range(5):
            writer.append(note("x" * 70_000 if n == 2 else n))
            assert writer.wait(timeout=20)
        assert files.wait_for("close", "session.1.ndjson")
        assert held() == [str(recording / "session.2.ndjson")]
    assert held() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_can_write_nothing_and_the_parent_goes_on(recording: Path) -> None:
    """Forked at any moment of four threads' appends: the child is refused at once and holds no descriptor of it."""
    stop = threading.Event()
    with journal(recording) as writer:

        def append() -> None:
            while not stop.is_set():
                writer.append(note("parent"))

        threads = [threading.Thread(target=append) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            ends = [_fork(writer, recording) for _ in range(20)]
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert ends == [0] * 20
        seq = writer.seq
    assert numbers(recording) == list(range(1, seq + 1))
    assert set(notes(recording)) == {"parent"}


def _fork(writer: JournalWriter, recording: Path) -> int:
    """Return how a child ended that was forked now: 0 if it was refused everything."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = _in_child(writer, recording)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _in_child(writer: JournalWriter, recording: Path) -> int:
    refused = 0
    for attempt in (lambda: writer.append(note("child")), lambda: writer.close("completed", 1)):
        try:
            attempt()
        except NoActiveRecording:
            refused += 1
    waited = writer.wait(timeout=1)
    held = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    names = [os.readlink(f"/proc/self/fd/{fd}") for fd in held if os.path.lexists(f"/proc/self/fd/{fd}")]
    ours = [name for name in names if name.startswith(str(recording / "session"))]
    return 0 if refused == 2 and not waited and ours == [] else 1
