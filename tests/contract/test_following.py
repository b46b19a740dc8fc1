"""Section 4: subscriptions from a number on, tracks of any recording, and changes of recordings."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from kernels import Kernel
from plain import Json, Plain, Socket, add, append, end, eventually, new_id, refused, start
from programs import living


def numbers(messages: list[Json]) -> list[int]:
    """Return the numbers of broadcasts."""
    return [message["seq"] for message in messages]


def test_a_broadcast_has_its_number(server: Plain, sid: str) -> None:
    """`event_broadcast` carries the event and its `seq`, the one of the ack."""
    with server.socket() as socket:
        socket.ask({"type": "subscribe", "session_id": sid}, "subscribed")
        seq = server.one(add(sid, "a", event_id="x"))["seq"]
        message = socket.until("event_broadcast")
    assert (seq, "x") == (message["seq"], message["event"]["event_id"])


def test_from_seq_sends_what_was_recorded(server: Plain, sid: str) -> None:
    """`from_seq` 1 sends every line from the journal, `session_start` first."""
    server.post(*(add(sid, f"m{n}") for n in range(5)))
    with server.socket() as socket:
        socket.send({"type": "subscribe", "session_id": sid, "from_seq": 1})
        got = socket.broadcasts(6)
    assert [1, 2, 3, 4, 5, 6] == numbers(got)
    assert "session_start" == got[0]["event"]["type"]


def test_from_seq_begins_there(server: Plain, sid: str) -> None:
    """`from_seq` n sends lines from n on, and nothing before."""
    server.post(*(add(sid, f"m{n}") for n in range(5)))
    with server.socket() as socket:
        socket.send({"type": "subscribe", "session_id": sid, "from_seq": 5})
        assert [5, 6] == numbers(socket.broadcasts(2))


def test_from_seq_goes_live_without_gap_or_double(server: Plain, sid: str) -> None:
    """Joined while events stream in, a subscriber gets each number once, in order."""
    count = 400

    def stream() -> None:
        with server.socket() as speaker:
            for number in range(count):
                speaker.send({"type": "events", "events": [add(sid, f"m{number}")]})
            for _ in range(count):
                speaker.until("events_processed")

    speaking = threading.Thread(target=stream)
    speaking.start()
    try:
        with server.socket() as socket:
            # Before `subscribed` it is a client without subscriptions, that hears of all sessions.
            socket.ask({"type": "subscribe", "session_id": sid, "from_seq": 1}, "subscribed")
            got = numbers(socket.broadcasts(count + 1))
    finally:
        speaking.join()
    assert list(range(1, count + 2)) == got


def test_subscribed_comes_before_what_it_brings(server: Plain, sid: str, mid: str) -> None:
    """A frame before it that still waits for its answer keeps `subscribed` back, and the broadcasts with it."""
    with server.socket() as socket:
        socket.send({"type": "hello", "producer": "p"})
        # What may be half a secret is held for 100 ms before it is written, and so is its answer.
        socket.send({"type": "events", "events": [append(sid, mid, " sk-ant-")]})
        socket.send({"type": "subscribe", "session_id": sid, "from_seq": 1})
        kinds = [socket.next()["type"] for _ in range(6)]
    assert ["welcome", "events_processed", "subscribed", *["event_broadcast"] * 3] == kinds


def test_a_completed_session_is_read_from_its_journal(server: Plain, sid: str, mid: str) -> None:
    """`from_seq` works for a session that has ended."""
    server.one(end(sid))
    with server.socket() as socket:
        socket.send({"type": "subscribe", "session_id": sid, "from_seq": 1})
        got = socket.broadcasts(3)
    assert ["session_start", "message_add", "session_end"] == [m["event"]["type"] for m in got]


def test_the_servers_own_lines_are_broadcast(server: Plain, sid: str) -> None:
    """A `resume` is numbered and sent like an event of a client."""
    server.one(end(sid))
    with server.socket() as socket:
        socket.ask({"type": "subscribe", "session_id": sid}, "subscribed")
        server.one(add(sid, "a"))
        got = socket.broadcasts(2)
    assert ["resume", "message_add"] == [m["event"]["type"] for m in got]
    assert [3, 4] == numbers(got)


def test_a_session_can_be_waited_for(server: Plain) -> None:
    """A subscription to a session that is not there yet carries it from its first line on."""
    session_id = new_id()
    with server.socket() as socket:
        socket.ask({"type": "subscribe", "session_id": session_id, "from_seq": 1}, "subscribed")
        server.post(start(session_id), add(session_id, "a"))
        assert [1, 2] == numbers(socket.broadcasts(2))


def test_a_slow_subscriber_delays_nobody(server: Plain, sid: str) -> None:
    """While one reads nothing, a writer is acked and another subscriber is served; then the slow one gets all."""
    text = "x" * 100_000
    with server.socket() as slow, server.socket() as quick:
        for socket in (slow, quick):
            socket.ask({"type": "subscribe", "session_id": sid}, "subscribed")
        for number in range(100):
            assert "ack" == server.one(add(sid, f"m{number}", text))["type"]
        assert list(range(2, 102)) == numbers(quick.broadcasts(100))
        assert list(range(2, 102)) == numbers(slow.broadcasts(100))


# -- tracks


def follow(socket: Socket, recording_id: str, track: str, start_at: int = 0) -> None:
    """Subscribe to a track."""
    socket.send({"type": "subscribe", "recording_id": recording_id, "track": track, "from": start_at})


def test_a_track_of_a_session_is_followed(server: Plain, sid: str, mid: str) -> None:
    """Of a session's recording the journal's track can be followed, with index, from the beginning and then live."""
    recording_id = server.folder(sid).name
    with server.socket() as socket:
        follow(socket, recording_id, "journal")
        first = socket.until("track_event")
        assert (recording_id, "journal") == (first["recording_id"], first["track"])
        server.one(append(sid, mid, "live"))
        while (message := socket.until("track_event"))["event"].get("content_delta") != "live":
            assert message["index"] > first["index"] or message["event"]["type"] != "header"


def test_a_track_begins_where_it_is_asked_to(server: Plain, sid: str) -> None:
    """`from` n sends the track from index n on, and each index after it once."""
    server.post(*(add(sid, f"m{n}") for n in range(5)))
    with server.socket() as socket:
        follow(socket, server.folder(sid).name, "journal", 3)
        server.one(add(sid, "live"))
        got = [socket.until("track_event")]
        while got[-1]["event"].get("message_id") != "live":
            got.append(socket.until("track_event"))
    assert list(range(3, 3 + len(got))) == [message["index"] for message in got]


def test_a_kernels_terminal_is_followed(server: Plain, root: Path, tmp_path: Path) -> None:
    """A terminal that a kernel records is followed while its program runs: each event once, in order, all its text."""
    kernel = Kernel(tmp_path, env={"JUPYTER_RECORDER_DIR": str(root)})
    name = new_id("live")
    kernel.run(f"%record start {name}")
    command = "%record sh for n in 1 2 3 4 5; do echo tick $n; sleep 0.2; done"
    running = threading.Thread(target=kernel.run, args=(command,))
    running.start()
    try:
        eventually((kernel.folder(name) / "terminal.cast").exists)
        with server.socket() as socket:
            follow(socket, kernel.folder(name).name, "terminal")
            got: list[Json] = []
            while "tick 5" not in "".join(str(message["event"]) for message in got):
                got.append(socket.until("track_event"))
    finally:
        running.join()
        kernel.shut_down()
    assert list(range(len(got))) == [message["index"] for message in got]
    assert all(f"tick {n}" in "".join(str(message["event"]) for message in got) for n in range(1, 6))


def test_an_unknown_recording_cannot_be_followed(server: Plain) -> None:
    """A track of a recording that is not there is `recording_not_found`."""
    with server.socket() as socket:
        follow(socket, "nosuch-20260101-000000", "journal")
        refused(socket.until("error"), "recording_not_found")


# -- watching


def test_changes_of_recordings_are_told(server: Plain) -> None:
    """After `watch_recordings` a start and an end are told with id, state and counts."""
    session_id = new_id()
    with server.socket() as socket:
        socket.send({"type": "watch_recordings"})
        socket.all_until_pong()
        server.one(start(session_id))
        recording_id = server.folder(session_id).name
        assert "counts" in changed(socket, recording_id, "recording")
        server.one(end(session_id))
        changed(socket, recording_id, "completed")


def test_changes_by_a_kernel_are_told(server: Plain, root: Path) -> None:
    """A recording that another process begins is told too."""
    with server.socket() as socket:
        socket.send({"type": "watch_recordings"})
        socket.all_until_pong()
        with living("record", root, new_id("kernel")) as program:
            changed(socket, program.path.name, "recording")


def changed(socket: Socket, recording_id: str, state: str) -> Json:
    """Return the next `recording_changed` of this recording in this state."""
    while True:
        message = socket.until("recording_changed", timeout=30)
        if (recording_id, state) == (message["id"], message["state"]):
            return message


@pytest.mark.parametrize(
    "message", [{"session_id": 7}, {"recording_id": "x"}, {"session_id": "x", "from_seq": "y"}, {}]
)
def test_a_bad_subscription_is_a_parse_error(server: Plain, message: Json) -> None:
    """A `subscribe` that names nothing, or wrongly, is `parse_error`, and the connection goes on."""
    with server.socket() as socket:
        refused(socket.ask({"type": "subscribe", **message}, "error"), "parse_error")
        socket.ask({"type": "ping", "timestamp": 1}, "pong")
