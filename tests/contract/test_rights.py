"""Section 2, who may: no way in without a token, and an authoriser's word counts for every event."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from plain import Plain, acked, add, new_id, refused, start
from servers import TOKEN, serving
from websockets.exceptions import InvalidStatus

READ_ONLY = "--ServerApp.authorizer_class=deciders.ReadOnly"
WRITE_ONLY = "--ServerApp.authorizer_class=deciders.WriteOnly"


def running(tmp_path_factory: pytest.TempPathFactory, root: Path, option: str) -> Iterator[Plain]:
    """Run a server with an authoriser of `deciders.py`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        with serving(tmp_path_factory.mktemp("rights") / "home", root, option) as process:
            plain = Plain(process.url, TOKEN, root)
            yield plain


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Plain]:
    """A server whose users may read the shared server's root, and not write."""
    yield from running(tmp_path_factory, root, READ_ONLY)


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    """A server whose users may write, and not read."""
    yield from running(tmp_path_factory, tmp_path_factory.mktemp("unread"), WRITE_ONLY)


@pytest.mark.parametrize("token", [None, "wrong"])
def test_nothing_without_a_token(server: Plain, token: str | None) -> None:
    """Without the right token neither REST nor the WebSocket answers."""
    stranger = Plain(server.url, token, server.root)
    assert stranger.request("GET", "/status").status in (401, 403)
    assert stranger.request("POST", "/events", {"events": []}).status in (401, 403)
    with pytest.raises(InvalidStatus), stranger.socket():
        pass


def test_a_reader_may_get(reader: Plain, server: Plain, sid: str) -> None:
    """Who may read gets status and sessions."""
    assert "running" == reader.get("/status")["status"]
    assert sid == reader.session(sid)["session_id"]


def test_a_reader_may_not_post(reader: Plain) -> None:
    """Who may only read is answered 403 `forbidden` by REST."""
    reply = reader.request("POST", "/events", {"events": [start(new_id())]})
    assert 403 == reply.status


def test_a_readers_events_are_forbidden_one_by_one(reader: Plain) -> None:
    """On the WebSocket, which opens to a reader, each event is answered `forbidden`, and nothing is recorded."""
    session_id = new_id()
    with reader.socket() as socket:
        for answer in socket.events(start(session_id), add(session_id, "m")):
            refused(answer, "forbidden")
    refused(reader.get(f"/session/{session_id}", 404), "session_not_found")


def test_forbidden_does_not_use_up_a_number(reader: Plain, server: Plain, sid: str) -> None:
    """After `forbidden` the same number is accepted from who may write."""
    event = {**add(sid, "m"), "producer": "p", "producer_seq": 1}
    with reader.socket() as socket:
        refused(socket.one(event), "forbidden")
    acked(server.one(event), "message_added", sid)


def test_who_may_not_read_gets_no_socket(writer: Plain) -> None:
    """Opening the WebSocket needs `read`."""
    with pytest.raises(InvalidStatus) as refusal, writer.socket():
        pass
    assert 403 == refusal.value.response.status_code


def test_who_may_not_read_may_write(writer: Plain) -> None:
    """Events by REST need `write` alone."""
    assert "ack" == writer.one(start(new_id()))["type"]
    assert 403 == writer.request("GET", "/sessions").status


def test_by_is_the_user(server: Plain, sid: str) -> None:
    """A journal line names the authenticated user, by REST and by the WebSocket, whatever the event says."""
    server.one(add(sid, "a", by="mallory"))
    with server.socket() as socket:
        socket.one(add(sid, "b", by="mallory"))
    names = [line.get("by") for line in server.journal(sid) if line["type"] in ("session_start", "message_add")]
    assert 3 == len(names)
    assert all(names)
    assert "mallory" not in names


def test_by_is_who_signed_in(server: Plain, sid: str) -> None:
    """Who shows the cookie of a sign-in is the same user each time, and another than one who shows the token alone."""
    place = server.request("GET", "/status", below="/api/recording")
    cookies = place.headers.get("set-cookie", "").split(";")[0]
    assert cookies
    for number in range(2):
        reply = server.request("POST", "/events", {"events": [add(sid, f"m{number}")]}, {"Cookie": cookies})
        assert 200 == reply.status
    server.one(add(sid, "by the token"))
    first, second, token = (line["by"] for line in server.journal(sid) if line["type"] == "message_add")
    assert first == second != token == "token"
