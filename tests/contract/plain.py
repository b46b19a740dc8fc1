"""A client of the recording protocol that knows its description alone: plain `websockets`, plain HTTP."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0
BELOW = "/api/recording"
Json = dict[str, Any]

_numbers = itertools.count(1)


def new_id(word: str = "session") -> str:
    """Return an id that nobody else uses."""
    return f"{word}-{next(_numbers)}-{uuid.uuid4().hex[:8]}"


class Reply(NamedTuple):
    """What an HTTP request got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Plain:
    """A server's address and a token; `root` is its folder of recordings, to see what is on the disk."""

    def __init__(self, url: str, token: str | None, root: Path) -> None:
        self.url, self.token, self.root = url, token, root

    @property
    def headers(self) -> dict[str, str]:
        """What tells the server who asks."""
        return {} if self.token is None else {"Authorization": f"token {self.token}"}

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, below: str = BELOW
    ) -> Reply:
        """Send one request below `/api/recording`; a body that is not bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        place = urlsplit(self.url)
        with contextlib.closing(http.client.HTTPConnection(place.netloc, timeout=60)) as connection:
            whole = {**self.headers, **(headers or {})}
            connection.request(method, f"{place.path}{below}{path}", data, whole)
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def get(self, path: str, status: int = 200) -> Any:
        """Return the JSON of a GET that has this status."""
        reply = self.request("GET", path)
        assert status == reply.status, reply
        return reply.json

    def post(self, *events: Any) -> list[Json]:
        """Send events by REST and return their answers."""
        reply = self.request("POST", "/events", {"events": list(events)})
        assert 200 == reply.status, reply
        assert len(events) == reply.json["processed"] == len(reply.json["responses"])
        answers: list[Json] = reply.json["responses"]
        return answers

    def one(self, event: Any) -> Json:
        """Send one event by REST and return its answer."""
        (answer,) = self.post(event)
        return answer

    def session(self, session_id: str, query: str = "", status: int = 200) -> Json:
        """Return what is recorded of a session."""
        got: Json = self.get(f"/session/{quote(session_id, safe='')}{query}", status)
        return got

    def contents(self, session_id: str) -> dict[str, str]:
        """Return a session's messages: id to content."""
        return {m["message_id"]: m["content"] for m in self.session(session_id)["messages"]}

    def manifest(self, session_id: str) -> Json:
        """Return the manifest of a session, from the list of recordings."""
        found = [one for one in self.get("/recordings?limit=1000")["recordings"] if one.get("session_id") == session_id]
        assert 1 == len(found), found
        manifest: Json = found[0]
        return manifest

    def folder(self, session_id: str) -> Path:
        """Return where a session is recorded."""
        manifests = [json.loads(path.read_text("utf-8")) for path in self.root.glob("*/manifest.json")]
        (found,) = [manifest for manifest in manifests if manifest.get("session_id") == session_id]
        return self.root / str(found["id"])

    def journal(self, session_id: str) -> list[Json]:
        """Return the numbered lines of a session's journal, as they are on the disk."""
        lines = (self.folder(session_id) / "session.ndjson").read_text("utf-8").split("\n")
        return [line for raw in lines if raw and "seq" in (line := json.loads(raw))]

    @contextlib.contextmanager
    def socket(self, **options: Any) -> Iterator[Socket]:
        """Open a WebSocket that the server has greeted."""
        url = f"{self.url.replace('http', 'ws', 1)}{BELOW}/ws"
        with connect(url, additional_headers=self.headers, proxy=None, max_size=None, **options) as connection:
            socket = Socket(connection)
            greeting = socket.next()
            assert "connected" == greeting["type"]
            socket.client_id = greeting["client_id"]
            yield socket


class Socket:
    """An open WebSocket: frames out, frames in, in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.client_id: Any = None

    def send(self, message: Any) -> None:
        """Send a message: text and bytes as they are, everything else as JSON."""
        self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def next(self, timeout: float = PATIENCE) -> Json:
        """Return the next message from the server."""
        message: Json = json.loads(self.connection.recv(timeout=timeout))
        return message

    def until(self, kind: str, timeout: float = PATIENCE) -> Json:
        """Return the next message of a type, passing over the others."""
        deadline = time.monotonic() + timeout
        while (message := self.next(max(0.01, deadline - time.monotonic())))["type"] != kind:
            pass
        return message

    def ask(self, message: Any, kind: str) -> Json:
        """Send a message and return the next one of this type."""
        self.send(message)
        return self.until(kind)

    def events(self, *events: Any) -> list[Json]:
        """Send one frame of events and return their answers."""
        answer = self.ask({"type": "events", "events": list(events)}, "events_processed")
        assert len(events) == answer["count"] == len(answer["responses"])
        answers: list[Json] = answer["responses"]
        return answers

    def one(self, event: Any) -> Json:
        """Send one event and return its answer."""
        (answer,) = self.events(event)
        return answer

    def all_until_pong(self) -> list[Json]:
        """Return every message that comes before the answer to a ping sent now."""
        self.send({"type": "ping", "timestamp": 1})
        got: list[Json] = []
        while (message := self.next())["type"] != "pong":
            got.append(message)
        return got

    def broadcasts(self, count: int) -> list[Json]:
        """Return the next `count` broadcasts."""
        return [self.until("event_broadcast") for _ in range(count)]

    def close_code(self) -> int | None:
        """Read until the server closes and return its code."""
        with contextlib.suppress(Exception):
            while True:
                self.connection.recv(timeout=PATIENCE)
        return self.connection.close_code


# -- events


def start(session_id: str, **fields: Any) -> Json:
    """Return a `session_start`."""
    return {"type": "session_start", "session_id": session_id, "provider": "contract", **fields}


def end(session_id: str, **fields: Any) -> Json:
    """Return a `session_end`."""
    return {"type": "session_end", "session_id": session_id, **fields}


def add(session_id: str, message_id: str, content: str = "hello", **fields: Any) -> Json:
    """Return a `message_add` from a user."""
    event = {"type": "message_add", "session_id": session_id, "message_id": message_id}
    return {**event, "role": "user", "content": content, **fields}


def append(session_id: str, message_id: str, delta: str, **fields: Any) -> Json:
    """Return a `message_append`."""
    event = {"type": "message_append", "session_id": session_id, "message_id": message_id}
    return {**event, "content_delta": delta, **fields}


def update(session_id: str, message_id: str, content: str, is_complete: bool = True, **fields: Any) -> Json:
    """Return a `message_update`."""
    event = {"type": "message_update", "session_id": session_id, "message_id": message_id}
    return {**event, "content": content, "is_complete": is_complete, **fields}


def delete(session_id: str, message_id: str, **fields: Any) -> Json:
    """Return a `message_delete`."""
    return {"type": "message_delete", "session_id": session_id, "message_id": message_id, **fields}


def change(session_id: str, **fields: Any) -> Json:
    """Return a `session_update`."""
    return {"type": "session_update", "session_id": session_id, **fields}


def heartbeat(**fields: Any) -> Json:
    """Return a `heartbeat`."""
    return {"type": "heartbeat", "timestamp": int(time.time() * 1000), **fields}


def snapshot(session_id: str, *messages: Json, **fields: Any) -> Json:
    """Return a `session_snapshot`."""
    event = {"type": "session_snapshot", "session_id": session_id, "provider": "contract"}
    return {**event, "messages": list(messages), **fields}


def message(message_id: str, content: str, **fields: Any) -> Json:
    """Return a message as a snapshot carries it."""
    return {"message_id": message_id, "role": "user", "content": content, "created_at": 1_700_000_000_000, **fields}


def numbered(event: Json, producer: str, number: int) -> Json:
    """Return an event with a producer's number."""
    return {**event, "producer": producer, "producer_seq": number}


# -- what answers are


def acked(answer: Json, status: str, session_id: str) -> Json:
    """Hold an answer against an ack with this status; returns it."""
    assert ("ack", status, session_id) == (answer["type"], answer.get("status"), answer.get("session_id")), answer
    assert isinstance(answer["event_id"], str)
    assert answer["event_id"]
    return answer


def refused(answer: Json, code: str) -> Json:
    """Hold an answer against an error with this code; returns it."""
    assert ("error", code) == (answer["type"], answer.get("code")), answer
    assert isinstance(answer["message"], str)
    assert answer["message"]
    return answer


def eventually(is_so: Callable[[], bool], timeout: float = PATIENCE) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
