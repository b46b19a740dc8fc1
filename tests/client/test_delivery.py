"""What a client does with every answer that a server can give; orders and errors come from a server that is told to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fake_server import FakeServer, Json, good
from plain import eventually

from jupyter_recorder import EventsRefused, RecorderClient

FOR_GOOD = ["invalid_event", "message_not_found", "conflict", "offset_mismatch", "too_large"]
KEPT = ["persist_failed", "recording_in_progress", "forbidden", "session_not_found", "something_new"]


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A server that acknowledges all, unless it is told otherwise."""
    with FakeServer() as server:
        yield server


@pytest.fixture
def connect(fake: FakeServer, tmp_path: Path) -> Iterator[Callable[..., RecorderClient]]:
    """Make clients of the fake server by its WebSocket, which are closed in the end."""
    made: list[RecorderClient] = []

    def make(**options: Any) -> RecorderClient:
        made.append(RecorderClient(fake.url, "t0ken-s3cret", **{"mode": "live", "outbox": tmp_path / "box", **options}))
        return made[-1]

    yield make
    for client in made:
        client.close(0)


def error(event: Json, code: str, **fields: Any) -> Json:
    """Return an error for an event."""
    return {"type": "error", "event_id": event.get("event_id"), "code": code, "message": f"it is {code}", **fields}


def contents(events: list[Json]) -> list[str]:
    """Return the contents of the messages among events."""
    return [event["content"] for event in events if event["type"] == "message_add"]


def test_it_introduces_itself_first(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """A `hello` with the producer of the events comes before them, so that no broadcast is sent to it."""
    client = connect()
    client.session("s")
    client.flush(10)
    (producer,) = {event["producer"] for event in fake.events}
    assert producer in {hello["producer"] for hello in fake.hellos}


def test_events_come_in_order(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """A thousand events of one session come in the order in which they were given, numbered from 1."""
    client = connect()
    session = client.session("s")
    for number in range(1000):
        session.add("user", str(number))
    client.flush(20)
    assert [str(number) for number in range(1000)] == contents(fake.events)
    assert list(range(1, 1002)) == [event["producer_seq"] for event in fake.events]
    assert (1001, 0, True) == (client.acked, client.unacked, client.connected)


def test_tokens_share_events(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """Tokens that come at once are one event, and a later one has the right offset in UTF-8 bytes."""
    client = connect()
    session = client.session("s")
    message = session.add("assistant")
    for token in ("Gr", "ü", "ße"):
        session.append(message, token)
    client.flush(10)
    session.append(message, "!")
    client.flush(10)
    appends = [event for event in fake.events if event["type"] == "message_append"]
    assert [("Grüße", 0), ("!", 7)] == [(event["content_delta"], event["offset"]) for event in appends]


def test_a_token_waits_for_a_tenth_of_a_second(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """Without any flush a token is sent, well within a second of being given."""
    client = connect()
    session = client.session("s")
    message = session.add("assistant")
    client.flush(10)
    begun = time.monotonic()
    session.append(message, "x")
    eventually(lambda: any(event["type"] == "message_append" for event in fake.events))
    assert 0.05 < time.monotonic() - begun < 1


@pytest.mark.parametrize("code", FOR_GOOD)
def test_what_is_refused_for_good_is_told(fake: FakeServer, connect: Callable[..., RecorderClient], code: str) -> None:
    """It is told to the callback and by `flush`, is out of the outbox, is not sent again, and the next one is."""
    told: list[tuple[Json, Json]] = []
    fake.answer = lambda event: error(event, code) if event.get("content") == "bad" else good(event)
    client = connect(on_refused=lambda event, answer: told.append((event, answer)))
    session = client.session("s")
    for word in ("a", "bad", "b"):
        session.add("user", word)
    with pytest.raises(EventsRefused, match=code) as refusal:
        client.flush(10)
    assert (1, "s") == (refusal.value.count, refusal.value.answers[0]["session_id"])
    assert [("bad", code)] == [(event["content"], answer["code"]) for event, answer in told]
    assert ["a", "bad", "b"] == contents(fake.events)
    assert (3, 0) == (client.acked, client.unacked)
    client.flush(10)  # it is told once


@pytest.mark.parametrize("code", KEPT)
def test_what_may_yet_be_taken_is_kept(fake: FakeServer, connect: Callable[..., RecorderClient], code: str) -> None:
    """It is told as a problem, sent again with the same number and id until it is taken, and what follows waits."""
    problems: list[tuple[str, str]] = []
    tries: list[Json] = []

    def answer(event: Json) -> Json:
        if event.get("content") == "later":
            tries.append(event)
            return error(event, code) if len(tries) < 3 else good(event)
        waiting = event.get("content") == "after" and len(tries) < 3
        return error(event, "gap", expected=event["producer_seq"] - 1) if waiting else good(event)

    fake.answer = answer
    client = connect(on_problem=lambda session_id, message: problems.append((session_id, message)))
    client.send({"type": "session_update", "session_id": "s"})  # a session that this client did not start
    for number, word in enumerate(("before", "later", "after")):
        event = {"type": "message_add", "session_id": "s", "message_id": f"m{number}", "role": "user"}
        client.send({**event, "content": word})
    client.flush(20)
    assert 3 == len(tries)
    assert 1 == len({(event["event_id"], event["producer"], event["producer_seq"]) for event in tries})
    assert [("s", f"{code}: it is {code}")] == problems
    assert ({}, 4) == (client.problems, client.acked)


def test_another_session_does_not_wait(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """While one session cannot be recorded, another one is."""
    fake.answer = lambda event: error(event, "persist_failed") if event["session_id"] == "bad" else good(event)
    client = connect()
    client.session("bad")
    good_one = client.session("good")
    good_one.add("user", "x")
    eventually(lambda: client.acked == 2)
    assert 1 == client.unacked
    with pytest.raises(TimeoutError, match="persist_failed"):
        client.flush(0.2)


def test_a_session_that_is_gone_is_started_again(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """If its recording was deleted at the server, a session's start comes again, and what is unacknowledged follows."""
    known = {"s"}

    def answer(event: Json) -> Json:
        if event["type"] == "session_start":
            known.add(event["session_id"])
        return good(event) if event["session_id"] in known else error(event, "session_not_found")

    fake.answer = answer
    client = connect()
    session = client.session("s", title="T")
    session.add("user", "a")
    client.flush(10)
    known.clear()
    session.add("user", "b")
    client.flush(10)
    last_start, last = fake.events[-2:]
    assert ("session_start", "T", 1) == (last_start["type"], last_start["title"], last_start["producer_seq"])
    assert ("b", 2) == (last["content"], last["producer_seq"])
    assert last_start["producer"] != fake.events[0]["producer"]


def test_a_server_that_went_back_gets_the_rest(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """If a server lacks what it acknowledged, that is told as a problem, and the rest is recorded anew."""
    problems: list[str] = []
    producers = {}

    def answer(event: Json) -> Json:
        expected = producers.get(event["producer"], 0) + 1
        if event["producer_seq"] > expected:
            return error(event, "gap", expected=expected)
        producers[event["producer"]] = event["producer_seq"]
        return good(event)

    fake.answer = answer
    client = connect(on_problem=lambda _, message: problems.append(message))
    session = client.session("s")
    client.flush(10)
    producers.clear()
    fake.committed.clear()
    session.add("user", "b")
    client.flush(10)
    assert ("b", 1) == (fake.events[-1]["content"], fake.events[-1]["producer_seq"])
    assert "lacks events that it had acknowledged" in problems[0]


def test_an_offset_of_its_own_is_given_up(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """If a message is not as long as the client reckoned, its text is appended without an offset, and none is lost."""

    def answer(event: Json) -> Json:
        wrong = event["type"] == "message_append" and "offset" in event
        return error(event, "offset_mismatch", expected=99) if wrong else good(event)

    fake.answer = answer
    client = connect()
    session = client.session("s")
    message, other = session.add("assistant"), session.add("user", "x")
    for _ in range(2):
        session.append(message, "a")
        session.append(other, "b")
    session.append(message, "c")
    client.flush(10)
    assert (8, 0, []) == (client.acked, client.unacked, client.refused)
    taken = {e["event_id"]: e for e in fake.answered if e["type"] == "message_append" and "offset" not in e}.values()
    assert ["a", "a", "c"] == [event["content_delta"] for event in taken if event["message_id"] == message]
    assert ["b", "b"] == [event["content_delta"] for event in taken if event["message_id"] == other]
    assert 0 == client._intake.backlog.size


def test_an_offset_that_was_given_is_the_callers(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """An event that was given with an offset is refused like any other if the offset is wrong."""
    fake.answer = lambda event: error(event, "offset_mismatch", expected=0) if "offset" in event else good(event)
    client = connect()
    client.session("s")
    event = {"type": "message_append", "session_id": "s", "message_id": "m", "content_delta": "x", "offset": 7}
    client.send(event)
    with pytest.raises(EventsRefused, match="offset_mismatch"):
        client.flush(10)


def test_a_closed_connection_is_opened_again(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """What was in flight when the server closed comes again under the same numbers."""
    client = connect()
    session = client.session("s")
    client.flush(10)
    fake.close_with = 1001
    session.add("user", "cut")
    eventually(lambda: len(fake.frames) > 1)
    fake.close_with = None
    client.flush(10)
    cut = [event for event in fake.events if event.get("content") == "cut"]
    assert len(cut) > 1
    assert [cut[0]] * len(cut) == cut


def test_a_message_over_the_servers_limit_is_refused_alone(
    fake: FakeServer, connect: Callable[..., RecorderClient]
) -> None:
    """When a server closes with 1009, the event that is too large is refused, and every other one is recorded."""
    fake.limit = 20_000
    client = connect()
    session = client.session("s")
    for word in ("a", "x" * 30_000, "b", "y" * 15_000, "c"):
        session.add("user", word)
    with pytest.raises(EventsRefused, match="too_large"):
        client.flush(20)
    assert ["a", "b", "y" * 15_000, "c"] == list(dict.fromkeys(contents(fake.answered)))


def test_what_is_in_flight_is_bounded(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """A server that answers nothing is sent at most a thousand events."""
    fake.mute = True
    client = connect()
    session = client.session("s")
    for number in range(3000):
        session.add("user", str(number))
    eventually(lambda: len(fake.events) >= 1000)
    time.sleep(0.3)  # for a defect to show itself; nothing waits for it
    assert (1000, 3001) == (len(fake.events), client.unacked)


def test_waiting_takes_no_processor(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """With all that may be in flight in flight, pieces due and a lane at rest, the client waits without work."""
    fake.answer = lambda event: error(event, "persist_failed")
    client = connect(mode="live")
    client.session("resting")
    eventually(lambda: bool(client.problems))
    fake.mute = True
    session = client.session("s")
    for number in range(2000):
        session.add("user", str(number))
    session.append("m", "x")
    eventually(lambda: len(fake.events) >= 1000)
    used = time.process_time()
    time.sleep(1)
    assert time.process_time() - used < 0.3


def test_the_next_client_sends_what_was_left(
    fake: FakeServer, connect: Callable[..., RecorderClient], tmp_path: Path
) -> None:
    """What a client left in the outbox is sent by the next one, before what that one is given."""
    client = RecorderClient("http://127.0.0.1:9", outbox=tmp_path / "box")
    session = client.session("s")
    session.add("user", "left")
    assert 2 == client.close(0)
    following = connect()
    following.send({"type": "message_delete", "session_id": "s", "message_id": "m"})
    following.flush(10)
    assert ["session_start", "message_add", "message_delete"] == [event["type"] for event in fake.events]


def test_all_safe_is_told(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """`on_safe` is called when nothing is left unacknowledged."""
    safe = threading.Event()
    client = connect(on_safe=safe.set)
    client.session("s")
    assert safe.wait(10)
    assert 0 == client.unacked


def test_a_failing_callback_stops_nothing(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """What a callback raises is logged, and delivery goes on."""
    client = connect(on_safe=lambda: 1 / 0)
    session = client.session("s")
    client.flush(10)
    session.add("user", "x")
    client.flush(10)
    assert 2 == client.acked


def test_heartbeats_are_sent_and_not_kept(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """A heartbeat goes out and is no event to wait for."""
    client = connect()
    client.session("s")
    client.flush(10)
    client.heartbeat("s")
    assert 0 == client.unacked
    eventually(lambda: fake.events[-1]["type"] == "heartbeat")
    assert "producer_seq" not in fake.events[-1]


def test_it_serves_an_event_loop(fake: FakeServer, tmp_path: Path) -> None:
    """In an event loop it is `async with` and `aflush`, and the loop goes on meanwhile."""

    async def record() -> int:
        async with RecorderClient(fake.url, mode="live", outbox=tmp_path) as client:
            session = client.session("s")
            session.add("user", "x")
            ticking = asyncio.create_task(asyncio.sleep(0))
            await client.aflush(10)
            assert ticking.done()
            return client.acked

    assert 2 == asyncio.run(record())


def test_leaving_the_block_waits(fake: FakeServer, tmp_path: Path) -> None:
    """At the end of a `with` block everything is at the server."""
    with RecorderClient(fake.url, mode="live", outbox=tmp_path) as client:
        session = client.session("s")
        session.append(session.add("assistant"), "last token")
    assert "last token" == fake.events[-1]["content_delta"]


def test_a_closed_client_says_so(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """After `close` nothing is taken any more."""
    client = connect()
    session = client.session("s")
    assert 0 == client.close()
    with pytest.raises(RuntimeError, match="closed"):
        session.add("user", "x")
    assert 0 == client.close()


def test_a_forked_child_is_closed(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """A forked child's client takes nothing, and the parent's goes on."""
    client = connect()
    session = client.session("s")
    pid = os.fork()
    if pid == 0:
        try:
            session.add("user", "child")
        except RuntimeError:
            os._exit(7)
        os._exit(1)
    assert 7 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    session.add("user", "parent")
    client.flush(10)
    assert ["parent"] == contents(fake.events)


def test_the_token_is_in_no_log_text_or_file(
    fake: FakeServer, connect: Callable[..., RecorderClient], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """With all logging on, through a refusal, a cut and a failing connection, the token is seen by the server alone."""
    caplog.set_level(logging.DEBUG)
    fake.answer = lambda event: error(event, "conflict") if event.get("content") == "bad" else good(event)
    client = connect(mode="hybrid")
    session = client.session("s")
    session.add("user", "bad")
    with pytest.raises(EventsRefused):
        client.flush(10)
    fake.close_with = 1001
    session.add("user", "x")
    eventually(lambda: bool(client.problems))
    texts = [caplog.text, repr(client), repr(session), str(client.problems), str(vars(client)), fake.url]
    texts += [path.read_text("utf-8") for path in (tmp_path / "box").iterdir()]
    assert [] == [text for text in texts if "t0ken-s3cret" in text]
    assert "token t0ken-s3cret" == fake.headers["Authorization"]


def test_a_token_in_the_address_is_taken(fake: FakeServer, tmp_path: Path) -> None:
    """An address as Jupyter prints it, token and all, is good, and the token is not shown."""
    with RecorderClient(f"{fake.url}/?token=abc123", mode="live", outbox=tmp_path) as client:
        client.session("s")
        client.flush(10)
        assert "abc123" not in repr(client)
    assert "token abc123" == fake.headers["Authorization"]


@pytest.mark.parametrize("url", ["localhost:8888", "ftp://x", "http://"])
def test_an_address_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    """What is no web address is an error at once."""
    with pytest.raises(ValueError, match="address"):
        RecorderClient(url, outbox=tmp_path)


def test_a_welcome_that_knows_less_is_heard(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """If after a cut a server's `welcome` knows less than it acknowledged, the rest comes under new numbers at once."""
    client = connect()
    session = client.session("s")
    client.flush(10)
    fake.close_with = 1001
    session.add("user", "b")
    eventually(lambda: len(fake.frames) > 1)
    fake.committed.clear()
    fake.close_with = None
    client.flush(10)
    assert ("b", 1) == (fake.answered[-1]["content"], fake.answered[-1]["producer_seq"])


def test_what_is_no_answer_changes_nothing(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """Text that is no JSON, no object, of a type that is not known: passed over, and the answers are heard."""
    fake.noise = ["{torn", "[1]", '{"type": "news"}', '{"type": "pong"}']
    client = connect()
    client.session("s").add("user", "hello")
    client.flush(10)
    assert (["hello"], 1, {}) == (contents(fake.events), len(fake.hellos), client.problems)


@pytest.mark.parametrize("when", ["noise", "greeting"])
def test_an_error_of_the_connection_loses_nothing(
    fake: FakeServer, connect: Callable[..., RecorderClient], when: str
) -> None:
    """Where an error comes in place of answers, or of a greeting, it is told, and all is sent on a new connection."""
    setattr(fake, when, ['{"type": "error", "code": "internal", "message": "out of order"}'])
    told: list[tuple[str, str]] = []
    client = connect(on_problem=lambda where, what: told.append((where, what)))
    client.session("s").add("user", "hello")
    client.flush(20)
    assert "hello" == contents(fake.events)[-1]
    assert any("the server answered internal: out of order" in what for _, what in told)
    assert {} == client.problems


def test_a_frame_that_is_too_large_is_sent_in_parts(fake: FakeServer, connect: Callable[..., RecorderClient]) -> None:
    """When a server says so by a message: one event at a time then, and none of them is refused."""
    fake.noise = ['{"type": "error", "code": "too_large", "message": "too large"}']
    refused: list[Json] = []
    client = connect(on_refused=lambda event, _: refused.append(event))
    session = client.session("s")
    for number in range(5):
        session.add("user", str(number))
    client.flush(20)
    assert [] == refused
    assert [str(number) for number in range(5)] == contents(fake.answered)


def test_a_mode_that_is_none_is_refused(tmp_path: Path) -> None:
    """Before an outbox is made."""
    with pytest.raises(ValueError, match="live, batch or hybrid"):
        RecorderClient("http://localhost:1", outbox=tmp_path / "box", mode="loud")  # type: ignore[arg-type]
    assert not (tmp_path / "box").exists()


class Stranger(BaseHTTPRequestHandler):
    """A web server that is no recorder: `answers` are (status, body), the last one again and again."""

    answers: ClassVar[list[tuple[int, bytes]]] = []
    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        """Answer."""
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def strange(answers: list[tuple[int, bytes]]) -> Iterator[str]:
    """Serve such answers at a URL until the block ends."""
    Stranger.answers = answers
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ([(200, b"<html>welcome</html>")], "not as a recorder does"), ([(200, b"[]")], "not as a recorder does"),
        ([(200, b'{"responses": [7]}')], "the server gave no answer"), ([(404, b"")], "no recorder at this address"),
    ],
)  # fmt: skip
def test_a_server_that_is_no_recorder_is_told_and_loses_nothing(
    tmp_path: Path, answers: list[tuple[int, bytes]], problem: str
) -> None:
    """By HTTP: what it answers is no ack, the problem says what to look at, and the events stay in the outbox."""
    with strange(answers) as url:
        told: list[str] = []
        client = RecorderClient(
            url, "t", outbox=tmp_path / "box", mode="batch", on_problem=lambda _, what: told.append(what)
        )
        session = client.session("s")
        session.add("user", "hello")
        session.add("user", "again")
        eventually(lambda: any(problem in what for what in told))
        client.close(0)
    assert (0, 3) == (client.acked, client.unacked)
    assert 1 == (tmp_path / "box" / "outbox.ndjson").read_bytes().count(b'"again"')


def test_what_a_proxy_finds_too_large_is_refused_alone(tmp_path: Path) -> None:
    """By HTTP, 413 has the events sent one by one; what is too large by itself is told with its event."""
    refused: list[str] = []
    with strange([(413, b"")]) as url:
        client = RecorderClient(
            url, "t", outbox=tmp_path / "box", mode="batch",
            on_refused=lambda event, answer: refused.append(f"{event['type']} {answer['code']}"),
        )  # fmt: skip
        client.session("s").add("user", "hello")
        eventually(lambda: len(refused) == 2)
        client.close(0)
    assert ["session_start too_large", "message_add too_large"] == refused
    assert 0 == client.unacked
