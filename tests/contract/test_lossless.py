"""Section 4: ids, producers' numbers, offsets, and resuming."""

from __future__ import annotations

import pytest
from plain import (
    Json,
    Plain,
    Socket,
    acked,
    add,
    append,
    change,
    end,
    heartbeat,
    message,
    new_id,
    numbered,
    refused,
    snapshot,
    start,
    update,
)


@pytest.fixture
def producer() -> str:
    """A producer that nobody else is."""
    return new_id("producer")


def committed(server: Plain, producer: str, *sessions: str) -> dict[str, int]:
    """Return what a `welcome` says of these sessions."""
    with server.socket() as socket:
        welcome = socket.ask({"type": "hello", "producer": producer, "sessions": list(sessions)}, "welcome")
    assert producer == welcome["producer"]
    got: dict[str, int] = welcome["committed"]
    return got


# -- acks


def test_an_ack_names_the_clients_event(server: Plain, sid: str) -> None:
    """An ack carries the client's own `event_id`, and the journal's line does too."""
    assert "mine" == acked(server.one(add(sid, "a", event_id="mine")), "message_added", sid)["event_id"]
    assert "mine" == server.journal(sid)[-1]["event_id"]


def test_the_server_names_an_event_that_has_no_id(server: Plain, sid: str) -> None:
    """Without an `event_id` the server makes one, and two events get two."""
    first, second = server.post(add(sid, "a"), add(sid, "b"))
    assert first["event_id"] != second["event_id"]


def test_an_error_names_the_clients_event(server: Plain, sid: str) -> None:
    """An error carries the `event_id` that the client gave."""
    assert "mine" == refused(server.one(append(sid, "nosuch", "x", event_id="mine")), "message_not_found")["event_id"]


def test_an_ack_has_the_number_in_the_recording(server: Plain, sid: str) -> None:
    """`seq` is the number of the event's line in the journal."""
    answers = server.post(add(sid, "a"), add(sid, "b"))
    lines = {line["event_id"]: line["seq"] for line in server.journal(sid) if "event_id" in line}
    assert [lines[answer["event_id"]] for answer in answers] == [answer["seq"] for answer in answers]


def test_an_ack_says_how_durable(server: Plain, sid: str) -> None:
    """By default an ack means synced to the disk."""
    assert "synced" == server.one(add(sid, "a"))["durability"]


def test_an_acked_event_is_on_the_disk(server: Plain, sid: str) -> None:
    """When the ack has come, the line is in the file."""
    with server.socket() as socket:
        for number in range(50):
            seq = socket.one(add(sid, f"m{number}"))["seq"]
            assert seq == server.journal(sid)[-1]["seq"]


def test_a_heartbeat_has_no_number(server: Plain, sid: str) -> None:
    """A heartbeat's ack has no `seq`, and the journal no line of it."""
    before = len(server.journal(sid))
    assert "seq" not in server.one(heartbeat(session_id=sid))
    assert before == len(server.journal(sid))


def test_every_event_is_one_line(server: Plain) -> None:
    """Start, snapshot and end are journal lines too, one for each ack."""
    session_id = new_id()
    events = [
        start(session_id),
        snapshot(session_id, message("a", "x")),
        change(session_id, title="t"),
        end(session_id),
    ]
    answers = server.post(*events)
    assert [event["type"] for event in events] == [line["type"] for line in server.journal(session_id)]
    assert [1, 2, 3, 4] == [answer["seq"] for answer in answers]


# -- repeats


def test_the_same_event_again_is_a_duplicate(server: Plain, sid: str, mid: str) -> None:
    """A repeat is acked with `duplicate` and the first one's number, and changes nothing."""
    event = append(sid, mid, "!", event_id="once")
    first, second = server.one(event), server.one(event)
    assert "duplicate" not in first or first["duplicate"] is False
    assert (True, first["seq"]) == (second["duplicate"], second["seq"])
    assert "hello!" == server.contents(sid)[mid]


def test_the_same_id_with_other_content_is_a_conflict(server: Plain, sid: str, mid: str) -> None:
    """The same `event_id` with another content is `conflict`."""
    server.one(append(sid, mid, "!", event_id="once"))
    refused(server.one(append(sid, mid, "?", event_id="once")), "conflict")
    assert "hello!" == server.contents(sid)[mid]


def test_the_same_number_again_is_a_duplicate(server: Plain, sid: str, mid: str, producer: str) -> None:
    """A repeat of a producer's number is a duplicate without any `event_id`."""
    event = numbered(append(sid, mid, "!"), producer, 1)
    first, second = server.one(event), server.one(event)
    assert (True, first["seq"]) == (second["duplicate"], second["seq"])


def test_the_same_number_with_other_content_is_a_conflict(server: Plain, sid: str, mid: str, producer: str) -> None:
    """The same producer number with another content is `conflict`."""
    server.one(numbered(append(sid, mid, "!"), producer, 1))
    refused(server.one(numbered(append(sid, mid, "?"), producer, 1)), "conflict")


def test_content_is_compared_as_values(server: Plain, sid: str, mid: str, producer: str) -> None:
    """Another order of keys and another `event_id` under the same number is the same content."""
    event = numbered(append(sid, mid, "!"), producer, 1)
    server.one({**event, "event_id": "first"})
    assert server.one(dict(reversed(event.items())))["duplicate"] is True


def test_a_repeat_in_one_frame_is_a_duplicate(server: Plain, sid: str, mid: str, producer: str) -> None:
    """A repeat is known before the first one is synced."""
    event = numbered(append(sid, mid, "!"), producer, 1)
    with server.socket() as socket:
        first, second = socket.events(event, event)
    assert (True, first["seq"]) == (second["duplicate"], second["seq"])


def test_a_batch_sent_three_times_changes_nothing(server: Plain, producer: str) -> None:
    """A whole stream again, start and end included, gives the same numbers and not one more line."""
    sid = new_id()
    events = [start(sid), add(sid, "m", ""), *(append(sid, "m", c) for c in "tokens"), end(sid)]
    batch = [numbered(event, producer, number) for number, event in enumerate(events, 1)]
    first = server.post(*batch)
    before = (server.folder(sid) / "session.ndjson").read_bytes()
    for _ in range(2):
        again = server.post(*batch)
        assert [one["seq"] for one in first] == [one["seq"] for one in again]
        assert all(one["duplicate"] for one in again)
    assert before == (server.folder(sid) / "session.ndjson").read_bytes()


# -- a producer's numbers


def test_a_jump_ahead_is_a_gap(server: Plain, sid: str, producer: str) -> None:
    """A number above the next one is `gap`, with the number that is expected, and is not recorded."""
    server.one(numbered(add(sid, "a"), producer, 1))
    assert 2 == refused(server.one(numbered(add(sid, "c"), producer, 3)), "gap")["expected"]
    assert ["a"] == list(server.contents(sid))


def test_numbers_begin_at_one(server: Plain, sid: str, producer: str) -> None:
    """A producer's first number in a session is 1."""
    assert 1 == refused(server.one(numbered(add(sid, "a"), producer, 2)), "gap")["expected"]


@pytest.mark.parametrize("number", [0, -1, 1.5, "1", True])
def test_a_number_that_is_none_is_invalid(server: Plain, sid: str, producer: str, number: object) -> None:
    """What is no whole number from 1 on is `invalid_event`."""
    refused(server.one({**add(sid, "a"), "producer": producer, "producer_seq": number}), "invalid_event")


def test_a_gap_does_not_use_up_its_number(server: Plain, sid: str, producer: str) -> None:
    """After a `gap` the missing one and then the same one are accepted."""
    refused(server.one(numbered(add(sid, "b"), producer, 2)), "gap")
    for number, name in ((1, "a"), (2, "b")):
        acked(server.one(numbered(add(sid, name), producer, number)), "message_added", sid)


def test_each_session_has_its_own_numbers(server: Plain, sid: str, producer: str) -> None:
    """A producer counts from 1 in each session."""
    other = new_id()
    server.one(numbered(add(sid, "a"), producer, 1))
    acked(server.one(numbered(start(other), producer, 1)), "session_started", other)


def test_each_producer_has_its_own_numbers(server: Plain, sid: str, producer: str) -> None:
    """Two producers of one session each count from 1."""
    acked(server.one(numbered(add(sid, "a"), producer, 1)), "message_added", sid)
    acked(server.one(numbered(add(sid, "b"), new_id("producer"), 1)), "message_added", sid)


@pytest.mark.parametrize("code", ["invalid_event", "message_not_found", "conflict", "offset_mismatch", "too_large"])
def test_what_is_refused_for_good_uses_up_its_number(
    server: Plain, sid: str, mid: str, producer: str, code: str
) -> None:
    """The next number is accepted, and the journal has a line `refused` with producer, number and code."""
    event: Json = {
        "invalid_event": {**add(sid, "x"), "role": 7},
        "message_not_found": append(sid, "nosuch", "x"),
        "conflict": add(sid, mid, "other"),
        "offset_mismatch": append(sid, mid, "x", offset=99),
        "too_large": add(sid, "x", "x" * (4 * 2**20 + 1)),
    }[code]
    refused(server.one(numbered(event, producer, 1)), code)
    line = server.journal(sid)[-1]
    assert {"type": "refused", "producer": producer, "producer_seq": 1, "code": code}.items() <= line.items()
    acked(server.one(numbered(add(sid, "next"), producer, 2)), "message_added", sid)


def test_a_refused_number_again_is_no_ack(server: Plain, sid: str, producer: str) -> None:
    """What was refused for good is refused again, and uses up nothing more."""
    event = numbered(append(sid, "nosuch", "x"), producer, 1)
    server.one(event)
    before = len(server.journal(sid))
    assert "error" == server.one(event)["type"]
    assert before == len(server.journal(sid))


def test_session_not_found_does_not_use_up_a_number(server: Plain, producer: str) -> None:
    """After `session_not_found` the start comes under the same number."""
    sid = new_id()
    refused(server.one(numbered(add(sid, "a"), producer, 1)), "session_not_found")
    acked(server.one(numbered(start(sid), producer, 1)), "session_started", sid)


# -- offsets


def test_an_offset_at_the_end_appends(server: Plain, sid: str, mid: str) -> None:
    """An offset counts UTF-8 bytes of what the client sent before."""
    server.one(append(sid, mid, "é", offset=5))
    acked(server.one(append(sid, mid, "!", offset=7)), "message_appended", sid)
    assert "helloé!" == server.contents(sid)[mid]


def test_an_offset_above_the_end_is_a_mismatch(server: Plain, sid: str, mid: str) -> None:
    """An offset beyond the message's end is `offset_mismatch`, with the one that is expected."""
    assert 5 == refused(server.one(append(sid, mid, "x", offset=9)), "offset_mismatch")["expected"]
    assert "hello" == server.contents(sid)[mid]


def test_the_same_bytes_below_the_end_are_a_duplicate(server: Plain, sid: str, mid: str) -> None:
    """An offset below the end, where the bytes are equal, is acked as a duplicate."""
    server.one(append(sid, mid, " world", offset=5))
    answer = acked(server.one(append(sid, mid, " world", offset=5)), "message_appended", sid)
    assert answer["duplicate"] is True
    assert "hello world" == server.contents(sid)[mid]


def test_other_bytes_below_the_end_are_a_mismatch(server: Plain, sid: str, mid: str) -> None:
    """An offset below the end, where the bytes differ, is `offset_mismatch`."""
    server.one(append(sid, mid, " world", offset=5))
    refused(server.one(append(sid, mid, " wOrld", offset=5)), "offset_mismatch")


def test_an_offset_after_an_update(server: Plain, sid: str, mid: str) -> None:
    """After an update the offset counts the new content."""
    server.one(update(sid, mid, "abc", is_complete=False))
    acked(server.one(append(sid, mid, "d", offset=3)), "message_appended", sid)


def test_an_offset_counts_what_was_sent_before_redaction(server: Plain, sid: str) -> None:
    """Where a secret was taken out, offsets go on counting the client's bytes."""
    secret = "key sk-proj-" + "A1b2C3d4" * 6 + " end "
    server.one(add(sid, "m", secret))
    acked(server.one(append(sid, "m", "more", offset=len(secret.encode()))), "message_appended", sid)
    assert "A1b2C3d4A1b2" not in server.contents(sid)["m"]


def test_a_redacted_append_again_is_a_duplicate(server: Plain, sid: str, mid: str) -> None:
    """An append of equal offset and content is a duplicate, also where its text was redacted."""
    event = append(sid, mid, " sk-proj-" + "A1b2C3d4" * 6 + " end ", offset=5)
    first, second = server.one(event), server.one(event)
    assert (True, first["seq"]) == (second["duplicate"], second["seq"])


# -- hello and welcome


def test_a_welcome_tells_what_is_committed(server: Plain, sid: str, producer: str) -> None:
    """`welcome` has the highest committed number for each session that was asked for, and 0 where nothing is known."""
    server.post(*(numbered(add(sid, f"m{n}"), producer, n) for n in (1, 2, 3)))
    assert {sid: 3, "nosuch": 0} == committed(server, producer, sid, "nosuch")


def test_a_refused_number_is_committed(server: Plain, sid: str, producer: str) -> None:
    """A number that a refused event has used up counts."""
    server.one(numbered(append(sid, "nosuch", "x"), producer, 1))
    assert {sid: 1} == committed(server, producer, sid)


def test_a_hello_without_sessions_is_welcomed(server: Plain, producer: str) -> None:
    """`sessions` may be left out."""
    with server.socket() as socket:
        welcome = socket.ask({"type": "hello", "producer": producer}, "welcome")
    assert isinstance(welcome["committed"], dict)


def test_a_hello_names_no_more_sessions_than_can_be_subscribed_to(server: Plain, producer: str) -> None:
    """Each is looked up on the disk, so that there is a bound; the connection stays open."""
    with server.socket() as socket:
        sessions = [f"s{number}" for number in range(1001)]
        refused(socket.ask({"type": "hello", "producer": producer, "sessions": sessions}, "error"), "too_large")
        welcome = socket.ask({"type": "hello", "producer": producer, "sessions": sessions[:1000]}, "welcome")
        assert dict.fromkeys(sessions[:1000], 0) == welcome["committed"]


def test_after_hello_only_subscriptions_are_sent(server: Plain, sid: str, producer: str) -> None:
    """A client that has said `hello` is sent no event until it subscribes."""
    with server.socket() as socket:
        socket.ask({"type": "hello", "producer": producer}, "welcome")
        server.one(add(sid, "unheard"))
        assert "event_broadcast" not in kinds(socket)
        socket.ask({"type": "subscribe", "session_id": sid}, "subscribed")
        server.one(add(sid, "heard"))
        assert "heard" == socket.until("event_broadcast")["event"]["message_id"]


def kinds(socket: Socket) -> list[str]:
    """Return the types of what came before the answer to a ping."""
    return [m["type"] for m in socket.all_until_pong()]
