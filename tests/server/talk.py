"""A plain way to talk to a server under test: REST, and one WebSocket."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from servers import TOKEN, Server
from websockets.sync.client import ClientConnection, connect

BELOW = "/api/recording"
HEADERS = {"Authorization": f"token {TOKEN}"}
PATIENCE = 30.0


def ask(server: Server, verb: str, path: str, body: Any = None, *, below: str = BELOW) -> tuple[int, Any]:
    """Send a request; return its status, and its JSON (or its bytes)."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE)) as connection:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        connection.request(verb, below + path, data, HEADERS)
        answer = connection.getresponse()
        raw = answer.read()
    try:
        return answer.status, json.loads(raw)
    except ValueError:
        return answer.status, raw


@contextlib.contextmanager
def socket(server: Server, path: str = f"{BELOW}/ws", **more: Any) -> Iterator[ClientConnection]:
    """Open a WebSocket."""
    url = server.url.replace("http", "ws", 1) + path
    with connect(url, additional_headers=HEADERS, proxy=None, max_size=None, compression=None, **more) as connection:
        yield connection


def say(connection: ClientConnection, message: dict[str, Any]) -> None:
    """Send a message."""
    connection.send(json.dumps(message))


def until(connection: ClientConnection, so: Callable[[Any], bool]) -> list[Any]:
    """Return all messages up to the first that is so."""
    found: list[Any] = []
    deadline = time.monotonic() + PATIENCE
    while not found or not so(found[-1]):
        found.append(json.loads(connection.recv(timeout=deadline - time.monotonic())))
    return found


def eventually(so: Callable[[], Any], pause: float = 0.02) -> Any:
    """Wait until something is so, and return it; ask every `pause` seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (found := so()):
        assert time.monotonic() < deadline
        time.sleep(pause)
    return found
