"""Dedupe: exact, derived from the journal, and never believed against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deduping import Recording, message

from jupyter_recorder.errors import EventConflict, EventRefused, InvalidEvent, SequenceGap
from jupyter_recorder.journal import cache as cache_module
from jupyter_recorder.journal import fingerprints
from jupyter_recorder.journal.cache import cache_folder


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Recording]:
    """Return a recording that is stopped at the end."""
    one = Recording(tmp_path / "demo")
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
        with pytest.raises(EventRefused, match="message_not_found"):
            kept.check(message(producer="p", producer_seq=1))
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
    line = {**sent, "content": "key ***", "raw": kept.dedupe.content_hash(sent)}
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


def test_after_a_restart_every_event_has_its_first_number(kept: Recording) -> None:
    """All that is known comes from the journal."""
    events = fill(kept)
    kept.stop()
    kept.again()
    assert [kept.record(event) for event in events] == [("repeat", n + 1) for n in range(30)]
    assert kept.dedupe.committed("p") == 30
    with pytest.raises(EventConflict):
        kept.record({**events[7], "content": "other"})
    assert kept.record(message(producer="p", producer_seq=31)) == ("new", 31)


def test_a_journal_that_lost_its_tail_has_lost_it(kept: Recording) -> None:
    """Events that the journal lost are new again, with other content too."""
    events = fill(kept)
    kept.stop()
    path = kept.folder / "session.ndjson"
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:21]) + b"\n")  # header and 20 events
    kept.again()
    assert [kept.record(event)[0] for event in events[:20]] == ["repeat"] * 20
    assert kept.dedupe.committed("p") == 20
    assert kept.record({**events[20], "content": "other"}) == ("new", 21)


def test_producers_whose_numbers_interleave_are_told_apart(kept: Recording) -> None:
    """Whatever runs side by side, each number is found as the event that it is."""
    events = [message(n, producer="pq"[n % 3 % 2], producer_seq=0) for n in range(60)]
    counts = {"p": 0, "q": 0}
    for event in events:
        counts[event["producer"]] += 1
        event["producer_seq"] = counts[event["producer"]]
    assert [kept.record(event)[0] for event in events] == ["new"] * 60
    assert [kept.record(event) for event in events] == [("repeat", n + 1) for n in range(60)]


def test_an_id_made_of_a_producers_number_is_that_event(kept: Recording) -> None:
    """`p:1` names the first event of the producer `p`, however it comes again; any other id does not."""
    kept.record(message("a", event_id="p:1", producer="p", producer_seq=1))
    kept.record(message("b", producer="p", producer_seq=2))
    assert kept.record(message("a", event_id="p:1")) == ("repeat", 1)
    assert kept.record(message("b", event_id="p:2")) == ("repeat", 2)
    with pytest.raises(EventConflict):
        kept.record(message("c", event_id="p:2"))
    for strange in ("p:02", "p:", ":1", "p:3", "p:1:1", "p:-1"):
        assert kept.record(message("d", event_id=strange))[0] == "new"


def test_a_fingerprint_that_two_names_share_confuses_nobody(kept: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hit is held against the journal: with every name alike, all answers stay right."""
    monkeypatch.setattr(fingerprints, "_MASK", 0)
    events = [message(n, event_id=f"e{n}") for n in range(40)]
    assert [kept.record(event) for event in events] == [("new", n + 1) for n in range(40)]
    assert [kept.record(event) for event in events] == [("repeat", n + 1) for n in range(40)]
    with pytest.raises(EventConflict) as caught:
        kept.record(message("other", event_id="e7"))
    assert caught.value.seq == 8


def test_fingerprints_of_many_names_find_each(kept: Recording) -> None:
    """However many names there are, each one's number is found, and little else."""
    known = fingerprints.Fingerprints()
    for number in range(20_000):
        known.add(f"name-{number}", number)
    assert all(number in known.find(f"name-{number}") for number in range(20_000))
    assert sum(len(known.find(f"other-{number}")) for number in range(20_000)) == 0


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
        cache_module.is_remote(Path(path), mounts) for path in ("/home/ana", "/home/local/ana", "/homework", "/")
    ]
    assert answers == [True, False, False, False]
    assert cache_module.is_remote(Path("/home"), tmp_path / "none") is False
