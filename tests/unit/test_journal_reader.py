"""Reading: segments as one, damage skipped and told, one event found among many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journals import HEADER, begin, journal, note

from jupyter_recorder.journal import codec, find, reader
from jupyter_recorder.journal.codec import encode_line
from jupyter_recorder.journal.find import find_event
from jupyter_recorder.journal.reader import Report, last_event, merge_segments, read_events, read_lines, segments


def lines(*events: dict[str, Any]) -> bytes:
    """Return events as a file's bytes."""
    return b"".join(encode_line(event) for event in events)


def event(seq: int, text: str = "") -> dict[str, Any]:
    """Return one event."""
    return {"seq": seq, "at": seq, "type": "note", "text": text}


def test_the_highest_segment_that_has_a_number_counts(recording: Path) -> None:
    """A line that stands whole in a file that was given up gives way to the one written after it."""
    (recording / "session.ndjson").write_bytes(lines(event(1, "a"), event(2, "old"), event(3, "old"), event(4, "old")))
    (recording / "session.1.ndjson").write_bytes(lines(event(2, "b"), event(3, "old")))
    (recording / "session.2.ndjson").write_bytes(lines(event(3, "c"), event(4, "d"), event(5, "e")))
    assert [found["text"] for found in read_events(recording)] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("streams", "merged"),
    [
        ([], []),
        ([[]], []),
        ([[(1, "a")], []], [(1, "a")]),
        ([[], [(1, "a")]], [(1, "a")]),
        ([[(1, "a"), (2, "b")], [(2, "B"), (3, "C")]], [(1, "a"), (2, "B"), (3, "C")]),
        ([[(1, "a"), (2, "b"), (3, "c")], [(2, "B")]], [(1, "a"), (2, "B"), (3, "c")]),
        ([[(1, "a"), (4, "d")], [(2, "B")], [(2, "x"), (3, "y")]], [(1, "a"), (2, "x"), (3, "y"), (4, "d")]),
    ],
)
def test_numbered_streams_merge(streams: list[list[tuple[int, str]]], merged: list[tuple[int, str]]) -> None:
    """Of equal numbers the last stream's counts, and the order is that of the numbers."""
    iterators: list[Iterator[tuple[int, str]]] = [iter(stream) for stream in streams]
    assert list(merge_segments(iterators)) == merged


def test_segments_are_found_by_their_names_alone(recording: Path) -> None:
    """Other files of the folder are none, and ten follows nine."""
    for name in ("session.ndjson", "session.10.ndjson", "session.9.ndjson", "session.01.ndjson", "session.x.ndjson"):
        (recording / name).touch()
    for name in ("session.ndjson.broken", ".session.1.ndjson.tmp", "session.1.ndjson.broken", "a.session.ndjson"):
        (recording / name).touch()
    assert [number for number, _ in segments(recording)] == [0, 9, 10]


def test_reading_after_a_number_gives_the_rest(recording: Path) -> None:
    """`after` leaves out what is known."""
    (recording / "session.ndjson").write_bytes(lines(*[event(n) for n in range(1, 8)]))
    assert [found["seq"] for found in read_events(recording, after=5)] == [6, 7]


def test_the_last_footer_counts(recording: Path) -> None:
    """After a resume the journal has two footers."""
    writer = begin(recording)
    writer.append(note("a"))
    writer.close("completed", 20)
    with reader_writer(recording) as resumed:
        resumed.append(note("b"))
    report = Report()
    assert len(list(read_events(recording, report))) == 2
    assert report.footer is not None
    assert report.footer["events"] == 2
    assert report.header is not None
    assert report.header["id"] == HEADER["id"]


def reader_writer(folder: Path) -> Any:
    """Resume a journal, closed at the end of the block."""
    from contextlib import contextmanager

    from jupyter_recorder.journal.writer import JournalWriter

    @contextmanager
    def resumed() -> Iterator[JournalWriter]:
        writer = JournalWriter.resume(folder, HEADER)
        yield writer
        assert writer.close("completed", 20)

    return resumed()


def test_numbers_that_go_back_are_damage(recording: Path) -> None:
    """A line whose number is not above the one before is told, and skipped."""
    (recording / "session.ndjson").write_bytes(lines(event(1), event(3), event(2), event(3), event(4)))
    report = Report()
    assert [found["seq"] for found in read_events(recording, report)] == [1, 3, 4]
    assert len(report.damage) == 2


def test_a_line_beyond_the_limit_is_damage_as_a_whole(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows in it is no line of its own, even if it looks like one."""
    monkeypatch.setattr(reader, "LINE_BYTES", 1000)
    monkeypatch.setattr(reader, "_CHUNK", 64)
    long = b"x" * 5000 + b'{"seq":2,"at":2,"type":"note"}\n'
    (recording / "session.ndjson").write_bytes(lines(event(1)) + long + lines(event(3)))
    report = Report()
    assert [found["seq"] for found in read_events(recording, report)] == [1, 3]
    assert [damage.size for damage in report.damage] == [len(long)]


def test_lines_are_the_same_whatever_the_pieces_read(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offsets and lines don't depend on where a read ends."""
    path = recording / "session.ndjson"
    path.write_bytes(lines(*[event(n, "é" * n) for n in range(1, 30)]) + b"torn")
    expected = list(read_lines(path, Report()))
    for size in (1, 2, 7, 100):
        monkeypatch.setattr(reader, "_CHUNK", size)
        report = Report()
        assert list(read_lines(path, report)) == expected
        assert report.torn_bytes == 4


def test_the_last_event_is_the_highest_of_all_segments(recording: Path) -> None:
    """A footer, a torn tail or a shorter next segment don't hide it."""
    (recording / "session.ndjson").write_bytes(lines(event(1), event(2), event(3), {"type": "footer"}) + b'{"seq":9')
    (recording / "session.1.ndjson").write_bytes(lines({"type": "header"}, event(2, "again")))
    assert last_event(recording) == event(3)


def test_a_journal_without_events_has_no_last_one(recording: Path) -> None:
    """A header alone, an empty file, and no file at all."""
    assert last_event(recording) is None
    (recording / "session.ndjson").write_bytes(b"")
    assert last_event(recording) is None
    (recording / "session.ndjson").write_bytes(lines({"type": "header"}))
    assert last_event(recording) is None


def test_an_event_is_found_by_its_number(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among lines of all sizes, damage and segments, each number gives its event, and others nothing."""
    monkeypatch.setattr(find, "_NEAR", 64)
    first = [event(n, "x" * (n * 37 % 300)) for n in range(1, 200)]
    data = [encode_line(one) for one in first]
    data[50:50] = [b"garbage\n", b"\x00" * 500 + b"\n"]
    (recording / "session.ndjson").write_bytes(b"".join(data) + b"torn")
    (recording / "session.1.ndjson").write_bytes(lines({"type": "header"}, *[event(n, "new") for n in range(150, 220)]))
    for seq in range(1, 220):
        assert find_event(recording, seq) == (first[seq - 1] if seq < 150 else event(seq, "new"))
    assert [find_event(recording, seq) for seq in (0, 220, 10**30)] == [None, None, None]


def test_a_symlinked_journal_is_refused(recording: Path, tmp_path: Path) -> None:
    """Neither reading nor resuming follows a link."""
    (tmp_path / "elsewhere").write_bytes(lines(event(1)))
    (recording / "session.ndjson").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        list(read_events(recording))
    with pytest.raises(OSError), reader_writer(recording):
        pass
    assert (tmp_path / "elsewhere").read_bytes() == lines(event(1))


def test_what_the_writer_takes_the_reader_reads(recording: Path) -> None:
    """The longest line that is written is one that is read."""
    with journal(recording) as writer:
        parts = ["x" * 60_000] * (codec.LINE_BYTES // 60_004 - 1)
        writer.append({"type": "note", "parts": parts})
    report = Report()
    assert [len(found["parts"]) for found in read_events(recording, report)] == [len(parts)]
    assert report.damage == []
