"""Terminals recorded by asciinema become recordings, with their own times, secrets taken out, and damage told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from kernels import cast_text, lines

from jupyter_recorder.convert import import_file
from jupyter_recorder.errors import ImportFailed
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording

GOLDEN = Path(__file__).parent.parent / "golden" / "asciicast"
Write = Callable[..., Path]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Return a library of this test's own."""
    return Library(tmp_path / "root")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a cast of a header and events, and return its path."""

    def write(header: dict[str, object], *events: object, name: str = "demo.cast", tail: str = "") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(line) + "\n" for line in (header, *events)) + tail, encoding="utf-8")
        return path

    return write


def only(library: Library) -> Recording:
    """Return the one recording there is."""
    (found,) = library.recordings()
    return found


V2 = {"version": 2, "width": 100, "height": 30, "timestamp": 1700000000, "title": "A demo", "command": "make"}


def test_a_cast_becomes_a_finished_recording(library: Library, write: Write) -> None:
    """Title, size, command and times are the file's own; the recording is completed and listed."""
    summary = import_file(library, write(V2, [0.5, "o", "hello\r\n"], [3.25, "r", "80x24"], [4.0, "o", "end"]))
    recording = only(library)

    assert (recording.id,) == summary.recordings
    assert ("A demo", "completed", "terminal") == (recording.title, recording.state, recording.manifest["kind"])
    assert (1700000000000, 1700000004000) == (recording.manifest["started_at"], recording.manifest["ended_at"])
    assert [{"track": "terminal", "kind": "terminal", "file": "terminal.cast", "cols": 100, "rows": 30,
             "command": "make"}] == recording.manifest["tracks"]  # fmt: skip
    assert [[0.5, "o", "hello\r\n"], [3.25, "r", "80x24"], [4.0, "o", "end"]] == lines(
        recording.path / "terminal.cast"
    )[1:]
    journal = lines(recording.path / "session.ndjson")
    assert ["header", "terminal_start", "terminal_end", "footer"] == [line["type"] for line in journal]
    assert {"format": "asciicast", "file": "demo.cast", "version": 2, "unknown": 0} == recording.manifest["imported"]


def test_nothing_of_the_lock_stays(library: Library, write: Write) -> None:
    """An import lets go of what kept its folder from being taken for a dead one's."""
    import_file(library, write(V2, [0.5, "o", "x"]))

    assert ["dedupe.key", "manifest.json", "session.ndjson", "terminal.cast"] == sorted(
        path.name for path in only(library).path.iterdir()
    )
    assert [] == library.stale()


def test_version_3_counts_intervals(library: Library, write: Write) -> None:
    """Intervals are added up, and the exit status is the terminal's."""
    header = {"version": 3, "term": {"cols": 80, "rows": 24, "type": "xterm"}}
    import_file(library, write(header, [0.5, "o", "a"], [0.25, "o", "b"], [1, "x", "3"]))
    recording = only(library)

    assert [[0.5, "o", "a"], [0.75, "o", "b"], [1.75, "x", "3"]] == lines(recording.path / "terminal.cast")[1:]
    assert 3 == next(event for event in recording.events() if event["type"] == "terminal_end")["exit_code"]


def test_version_1_is_one_object(library: Library, tmp_path: Path) -> None:
    """The frames of version 1 are delays and text."""
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"version": 1, "width": 80, "height": 24, "title": "old",
                                "stdout": [[0.5, "a"], [1, "b"]]}))  # fmt: skip
    import_file(library, path)
    recording = only(library)

    assert "old" == recording.title
    assert [[0.5, "o", "a"], [1.5, "o", "b"]] == lines(recording.path / "terminal.cast")[1:]


def test_a_secret_over_two_events_is_taken_out(library: Library, write: Write) -> None:
    """Redaction is on by default, and sees across the events of a stream."""
    token = "ghp_" + "a1B2" * 9
    import_file(library, write(V2, [0.5, "o", "key " + token[:10]], [0.51, "o", token[10:] + "\r\n"], [2.0, "o", "."]))
    text = cast_text(only(library).path / "terminal.cast")

    assert "key [redacted:" in text
    assert "a1B2a1B2" not in text


def test_what_is_damaged_is_told(library: Library, write: Write) -> None:
    """Lines that are no events are counted, and a torn tail is named; the rest is there."""
    path = write(V2, [0.5, "o", "a"], {"no": "event"}, [1.0, "o", "b"], tail='[9.5,"o","tor')
    summary = import_file(library, path)

    assert 1 == summary.unknown
    assert ("line 3 is no event of an asciicast and was left out", "its last line is torn and was left out") == (
        summary.warnings
    )
    assert "ab" == cast_text(only(library).path / "terminal.cast")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"\x00\xff\xfe garbage", "its format is not known"),
        (b'{"version": 9, "width": 80, "height": 24}\n', "its version is 9"),
        (b'{"version": 2, "width": 0, "height": 99999999}\n', "its size is 0x99999999"),
    ],
)
def test_what_is_no_cast_is_refused(library: Library, tmp_path: Path, content: bytes, why: str) -> None:
    """A file of which nothing can be made is an error with its name and the reason; no folder is left."""
    path = tmp_path / "bad.cast"
    path.write_bytes(content)
    with pytest.raises(ImportFailed, match=why) as caught:
        import_file(library, path)

    assert str(path) in str(caught.value)
    assert [] == list(library.recordings())
    assert [] == library.leftovers()


def test_a_long_import_is_known_to_live(library: Library, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of a terminal renew the owner's record when its last sign of life is old."""
    beats = []
    monkeypatch.setattr("jupyter_recorder.convert.draft.HEARTBEAT_SECONDS", -1)
    monkeypatch.setattr(
        "jupyter_recorder.library.state.RecordingState.heartbeat", lambda self: beats.append(self) or True
    )
    import_file(library, write(V2, *([number, "o", "x"] for number in range(5))))

    assert len(beats) >= 5
