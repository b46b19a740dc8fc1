"""Section 3: the WebSocket's messages, who is sent what, and that nothing ends it."""

from __future__ import annotations

import itertools
import time

import pytest
from plain import Plain, Socket, acked, add, append, eventually, heartbeat, new_id, refused, start
from silent import Silent


def test_the_server_greets(server: Plain) -> None:
    """`connected` comes first, with an id that each client has to itself."""
    with server.socket() as one, server.socket() as two:
        assert one.client_id
        assert one.client_id != two.client_id


def test_events_are_answered_in_order(server: Plain) -> None:
    """One `events_processed` comes for a frame: its count, and the answers in order."""
    session_id = new_id()
    with server.socket() as socket:
        first, second, third = socket.events(start(session_id), add(session_id, "a"), append(session_id, "a", "!"))
    acked(first, "session_started", session_id)
    acked(second, "message_added", session_id)
    acked(third, "message_appended", session_id)


def test_frames_are_answered_in_order(server: Plain, sid: str) -> None:
    """Of many frames in flight, each gets one answer, in the order of the frames."""
    with server.socket() as socket:
        for number in range(100):
            socket.send({"type": "events", "events": [add(sid, f"m{number}", event_id=f"{sid}-{number}")]})
        answers = [socket.until("events_processed")["responses"] for _ in range(100)]
    assert [[f"{sid}-{number}"] for number in range(100)] == [[one["event_id"] for one in many] for many in answers]


def test_a_bad_event_is_alone(server: Plain, sid: str) -> None:
    """In a frame a bad event gets its own error, and the others are recorded."""
    with server.socket() as socket:
        first, second, third = socket.events(add(sid, "a"), {"type": "message_add"}, add(sid, "b"))
    acked(first, "message_added", sid)
    refused(second, "invalid_event")
    acked(third, "message_added", sid)


def test_an_empty_frame_is_answered(server: Plain) -> None:
    """A frame of no events is processed too."""
    with server.socket() as socket:
        assert [] == socket.events()


def test_a_ping_is_answered(server: Plain) -> None:
    """`pong` carries the ping's timestamp and the server's time in milliseconds."""
    with server.socket() as socket:
        pong = socket.ask({"type": "ping", "timestamp": 12345}, "pong")
    assert 12345 == pong["timestamp"]
    assert abs(time.time() * 1000 - pong["server_time"]) < 60_000


def test_a_message_of_any_kind_may_be_large(server: Plain) -> None:
    """One that is read in a thread is answered in its turn, as those before and after it are."""
    with server.socket() as socket:
        for number, padding in enumerate(("", "x" * 300_000, "")):
            socket.send({"type": "ping", "timestamp": number, "padding": padding})
        assert [0, 1, 2] == [socket.until("pong")["timestamp"] for _ in range(3)]


@pytest.mark.parametrize(
    "frame",
    ["", "{", "null", "[]", "7", '"x"', "{}", '{"type":"nosuch"}', '{"type":7}', '{"type":"events"}', b"\x00\xff"],
)
def test_what_is_no_message_is_a_parse_error(server: Plain, frame: str | bytes) -> None:
    """A frame that is no message is `parse_error`, and the connection goes on."""
    with server.socket() as socket:
        refused(socket.ask(frame, "error"), "parse_error")
        acked(socket.one(heartbeat()), "heartbeat", "")


def test_a_subscription_is_confirmed(server: Plain, sid: str) -> None:
    """`subscribe` and `unsubscribe` are answered."""
    with server.socket() as socket:
        socket.ask({"type": "subscribe", "session_id": sid}, "subscribed")
        socket.ask({"type": "unsubscribe", "session_id": sid}, "unsubscribed")


# -- who is sent what


def sent(socket: Socket) -> list[str]:
    """Return the message ids of the broadcasts that came."""
    return [m["event"].get("message_id") for m in socket.all_until_pong() if m["type"] == "event_broadcast"]


def test_a_client_without_subscriptions_hears_all(server: Plain, sid: str) -> None:
    """It is sent the events of every session that come by REST or another WebSocket."""
    other = new_id()
    server.one(start(other))
    with server.socket() as listener, server.socket() as speaker:
        server.one(add(sid, "by-rest"))
        speaker.one(add(other, "by-socket"))
        assert ["by-rest", "by-socket"] == [m["event"]["message_id"] for m in listener.broadcasts(2)]


def test_a_client_without_subscriptions_hears_not_itself(server: Plain, sid: str) -> None:
    """It is not sent its own events."""
    with server.socket() as speaker:
        speaker.one(add(sid, "own"))
        server.one(add(sid, "other"))
        assert "other" == speaker.until("event_broadcast")["event"]["message_id"]
        assert [] == sent(speaker)


def test_a_subscription_carries_ones_own_too(server: Plain, sid: str) -> None:
    """A client that subscribed to a session is sent all its events, its own too."""
    with server.socket() as socket:
        socket.ask({"type": "subscribe", "session_id": sid}, "subscribed")
        socket.send({"type": "events", "events": [add(sid, "own")]})
        assert "own" == socket.until("event_broadcast")["event"]["message_id"]


def test_a_subscription_carries_nothing_else(server: Plain, sid: str) -> None:
    """A client that subscribed to a session is sent no event of another."""
    other = new_id()
    server.one(start(other))
    with server.socket() as socket:
        socket.ask({"type": "subscribe", "session_id": sid}, "subscribed")
        server.one(add(other, "elsewhere"))
        server.one(add(sid, "here"))
        assert "here" == socket.until("event_broadcast")["event"]["message_id"]
        assert [] == sent(socket)


def test_an_unsubscribed_session_is_silent(server: Plain, sid: str) -> None:
    """After `unsubscribe` nothing of the session comes, while another subscription goes on."""
    other = new_id()
    server.one(start(other))
    with server.socket() as socket:
        socket.ask({"type": "subscribe", "session_id": sid}, "subscribed")
        socket.ask({"type": "subscribe", "session_id": other}, "subscribed")
        socket.ask({"type": "unsubscribe", "session_id": sid}, "unsubscribed")
        server.one(add(sid, "silent"))
        server.one(add(other, "heard"))
        assert "heard" == socket.until("event_broadcast")["event"]["message_id"]
        assert [] == sent(socket)


def test_heartbeats_are_not_broadcast(server: Plain, sid: str) -> None:
    """A heartbeat is sent to nobody."""
    with server.socket() as listener:
        server.one(heartbeat(session_id=sid))
        server.one(add(sid, "after"))
        message = listener.until("event_broadcast")
    assert "message_add" == message["event"]["type"]


def test_refused_events_are_not_broadcast(server: Plain, sid: str) -> None:
    """What was answered by an error is no event to be sent to others."""
    with server.socket() as listener:
        server.one(append(sid, "nosuch", "x"))
        server.one(add(sid, "after"))
        assert "after" == listener.until("event_broadcast")["event"].get("message_id")


def test_the_server_pings(silent: Silent) -> None:
    """The server pings every five seconds."""
    eventually(lambda: len(silent.pings) >= 3, 30)
    assert all(4 < later - earlier < 8 for earlier, later in itertools.pairwise(silent.pings))


def test_a_silent_client_is_dropped(silent: Silent) -> None:
    """A client from which nothing came for 30 s is dropped; one that answers pings (every other here) is not."""
    assert silent.wait(45)
    assert silent.ended is not None
    assert 29 < silent.ended < 45
