"""Section 4: limits, and what cannot be made safe."""

from __future__ import annotations

import json
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from plain import Plain, acked, add, append, end, eventually, heartbeat, new_id, refused, start
from servers import TOKEN, Server, serving

MESSAGE_BYTES, EVENT_BYTES = 10 * 2**20, 4 * 2**20
BATCH, DEPTH, SUBSCRIPTIONS, SESSIONS = 10_000, 64, 1_000, 1_000


def nested(depth: int) -> Any:
    """Return lists in lists, so many."""
    return json.loads("[" * depth + "]" * depth)


def test_a_message_over_its_bytes_closes(server: Plain) -> None:
    """A WebSocket message of over 10 MiB closes the connection with code 1009, and others go on."""
    with server.socket() as other, server.socket() as socket:
        socket.send(" " * (MESSAGE_BYTES + 1))
        assert 1009 == socket.close_code()
        acked(other.one(heartbeat()), "heartbeat", "")


def test_a_message_within_its_bytes_is_read(server: Plain, sid: str) -> None:
    """A message of nearly 10 MiB is taken: two events of under 4 MiB, and white space."""
    events = [add(sid, name, "x" * (EVENT_BYTES - 1000)) for name in "ab"]
    frame = json.dumps({"type": "events", "events": events})
    with server.socket() as socket:
        socket.send(frame + " " * (MESSAGE_BYTES - len(frame)))
        assert ["ack", "ack"] == [one["type"] for one in socket.until("events_processed")["responses"]]


def test_a_body_over_its_bytes_is_413(server: Plain) -> None:
    """A REST body of over 10 MiB is 413 `too_large`."""
    reply = server.request("POST", "/events", b" " * (MESSAGE_BYTES + 1))
    assert 413 == reply.status
    refused(reply.json, "too_large")


def test_an_event_over_its_bytes_is_too_large(server: Plain, sid: str) -> None:
    """An event of over 4 MiB is `too_large`, and the others of its batch are recorded."""
    first, second = server.post(add(sid, "a", "x" * (EVENT_BYTES + 1)), add(sid, "b"))
    refused(first, "too_large")
    acked(second, "message_added", sid)


def test_a_frame_over_its_count_is_too_large(server: Plain, sid: str) -> None:
    """An events frame of over 10,000 gets one `too_large`, records nothing, and the connection goes on."""
    beats = [heartbeat()] * BATCH
    with server.socket() as socket:
        socket.send({"type": "events", "events": [*beats, add(sid, "a")]})
        while (message := socket.next())["type"] == "event_broadcast":
            pass
        answers = message["responses"] if message["type"] == "events_processed" else [message]
        assert ["too_large"] == [one["code"] for one in answers]
        assert {} == server.contents(sid)
        acked(socket.one(heartbeat()), "heartbeat", "")


def test_a_frame_of_its_count_is_taken(server: Plain) -> None:
    """10,000 events in one frame are answered."""
    with server.socket() as socket:
        assert {"ack"} == {one["type"] for one in socket.events(*[heartbeat()] * BATCH)}


def test_a_batch_over_its_count_is_413(server: Plain) -> None:
    """A REST batch of over 10,000 is 413 `too_large`."""
    reply = server.request("POST", "/events", {"events": [heartbeat()] * (BATCH + 1)})
    assert 413 == reply.status
    refused(reply.json, "too_large")


def test_json_has_a_depth(server: Plain, sid: str) -> None:
    """An event that nests deeper than 64 is refused, and one that does not is kept."""
    deep, shallow = server.post(
        add(sid, "a", metadata={"x": nested(DEPTH + 1)}), add(sid, "b", metadata={"x": nested(40)})
    )
    refused(deep, "invalid_event")
    acked(shallow, "message_added", sid)


def test_depth_beyond_all_reason_is_refused(server: Plain) -> None:
    """10,000 levels are an error, by REST and on the WebSocket, and the server goes on."""
    raw = '{"events":[' + "[" * 10_000 + "]" * 10_000 + "]}"
    assert server.request("POST", "/events", raw.encode()).status in (200, 400)
    with server.socket() as socket:
        socket.send('{"type":"events",' + raw[1:])
        message = socket.next()
        assert "error" in json.dumps(message)
        acked(socket.one(heartbeat()), "heartbeat", "")


def test_subscriptions_are_bounded(server: Plain) -> None:
    """The subscription after 1,000 is refused as `too_large`, and the connection goes on."""
    with server.socket() as socket:
        for number in range(SUBSCRIPTIONS):
            socket.send({"type": "subscribe", "session_id": f"nosuch-{number}"})
        for _ in range(SUBSCRIPTIONS):
            socket.until("subscribed")
        refused(socket.ask({"type": "subscribe", "session_id": "one-more"}, "error"), "too_large")
        acked(socket.one(heartbeat()), "heartbeat", "")


def test_a_sender_that_never_reads_delays_nobody(server: Plain, sid: str) -> None:
    """While one client pours in frames and reads no answer, others are acked; then it gets every answer, in order."""
    count = 30_000
    with server.socket(max_queue=1) as pouring, server.socket() as other:

        def pour() -> None:
            for number in range(count):
                pouring.send({"type": "events", "events": [heartbeat(event_id=str(number))]})

        sending = threading.Thread(target=pour)
        sending.start()
        for number in range(50):
            acked(other.one(add(sid, f"m{number}")), "message_added", sid)
        got = [pouring.until("events_processed")["responses"][0]["event_id"] for _ in range(count)]
        sending.join()
    assert [str(number) for number in range(count)] == got


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    """A server with small limits, each set by its trait."""
    folder = tmp_path_factory.mktemp("small")
    limits = {"message_bytes": 10_000, "event_bytes": 1000, "batch_events": 5, "subscriptions": 2, "sessions": 3}
    options = [f"--RecorderApp.max_{name}={value}" for name, value in limits.items()]
    with serving(folder / "home", folder / "root", *options) as process:
        yield Plain(process.url, TOKEN, folder / "root")


def test_the_limit_of_a_message_is_a_trait(small: Plain) -> None:
    """`max_message_bytes` closes a longer message's connection with 1009, and refuses a longer body by 413."""
    with small.socket() as socket:
        socket.send(" " * 10_001)
        assert 1009 == socket.close_code()
    assert 413 == small.request("POST", "/events", b" " * 10_001).status


def test_the_limit_of_an_event_is_a_trait(small: Plain) -> None:
    """An event over `max_event_bytes` is `too_large`."""
    sid = new_id()
    small.one(start(sid))
    refused(small.one(add(sid, "m", "x" * 1001)), "too_large")
    acked(small.one(add(sid, "m", "x" * 500)), "message_added", sid)
    small.one(end(sid))


def test_the_limit_of_a_batch_is_a_trait(small: Plain) -> None:
    """A batch over `max_batch_events` is refused as a whole."""
    assert 413 == small.request("POST", "/events", {"events": [heartbeat()] * 6}).status
    assert 5 == len(small.post(*[heartbeat()] * 5))


def test_the_limit_of_subscriptions_is_a_trait(small: Plain) -> None:
    """A subscription over `max_subscriptions` is refused."""
    with small.socket() as socket:
        for name in "ab":
            socket.ask({"type": "subscribe", "session_id": name}, "subscribed")
        refused(socket.ask({"type": "subscribe", "session_id": "c"}, "error"), "too_large")


def test_more_sessions_than_may_be_open_are_recorded(small: Plain) -> None:
    """Beyond `max_sessions` every session is recorded all the same: the longest idle ones are let go of, and resume."""
    ids = [new_id() for _ in range(8)]
    for session_id in ids:
        acked(small.one(start(session_id)), "session_started", session_id)
    eventually(lambda: small.get("/sessions")["total"] <= 3)
    for session_id in ids:
        acked(small.one(add(session_id, "m")), "message_added", session_id)
        assert {"m": "hello"} == small.contents(session_id)
        small.one(end(session_id))


# -- what cannot be made safe


@pytest.fixture(scope="module")
def hurt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plain, Server]]:
    """A server of its own, whose disk can be made to refuse."""
    folder = tmp_path_factory.mktemp("hurt")
    (folder / "root").mkdir()
    with serving(folder / "home", folder / "root") as process:
        plain = Plain(process.url, TOKEN, folder / "root")
        yield plain, process


class NoRoom:
    """While the block lasts, the process can write no byte to any file (its file size limit is 0)."""

    def __init__(self, process: Server) -> None:
        self._pid = process.process.pid

    def __enter__(self) -> None:
        self._limits = resource.prlimit(self._pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (0, self._limits[1]))

    def __exit__(self, *_: object) -> None:
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, self._limits)


def test_what_cannot_be_written_is_no_ack(hurt: tuple[Plain, Server]) -> None:
    """On a disk that refuses, an event is `persist_failed`; sent again when there is room, it is recorded once."""
    server, process = hurt
    sid = new_id()
    server.post(start(sid), add(sid, "m", ""))
    event = append(sid, "m", "kept", event_id="kept")
    with NoRoom(process):
        refused(server.one(event), "persist_failed")
    eventually(lambda: server.one(event)["type"] == "ack")
    assert "kept" == server.contents(sid)["m"]


def test_a_failed_event_does_not_use_up_its_number(hurt: tuple[Plain, Server]) -> None:
    """After `persist_failed` the same number is sent again."""
    server, process = hurt
    sid = new_id()
    event = {**add(sid, "m"), "producer": "p", "producer_seq": 2, "event_id": "e"}
    server.one({**start(sid), "producer": "p", "producer_seq": 1})
    with NoRoom(process):
        refused(server.one(event), "persist_failed")
    eventually(lambda: server.one(event)["type"] == "ack")
    assert {"m": "hello"} == server.contents(sid)


def test_a_failure_is_seen_in_the_status(hurt: tuple[Plain, Server]) -> None:
    """While a session cannot be written, `/status` names it among the failing ones."""
    server, process = hurt
    sid = new_id()
    server.one(start(sid))
    with NoRoom(process):
        refused(server.one(add(sid, "m")), "persist_failed")
        failing = server.get("/status")["health"]["failing_sessions"]
    assert sid in [one["session_id"] for one in failing]
    assert all(one["error"] for one in failing)


def test_what_another_server_has_does_not_use_up_a_number(server: Plain, root: Path, sid: str, tmp_path: Path) -> None:
    """After `recording_in_progress` the same number is accepted by the server that has the session."""
    event = {**add(sid, "m"), "producer": "p", "producer_seq": 1}
    with serving(tmp_path / "home", root) as second:
        refused(Plain(second.url, TOKEN, root).one(event), "recording_in_progress")
    acked(server.one(event), "message_added", sid)


def test_another_servers_session_is_in_progress(server: Plain, root: Path, sid: str, tmp_path: Path) -> None:
    """An event for a session that another living server writes is `recording_in_progress`, and names the owner."""
    with serving(tmp_path / "home", root) as second:
        other = Plain(second.url, TOKEN, root)
        answer = refused(other.one(add(sid, "m")), "recording_in_progress")
        own = new_id()
        acked(other.one(start(own)), "session_started", own)
        refused(server.one(add(own, "m")), "recording_in_progress")
    assert any(character.isdigit() for character in answer["message"])
    acked(server.one(end(sid)), "session_ended", sid)
