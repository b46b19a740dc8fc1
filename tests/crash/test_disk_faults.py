"""A disk that fills, fails or hangs: recording goes on, what was acknowledged is safe, the rest is told (D4, D5)."""

from __future__ import annotations

import errno
import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from faults import NO_SPACE, Fault, FaultyFiles
from journals import Watch, gaps, journal, note, notes, numbers

from jupyter_recorder.journal.commit import WORKERS, Committer
from jupyter_recorder.journal.reader import STEM, SUFFIX, Report, read_events, segment_path, segments
from jupyter_recorder.journal.writer import JournalWriter

TOLD_SECONDS = 1.0
LARGE = "x" * 70_000

pytestmark = pytest.mark.usefixtures("quick_retries")

# What a line's way to the disk consists of, and the names it uses; then what a next segment's does.
LINE = [
    ("write", "session.ndjson"),
    ("datasync", "session.ndjson"),
    ("mkdir", "blobs"),
    ("create", ".*.tmp"),
    ("write", ".[0-9a-f]*.tmp"),
    ("datasync", ".[0-9a-f]*.tmp"),
    ("close", ".[0-9a-f]*.tmp"),
    ("rename", "[0-9a-f]*"),
    ("sync_folder", "blobs"),
]
SEGMENT = [
    ("create", ".session.1.ndjson.tmp"),
    ("write", ".session.1.ndjson.tmp"),
    ("datasync", ".session.1.ndjson.tmp"),
    ("close", ".session.1.ndjson.tmp"),
    ("rename", "session.1.ndjson"),
    ("open_append", "session.1.ndjson"),
    ("sync_folder", "demo-*"),
]


@contextmanager
def failing(folder: Path, *faults: Fault) -> Iterator[tuple[JournalWriter, Watch]]:
    """Have a journal with three durable notes, then notes that meet the faults; at the end all must be well."""
    for fault in faults:
        fault.on = False
    watch, files = Watch(), FaultyFiles(*faults)
    with journal(folder, files=files, on_change=watch) as writer:
        for n in range(3):
            writer.append(note(n))
        assert writer.wait(timeout=20)
        for fault in faults:
            fault.on = True
        begun = time.monotonic()
        for n in range(3, 6):
            assert writer.append(note(n)) is not None
        assert writer.append({"type": "marker", "label": LARGE}) is not None
        assert watch.until(lambda: bool(watch.errors))
        assert watch.errors[0][0] - begun < TOLD_SECONDS
        yield writer, watch
        for fault in faults:
            fault.on = False
        assert writer.append(note(6)) is not None
        assert writer.wait(timeout=20)
        assert writer.error is None
        assert watch.until(lambda: writer.seq == 9 and writer.durable_seq == 9)
    assert notes(folder) == [str(n) for n in range(7)]
    assert numbers(folder) == list(range(1, 10))
    assert len(gaps(folder)) == 1


@pytest.mark.parametrize(("kind", "name"), LINE)
@pytest.mark.parametrize("error", NO_SPACE, ids=errno.errorcode.get)
def test_a_failure_on_a_lines_way_is_told_and_loses_nothing(recording: Path, kind: str, name: str, error: int) -> None:
    """Whichever call fails, recording goes on, no event is called durable, and all are written once there is room."""
    fault = Fault(kind, name, error)
    with failing(recording, fault) as (writer, watch):
        durable = writer.durable_seq
        assert numbers(recording)[:durable] == list(range(1, durable + 1))
        assert durable <= 6 or name.startswith("session")  # no payload, no ack; a next journal file is as good
        assert watch.errors[0][1].errno == error  # type: ignore[attr-defined]
        assert "demo" in str(writer.error or watch.errors[0][1])
    assert fault.hits >= 1


@pytest.mark.parametrize(("kind", "name"), SEGMENT)
@pytest.mark.parametrize("error", NO_SPACE, ids=errno.errorcode.get)
def test_a_failure_of_the_next_segment_too_only_delays(recording: Path, kind: str, name: str, error: int) -> None:
    """While no next segment can be begun nothing is acknowledged, and nothing of it is left lying about."""
    first = Fault("datasync", "session.ndjson", error)
    second = Fault(kind, name, error)
    with failing(recording, first, second) as (writer, _):
        assert second.wait_hit(2)
        assert writer.durable_seq == 3
        assert writer.error is not None
    assert second.hits >= 2
    assert [path.name for path in recording.iterdir() if path.name.endswith(".tmp")] == []


def test_a_file_in_the_next_segments_place_is_left_alone(recording: Path) -> None:
    """Recording goes on under the name after it, and what stands there stays as it was."""
    foreign = segment_path(recording, STEM, SUFFIX, 1)
    foreign.write_text("another's")
    fault = Fault("datasync", "session.ndjson", errno.EIO)
    with journal(recording, files=FaultyFiles(fault)) as writer:
        writer.append(note("kept"))
        assert writer.wait(timeout=20)
    assert "another's" == foreign.read_text()
    foreign.unlink()
    assert ["kept"] == notes(recording)
    assert segment_path(recording, STEM, SUFFIX, 2).exists()


def test_a_long_queue_is_in_the_next_segment_in_its_order(recording: Path) -> None:
    """What a failing disk has held back over 4 MiB is written in pieces, and no event is lost or doubled."""
    fault = Fault("datasync", "session.ndjson", errno.EIO, hang=True)
    texts = [f"{number}{'x' * 60_000}" for number in range(200)]
    with journal(recording, files=FaultyFiles(fault)) as writer:
        for text in texts:
            assert writer.append(note(text)) is not None
        assert fault.wait_hit()
        fault.release.set()
        assert writer.wait(timeout=20)
    assert texts == notes(recording)


@pytest.mark.parametrize("keep", [1, 30, 101, 200])
def test_a_short_write_leaves_no_event_twice_or_torn(recording: Path, keep: int) -> None:
    """A disk that takes a part of the bytes has its file given up: each event is read back whole, once."""
    with failing(recording, Fault("write", "session.ndjson", errno.ENOSPC, keep=keep)):
        pass
    report = Report()
    assert notes(recording, report) == [str(n) for n in range(7)]
    assert len(segments(recording)) == 2


def test_a_gap_says_what_happened_to_the_file(recording: Path) -> None:
    """The gap line names the file that was given up, why, and that no event is missing."""
    with failing(recording, Fault("datasync", "session.ndjson", errno.EIO)):
        pass
    assert gaps(recording)[0]["reason"] == f"session.ndjson: {os.strerror(errno.EIO)}"
    assert gaps(recording)[0]["events"] == 0


def test_no_ack_rests_on_a_retried_sync(recording: Path) -> None:
    """After one failed sync, which would succeed if tried again, that opening is never synced or written again."""
    fault = Fault("datasync", "session.ndjson", errno.EIO, nth=0, on=False)
    files = FaultyFiles(fault)
    with journal(recording, files=files) as writer:
        writer.append(note("safe"))
        assert writer.wait(timeout=20)
        syncs, fault.on = files.count("datasync", "session.ndjson"), True
        for n in range(50):
            writer.append(note(n))
        assert writer.wait(timeout=20)
        assert files.count("datasync", "session.ndjson") == syncs
    second = (recording / "session.1.ndjson").read_bytes().split(b"\n")
    assert b'"first_seq":2' in second[0]
    assert b'"seq":2,' in second[1]
    assert notes(recording) == ["safe", *map(str, range(50))]


def test_a_write_in_flight_counts_for_nothing_once_the_sync_before_it_failed(recording: Path) -> None:
    """A write that returns after its file was given up moves no event: the next segment has them all."""
    sync = Fault("datasync", "session.ndjson", errno.EIO, hang=True, nth=1)
    write = Fault("write", "session.ndjson", hang=True, nth=3)
    files, watch = FaultyFiles(sync, write), Watch()
    with journal(recording, files=files, on_change=watch) as writer:
        writer.append(note("a"), urgent=True)
        assert writer.wait(timeout=20)
        writer.append(note("b"), urgent=True)
        assert sync.wait_hit()
        writer.append(note("c"), urgent=True)
        assert files.wait_for("write", "session.ndjson", times=3)
        writer.append(note("d"), urgent=True)
        assert write.wait_hit()
        sync.release.set()  # it turns out to have failed
        assert watch.until(lambda: bool(watch.errors))
        write.release.set()
        assert writer.wait(timeout=20)
    assert notes(recording) == ["a", "b", "c", "d"]


def test_a_failing_write_does_not_wait_for_a_hung_sync(recording: Path) -> None:
    """The next segment is begun, and acknowledges, while a sync of the file that was given up still hangs."""
    sync = Fault("datasync", "session.ndjson", hang=True)
    write = Fault("write", "session.ndjson", errno.EIO, on=False)
    files = FaultyFiles(sync, write)
    with journal(recording, files=files) as writer:
        writer.append(note("a"), urgent=True)
        assert sync.wait_hit()
        write.on = True
        writer.append(note("b"), urgent=True)
        assert writer.wait(timeout=20)
        sync.release.set()
        assert files.wait_for("close", "session.ndjson")
        kinds = [call.kind for call in files.calls if call.path.name == "session.ndjson"]
        assert kinds[-2:] == ["datasync", "close"]  # closed under the running call, its number could be another file's
        writer.append(note("c"))
        assert writer.wait(timeout=20)
        assert len(segments(recording)) == 2
    assert notes(recording) == ["a", "b", "c"]


def test_many_failures_one_after_the_other_lose_nothing(recording: Path) -> None:
    """Each of twenty files that fails hands its events on, in order, with a gap line for each."""
    files = FaultyFiles(*[Fault("datasync", f"session.{n}.ndjson", errno.EIO) for n in range(1, 20)])
    files.faults.append(Fault("datasync", "session.ndjson", errno.EIO))
    with journal(recording, files=files) as writer:
        for n in itertools.count():
            writer.append(note(n))
            assert writer.wait(timeout=20)
            if (recording / "session.20.ndjson").exists():
                break
    assert notes(recording) == [str(number) for number in range(n + 1)]
    assert len(gaps(recording)) == 20


def test_a_failure_while_closing_is_made_good_in_the_next_segment(recording: Path) -> None:
    """A footer whose sync fails stands in the next segment, and close has told the truth about it."""
    fault = Fault("datasync", "session.ndjson", errno.EIO, on=False)
    with journal(recording, files=FaultyFiles(fault)) as writer:
        writer.append(note("a"))
        assert writer.wait(timeout=20)
        fault.on = True
        assert writer.close("completed", timeout=20)
    report = Report()
    assert notes(recording, report) == ["a"]
    assert report.footer is not None
    assert (recording / "session.1.ndjson").exists()


def test_a_close_that_timed_out_goes_on_by_itself(recording: Path) -> None:
    """When the disk comes back the footer is written and the descriptor closed, without a further call."""
    fault = Fault("datasync", "session.ndjson", hang=True)
    files = FaultyFiles(fault)
    writer = JournalWriter.create(recording, {"id": "a"}, files=files)
    writer.append(note("a"))
    assert writer.close("completed", timeout=0.05) is False
    fault.release.set()
    assert files.wait_for("close", "session.ndjson")
    assert writer.close("completed", timeout=20) is True
    report = Report()
    assert notes(recording, report) == ["a"]
    assert report.footer is not None


def test_files_that_hang_delay_no_other(tmp_path: Path) -> None:
    """With three times as many files hung as there are workers, another file is acknowledged promptly."""
    committer = Committer()
    hang = Fault("datasync", "session.ndjson", hang=True)
    hung = []
    for n in range(3 * WORKERS):
        (tmp_path / str(n)).mkdir()
        hung.append(JournalWriter.create(tmp_path / str(n), {}, files=FaultyFiles(hang), committer=committer))
        hung[-1].append(note("waits"), urgent=True)
    (tmp_path / "well").mkdir()
    with journal(tmp_path / "well", committer=committer) as writer:
        begun = time.monotonic()
        writer.append(note("goes"), urgent=True)
        assert writer.wait(timeout=20)
        assert time.monotonic() - begun < 2
    assert [one.durable_seq for one in hung] == [0] * len(hung)
    hang.release.set()
    assert all(one.close("completed", 20) for one in hung)


@pytest.mark.parametrize("hung_calls", [1, 2 * WORKERS])
def test_an_event_is_written_at_once_whether_or_not_a_sync_is_in_flight(tmp_path: Path, hung_calls: int) -> None:
    """While syncs hang, of its own file and of more files than there are workers, an event is written within 50 ms.

    The write's return is taken from the files' own record, not from when the test looks; of twenty events the
    quickest half must keep the bound, so that a machine that stalls once fails nothing.
    """
    committer = Committer()
    hang = Fault("datasync", "session.ndjson", hang=True)
    writers, all_files = [], []
    for n in range(hung_calls):
        (tmp_path / str(n)).mkdir()
        all_files.append(FaultyFiles(hang))
        writers.append(JournalWriter.create(tmp_path / str(n), {}, files=all_files[-1], committer=committer))
        writers[-1].append(note("first"), urgent=True)
        assert all_files[-1].wait_for("write", "session.ndjson")
    took = []
    for n in range(20):
        begun, before = time.monotonic(), all_files[0].count("write", "session.ndjson")
        writers[0].append(note(n))
        assert all_files[0].wait_for("write", "session.ndjson", times=before + 1)
        took.append([c.returned for c in all_files[0].calls if c.kind == "write"][-1] - begun)
    assert sorted(took)[len(took) // 2] < 0.050, took
    assert writers[0].durable_seq == 0
    hang.release.set()
    assert all(writer.close("completed", 20) for writer in writers)


def test_a_hanging_disk_is_waited_for_once_then_counted(recording: Path) -> None:
    """Past the queue's bound one append waits, the next ones don't, and a gap tells how many and how much."""
    hang = Fault("datasync", "session.ndjson", hang=True)
    with journal(recording, files=FaultyFiles(hang), held_bytes=4000, wait_seconds=0.2) as writer:
        kept = 0
        while writer.append(note(kept)) is not None:
            kept += 1
        begun = time.monotonic()
        assert [writer.append(note("lost")) for _ in range(9)] == [None] * 9
        assert time.monotonic() - begun < 0.2
        assert writer.dropped_events == 10
        hang.release.set()
        assert writer.wait(timeout=20)
        writer.append(note("after"))
    sizes = sum(len(b'{"type":"note","text":""}') + len(text) for text in [str(kept), *["lost"] * 9])
    assert [(gap["events"], gap["bytes"]) for gap in gaps(recording)] == [(10, sizes)]
    assert notes(recording) == [*map(str, range(kept)), "after"]
    types = [event["type"] for event in read_events(recording)]
    assert types[-2:] == ["gap", "note"]


def test_a_gap_is_told_though_no_further_event_comes(recording: Path) -> None:
    """What was dropped is on the disk as a gap soon after there is room, with nobody calling."""
    hang = Fault("datasync", "session.ndjson", hang=True)
    watch = Watch()
    with journal(recording, files=FaultyFiles(hang), held_bytes=2000, wait_seconds=0.0, on_change=watch) as writer:
        while writer.append(note("x" * 100)) is not None:
            pass
        seq = writer.seq
        hang.release.set()
        assert watch.until(lambda: writer.durable_seq == seq + 1)
        assert [gap["events"] for gap in gaps(recording)] == [1]


def test_events_dropped_on_a_full_disk_say_that_it_was_full(recording: Path) -> None:
    """The gap's reason is the disk's own error when there is one."""
    full = Fault("write", error=errno.ENOSPC, on=False)
    with journal(recording, files=FaultyFiles(full), held_bytes=2000, wait_seconds=0.0) as writer:
        full.on = True
        while writer.append(note("x" * 100)) is not None or writer.error is None:
            pass
        writer.append(note("lost"))
        full.on = False
    assert any(gap["events"] and gap["reason"] == os.strerror(errno.ENOSPC) for gap in gaps(recording))


def test_two_threads_over_the_bound_wait_at_most_once_each(recording: Path) -> None:
    """Ten threads that meet a hung disk all go on after one wait, not after ten."""
    hang = Fault("datasync", "session.ndjson", hang=True)
    with journal(recording, files=FaultyFiles(hang), held_bytes=1000, wait_seconds=0.3) as writer:
        writer.append(note("x" * 1000))
        begun = time.monotonic()
        threads = [threading.Thread(target=writer.append, args=(note("lost"),)) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - begun < 2 * 0.3
        hang.release.set()


def test_a_listener_that_fails_stops_nothing(recording: Path) -> None:
    """Exceptions of `on_event` and `on_change` neither reach the caller nor end the writing."""

    def fails(*_: object) -> None:
        raise RuntimeError("a listener's mistake")

    with journal(recording, on_event=fails, on_change=fails) as writer:
        for n in range(3):
            assert writer.append(note(n), urgent=True) is not None
            assert writer.wait(timeout=20)
    assert notes(recording) == ["0", "1", "2"]
