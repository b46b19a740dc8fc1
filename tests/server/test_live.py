"""F2: who joins a live session at any moment has every event once; and what following costs the server."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernels import Kernel
from servers import Server, serving
from talk import ask, eventually, say, socket, until

EVENTS = 600
VIEWERS = 8


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of recordings."""
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server."""
    with serving(tmp_path_factory.mktemp("following") / "home", root) as server:
        yield server


def event(session: str, number: int) -> dict[str, Any]:
    """Return the event of that number, from 1."""
    names = {"session_id": session, "producer": "p", "producer_seq": number}
    if number == 1:
        return {**names, "type": "session_start", "provider": "test"}
    if number == 2:
        return {**names, "type": "message_add", "message_id": "m", "role": "assistant", "content": ""}
    return {**names, "type": "message_append", "message_id": "m", "content_delta": f"{number} "}


def test_a_viewer_that_joins_at_any_moment_has_every_event_once(server: Server) -> None:
    """Early or late, from the first event or from one in the middle, there is no gap and no double."""
    session, begun = "viewed", [threading.Event() for _ in range(VIEWERS)]
    seen: dict[int, list[int]] = {}

    def view(at: int) -> None:
        assert begun[at].wait(30)
        first = 1 if at % 2 else 1 + at * 10
        with socket(server) as connection:
            say(connection, {"type": "subscribe", "session_id": session, "from_seq": first})
            until(connection, lambda message: message["type"] == "subscribed")  # until then it hears of all sessions
            messages = until(connection, lambda message: message.get("seq") == EVENTS)
        seen[at] = [message["seq"] for message in messages if message["type"] == "event_broadcast"]
        assert list(range(first, EVENTS + 1)) == seen[at]

    viewers = [threading.Thread(target=view, args=(at,)) for at in range(VIEWERS)]
    for viewer in viewers:
        viewer.start()
    with socket(server) as connection:
        say(connection, {"type": "hello", "producer": "p"})
        for number in range(1, EVENTS + 1):
            if number % (EVENTS // VIEWERS) == 1:
                begun[number // (EVENTS // VIEWERS)].set()
            say(connection, {"type": "events", "events": [event(session, number)]})
        until(connection, lambda message: message["type"] == "events_processed" and answered(message, f"p:{EVENTS}"))
    for viewer in viewers:
        viewer.join(60)
    assert sorted(seen) == list(range(VIEWERS))


def answered(message: Any, event_id: str) -> bool:
    """Tell whether a frame's answers hold that of an event."""
    return any(answer["event_id"] == event_id for answer in message["responses"])


def test_what_a_kernel_records_is_followed(server: Server, root: Path, tmp_path: Path) -> None:
    """The track of another process's recording comes as it is written, each line once."""
    kernel = Kernel(tmp_path, env={"JUPYTER_RECORDER_DIR": str(root)})
    try:
        kernel.run("%record start followed")
        (path,) = [one for one in root.iterdir() if one.name.startswith("followed-")]
        with socket(server) as connection:
            say(connection, {"type": "subscribe", "recording_id": path.name, "track": "journal", "from": 1})
            for number in range(3):
                kernel.run(f"print('cell {number}')")
            got = until(connection, lambda message: "cell 2" in json.dumps(message.get("event", {}).get("output", {})))
        indexes = [message["index"] for message in got if message["type"] == "track_event"]
        assert list(range(1, len(indexes) + 1)) == indexes
    finally:
        kernel.shut_down()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors by /proc")
def test_open_descriptors_do_not_grow_with_sessions_or_their_length(server: Server) -> None:
    """P2: at most two descriptors a session, however long it is."""
    pid = server.process.pid

    def descriptors() -> int:
        return len(os.listdir(f"/proc/{pid}/fd"))

    ask(server, "POST", "/events", {"events": [event("warm", 1), event("warm", 2)]})
    before = descriptors()
    count = 40
    batch = [event(f"many-{at}", number) for at in range(count) for number in (1, 2)]
    assert 200 == ask(server, "POST", "/events", {"events": batch})[0]
    assert descriptors() - before <= 2 * count + 10
    for first in range(3, 6003, 1000):
        status, _ = ask(server, "POST", "/events", {"events": [event("many-0", n) for n in range(first, first + 1000)]})
        assert 200 == status
    assert eventually(lambda: descriptors() - before <= 2 * count + 10)
