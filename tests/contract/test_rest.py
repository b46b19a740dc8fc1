"""Section 2: every route, what it answers, and its errors."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import struct
import sys
import time
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from plain import Json, Plain, acked, add, end, eventually, message, new_id, refused, snapshot, start
from servers import Server


def recording_id(server: Plain, sid: str) -> str:
    """Return the id of a session's recording."""
    return str(server.manifest(sid)["id"])


# -- events and snapshot


def test_a_bad_event_in_a_batch_is_alone(server: Plain, sid: str) -> None:
    """In a batch, the answers come in order, a bad event gets its error, and the others are recorded."""
    first, second, third, fourth = server.post(add(sid, "a"), {"type": "nosuch"}, "no object", add(sid, "b"))
    acked(first, "message_added", sid)
    refused(second, "invalid_event")
    refused(third, "invalid_event")
    acked(fourth, "message_added", sid)
    assert ["a", "b"] == list(server.contents(sid))


def test_an_empty_batch_is_answered(server: Plain) -> None:
    """A batch of no events has no answers."""
    assert [] == server.post()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"events"', b"{}", b'{"events": {}}', b"\xff\xfe", b'{"events": null}']
)
def test_a_body_that_is_no_batch_is_a_parse_error(server: Plain, body: bytes) -> None:
    """A body that is not an object with a list of events is 400 `parse_error`."""
    reply = server.request("POST", "/events", body)
    assert 400 == reply.status
    refused(reply.json, "parse_error")


def test_a_snapshot_by_its_own_route(server: Plain) -> None:
    """POST `/snapshot` takes one `session_snapshot` and answers its ack."""
    session_id = new_id()
    reply = server.request("POST", "/snapshot", snapshot(session_id, message("a", "x")))
    assert 200 == reply.status
    acked(reply.json, "snapshot_received", session_id)


@pytest.mark.parametrize("body", [{"type": "session_end", "session_id": "x"}, {"type": "session_snapshot"}, [], "x"])
def test_what_is_no_snapshot_is_invalid(server: Plain, body: object) -> None:
    """POST `/snapshot` of anything else is 400 `invalid_event`."""
    reply = server.request("POST", "/snapshot", body)
    assert 400 == reply.status
    refused(reply.json, "invalid_event")


# -- sessions


def test_the_sessions_that_are_recorded(server: Plain) -> None:
    """GET `/sessions` lists a session in state `recording` with all its fields, times in RFC 3339."""
    session_id = new_id()
    server.post(start(session_id, title="T", workspace_path="/tmp/w"), add(session_id, "m"))
    listing = server.get("/sessions")
    (row,) = [row for row in listing["active_sessions"] if row["session_id"] == session_id]
    assert ("contract", "T", 1) == (row["provider"], row["title"], row["message_count"])
    assert {"workspace_path", "started_at", "last_activity", "is_dirty"} <= set(row)
    assert datetime.fromisoformat(row["started_at"]) <= datetime.fromisoformat(row["last_activity"])
    assert datetime.fromisoformat(row["started_at"]).tzinfo is not None
    assert len(listing["active_sessions"]) == listing["total"]


def test_an_ended_session_is_not_listed(server: Plain, sid: str) -> None:
    """GET `/sessions` lists none that is completed."""
    server.one(end(sid))
    assert sid not in [row["session_id"] for row in server.get("/sessions")["active_sessions"]]


def test_a_session_is_given_whole(server: Plain) -> None:
    """GET `/session/{id}` has all its fields."""
    session_id = new_id()
    server.post(
        start(session_id, title="T", model="m", workspace_path="/tmp/w", metadata={"k": 1}), add(session_id, "a")
    )
    got = server.session(session_id)
    wanted: Json = {"session_id": session_id, "provider": "contract", "title": "T", "model": "m", "message_count": 1}
    assert {**wanted, "metadata": {"k": 1}, "state": "recording", "workspace_path": "/tmp/w"}.items() <= got.items()
    assert {"messages", "started_at", "last_activity"} <= set(got)


def test_a_session_is_paged(server: Plain, sid: str) -> None:
    """`after` and `limit` give one page of the messages; the count is that of all."""
    server.post(*(add(sid, f"m{n}") for n in range(5)))
    page = server.session(sid, "?after=m1&limit=2")
    assert (["m2", "m3"], 5) == ([m["message_id"] for m in page["messages"]], page["message_count"])


def test_a_completed_session_is_given(server: Plain, sid: str, mid: str) -> None:
    """A session in any state is given."""
    server.one(end(sid))
    assert ("completed", {mid: "hello"}) == (server.session(sid)["state"], server.contents(sid))


def test_an_unknown_session_is_not_found(server: Plain) -> None:
    """An unknown session is 404 `session_not_found`, and so is its recovery."""
    refused(server.get("/session/nosuch", 404), "session_not_found")
    refused(server.get("/session/nosuch/recovery", 404), "session_not_found")


def test_a_session_id_is_percent_encoded(server: Plain) -> None:
    """A session whose id has slashes, spaces and a percent sign is found under its encoded id."""
    session_id = f"a/b c%2f?{new_id()}"
    server.post(start(session_id), add(session_id, "m"))
    assert session_id == server.session(session_id)["session_id"]
    assert 1 == server.get(f"/session/{quote(session_id, safe='')}/recovery")["message_count"]


def test_recovery_in_any_state(server: Plain, sid: str, mid: str) -> None:
    """`recovery` of a completed session is answered."""
    server.one(end(sid))
    assert 1 == server.get(f"/session/{sid}/recovery")["message_count"]


# -- status


def test_the_status(server: Plain, sid: str) -> None:
    """GET `/status` says that it runs, how many sessions there are, and the settings."""
    status = server.get("/status")
    assert "running" == status["status"]
    assert status["active_sessions"] == server.get("/sessions")["total"] >= 1
    assert 0 <= status["dirty_sessions"]
    assert {"persist_interval_secs", "max_memory_messages", "session_timeout_secs"} == set(status["config"])


def test_the_health(server: Plain, sid: str) -> None:
    """`health` has the last sync, what is not synced, slow and failing sessions, and the free space."""
    health = server.get("/status")["health"]
    assert {"last_sync", "unsynced_events", "slow_sessions", "failing_sessions", "free_disk_bytes"} <= set(health)
    assert [] == health["failing_sessions"]
    assert health["free_disk_bytes"] > 0


# -- recordings


def test_recordings_are_listed_newest_first(server: Plain) -> None:
    """GET `/recordings` lists what was begun last first."""
    ids = [new_id("order") for _ in range(3)]
    for session_id in ids:
        server.one(start(session_id))
    listed = [one.get("session_id") for one in server.get("/recordings?limit=1000")["recordings"]]
    assert ids[::-1] == [one for one in listed if one in ids]


def test_recordings_are_paged(server: Plain) -> None:
    """By `limit`, and `after` what `next` says, every recording comes once."""
    word = new_id("page")
    for number in range(5):
        server.one(start(f"{word}-{number}", title=word))
    got, after = [], ""
    while True:
        page = server.get(f"/recordings?q={word}&limit=2{after}")
        assert (True, 5) == (len(page["recordings"]) <= 2, page["total"])
        got += [one["session_id"] for one in page["recordings"]]
        if not page.get("next"):
            break
        after = f"&after={quote(str(page['next']), safe='')}"
    assert [f"{word}-{number}" for number in range(4, -1, -1)] == got


def test_recordings_are_filtered(server: Plain) -> None:
    """`q`, `kind` and `state` choose among them."""
    word = new_id("filter")
    server.post(start(f"{word}-a", title=word), start(f"{word}-b", title=word), end(f"{word}-b"))

    def found(query: str) -> list[str]:
        return [one["session_id"] for one in server.get(f"/recordings?q={word}&{query}")["recordings"]]

    assert [f"{word}-b"] == found("state=completed")
    assert [f"{word}-a"] == found("state=recording&kind=chat")
    assert [] == found("kind=terminal")


def test_a_manifest_with_labels(server: Plain, sid: str) -> None:
    """GET `/recordings/{id}` gives the manifest: id, the session's own id, kind and state."""
    manifest = server.get(f"/recordings/{recording_id(server, sid)}")
    assert (sid, "chat", "recording") == (manifest["session_id"], manifest["kind"], manifest["state"])


def test_a_recording_is_labelled(server: Plain, sid: str) -> None:
    """PATCH renames, retitles and tags; the tag can be filtered by."""
    place = f"/recordings/{recording_id(server, sid)}"
    tag = new_id("tag")
    reply = server.request("PATCH", place, {"name": "renamed", "title": "A title", "tags": [tag]})
    assert 200 == reply.status
    manifest = server.get(place)
    assert ("renamed", "A title", [tag]) == (manifest["name"], manifest["title"], manifest["tags"])
    assert [sid] == [one["session_id"] for one in server.get(f"/recordings?tag={tag}")["recordings"]]


def test_a_recording_is_deleted(server: Plain, sid: str) -> None:
    """DELETE of a completed recording takes it away for good."""
    server.one(end(sid))
    place, folder = f"/recordings/{recording_id(server, sid)}", server.folder(sid)
    assert server.request("DELETE", place).status in (200, 204)
    refused(server.get(place, 404), "recording_not_found")
    refused(server.get(f"/session/{sid}", 404), "session_not_found")
    assert not folder.exists()


def test_what_is_recorded_is_not_deleted(server: Plain, sid: str) -> None:
    """DELETE while recording is 409 `recording_in_progress`."""
    reply = server.request("DELETE", f"/recordings/{recording_id(server, sid)}")
    assert 409 == reply.status
    refused(reply.json, "recording_in_progress")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_recording_is_not_found(server: Plain, method: str) -> None:
    """An unknown recording is 404 `recording_not_found` for each verb."""
    reply = server.request(method, "/recordings/nosuch-20260101-000000", {"title": "x"} if method == "PATCH" else None)
    assert 404 == reply.status
    refused(reply.json, "recording_not_found")


def test_a_malformed_patch_is_refused(server: Plain, sid: str) -> None:
    """PATCH with a body that is no object is 400 `parse_error`."""
    reply = server.request("PATCH", f"/recordings/{recording_id(server, sid)}", b"{")
    assert 400 == reply.status
    refused(reply.json, "parse_error")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"title": "x" * 1001}, "invalid_event"), ({"title": 7}, "invalid_event"), ({"name": 7}, "invalid_event"),
        ({"name": "a/b"}, "invalid_event"), ({"tags": "x"}, "invalid_event"), ({"tags": ["x" * 201]}, "invalid_event"),
        ({"tags": ["x"] * 101}, "invalid_event"), ([], "parse_error"),
    ],
)  # fmt: skip
def test_a_label_that_cannot_be_changes_nothing(server: Plain, sid: str, body: object, code: str) -> None:
    """What is too long, no text or no name is 400, and neither it nor what stands beside it is taken."""
    place = f"/recordings/{recording_id(server, sid)}"
    before = server.get(place)
    reply = server.request("PATCH", place, {**body, "title": "beside", **body} if isinstance(body, dict) else body)
    assert 400 == reply.status
    refused(reply.json, code)
    assert (before["name"], before.get("title"), before.get("tags")) == tuple(
        server.get(place).get(key) for key in ("name", "title", "tags")
    )


def test_what_is_being_recorded_is_not_recovered(server: Plain, sid: str) -> None:
    """POST `/recordings/{id}/recover` of a living recording leaves it as it is, and it goes on."""
    place = f"/recordings/{recording_id(server, sid)}"
    reply = server.request("POST", f"{place}/recover", b"")
    assert (200, "recording") == (reply.status, server.get(place)["state"])
    assert "ack" == server.one(add(sid, "after"))["type"]


@pytest.mark.parametrize("route", ["/session/{}", "/session/{}/recovery"])
def test_a_session_id_that_is_none_is_invalid(server: Plain, route: str) -> None:
    """An id of more than 256 bytes is 400 `invalid_event`: there can be no such session."""
    reply = server.request("GET", route.format("x" * 257))
    assert 400 == reply.status
    refused(reply.json, "invalid_event")


def test_a_sessions_workspace_is_given(server: Plain) -> None:
    """The workspace that a session began in, with its id."""
    session_id = new_id()
    server.one(start(session_id, workspace_path="/home/ana/p", workspace_id="w1"))
    shown = server.session(session_id)
    assert ("/home/ana/p", "w1") == (shown["workspace_path"], shown["workspace_id"])


# -- files


def test_a_large_content_is_served_beside_the_journal(server: Plain, sid: str) -> None:
    """What is too large for a line is a blob, served whole, in ranges and by its hash; no link leads elsewhere."""
    text = "".join(f"line {number}\n" for number in range(200_000))
    server.one(add(sid, "large", text))
    (blob,) = (server.folder(sid) / "blobs").iterdir()
    path = f"/recordings/{recording_id(server, sid)}/files/blobs/{blob.name}"
    reply = server.request("GET", path)
    assert (200, blob.read_bytes()) == (reply.status, reply.body)
    assert blob.name == hashlib.sha256(reply.body).hexdigest()
    assert blob.read_bytes()[5:9] == server.request("GET", path, headers={"Range": "bytes=5-8"}).body
    assert 304 == server.request("GET", path, headers={"If-None-Match": reply.headers["etag"]}).status
    assert text == server.contents(sid)["large"]
    blob.parent.rename(server.folder(sid) / "elsewhere")
    blob.parent.symlink_to(server.folder(sid) / "elsewhere")
    assert 404 == server.request("GET", path).status


@pytest.mark.skipif(sys.platform != "linux", reason="looks at a process's descriptors")
@pytest.mark.parametrize(
    ("what", "when", "times"),
    [
        ("file", "in its midst", 3),
        ("export", "in its midst", 3),
        ("range", "before it begins", 200),
        ("export", "before it begins", 10),
    ],
)
def test_who_goes_away_from_a_download_holds_no_file(
    server: Plain, process: Server, sid: str, what: str, when: str, times: int
) -> None:
    """The server lets go of the recording's files, and has nothing to complain of."""
    for number in range(8):
        server.one(add(sid, f"m{number}", f"{number}" * 3_000_000))
    server.one(end(sid))
    place = f"/recordings/{recording_id(server, sid)}"
    blob = next((server.folder(sid) / "blobs").iterdir()).name
    path = f"{place}/export?format=markdown" if what == "export" else f"{place}/files/blobs/{blob}"
    wanted = "Range: bytes=0-99\r\n" if what == "range" else ""  # one piece is all of the answer
    folder, before = str(server.folder(sid)), process.log().count("Traceback")
    for _ in range(times):
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            address = urlsplit(server.url)
            connection.connect((str(address.hostname), int(address.port or 80)))
            head = f"GET /api/recording{path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: token {server.token}"
            connection.sendall(f"{head}\r\n{wanted}\r\n".encode())
            if when == "in its midst":
                assert connection.recv(100).startswith(b"HTTP/1.1 200")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
    held = Path(f"/proc/{process.process.pid}/fd")
    eventually(lambda: not [one for one in links(held) if one.startswith(folder)])
    assert before == process.log().count("Traceback")
    assert "completed" == server.get(place)["state"]


def links(folder: Path) -> list[str]:
    """Return what a process has open."""
    found: list[str] = []
    for one in folder.iterdir():
        with contextlib.suppress(OSError):
            found.append(os.readlink(one))
    return found


def test_a_journal_is_served(server: Plain, sid: str, mid: str) -> None:
    """A live journal is served just as it stands on the disk, up to its last whole line."""
    path = f"/recordings/{recording_id(server, sid)}/files/session.ndjson"
    body = server.request("GET", path).body
    assert body.endswith(b"\n")
    assert (server.folder(sid) / "session.ndjson").read_bytes().startswith(body)
    assert b'"message_add"' in body


def test_a_range_is_served(server: Plain, sid: str, mid: str) -> None:
    """A Range is 206 with just these bytes."""
    path = f"/recordings/{recording_id(server, sid)}/files/session.ndjson"
    whole = server.request("GET", path).body
    part = server.request("GET", path, headers={"Range": "bytes=10-19"})
    assert (206, whole[10:20]) == (part.status, part.body)


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ("bytes=0-", 206, "bytes 0-{last}/{size}"),
        ("bytes=-5", 206, "bytes {tail}-{last}/{size}"),
        ("bytes=3-999999999", 206, "bytes 3-{last}/{size}"),
        ("bytes=999999999-", 416, "bytes */{size}"),
        ("bytes=9-3", 200, None),
        ("lines=1-2", 200, None),
    ],
)
def test_a_range_is_said(server: Plain, sid: str, mid: str, asked: str, status: int, said: str | None) -> None:
    """Content-Range says what is sent of how much; outside of the file it is 416, and what is no range is all of it."""
    server.one(end(sid))
    path = f"/recordings/{recording_id(server, sid)}/files/session.ndjson"
    size = len(server.request("GET", path).body)
    places = {"size": size, "last": size - 1, "tail": size - 5}
    reply = server.request("GET", path, headers={"Range": asked})
    assert (status, said and said.format(**places)) == (reply.status, reply.headers.get("content-range"))
    assert {200: size, 416: len(reply.body)}.get(status, len(reply.body)) == len(reply.body)
    head = server.request("HEAD", path, headers={"Range": asked})
    assert (status, b"") == (head.status, head.body)


def test_a_file_of_several_pieces_is_whole(server: Plain, sid: str, mid: str) -> None:
    """What is sent a piece at a time is the file, byte for byte."""
    server.post(
        *[
            {"type": "message_add", "session_id": sid, "message_id": f"m{n}", "role": "user", "content": "x" * 9000}
            for n in range(90)
        ]
    )
    server.one(end(sid))
    path = f"/recordings/{recording_id(server, sid)}/files/session.ndjson"
    stored = (server.folder(sid) / "session.ndjson").read_bytes()
    assert len(stored) > 3 << 18
    assert stored == server.request("GET", path).body
    assert stored[5:-5] == server.request("GET", path, headers={"Range": f"bytes=5-{len(stored) - 6}"}).body


def test_an_etag_saves_a_download(server: Plain, sid: str, mid: str) -> None:
    """With the ETag of what it has, a client is told 304."""
    server.one(end(sid))
    path = f"/recordings/{recording_id(server, sid)}/files/session.ndjson"
    etag = server.request("GET", path).headers["etag"]
    assert 304 == server.request("GET", path, headers={"If-None-Match": etag}).status


@pytest.mark.parametrize(
    "name", ["dedupe.key", "nosuch.ndjson", "..%2f..%2fmanifest.json", "%2e%2e%2fx", "blobs%2f..%2fdedupe.key"]
)
def test_no_other_file_is_served(server: Plain, sid: str, name: str) -> None:
    """The key, what is not there, and paths out of the folder are 404."""
    assert 404 == server.request("GET", f"/recordings/{recording_id(server, sid)}/files/{name}").status


def test_an_export_is_a_download(server: Plain, sid: str, mid: str) -> None:
    """GET `/export?format=ndjson` sends the journal as a file to be saved."""
    server.one(end(sid))
    reply = server.request("GET", f"/recordings/{recording_id(server, sid)}/export?format=ndjson")
    assert 200 == reply.status
    assert reply.headers["content-disposition"].startswith("attachment")
    assert b"hello" in reply.body


def test_an_unknown_format_is_refused(server: Plain, sid: str) -> None:
    """An export format that does not exist is 400 with a body that says which there are."""
    reply = server.request("GET", f"/recordings/{recording_id(server, sid)}/export?format=nosuch")
    assert (400, "error") == (reply.status, reply.json["type"])
    assert "ndjson" in reply.json["message"]


def test_search_answers(server: Plain) -> None:
    """GET `/search` has hits and a total."""
    found = server.get("/search?q=hello")
    assert isinstance(found["hits"], list)
    assert isinstance(found["total"], int)


def test_a_message_is_found_within_two_seconds_of_its_ack(server: Plain, sid: str) -> None:
    """What was acked is searchable two seconds later: the recording, its track, the time and the words."""
    word = f"narwhal{sid.rpartition('-')[2]}"
    content = f"we saw a {word} today"
    event = {"type": "message_add", "session_id": sid, "message_id": "n1", "role": "user", "content": content}
    answers = server.request("POST", "/events", {"events": [event]}).json["responses"]
    assert ["ack"] == [answer["type"] for answer in answers]
    deadline = time.monotonic() + 2.0
    while not (found := server.get(f"/search?q={word}"))["total"] and time.monotonic() < deadline:
        time.sleep(0.05)

    (hit,) = found["hits"]
    assert (recording_id(server, sid), "chat", content) == (hit["recording_id"], hit["track"], hit["snippet"])
    assert abs(time.time() * 1000 - hit["at"]) < 60_000


# -- terminals


def test_a_terminal_is_recorded(server: Plain, root: Path) -> None:
    """POST `/terminals/{name}` starts a recording of a terminal that runs, and DELETE stops it."""
    name = terminal(server)
    before = {path.name for path in root.iterdir()}
    reply = server.request("POST", f"/terminals/{name}", b"")
    assert reply.status in (200, 201)
    (found,) = {path.name for path in root.iterdir() if not path.name.startswith(".")} - before
    assert ("terminal", "recording") == (
        server.get(f"/recordings/{found}")["kind"],
        server.get(f"/recordings/{found}")["state"],
    )
    assert server.request("DELETE", f"/terminals/{name}").status in (200, 204)
    eventually(lambda: server.get(f"/recordings/{found}")["state"] == "completed")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_an_unknown_terminal_is_not_found(server: Plain, method: str) -> None:
    """A terminal that does not run is 404 `terminal_not_found`."""
    reply = server.request(method, "/terminals/nosuch", b"" if method == "POST" else None)
    assert 404 == reply.status
    refused(reply.json, "terminal_not_found")


def terminal(server: Plain) -> str:
    """Open a terminal by Jupyter's own route and return its name."""
    opened = server.request("POST", "/terminals", b"{}", below="/api")
    assert 200 == opened.status, opened
    return str(opened.json["name"])
