"""What clients send by mistake or on purpose: a clear answer, nothing lost, and everybody else goes on."""

from __future__ import annotations

import contextlib
import json

import pytest
from plain import Plain, acked, add, append, end, heartbeat, message, new_id, refused, snapshot, start, update


def raw(sid: str, fields: str) -> bytes:
    """Return a batch of one `message_add` whose further fields stand as they are written here."""
    head = json.dumps({"type": "message_add", "session_id": sid, "message_id": "m", "role": "user"})[:-1]
    return f'{{"events":[{head},{fields}}}]}}'.encode()


@pytest.mark.parametrize(
    "fields",
    [
        '"content":"x","metadata":{"n":NaN}',
        '"content":"x","metadata":{"n":Infinity}',
        "\"content\":'x'",
        '"content":"\x01"',
    ],
)
def test_what_is_no_json_is_a_parse_error(server: Plain, sid: str, fields: str) -> None:
    """NaN, infinities, single quotes and bare control characters are no JSON: 400, and nothing is recorded."""
    reply = server.request("POST", "/events", raw(sid, fields))
    assert 400 == reply.status
    refused(reply.json, "parse_error")
    assert {} == server.contents(sid)


@pytest.mark.parametrize(
    "body",
    [b'{"events":[]}\xff', b'\xef\xbb\xbf{"events":[]}', '{"events":["\ud800"]}'.encode("utf-8", "surrogatepass")],
)
def test_what_is_no_utf8_is_a_parse_error(server: Plain, body: bytes) -> None:
    """Bytes that are no UTF-8, or begin with a byte order mark, are 400 `parse_error`."""
    reply = server.request("POST", "/events", body)
    assert 400 == reply.status
    refused(reply.json, "parse_error")


def test_a_lone_surrogate_is_kept_readable(server: Plain, sid: str) -> None:
    """A lone surrogate in an escape is answered, and what is recorded can be read by everybody as UTF-8."""
    reply = server.request("POST", "/events", raw(sid, '"content":"a\\ud800b"'))
    assert reply.status in (200, 400)
    (server.folder(sid) / "session.ndjson").read_bytes().decode("utf-8")
    assert "ack" == server.one(add(sid, "next"))["type"]


def test_a_pair_of_surrogates_is_a_character(server: Plain, sid: str) -> None:
    """An escaped pair is the character that it stands for."""
    reply = server.request("POST", "/events", raw(sid, '"content":"\\ud83d\\ude00"'))
    assert "ack" == reply.json["responses"][0]["type"]
    assert {"m": "😀"} == server.contents(sid)


def test_a_key_twice_does_not_break_anything(server: Plain, sid: str) -> None:
    """Of a key that stands twice one value is taken, and the journal's line has it once."""
    reply = server.request("POST", "/events", raw(sid, '"content":"first","content":"second"'))
    assert "ack" == reply.json["responses"][0]["type"]
    assert server.contents(sid)["m"] in ("first", "second")


def test_names_of_javascript_are_data(server: Plain, sid: str) -> None:
    """`__proto__` and `constructor` as keys and ids are kept like any other."""
    server.one(add(sid, "__proto__", "x", metadata={"__proto__": {"polluted": True}, "constructor": 1}))
    (got,) = server.session(sid)["messages"]
    assert ("__proto__", {"__proto__": {"polluted": True}, "constructor": 1}) == (got["message_id"], got["metadata"])


@pytest.mark.parametrize("value", [None, 7, True, ["x"], {"x": 1}])
@pytest.mark.parametrize("field", ["message_id", "role", "content"])
def test_a_field_of_another_type_is_invalid(server: Plain, sid: str, field: str, value: object) -> None:
    """A field that should be a string and is not is `invalid_event`."""
    refused(server.one({**add(sid, "m"), field: value}), "invalid_event")


@pytest.mark.parametrize("offset", [-1, True, "5", 1.5, 1e308, 2**70])
def test_an_offset_that_is_none_is_refused(server: Plain, sid: str, mid: str, offset: object) -> None:
    """An offset that is no whole number from 0 on, or beyond all reason, is refused, and the message stays."""
    answer = server.one(append(sid, mid, "x", offset=offset))
    assert answer["code"] in ("invalid_event", "offset_mismatch")
    assert {mid: "hello"} == server.contents(sid)


@pytest.mark.parametrize("value", [1, "yes", None])
def test_is_complete_is_a_truth_value(server: Plain, sid: str, mid: str, value: object) -> None:
    """`is_complete` that is no boolean is `invalid_event`."""
    refused(server.one({**update(sid, mid, "x"), "is_complete": value}), "invalid_event")


@pytest.mark.parametrize("value", ["7", True, 1.5, [], -1])
def test_a_count_is_a_whole_number(server: Plain, sid: str, value: object) -> None:
    """A `final_message_count` that is none is `invalid_event`, and the session is not ended by it."""
    refused(server.one(end(sid, final_message_count=value)), "invalid_event")
    assert "recording" == server.session(sid)["state"]


@pytest.mark.parametrize("time", [-1, 1e308, 0, 2**63, "soon", None])
def test_a_heartbeats_time_breaks_nothing(server: Plain, sid: str, time: object) -> None:
    """Whatever time a heartbeat tells, it gets an answer, and the session goes on."""
    assert server.one({"type": "heartbeat", "session_id": sid, "timestamp": time})["type"] in ("ack", "error")
    acked(server.one(add(sid, "m")), "message_added", sid)


@pytest.mark.parametrize("time", [-1, 1e308, 2**63, "soon", None, True])
def test_a_snapshots_times_break_nothing(server: Plain, time: object) -> None:
    """Whatever `created_at` a snapshot's message has, there is an answer, and the session can be read."""
    sid = new_id()
    server.one(start(sid))
    assert server.one(snapshot(sid, message("a", "x", created_at=time)))["type"] in ("ack", "error")
    assert server.session(sid)["session_id"] == sid


@pytest.mark.parametrize(
    "messages", [None, {}, "x", [7], [None], [{}], [{"message_id": 7, "role": "user", "content": "x"}]]
)
def test_a_bad_snapshot_is_invalid(server: Plain, messages: object) -> None:
    """A snapshot whose messages are none is `invalid_event`, and makes no session."""
    sid = new_id()
    refused(server.one({**snapshot(sid), "messages": messages}), "invalid_event")
    refused(server.get(f"/session/{sid}", 404), "session_not_found")


@pytest.mark.parametrize("metadata", ["x", 7, [1], True])
def test_metadata_is_an_object(server: Plain, sid: str, metadata: object) -> None:
    """Metadata that is no object is `invalid_event`."""
    refused(server.one(add(sid, "m", metadata=metadata)), "invalid_event")


@pytest.mark.parametrize("event_id", ["", "x" * 257, 7, True])
def test_an_event_id_is_an_id(server: Plain, sid: str, event_id: object) -> None:
    """An `event_id` that is no string of 1 to 256 bytes is `invalid_event`."""
    refused(server.one(add(sid, "m", event_id=event_id)), "invalid_event")


@pytest.mark.parametrize(
    "fields",
    [{"producer": "p"}, {"producer_seq": 1}, {"producer": 7, "producer_seq": 1}, {"producer": "", "producer_seq": 1}],
)
def test_half_a_producer_is_invalid(server: Plain, sid: str, fields: dict[str, object]) -> None:
    """A producer without a number, a number without a producer, and a producer that is no id are `invalid_event`."""
    refused(server.one(add(sid, "m", **fields)), "invalid_event")


def test_twins_stay_apart(server: Plain) -> None:
    """Ids that differ in case, or in the form of their Unicode alone, are sessions of their own."""
    word = new_id("twin")
    ids = [f"{word}-é", f"{word}-e\u0301", f"{word}-É", f"{word}-é ", f"{word}-é."]
    for number, session_id in enumerate(ids):
        server.post(start(session_id), add(session_id, "m", str(number)))
    assert [str(number) for number in range(len(ids))] == [server.contents(session_id)["m"] for session_id in ids]


def test_a_flood_of_pings_delays_nobody(server: Plain, sid: str) -> None:
    """While one client sends ten thousand pings of both kinds, another is acked."""
    with server.socket() as flooding, server.socket() as other:
        for _ in range(5000):
            flooding.connection.ping()
            flooding.send({"type": "ping", "timestamp": 1})
        acked(other.one(add(sid, "m")), "message_added", sid)
        for _ in range(5000):
            flooding.until("pong")


def test_compression_is_not_taken_up(server: Plain) -> None:
    """The server does not agree to compress, so that a small frame cannot become a large one."""
    with server.socket(compression="deflate") as socket:
        assert [] == list(socket.connection.protocol.extensions)


def test_thousands_of_subscriptions_end_nothing(server: Plain, sid: str) -> None:
    """Beyond the limit each subscription is an error, and the connection and the others go on."""
    with server.socket() as socket:
        for first in range(0, 6000, 2000):
            for number in range(first, first + 2000):
                socket.send({"type": "subscribe", "session_id": f"s{number}"})
            for _ in range(2000):
                assert socket.next()["type"] in ("subscribed", "error")
        acked(socket.one(heartbeat()), "heartbeat", "")


def test_a_client_that_vanishes_in_the_midst_of_a_frame(server: Plain, sid: str) -> None:
    """A connection that ends in the midst of a frame records nothing of it, and nobody else notices."""
    with contextlib.suppress(Exception), server.socket() as socket:
        frame = json.dumps({"type": "events", "events": [add(sid, "torn", "x" * 100_000)]}).encode()
        head = bytes([0x81, 0x80 | 127]) + len(frame).to_bytes(8, "big") + bytes(4)
        socket.connection.socket.sendall(head + frame[:50_000])
        socket.connection.socket.close()
    acked(server.one(add(sid, "m")), "message_added", sid)
    assert ["m"] == list(server.contents(sid))
