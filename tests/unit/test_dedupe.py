"""Dedupe: exact, whatever became of the index, and never believed against the journal."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deduping import KEY, Recording, message

from jupyter_recorder.errors import EventConflict, InvalidEvent, NoActiveRecording, SequenceGap
from jupyter_recorder.journal import cache as cache_module
from jupyter_recorder.journal import dedupe_index
from jupyter_recorder.journal.cache import cache_folder
from jupyter_recorder.journal.codec import encode_line
from jupyter_recorder.journal.dedupe import Dedupe


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Recording]:
    """Return a recording that is stopped at the end."""
    one = Recording(tmp_path / "demo", tmp_path / "cache")
    yield one
    one.stop()


def test_the_same_event_again_is_a_repeat_of_the_first(kept: Recording) -> None:
    """By its id, by its producer's number, or by both."""
    assert kept.record(message("a", event_id="x")) == ("new", 1)
    assert kept.record(message("b", producer="p", producer_seq=1)) == ("new", 2)
    assert kept.record(message("c", event_id="y", producer="p", producer_seq=2)) == ("new", 3)
    assert kept.record(message("a", event_id="x")) == ("repeat", 1)
    assert kept.record(message("b", producer="p", producer_seq=1)) == ("repeat", 2)
    assert kept.record(message("c", event_id="y", producer="p", producer_seq=2)) == ("repeat", 3)


def test_an_event_without_an_id_is_always_new(kept: Recording) -> None:
    """Equal events are two events."""
    assert [kept.record(message())[0] for _ in range(2)] == ["new", "new"]


@pytest.mark.parametrize("ids", [{"event_id": "x"}, {"producer": "p", "producer_seq": 1}])
def test_other_content_under_the_same_id_is_a_conflict(kept: Recording, ids: dict[str, Any]) -> None:
    """The error names the first one's number."""
    kept.record(message("a", **ids))
    with pytest.raises(EventConflict) as caught:
        kept.record(message("b", **ids))
    assert caught.value.seq == 1


def test_the_order_of_keys_and_what_the_server_adds_are_no_content(kept: Recording) -> None:
    """Content is JSON values: compared with sorted keys, without ids, seq, at, by and raw."""
    kept.record(message({"a": 1, "b": [2.5, None]}, event_id="x"))
    again = dict(reversed(list(message({"b": [2.5, None], "a": 1}, event_id="x").items())))
    assert kept.record({**again, "seq": 9, "at": 9, "by": "ana", "raw": "00"}) == ("repeat", 1)


def test_a_jump_ahead_says_what_is_expected(kept: Recording) -> None:
    """A producer's numbers have no holes."""
    kept.record(message("a", producer="p", producer_seq=1))
    with pytest.raises(SequenceGap) as caught:
        kept.record(message("c", producer="p", producer_seq=3))
    assert caught.value.expected == 2
    assert (kept.dedupe.committed("p"), kept.dedupe.committed("q")) == (1, 0)


@pytest.mark.parametrize("number", [0, -1])
def test_numbers_count_from_one(kept: Recording, number: int) -> None:
    """Anything below is an invalid event."""
    with pytest.raises(InvalidEvent):
        kept.record(message(producer="p", producer_seq=number))


def test_a_number_beyond_any_database_is_a_gap(kept: Recording) -> None:
    """A huge number is answered like any jump ahead."""
    with pytest.raises(SequenceGap):
        kept.record(message(producer="p", producer_seq=2**70))


def test_a_refused_event_uses_up_its_number(kept: Recording) -> None:
    """The next number is then expected, also after a restart, and the refused one is told again."""
    kept.record({"type": "refused", "producer": "p", "producer_seq": 1, "code": "message_not_found"})
    for _ in range(2):
        assert kept.dedupe.committed("p") == 1
        with pytest.raises(InvalidEvent, match="refused"):
            kept.dedupe.check(message(producer="p", producer_seq=1))
        kept.stop()
        kept.again()
    assert kept.record(message(producer="p", producer_seq=2)) == ("new", 2)


def test_a_known_id_under_a_new_number_is_a_repeat_and_stays_one(kept: Recording) -> None:
    """Its number is used up by a refused line, after which both are still a repeat."""
    kept.record(message("a", event_id="x", producer="p", producer_seq=1))
    twice = message("a", event_id="x", producer="p", producer_seq=2)
    assert kept.record(twice) == ("repeat", 1)
    kept.record({"type": "refused", "producer": "p", "producer_seq": 2, "code": "duplicate"})
    assert kept.record(twice) == ("repeat", 1)
    assert kept.record(message("b", producer="p", producer_seq=3))[0] == "new"


def test_a_redacted_line_is_compared_by_the_hash_of_what_was_sent(kept: Recording) -> None:
    """The same secret again is a repeat, another one a conflict, though both were recorded alike."""
    sent = message("key sk-1", event_id="x")
    line = {**sent, "content": "key ***", "raw": kept.dedupe.content_hash(sent).hex()}
    recorded = kept.writer.append(line)
    assert recorded is not None
    kept.dedupe.add(recorded.seq, recorded.event)
    for _ in range(2):
        assert kept.record(sent) == ("repeat", 1)
        with pytest.raises(EventConflict):
            kept.record(message("key sk-2", event_id="x"))
        kept.stop()
        kept.again()


def test_a_payload_in_a_blob_is_compared_as_it_was_sent(kept: Recording) -> None:
    """Large content is the same after a restart, and other large content is not."""
    large = {"text": "x" * 70_000, "rows": [1]}
    kept.record(message(large, event_id="x"))
    for _ in range(2):
        assert kept.record(message(large, event_id="x")) == ("repeat", 1)
        with pytest.raises(EventConflict):
            kept.record(message({**large, "rows": [2]}, event_id="x"))
        kept.stop()
        kept.again()


def test_a_large_json_payload_with_other_key_order_is_the_same(kept: Recording) -> None:
    """JSON values are compared, also where a blob keeps them in the order in which they came."""
    value = {"a/json": {"x": "x" * 70_000, "y": 1}}
    kept.record(message(value, event_id="x"))
    assert kept.writer.wait(timeout=20)
    assert kept.record(message({"a/json": dict(reversed(list(value["a/json"].items())))}, event_id="x"))[0] == "repeat"
    with pytest.raises(EventConflict):
        kept.record(message({"a/json": {**value["a/json"], "y": 2}}, event_id="x"))


def fill(kept: Recording, count: int = 30) -> list[dict[str, Any]]:
    """Record events with ids and producer numbers, durable; return them."""
    events = [message(n, event_id=f"e{n}", producer="p", producer_seq=n + 1) for n in range(count)]
    assert [kept.record(event) for event in events] == [("new", n + 1) for n in range(count)]
    assert kept.writer.wait(timeout=20)
    return events


def damage(kept: Recording, sql: str, *values: object) -> None:
    """Change the index behind dedupe's back."""
    with sqlite3.connect(kept.index) as database:
        database.execute(sql, values)
    database.close()


HURT: dict[str, Callable[[Recording], object]] = {
    "whole": lambda kept: None,
    "missing": lambda kept: kept.index.unlink(),
    "empty": lambda kept: kept.index.write_bytes(b""),
    "garbage": lambda kept: kept.index.write_bytes(b"garbage" * 1000),
    "cut": lambda kept: os.truncate(kept.index, 5000),
    "half garbage": lambda kept: kept.index.write_bytes(kept.index.read_bytes()[:4096] + bytes(8192)),
    "of another boot": lambda kept: damage(kept, "UPDATE state SET boot='other'"),
    "of another version": lambda kept: damage(kept, "UPDATE state SET version=99"),
    "never finished": lambda kept: damage(kept, "DELETE FROM state"),
    "behind": lambda kept: damage(kept, "UPDATE state SET seq=9, mark=x''"),
    "of another journal": lambda kept: damage(kept, "UPDATE state SET mark=x'00'"),
    "wrong in its numbers": lambda kept: damage(kept, "UPDATE names SET seq=seq%7+1"),
    "wrong in its content": lambda kept: damage(kept, "UPDATE names SET content=x'00112233445566778899aabbccddeeff'"),
    "wrong in what was refused": lambda kept: damage(kept, "UPDATE names SET content=x''"),
}


@pytest.mark.parametrize("hurt", HURT.values(), ids=HURT.keys())
def test_whatever_became_of_the_index_the_answers_are_right(
    kept: Recording, hurt: Callable[[Recording], object]
) -> None:
    """A restart with an index that is missing, damaged, old or wrong gives every event its first number."""
    events = fill(kept)
    kept.stop()
    hurt(kept)
    kept.again()
    assert [kept.record(event) for event in events] == [("repeat", n + 1) for n in range(30)]
    assert kept.dedupe.committed("p") == 30
    with pytest.raises(EventConflict):
        kept.record({**events[7], "content": "other"})
    assert kept.record(message(producer="p", producer_seq=31)) == ("new", 31)


def test_an_index_ahead_of_a_journal_that_lost_its_tail_forgets_it(kept: Recording) -> None:
    """Events that the index has and the journal lost are new again, with other content too."""
    events = fill(kept)
    kept.stop()
    path = kept.folder / "session.ndjson"
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:21]) + b"\n")  # header and 20 events
    kept.again()
    assert [kept.record(event)[0] for event in events[:20]] == ["repeat"] * 20
    assert kept.dedupe.committed("p") == 20
    assert kept.record({**events[20], "content": "other"}) == ("new", 21)


def test_an_index_is_not_believed_when_the_lost_tail_has_grown_again(kept: Recording) -> None:
    """A journal that lost its tail and got another one elsewhere is taken in anew."""
    events = fill(kept)
    kept.stop()
    path = kept.folder / "session.ndjson"
    head = path.read_bytes().split(b"\n")[:21]
    other = [encode_line({"seq": n, "at": 1, **message("z", event_id=f"z{n}")})[:-1] for n in range(21, 40)]
    path.write_bytes(b"\n".join([*head, *other]) + b"\n")
    kept.again()
    assert kept.record(message("z", event_id="z25")) == ("repeat", 25)
    assert kept.record(events[20])[0] == "new"


def test_an_event_is_known_before_it_is_on_the_disk(kept: Recording) -> None:
    """What was added counts at once, also when the index has to be taken in anew meanwhile."""
    events = fill(kept)
    kept.stop()
    damage(kept, "UPDATE names SET seq=seq%7+1")
    kept.again()
    held = [message(n, event_id=f"n{n}") for n in range(3)]
    for n, event in enumerate(held):
        kept.dedupe.add(31 + n, event)  # its line is still on its way
    assert kept.dedupe.check(events[3]) == 4
    assert [kept.dedupe.check(event) for event in held] == [31, 32, 33]


def test_an_index_whose_disk_fails_is_replaced_at_once(kept: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever SQLite refuses in the middle of a recording, the answers stay right."""
    events = fill(kept)
    for call in (
        lambda: kept.record(events[3]),
        lambda: kept.record(message("n", event_id="n")),
        lambda: kept.dedupe.committed("q"),
    ):
        kept.dedupe._index._database.close()  # every further statement is an error
        call()
    monkeypatch.setattr(dedupe_index, "BATCH", 1)
    kept.dedupe._index._database.close()
    kept.dedupe.add(32, message("m", event_id="m"))
    assert [kept.dedupe.check(event) for event in events] == list(range(1, 31))
    assert kept.dedupe.check(message("n", event_id="n")) == 31
    assert kept.dedupe.committed("p") == 30
    assert kept.dedupe.check(message("m", event_id="m")) == 32


def test_batches_of_new_entries_are_found_like_old_ones(kept: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether an entry is still in memory or in the file makes no difference."""
    monkeypatch.setattr(dedupe_index, "BATCH", 7)
    events = fill(kept, 50)
    assert [kept.record(event) for event in events] == [("repeat", n + 1) for n in range(50)]


def test_without_a_place_for_it_the_index_is_temporary(tmp_path: Path) -> None:
    """A cache folder that cannot be made costs the index's memory, not its answers."""
    (tmp_path / "file").write_text("in the way")
    one = Recording(tmp_path / "demo", tmp_path / "file" / "cache")
    events = fill(one)
    one.stop()
    one.again()
    assert [one.record(event)[0] for event in events] == ["repeat"] * 30
    one.stop()


def test_two_openings_at_once_are_both_right(kept: Recording) -> None:
    """The second one, which can't have the file, makes do with a temporary index and harms nothing."""
    events = fill(kept)
    second = Dedupe(kept.folder, KEY, kept.cache)
    assert [second.check(event) for event in events] == list(range(1, 31))
    second.close()
    assert [kept.dedupe.check(event) for event in events] == list(range(1, 31))


def test_the_index_is_private_and_holds_no_text(kept: Recording) -> None:
    """The file is 0600 and knows ids, producers and contents by keyed hashes alone."""
    kept.record(message("secret-content", event_id="secret-id", producer="secret-producer", producer_seq=1))
    kept.stop()
    assert stat.S_IMODE(kept.index.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.index.parent.stat().st_mode) == 0o700
    assert b"secret" not in kept.index.read_bytes()
    kept.again()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_cannot_use_it(kept: Recording) -> None:
    """SQLite must not cross a fork: every call there is refused."""
    child = os.fork()
    if child == 0:
        try:
            kept.dedupe.check(message(event_id="x"))
        except NoActiveRecording:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"JUPYTER_RECORDER_CACHE": "/chosen"}, "/chosen"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/jupyter-recorder"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/home/ana"}, "/home/ana/.cache/jupyter-recorder"),
    ],
)
def test_the_cache_folder_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    """Ours, then the desktop's, then the platform's."""
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("JUPYTER_RECORDER_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)


def test_a_network_mount_is_no_place_for_sqlite(tmp_path: Path) -> None:
    """The mount that holds the folder decides, the longest one of those above it."""
    mounts = tmp_path / "mounts"
    mounts.write_text("disk / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\ndisk2 /home/local ext4 rw 0 0\n")
    answers = [
        cache_module._is_remote(Path(path), mounts) for path in ("/home/ana", "/home/local/ana", "/homework", "/")
    ]
    assert answers == [True, False, False, False]
    assert cache_module._is_remote(Path("/home"), tmp_path / "none") is False
