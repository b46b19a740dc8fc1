"""Trim and redact: what goes, what stays and where it moves; the old recording stays as it was."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from services import SID, Service, add, start

from jupyter_recorder.asciicast.format import Header
from jupyter_recorder.asciicast.reader import read
from jupyter_recorder.convert.draft import Draft
from jupyter_recorder.edit import redact, trim
from jupyter_recorder.edit.timemap import TimeMap, pauses
from jupyter_recorder.errors import RecError, RecordingInProgress
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.manifest import change_labels
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.recorder import Recorder
from jupyter_recorder.redact import Redactor, pattern_of

START = 1_795_216_501_000
Fill = Callable[[Draft], None]
KEY = "ghp" + "_0123456789abcdefghijABCDEFGHIJ"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """An empty library."""
    return Library(tmp_path / "root")


def made(library: Library, fill: Fill) -> Recording:
    """Return a finished recording of a known time, unredacted."""
    source = {"format": "test", "file": "test"}
    off = Redactor(enabled=False)
    draft = Draft.begin(library, "demo", "notebook", START, title="A title", redactor=off, imported=source)
    fill(draft)
    return library.find(draft.publish())


def timeline(draft: Draft) -> None:
    """Fill a recording: a message, a cell, a marker and a terminal line at each of 0, 10, 20 … 90 seconds."""
    terminal = draft.terminal(Header(width=40, height=6), START)
    for second in range(0, 100, 10):
        at = START + second * 1000
        draft.message({"message_id": f"m{second}", "role": "user", "content": f"message {second}"}, at)
        draft.event(
            {"type": "cell_start", "cell_id": f"c{second}", "execution_count": 1, "source": f"cell {second}"}, at
        )
        draft.event({"type": "marker", "label": f"marker {second}"}, at)
        draft.event({"type": "cell_end", "cell_id": f"c{second}", "status": "ok", "duration_ms": 5000}, at + 5000)
        terminal.event(float(second), "o", f"line {second}\r\n")
    terminal.exit_code = 3
    terminal.end()


def files(recording: Recording) -> dict[str, bytes]:
    """Return a recording's files."""
    return {str(p.relative_to(recording.path)): p.read_bytes() for p in recording.path.rglob("*") if p.is_file()}


def said(recording: Recording) -> list[tuple[int, Any]]:
    """Return (seconds, what) of messages and markers."""
    events = recording.events()
    return [
        ((e["at"] - START) // 1000, e.get("content") or e["label"])
        for e in events
        if e["type"] in ("message_add", "marker")
    ]


def shown(recording: Recording, file: str = "terminal.cast") -> list[tuple[float, str]]:
    """Return (seconds, text) of a terminal's output."""
    return [(event.time, event.data) for event in read(recording.cast_lines(file)).events if event.code == "o"]


def test_what_is_cut_goes_and_the_rest_moves(library: Library) -> None:
    """Messages, cells, markers and lines of the cut go; what comes later comes earlier, on all tracks alike."""
    old = made(library, timeline)
    before = files(old)
    edited = trim(library, old, cuts=[(15.0, 45.0), (85.0, math.inf)])
    new = library.find(edited.id or "")

    kept = [0, 10, 50, 60, 70, 80]
    assert [(s if s < 15 else s - 30) for s in kept] == [int(s) for s, _ in shown(new)]
    assert [f"line {s}\r\n" for s in kept] == [text for _, text in shown(new)]
    assert [(s if s < 15 else s - 30, f"message {s}") for s in kept] == said(new)[::2]
    cells = [e["cell_id"] for e in new.events() if e["type"] in ("cell_start", "cell_end")]
    assert [f"c{s}" for s in kept for _ in range(2)] == cells
    assert (0, "demo-trimmed", "A title") == (edited.removed_seconds // 100, new.name, new.title)
    assert [3] == [e["exit_code"] for e in new.events() if e["type"] == "terminal_end"]
    assert before == files(old)


def test_pauses_are_cut_down(library: Library) -> None:
    """No pause is longer than asked, and the order stays."""
    new = library.find(trim(library, made(library, timeline), idle=2.0).id or "")
    at = [e["at"] for e in new.events()]

    assert at == sorted(at)
    assert 2000 >= max(b - a for a, b in itertools.pairwise(at))
    assert [n * 4.0 for n in range(10)] == [time for time, _ in shown(new)]


def test_a_mode_set_in_a_cut_still_holds(library: Library) -> None:
    """Another screen that was entered in a cut is entered at its end; what was printed there is gone."""

    def fill(draft: Draft) -> None:
        terminal = draft.terminal(Header(width=40, height=6), START)
        for time, text in ((0.0, "one"), (5.0, "\x1b[?1049hhidden"), (20.0, "two")):
            terminal.event(time, "o", text)

    new = library.find(trim(library, made(library, fill), cuts=[(4.0, 10.0)]).id or "")
    assert [(0.0, "one"), (4.0, "\x1b[?1049h"), (14.0, "two")] == shown(new)


def test_a_message_that_began_in_a_cut_goes_as_a_whole(library: Library) -> None:
    """What would go on with something that is gone goes too."""

    def fill(draft: Draft) -> None:
        draft.message({"message_id": "m1", "role": "user", "content": "secret"}, START + 1000)
        draft.message({"message_id": "m2", "role": "user", "content": "stays"}, START + 5000)
        draft.event({"type": "message_append", "message_id": "m1", "content_delta": " more"}, START + 6000)

    new = library.find(trim(library, made(library, fill), cuts=[(0.0, 3.0)]).id or "")
    assert ["stays"] == [e.get("content", e.get("content_delta")) for e in new.events()]


def test_nothing_to_trim_is_said(library: Library) -> None:
    """A cut after the end, or an idle that nothing exceeds, makes no recording."""
    old = made(library, timeline)
    for options in ({"cuts": [(200.0, 300.0)]}, {"idle": 1000.0}):
        with pytest.raises(RecError, match="nothing"):
            trim(library, old, **options)  # type: ignore[arg-type]
    assert 1 == len(list(library.recordings()))


def test_a_running_recording_is_not_edited(library: Library) -> None:
    """It is named with its owner, and left alone."""
    recorder = Recorder.start(library, "demo", "notebook")
    for edit in (trim, redact):
        with pytest.raises(RecordingInProgress, match="stop it first"):
            edit(library, library.find("demo"))
    recorder.stop()


def secrets_everywhere(draft: Draft) -> None:
    """Put one secret wherever text can stand, cut in pieces where it comes in pieces."""
    terminal = draft.terminal(Header(width=40, height=6, command=f"run {KEY}"), START)
    terminal.event(0.0, "o", f"\x1b]0;{KEY}\x07")
    for number, char in enumerate(f"see {KEY}\r\n"):
        terminal.event(number / 1000, "o", char)
    terminal.event(1.0, "m", KEY)
    terminal.event(1.0, "i", KEY)
    terminal.end()
    draft.message({"message_id": "m1", "role": "user", "content": f"a {KEY[:9]}"}, None)
    draft.event({"type": "message_append", "message_id": "m1", "content_delta": KEY[9:20]}, None)
    draft.event({"type": "message_append", "message_id": "m1", "content_delta": f"{KEY[20:]}"}, None)
    draft.message({"message_id": "m2", "role": "user", "content": "x " * 40_000 + KEY, "metadata": {"k": KEY}}, None)
    draft.event({"type": "cell_start", "cell_id": "c", "execution_count": 1, "source": KEY}, None)
    for part in (KEY[:7], KEY[7:]):
        stream = {"output_type": "stream", "name": "stdout", "text": part}
        draft.event({"type": "output", "cell_id": "c", "output": stream}, None)
    draft.event({"type": "command_start", "track": "terminal", "command": f"echo {KEY}", "cwd": f"/{KEY}"}, None)
    draft.event({"type": "marker", "label": KEY}, None)


def test_no_secret_is_left_anywhere(library: Library) -> None:
    """Not in the journal, the terminals, the blobs, the manifest or the labels; each is counted by its kind."""
    old = made(library, secrets_everywhere)
    change_labels(old.path, {"tags": ["keep", KEY]})
    edited = redact(library, library.find(old.id))
    new = library.find(edited.id or "")

    everything = b"".join(files(new).values())
    assert KEY[:12].encode() not in everything
    assert KEY[-12:].encode() not in everything
    assert {"github-token"} == set(edited.redacted)
    assert 12 <= edited.redacted["github-token"]
    assert new.manifest["counts"]["redacted"] == edited.redacted["github-token"]
    message = [e for e in new.events() if e.get("message_id") == "m1"]
    assert "a [redacted:github-token]" == "".join(e.get("content", "") + e.get("content_delta", "") for e in message)
    assert "keep" in new.tags


def test_own_patterns_are_redacted_across_pieces(library: Library) -> None:
    """A user's pattern finds what came key by key, whatever its letters."""

    def fill(draft: Draft) -> None:
        terminal = draft.terminal(Header(width=40, height=6), START)
        for number, char in enumerate("hello Zoë-42, hello"):
            terminal.event(number / 1000, "o", char)

    edited = redact(library, made(library, fill), patterns=(pattern_of(r"(?i)zoë-\d+"),))
    assert "hello [redacted:custom], hello" == "".join(text for _, text in shown(library.find(edited.id or "")))


def test_a_dry_run_makes_nothing(library: Library) -> None:
    """It counts, and no folder comes or changes."""
    old = made(library, secrets_everywhere)
    before = files(old)
    edited = redact(library, old, dry_run=True)

    assert edited.id is None
    assert edited.redacted
    assert [old.id] == [one.id for one in library.recordings()]
    assert [] == library.leftovers()
    assert before == files(old)


def test_replace_deletes_the_old_one_and_keeps_its_name(library: Library) -> None:
    """Afterwards there is one recording of that name, without the secret."""
    old = made(library, secrets_everywhere)
    edited = redact(library, old, replace=True)
    (new,) = library.recordings()

    assert (edited.id, "demo") == (new.id, new.name)
    assert not old.path.exists()


def test_redacting_twice_changes_nothing_more(library: Library) -> None:
    """A second run takes nothing out, and says the same."""
    once = library.find(redact(library, made(library, secrets_everywhere)).id or "")
    edited = redact(library, once)
    twice = library.find(edited.id or "")

    assert {} == edited.redacted
    events = [[{k: v for k, v in e.items() if k != "blob"} for e in one.events()] for one in (once, twice)]
    assert json.dumps(events[0]) == json.dumps(events[1])


spans = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=6)


@given(spans, st.lists(st.floats(0, 120), max_size=30), st.floats(0.1, 20))
def test_time_moves_together(cuts: list[tuple[float, float]], times: list[float], idle: float) -> None:
    """Whatever is cut, order stays, nothing moves later, and no pause of what stays is longer than asked."""
    times.sort()
    move = TimeMap(cuts)
    moved = [move(time) for time in times]
    assert moved == sorted(moved)
    assert all(new <= old + 1e-9 for new, old in zip(moved, times, strict=True))
    short = move.without(pauses(times, idle, move))
    kept = [short(time) for time in times if not move.is_cut(time)]
    assert kept == sorted(kept)
    assert all(b - a <= idle + 1e-6 for a, b in itertools.pairwise(kept))


def test_what_is_not_known_goes_along(library: Library) -> None:
    """Events of a later version are kept beside the others, what only the old writers needed is not."""
    service = Service(library.root)
    service.send(start(), add("m", "hello"))
    assert service.core.close()
    service = Service(library.root)
    service.send(add("n", "again"), {"type": "session_update", "session_id": SID, "title": "OTTER"})
    assert service.core.close()
    journal = service.path() / "session.ndjson"
    later = journal.read_bytes().replace(b'"type":"session_update"', b'"type":"session_of_tomorrow"')
    journal.write_bytes(later)
    new = library.find(redact(library, library.find_session(SID)).id or "")

    kinds = [event["type"] for event in new.events()]
    assert ("resume" in later.decode(), "resume" in kinds, 2) == (True, False, kinds.count("message_add"))
    assert b"OTTER" in (new.path / "session.ndjson").read_bytes()


@pytest.mark.parametrize("hurt", ["gone", "no cast"])
def test_a_terminal_that_cannot_be_read_costs_itself_alone(library: Library, hurt: str) -> None:
    """The rest is trimmed, and what was said is where it was."""
    old = made(library, timeline)
    file = old.path / "terminal.cast"
    file.unlink() if hurt == "gone" else file.write_text("no cast\n")
    new = library.find(trim(library, old, cuts=[(5, 15)]).id or "")

    assert [] == list(new.cast_files())
    assert [(0, "message 0"), (0, "marker 0"), (10, "message 20")] == said(new)[:3]


def test_an_edit_that_fails_leaves_nothing(library: Library) -> None:
    """What stops it on its way is raised, the old recording is as it was, and there is no other one."""
    old = made(library, timeline)
    before = files(old)

    def stop(_done: float, _total: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trim(library, old, cuts=[(5, 15)], progress=stop)
    assert before == files(old)
    assert [old.path] == [path for path in library.root.iterdir() if not path.name.startswith(".lock")]
