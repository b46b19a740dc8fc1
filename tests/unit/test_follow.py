"""Following a track: each line once and in order, whatever its writer, a crash or a repair does meanwhile."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_recorder.library.follow import TrackTail
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder


def line(seq: int, kind: str = "marker") -> bytes:
    return json.dumps({"seq": seq, "at": seq, "type": kind}).encode() + b"\n"


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def indexes(tail: TrackTail, limit: int = 1 << 20) -> list[int]:
    return [one.number for one in tail.read(limit)]


def test_follows_a_recording_while_it_is_written(tmp_path: Path) -> None:
    """What a recorder writes is given once, with the terminal's events numbered from 1 after its header."""
    recorder = Recorder.start(Library(tmp_path), "demo", "notebook")
    journal, terminal = TrackTail(recorder.path, "journal"), TrackTail(recorder.path, "terminal")
    recorder.mark("one")
    recorder.wait()
    assert ["one"] == [one.event["label"] for one in journal.read()]
    assert [] == terminal.read()
    track = recorder.terminal(80, 24)
    track.output(b"hello")
    recorder.wait()
    header, first = terminal.read()
    assert (0, 80) == (header.number, header.event["width"])
    assert (1, ["o", "hello"]) == (first.number, first.event[1:])
    assert [2] == indexes(journal)
    track.output(b" again")
    recorder.stop()
    assert [2] == indexes(terminal)
    assert [3] == indexes(journal)
    assert [] == journal.read() == terminal.read()


@given(
    cuts=st.lists(st.integers(1, 400), max_size=12), start=st.integers(0, 12), limit=st.sampled_from([1, 60, 1 << 20])
)
def test_any_cut_gives_each_line_once(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], start: int, limit: int
) -> None:
    """However the bytes arrive and however little is read at a time, every event from the start on comes once."""
    folder = tmp_path_factory.mktemp("cut")
    data = b'{"type":"header"}\n' + b"".join(line(seq) for seq in range(1, 11))
    tail, found, at = TrackTail(folder, "journal", start), [], 0
    for cut in [*cuts, len(data)]:
        append(folder / "session.ndjson", data[at : at + cut])
        at += cut
        found += indexes(tail, limit)
    while more := indexes(tail, limit):
        found += more
    assert list(range(max(start, 1), 11)) == found


def test_a_cut_tail_is_not_taken_for_read(tmp_path: Path) -> None:
    """A last line that a repair cuts off, newline and all, hides nothing of what is written in its place."""
    path = tmp_path / "session.ndjson"
    append(path, line(1) + b'{"seq":2,\n')
    tail = TrackTail(tmp_path, "journal")
    assert [1] == indexes(tail)
    os.truncate(path, len(line(1)))
    append(path, line(2) + line(3))
    assert [2, 3] == indexes(tail)


def test_segments_are_one_track(tmp_path: Path) -> None:
    """What stands in a given-up segment and again in the next one comes once; damage inside is passed over."""
    append(tmp_path / "session.ndjson", line(1) + b"damage\n" + line(2) + line(3))
    tail = TrackTail(tmp_path, "journal")
    assert [1, 2, 3] == indexes(tail)
    append(tmp_path / "session.1.ndjson", b'{"type":"header","segment":1}\n' + line(2) + line(3) + line(4))
    assert [4] == indexes(tail)
    assert [3, 4] == indexes(TrackTail(tmp_path, "journal", 3))


def test_a_terminal_has_segments_too(tmp_path: Path) -> None:
    """A terminal's next segment goes on with the number that its header names."""
    append(tmp_path / "terminal.cast", b'{"version":2,"width":80,"height":24}\n[0.1,"o","a"]\n[0.2,"o","b"]\n')
    append(tmp_path / "terminal.1.cast", b'{"version":2,"width":80,"height":24,"first_event":2}\n[0.2,"o","b"]\n')
    tail = TrackTail(tmp_path, "terminal")
    assert [0, 1, 2] == indexes(tail)
    append(tmp_path / "terminal.1.cast", b'[0.3,"o","c"]\n')
    assert [3] == indexes(tail)


def test_chat_and_cells_share_what_belongs_to_both(tmp_path: Path) -> None:
    """The chat's track has its messages and the markers, the cells' has its cells and the markers."""
    append(tmp_path / "session.ndjson", line(1, "message_add") + line(2, "cell_start") + line(3, "marker"))
    assert [1, 3] == indexes(TrackTail(tmp_path, "chat"))
    assert [2, 3] == indexes(TrackTail(tmp_path, "cells"))


def test_a_recording_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """Following what was deleted ends in an error, not in silence."""
    (tmp_path / "gone").mkdir()
    for track in ("journal", "terminal"):
        tail = TrackTail(tmp_path / "gone", track)
        assert [] == tail.read()
        (tmp_path / "gone").rmdir()
        with pytest.raises(FileNotFoundError):
            tail.read()
        (tmp_path / "gone").mkdir()
