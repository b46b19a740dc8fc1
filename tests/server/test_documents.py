"""The interface's descriptions: complete, valid, and what the server really answers."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS
from servers import PROJECT, Server, serving
from talk import BELOW, HEADERS, ask, eventually, say, socket, until
from tornado.web import RequestHandler

from jupyter_recorder import protocol
from jupyter_recorder.ids import session_folder_id
from jupyter_recorder.server.app import ROUTES, RecorderApp
from jupyter_recorder.server.documents import FOLDER
from jupyter_recorder.server.events import SCHEMA_ID
from jupyter_recorder.server.ws import _TAKES

OPENAPI = yaml.safe_load((FOLDER / "openapi.yaml").read_text("utf-8"))
ASYNCAPI = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that writes its events down."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "root").mkdir()
    (folder / "home").mkdir()
    (folder / "home" / "conf").mkdir()
    log = folder / "events.log"
    (folder / "home" / "conf" / "jupyter_server_config.py").write_text(
        f"import logging\nc.EventLogger.handlers = [logging.FileHandler({str(log)!r})]\n"
    )
    with serving(folder / "home", folder / "root") as server:
        yield server


def registered() -> set[tuple[str, str]]:
    """Return the registered routes' verbs and paths, groups as `{}`."""
    found = set()
    for pattern, handler in ROUTES:
        paths = ["/openapi.yaml", "/asyncapi.yaml"] if "yaml" in pattern else [re.sub(r"\([^)]*\)", "{}", pattern)]
        for verb in ("get", "post", "put", "patch", "delete"):
            if getattr(handler, verb) is not getattr(RequestHandler, verb) and not pattern.endswith("/ws"):
                found |= {(verb, path) for path in paths}
    return found


def documented() -> set[tuple[str, str]]:
    """Return the same of the document."""
    return {
        (verb, re.sub(r"\{[^}]*\}", "{}", path))
        for path, item in OPENAPI["paths"].items()
        for verb in item
        if verb != "parameters"
    }


def test_every_route_is_documented_and_every_documented_route_is_there() -> None:
    """In both directions."""
    assert registered() == documented()


def test_every_setting_is_documented() -> None:
    """Each trait of the extension has its row in docs/server.md."""
    page = (PROJECT / "docs" / "server.md").read_text("utf-8")
    for name, trait in RecorderApp.class_own_traits(config=True).items():
        assert trait.help, name
        assert f"`{name}`" in page, name


def test_every_message_is_documented() -> None:
    """What the socket takes is what the document says that it takes."""
    taken = {reference["$ref"].rsplit("/", 1)[1] for reference in ASYNCAPI["operations"]["fromClient"]["messages"]}
    assert set(_TAKES) == taken


def test_every_event_is_documented() -> None:
    """The events that a client may send, and the fields that each must have."""
    schemas = OPENAPI["components"]["schemas"]
    events = [schemas[one["$ref"].rsplit("/", 1)[1]] for one in schemas["Event"]["oneOf"]]
    documented = {schema["properties"]["type"]["const"]: schema for schema in events}
    for struct in protocol.CLIENT_EVENTS:
        schema = documented.pop(str(struct.__struct_config__.tag))
        names = {*schema["properties"], "event_id", "producer", "producer_seq"}
        assert set(struct.__struct_fields__) | {"type"} == names
    assert not documented


def test_the_documents_are_served(server: Server) -> None:
    """As they ship."""
    for name in ("openapi.yaml", "asyncapi.yaml"):
        status, body = ask(server, "GET", f"/{name}")
        assert (200, (FOLDER / name).read_bytes()) == (status, body)


def test_the_openapi_document_is_valid() -> None:
    """By its own schema's validator: every reference leads somewhere, every schema is one."""
    for name, schema in OPENAPI["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        for reference in re.findall(r"#/components/(\w+)/(\w+)", json.dumps(schema)):
            assert reference[1] in OPENAPI["components"][reference[0]], name


# A session that is being recorded: it is found, and not deleted.
LIVE = "described"


def with_what_is_there() -> dict[str, Any]:
    """Return the document with parameters that name what the server has, beside what it has not."""
    document: dict[str, Any] = copy.deepcopy(OPENAPI)
    parameters = document["components"]["parameters"]
    parameters["session_id"]["schema"] = {"enum": [LIVE, "nosuch", "a/b"]}
    parameters["recording_id"]["schema"] = {"enum": [session_folder_id(LIVE), "nosuch"]}
    files = document["paths"]["/recordings/{recording_id}/files/{name}"]["parameters"][1]
    files["schema"] = {"enum": ["session.ndjson", "terminal.cast", "dedupe.key"]}
    export = document["paths"]["/recordings/{recording_id}/export"]["get"]["parameters"][0]
    export["schema"] = {"enum": ["ndjson", "notebook", "nosuch"]}
    return document


CHECKED = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
described = schemathesis.openapi.from_dict(with_what_is_there())


@pytest.fixture(scope="module")
def with_a_session(server: Server) -> Server:
    """The server, with a session that is being recorded."""
    start = {"type": "session_start", "session_id": LIVE, "provider": "p"}
    add = {"type": "message_add", "session_id": LIVE, "message_id": "m", "role": "user", "content": "hello"}
    assert 200 == ask(server, "POST", "/events", {"events": [start, add]})[0]
    return server


@described.parametrize()
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_answers_are_as_documented(with_a_session: Server, case: schemathesis.Case) -> None:
    """Whatever fits the document, or misses it by little, is answered by a status, type and body that it names."""
    response = case.call(base_url=with_a_session.url + BELOW, headers=HEADERS)
    case.validate_response(response, checks=CHECKS.get_by_names(list(CHECKED)))


def seed(server: Server) -> str:
    """Record a session and return its recording's id."""
    events = [
        {"type": "session_start", "session_id": "seed", "provider": "p"},
        {"type": "message_add", "session_id": "seed", "message_id": "m", "role": "user", "content": "hello"},
        {"type": "session_end", "session_id": "seed"},
    ]
    status, _ = ask(server, "POST", "/events", {"events": events})
    assert status == 200
    return str(ask(server, "GET", "/recordings?q=seed")[1]["recordings"][0]["id"])


def check(message: dict[str, Any]) -> None:
    """Hold a message of the socket against the document."""
    schema = ASYNCAPI["components"]["messages"][message["type"]]["payload"]
    jsonschema.validate(message, {**schema, "components": ASYNCAPI["components"]})


def test_messages_are_as_documented(server: Server) -> None:
    """Each kind of message that the server sends fits its schema."""
    recording_id = seed(server)
    start = {"type": "session_start", "session_id": "live", "provider": "p"}
    asked: list[dict[str, Any]] = [
        {"type": "ping", "timestamp": 1},
        {"type": "watch_recordings"},
        {"type": "subscribe", "session_id": "live", "from_seq": 1},
        {"type": "subscribe", "recording_id": recording_id, "track": "journal", "from": 1},
        {"type": "events", "events": [start, {"type": "nosuch"}, {"type": "session_end", "session_id": "nosuch"}]},
        {"type": "nosuch"},
        {"type": "unsubscribe", "recording_id": recording_id, "track": "journal"},
        {"type": "hello", "producer": "p", "sessions": ["live"]},
        {"type": "events", "events": [{"type": "session_end", "session_id": "live"}]},
    ]
    with socket(server) as connection:
        for message in asked[:6]:
            say(connection, message)
        got = until(connection, lambda m: m["type"] == "track_event")
        for message in asked[6:]:
            say(connection, message)
        got += until(connection, lambda m: m["type"] == "recording_changed" and m["state"] == "completed")
    for message in got:
        check(message)
    assert {message["type"] for message in got} >= set(ASYNCAPI["components"]["messages"]) - set(_TAKES)


def emitted(server: Server, session_id: str) -> list[dict[str, Any]]:
    """Return what was told to the server's event system of a session."""
    log = Path(server._log).parents[1] / "events.log"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line for line in lines if line["__schema__"] == SCHEMA_ID and line.get("session_id") == session_id]


def test_what_happens_to_recordings_is_emitted(server: Server) -> None:
    """Started and stopped are told to the server's event system, under the shipped schema."""
    ask(server, "POST", "/events", {"events": [{"type": "session_start", "session_id": "told", "provider": "p"}]})
    ask(server, "POST", "/events", {"events": [{"type": "session_end", "session_id": "told"}]})
    eventually(lambda: len(emitted(server, "told")) == 2)
    assert ["started", "stopped"] == [line["action"] for line in emitted(server, "told")]


def test_that_a_recording_cannot_be_written_is_emitted(server: Server) -> None:
    """A journal that the system lets grow no further is told as `failed`, with the reason."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("limits another process's files by prlimit")
    message = {"type": "message_add", "session_id": "hurt", "role": "user", "content": "x" * 40_000}
    begin = [{"type": "session_start", "session_id": "hurt", "provider": "p"}]
    ask(server, "POST", "/events", {"events": begin + [{**message, "message_id": f"m{n}"} for n in range(4)]})
    pid = server.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    try:  # the journal is over it, the log of the events is not
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (100_000, limits[1]))
        _, answer = ask(server, "POST", "/events", {"events": [{**message, "message_id": "refused"}]})
        eventually(lambda: len(emitted(server, "hurt")) == 2)
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    assert "persist_failed" == answer["responses"][0]["code"]
    started, failed = emitted(server, "hurt")
    assert ("started", "failed") == (started["action"], failed["action"])
    assert "File too large" in failed["reason"]


def test_a_manifest_that_cannot_be_read_is_said_without_the_servers_paths(server: Server) -> None:
    """It is 404 `recording_not_found` with what is wrong, and deleting such a recording is possible."""
    ask(server, "POST", "/events", {"events": [{"type": "session_start", "session_id": "damaged", "provider": "p"}]})
    ask(server, "POST", "/events", {"events": [{"type": "session_end", "session_id": "damaged"}]})
    root = Path(server._log).parents[1] / "root"
    (manifest,) = root.glob("damaged-*/manifest.json")
    manifest.write_text("{")
    for path in (f"/recordings/{manifest.parent.name}", "/session/damaged"):
        status, answer = ask(server, "GET", path)
        assert (404, "recording_not_found") == (status, answer["code"])
        assert "manifest.json" in answer["message"]
        assert str(root) not in answer["message"]
    assert 204 == ask(server, "DELETE", f"/recordings/{manifest.parent.name}")[0]
