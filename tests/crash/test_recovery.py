"""Recovery: real processes record by the real start path, are killed, and are recovered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from programs import Program, environment, killed, living, orphaned, output
from recording_process import tree

from jupyter_recorder.journal.reader import Report
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recovery import recover
from jupyter_recorder.library.state import RecordingState


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of recordings."""
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def test_a_killed_recording_keeps_all_that_it_had_on_the_disk(root: Path) -> None:
    """Every event and every byte of a terminal that were durable are read back after the recovery."""
    path = killed("record", root)
    journal, cast = (path / "session.ndjson").read_bytes(), (path / "terminal.cast").read_bytes()
    recover(Library(root))
    recording = Library(root).find(path.name)
    assert (journal, cast) == ((path / "session.ndjson").read_bytes(), recording.read_cast("terminal.cast"))
    assert [event["type"] for event in recording.events()] == ["cell_start", "output", "message_add", "terminal_start"]


def test_a_recovered_recording_is_named_by_its_last_event(root: Path) -> None:
    """The new name is the UTC time of the last event, the state `recovered`, and id and folder stay."""
    path = killed("record", root)
    (info,) = recover(Library(root))
    recording = Library(root).find(path.name)
    last = max(event["at"] for event in recording.events())
    spoken = datetime.fromtimestamp(recording.manifest["ended_at"] / 1000, UTC).strftime("recovered-%Y-%m-%d-%H%M%S")
    assert ("demo", spoken, "recovered", 4) == (info.previous_name, info.name, info.state, info.events)
    assert (spoken, "recovered", True) == (recording.name, recording.state, recording.manifest.get("recovered"))
    assert last <= (recording.manifest["ended_at"] or 0) <= last + 1000


def test_counts_and_tracks_are_derived_from_the_files(root: Path) -> None:
    """What the manifest had not yet counted when its process died is counted by the recovery."""
    path = killed("record", root)
    recover(Library(root))
    manifest = Library(root).find(path.name).manifest
    counts = {key: manifest["counts"][key] for key in ("events", "cells", "outputs", "messages", "terminals")}
    size = sum((path / name).stat().st_size for name in ("session.ndjson", "terminal.cast"))
    assert counts == {"events": 4, "cells": 1, "outputs": 1, "messages": 1, "terminals": 1}
    assert size == manifest["counts"]["bytes"]
    assert sorted(track["track"] for track in manifest["tracks"]) == ["cells", "chat", "terminal"]


def test_a_second_recovery_changes_no_byte(root: Path) -> None:
    """Recovery is idempotent, and reports nothing the second time."""
    killed("record", root)
    killed("record_one", root, '{"type":"note","text":"x"}')
    recover(Library(root))
    before = tree(root)
    assert recover(Library(root)) == []
    assert before == tree(root)


def test_torn_tails_are_cut_and_kept(root: Path) -> None:
    """The bytes after the last whole line of journal and terminal stand in their `.broken` files."""
    path = killed("record", root)
    whole = {name: (path / name).read_bytes() for name in ("session.ndjson", "terminal.cast")}
    for name, torn in (("session.ndjson", b'{"seq":5,"at"'), ("terminal.cast", b'[9.0,"o","\xc3')):
        with (path / name).open("ab") as file:
            file.write(torn)
    (info,) = recover(Library(root))
    assert whole == {name: (path / name).read_bytes() for name in whole}
    assert (path / "session.ndjson.broken").read_bytes() == b'{"seq":5,"at"'
    assert (path / "terminal.cast.broken").read_bytes() == b'[9.0,"o","\xc3'
    assert info.cut_bytes == 24


def test_every_segment_is_repaired(root: Path) -> None:
    """A journal that went on in a second file after a failed sync loses the torn tail of each."""
    path = killed("two_segments", root)
    assert (path / "session.1.ndjson").exists()
    for name in ("session.ndjson", "session.1.ndjson"):
        with (path / name).open("ab") as file:
            file.write(b"\0\0\0")
    (info,) = recover(Library(root))
    labels = [event["label"] for event in Library(root).find(path.name).events() if event["type"] == "marker"]
    assert info.cut_bytes == 6
    assert [f"chapter {number}" for number in range(6)] == labels


def test_damage_in_the_middle_is_left_alone(root: Path) -> None:
    """A line that cannot be read before the last whole one is reported by the reader and never rewritten."""
    path = killed("record", root)
    lines = (path / "session.ndjson").read_bytes().split(b"\n")
    lines[2] = b"\xff" * len(lines[2])
    damaged = b"\n".join(lines)
    (path / "session.ndjson").write_bytes(damaged)
    recover(Library(root))
    report = Report()
    assert [event["seq"] for event in Library(root).find(path.name).events(report)] == [1, 3, 4]
    assert (1, damaged) == (len(report.damage), (path / "session.ndjson").read_bytes())


CONTENT = [
    '{"type":"cell_start","cell_id":"c","execution_count":1,"source":""}',
    '{"type":"output","cell_id":"c","output":{"output_type":"stream","name":"stdout","text":""}}',
    '{"type":"message_add","message_id":"m","role":"user","content":""}',
    '{"type":"command_start","track":"terminal","command":"ls","cwd":"/"}',
    '{"type":"marker","label":""}',
    '{"type":"note","text":""}',
]


@pytest.mark.parametrize("kind", [*CONTENT, "terminal"])
def test_one_piece_of_content_is_enough_to_be_kept(root: Path, kind: str) -> None:
    """A command, cell, message, output, marker or note, or one event of a terminal, is never removed."""
    path = killed("record_one", root, kind)
    (info,) = recover(Library(root))
    assert (info.removed, info.error, Library(root).find(path.name).state) == (False, None, "recovered")


@pytest.mark.parametrize("kind", ["nothing", "silent-terminal", '{"type":"gap","reason":"x","events":0}'])
def test_an_empty_recording_is_removed(root: Path, kind: str) -> None:
    """One that holds nothing goes, folder and all."""
    path = killed("record_one", root, kind)
    (info,) = recover(Library(root))
    assert (True, path.name, []) == (info.removed, info.id, list(root.iterdir()))


def test_an_empty_recording_with_a_strangers_file_is_kept(root: Path) -> None:
    """What a person put into the folder is never deleted."""
    path = killed("record_one", root, "nothing")
    (path / "mine.txt").write_text("precious")
    (info,) = recover(Library(root))
    assert (info.removed, (path / "mine.txt").read_text()) == (False, "precious")


def test_a_completed_recording_stays_byte_identical(root: Path) -> None:
    """What ended in order is not touched, torn tail or not."""
    path = killed("complete", root)
    with (path / "session.ndjson").open("ab") as file:
        file.write(b"torn")
    before = tree(root)
    assert recover(Library(root), force=True) == []
    assert before == tree(root)


def test_a_timed_out_session_is_never_taken(root: Path) -> None:
    """A session that its server let go of in order waits to be resumed."""
    killed("interrupt", root, "timeout")
    before = tree(root)
    assert recover(Library(root), force=True) == []
    assert before == tree(root)


def test_an_interrupted_session_is_recovered_without_a_lock(root: Path) -> None:
    """What a server found dead and let go of is taken by an explicit recovery."""
    path = killed("interrupt", root)
    (info,) = recover(Library(root))
    assert (info.id, info.state, info.cut_bytes) == (path.name, "recovered", 6)
    assert not (path / "recording.lock").exists()


def test_a_recording_made_elsewhere_is_recovered_there(root: Path, tmp_path: Path) -> None:
    """A folder that the root only has a note of is recovered like the others."""
    path = killed("record_elsewhere", root, tmp_path / "there")
    (info,) = recover(Library(root))
    assert (info.path, info.state, path.parent) == (path, "recovered", tmp_path / "there")


def test_a_half_made_recording_with_content_gets_its_id(root: Path) -> None:
    """What stands under a temporary name is recovered under the id that it was to have."""
    path = killed("record", root)
    path.rename(path.with_name(f".new-{path.name}-0123abcd"))
    (info,) = recover(Library(root))
    assert (info.id, info.state, [one.path for one in Library(root).recordings()]) == (path.name, "recovered", [path])


def test_an_empty_recording_of_an_unknown_owner_is_kept(root: Path) -> None:
    """With a record that cannot be read, nothing at all is deleted."""
    path = killed("record_one", root, "nothing")
    (path / "recording.json").write_bytes(b"garbage")
    (info,) = recover(Library(root))
    assert (info.removed, (path / "recording.json.broken").read_bytes()) == (False, b"garbage")


def test_a_lock_left_by_a_finished_recording_is_no_news(root: Path) -> None:
    """A process killed after its recording was complete leaves a lock, which goes without a word."""
    path = killed("complete_but_locked", root)
    before = {name: digest for name, digest in tree(path).items() if not name.startswith("recording.")}
    assert (Library(root).stale(), recover(Library(root))) == ([], [])
    assert tree(path) == before


def test_a_living_recording_is_never_taken(root: Path) -> None:
    """While its process lives, no recovery touches a recording, not even a forced one."""
    with living("record", root) as program:
        program.hold()
        before = tree(root)
        assert recover(Library(root), force=True) == []
        assert before == tree(root)
        assert Library(root).find(program.path.name).state == "recording"


def test_a_recording_whose_record_was_taken_away_is_not_taken_from_its_living_writer(root: Path) -> None:
    """With lock and record gone, the manifest's writer decides."""
    with living("record", root) as program:
        for name in ("recording.lock", "recording.json"):
            (program.path / name).unlink()
        assert recover(Library(root)) == []
    (info,) = recover(Library(root))
    assert info.state == "recovered"


def test_a_fork_that_outlives_its_parent_does_not_keep_the_recording(root: Path) -> None:
    """A kernel killed while its forked worker lives is recoverable, and the worker cannot write."""
    with orphaned("fork_worker", root) as program:
        os.kill(program.facts["worker"], 0)
        (info,) = recover(Library(root))
        assert (info.state, info.error) == ("recovered", None)


def test_a_program_started_while_recording_inherits_nothing(root: Path) -> None:
    """A child program that closes nothing by itself does not keep the lock either."""
    with orphaned("spawn_child", root):
        (info,) = recover(Library(root))
        assert (info.state, info.error) == ("recovered", None)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="who holds a file is asked of /proc")
def test_a_child_that_keeps_a_dead_owners_lock_is_named(root: Path) -> None:
    """With the lock held past its owner's death, nothing is taken, and the report says by which process."""
    with orphaned("hidden_fork", root) as program:
        before = tree(root)
        (info,) = recover(Library(root))
        assert program.facts["worker"] == info.holder_pid
        assert str(info.holder_pid) in str(info.error)
        assert before == tree(root)
    assert recover(Library(root))[0].state == "recovered"


def test_two_that_end_in_one_second_get_two_names(root: Path) -> None:
    """On a tie the second one's name ends in -2."""
    path = killed("record", root)
    shutil.copytree(path, path.with_name(f"{path.name}-2"))
    first, second = recover(Library(root))
    assert f"{first.name}-2" == second.name


def test_one_corrupt_recording_among_a_thousand_blocks_no_other(root: Path) -> None:
    """The others are listed and recovered; the bad one is reported once, and left as it is."""
    for _ in range(10):
        Program("many", root, 100).kill()
    bad = sorted(root.iterdir())[500]
    (bad / "manifest.json").write_bytes(b'{"format":"jupyter-recorder"')
    before = tree(bad)
    infos = recover(Library(root))
    assert [bad.name] == [info.id for info in infos if info.error]
    assert len({info.name for info in infos if info.state == "recovered"}) == 999
    assert len(list(Library(root).recordings())) == 1000
    assert before.keys() - {"recording.lock"} == tree(bad).keys() - {"recording.lock"}


def test_a_recovery_that_fails_deletes_nothing(root: Path, tmp_path: Path) -> None:
    """A journal that is a link out of the folder is an error, and what it names is not opened."""
    path = killed("record", root)
    (path / "session.ndjson").rename(tmp_path / "outside")
    (path / "session.ndjson").symlink_to(tmp_path / "outside")
    before = {**tree(path), "outside": (tmp_path / "outside").read_bytes()}
    (info,) = recover(Library(root))
    assert info.error is not None
    assert before == {**tree(path), "outside": (tmp_path / "outside").read_bytes()}


def test_a_recovery_killed_at_any_point_and_run_again_gives_the_same(root: Path, tmp_path: Path) -> None:
    """Killed at each of its file calls, a recovery that runs again ends in the same bytes as one that was not."""
    path = killed("record", root)
    killed("record_one", root, "nothing")
    for name in ("session.ndjson", "terminal.cast"):
        with (path / name).open("ab") as file:
            file.write(b'{"torn')
    (tmp_path / "scratch").mkdir()
    results = output("killed_recoveries", root, tmp_path / "scratch")
    recover(Library(root))
    assert len(results) > 30
    assert [tree(root)] * len(results) == results


def test_a_creation_killed_at_any_point_leaves_nothing_behind(tmp_path: Path) -> None:
    """A recording killed while it was being made is empty, and recovery takes all of it away."""
    results = output("killed_creations", tmp_path)
    assert len(results) > 15
    assert [{}] * (len(results) - 1) == results[:-1]


def test_two_recoveries_at_once_share_the_work(root: Path) -> None:
    """Each recording is recovered by one of two processes under a name of its own, and none fails."""
    Program("many", root, 40).kill()
    code = (
        "import sys, json; from jupyter_recorder.library.recovery import recover;"
        "from jupyter_recorder.library.library import Library;"
        "print(json.dumps([(i.name, i.error) for i in recover(Library(sys.argv[1]))]))"
    )
    command = [sys.executable, "-c", code, str(root)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) for _ in range(2)]
    told = [pair for process in running for pair in json.loads(process.communicate()[0])]
    assert [error for _, error in told] == [None] * 40
    assert len({name for name, _ in told}) == 40


def test_cleanup_with_a_store_recovers_what_the_shared_lock_names(root: Path, tmp_path: Path) -> None:
    """A program with one lock for all its recordings gets its dead one recovered by way of that lock."""
    path = killed("record", root)
    shared = tmp_path / "shared"
    shared.mkdir()
    killed("hold", shared, "demo", path)
    info = RecordingState(shared).cleanup_stale_lock(Library(root))
    assert info is not None
    assert (path.name, "demo", "recovered") == (info.id, info.previous_name, Library(root).find(path.name).state)
    assert list(shared.iterdir()) == []


def test_cleanup_does_not_follow_a_record_out_of_the_store(root: Path, tmp_path: Path) -> None:
    """A record that names a recording of another root does not get that one changed."""
    other, shared = tmp_path / "other", tmp_path / "shared"
    other.mkdir()
    shared.mkdir()
    path = killed("record", other)
    killed("hold", shared)
    record = json.loads((shared / "recording.json").read_bytes())
    record["session"]["path"] = str(path)
    (shared / "recording.json").write_text(json.dumps(record))
    before = tree(other)
    RecordingState(shared).cleanup_stale_lock(Library(root))
    assert before == tree(other)


def test_a_recovered_recording_is_found_by_the_name_it_had(root: Path) -> None:
    """Its new name is told, and the old one leads to it as long as nothing else is called so."""
    killed("record", root)
    (info,) = recover(Library(root))
    assert info.previous_name != info.name
    assert info.id == Library(root).find(info.previous_name).id
