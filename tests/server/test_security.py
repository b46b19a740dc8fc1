"""Who gets in, and what gets out: every route, every name, every file's mode."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from servers import TOKEN, Server, serving
from tornado.web import RequestHandler
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from jupyter_recorder.server.app import PREFIX, ROUTES

# What stands for each group of a route's pattern, in order.
SAMPLES = {
    r"/session/([^/]+)": ["one"],
    r"/session/([^/]+)/recovery": ["one"],
    r"/recordings/([^/]+)": ["one-20260101-000000"],
    r"/recordings/([^/]+)/files/(.+)": ["one-20260101-000000", "session.ndjson"],
    r"/recordings/([^/]+)/export": ["one-20260101-000000"],
    r"/recordings/([^/]+)/recover": ["one-20260101-000000"],
    r"/recordings/([^/]+)/replay": ["one-20260101-000000"],
    r"/terminals/([^/]+)": ["1"],
    r"/(openapi\.yaml|asyncapi\.yaml)": ["openapi.yaml"],
}
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
REFUSED = (401, 403, 404)


def calls() -> Iterator[tuple[str, str]]:
    """Yield every verb of every registered route; a route that has no sample fails here until it gets one."""
    for pattern, handler in ROUTES:
        groups = iter(SAMPLES[pattern] if "(" in pattern else [])
        path = re.sub(r"\([^)]*\)", lambda _, groups=groups: next(groups), pattern)  # type: ignore[misc]
        for verb in VERBS:
            if getattr(handler, verb.lower()) is not getattr(RequestHandler, verb.lower()):
                yield verb, PREFIX + path


CALLS = [call for call in calls() if not call[1].endswith("/ws")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of recordings."""
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose process makes files as freely as the system lets it."""
    before = os.umask(0)
    try:
        with serving(tmp_path_factory.mktemp("security") / "home", root) as server:
            yield server
    finally:
        os.umask(before)


@pytest.fixture(scope="module")
def denying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose authoriser allows nothing."""
    folder = tmp_path_factory.mktemp("denying")
    (folder / "no.py").write_text(
        "from jupyter_server.auth import Authorizer\n"
        "class No(Authorizer):\n"
        "    def is_authorized(self, handler, user, action, resource):\n        return resource != 'recording'\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        (folder / "root").mkdir()
        with serving(folder / "home", folder / "root", "--ServerApp.authorizer_class=no.No") as server:
            yield server


def ask(server: Server, verb: str, path: str, headers: dict[str, str], body: Any = None) -> tuple[int, bytes]:
    """Send a request and return its status and body."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)) as connection:
        data = None if verb in ("GET", "HEAD") else json.dumps(body or {"events": []})
        connection.request(verb, path, data, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def with_token(token: str = TOKEN) -> dict[str, str]:
    """Return the headers of a program."""
    return {"Authorization": f"token {token}"}


@pytest.fixture(scope="module")
def cookies(server: Server) -> dict[str, str]:
    """The headers of a browser that is logged in."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)) as connection:
        connection.request("GET", f"/api/status?token={TOKEN}")
        answer = connection.getresponse()
        answer.read()
        pairs = [value.split(";", 1)[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    return {"Cookie": "; ".join(pairs)}


@pytest.mark.parametrize(("verb", "path"), CALLS)
def test_no_route_answers_a_stranger(server: Server, verb: str, path: str) -> None:
    """Without a token, or with a wrong one, nothing is answered."""
    for headers in ({}, with_token("wrong"), {"Cookie": "username-127-0-0-1=forged"}):
        assert ask(server, verb, path, headers)[0] in (401, 403)


@pytest.mark.parametrize(("verb", "path"), CALLS)
def test_no_route_answers_another_sites_page(server: Server, cookies: dict[str, str], verb: str, path: str) -> None:
    """A browser's cookie alone is not enough from a foreign origin, nor to change anything without an XSRF token."""
    assert ask(server, verb, path, {**cookies, "Origin": "https://evil.example"})[0] in REFUSED
    if verb not in ("GET", "HEAD"):
        assert 403 == ask(server, verb, path, cookies)[0]


@pytest.mark.parametrize(("verb", "path"), CALLS)
def test_no_route_answers_whom_the_authoriser_denies(denying: Server, verb: str, path: str) -> None:
    """Whoever may not is told so, and gets nothing (S6: by any route)."""
    assert 403 == ask(denying, verb, path, with_token())[0]


def test_no_socket_for_any_of_them(server: Server, denying: Server, cookies: dict[str, str]) -> None:
    """The WebSocket refuses strangers, other sites' pages and whom the authoriser denies."""
    attempts: list[tuple[Server, dict[str, str], str | None]] = [
        (server, {}, None),
        (server, with_token("wrong"), None),
        (server, cookies, "https://evil.example"),
        (denying, with_token(), None),
    ]
    for one, headers, origin in attempts:
        url = one.url.replace("http", "ws", 1) + PREFIX + "/ws"
        with pytest.raises(InvalidStatus) as refusal:
            connect(url, additional_headers=headers, origin=origin, proxy=None)  # type: ignore[arg-type]
        assert 403 == refusal.value.response.status_code


# -- names


@pytest.fixture(scope="module")
def recorded(server: Server, root: Path) -> str:
    """The id of a recording with links in its folder that lead out of it."""
    events = [
        {"type": "session_start", "session_id": "held", "provider": "p"},
        {"type": "message_add", "session_id": "held", "message_id": "m", "role": "user", "content": "x" * 70_000},
        {"type": "session_end", "session_id": "held"},
    ]
    assert 200 == ask(server, "POST", f"{PREFIX}/events", with_token(), {"events": events})[0]
    (path,) = [one for one in root.iterdir() if one.name.startswith("held-")]
    secret = root.parent / "canary"
    secret.write_text("CANARY " * 100)
    for name in ("session.7.ndjson", "terminal.cast", f"blobs/{'a' * 64}"):
        (path / name).symlink_to(secret)
    return path.name


def names() -> list[str]:
    """Return 500 names that try to lead elsewhere, the same ones each time."""
    steps = ["..", "%2e%2e", ".%2e", "%252e%252e", "..%2f", "..%5c", "....//", "/", "//", "%00", ".", "~", "*", "con"]
    ends = ["canary", "dedupe.key", "manifest.json", "recording.json", "etc/passwd", "session.ndjson", "labels.json"]
    fixed = [
        "session.7.ndjson",
        "terminal.cast",
        f"blobs/{'a' * 64}",
        "dedupe.key",
        "blobs",
        "blobs/",
        "%00",
        "session.ndjson%00",
    ]
    chance = random.Random(3)
    drawn = ["/".join([*chance.choices(steps, k=chance.randint(1, 6)), chance.choice(ends)]) for _ in range(500)]
    return (fixed + drawn)[:500]


def test_no_name_opens_anything_else(server: Server, recorded: str) -> None:
    """S3: neither a recording's name nor a file's leads out of the folder, nor to the key or the locks."""
    netloc = urlsplit(server.url).netloc
    with contextlib.closing(http.client.HTTPConnection(netloc, timeout=30)) as connection:
        for name in names():
            for path in (
                f"/recordings/{recorded}/files/{name}",
                f"/recordings/{name}",
                f"/session/{quote(name, safe='')}",
            ):
                connection.request("GET", PREFIX + path, headers=with_token())
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status < 500, path
                assert b"CANARY" not in body
                assert b"root:" not in body
                if "/files/" in path:
                    assert answer.status != 200 or name.endswith("session.ndjson"), path


def test_what_a_file_says_is_not_run(server: Server, recorded: str) -> None:
    """A served file is a download of its own type, under a policy that lets nothing run."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)) as connection:
        connection.request("GET", f"{PREFIX}/recordings/{recorded}/files/session.ndjson", headers=with_token())
        answer = connection.getresponse()
        answer.read()
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert (answer.getheader("Content-Disposition") or "").startswith("attachment")
    assert "sandbox" in (answer.getheader("Content-Security-Policy") or "")


# -- files


@pytest.mark.skipif(sys.platform == "win32", reason="has no such modes")
def test_files_are_private_from_the_start(server: Server, root: Path, recorded: str) -> None:
    """S5: in a process whose umask allows everything, files are 0600 and folders 0700."""
    event = {"type": "session_start", "session_id": "open", "provider": "p"}
    assert 200 == ask(server, "POST", f"{PREFIX}/events", with_token(), {"events": [event]})[0]
    found = [path for folder in root.iterdir() if folder.is_dir() for path in [folder, *folder.rglob("*")]]
    assert {"session.ndjson", "manifest.json", "recording.json", "recording.lock", "dedupe.key"} <= {
        p.name for p in found
    }
    for path in found:
        if not path.is_symlink():
            mode = stat.S_IMODE(path.lstat().st_mode)
            assert (0o700 if path.is_dir() else 0o600) == mode, path


# -- secrets


def test_the_token_is_nowhere(server: Server, root: Path, recorded: str) -> None:
    """S4: what opened the door stands in no log and in no recording."""
    ask(server, "GET", f"{PREFIX}/status?token={TOKEN}", {})
    ask(server, "GET", f"{PREFIX}/recordings/nosuch?token={TOKEN}", {"Cookie": f"a={TOKEN}"})
    assert TOKEN not in "\n".join(line for line in server.log().splitlines() if "token=..." not in line)
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert TOKEN.encode() not in path.read_bytes()
