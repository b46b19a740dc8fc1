"""A client and a real Jupyter server: cuts, kills of either, and ways that are closed; nothing lost, nothing twice."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cutting_proxy import CuttingProxy
from plain import Json, Plain, end, eventually, new_id, start
from programs import environment
from servers import TOKEN, Server, serving

from jupyter_recorder import RecorderClient

PROGRAM = Path(__file__).with_name("giving_process.py")
MODES = ["live", "batch", "hybrid"]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have clients try again after a hundredth of a second, and never wait for more than a quarter."""
    monkeypatch.setattr("jupyter_recorder.client.frames._FIRST_DELAY", 0.01)
    monkeypatch.setattr("jupyter_recorder.client.frames._LAST_DELAY", 0.25)


def append(sid: str, text: str) -> Json:
    """Return an append to the message `stream`."""
    return {"type": "message_append", "session_id": sid, "message_id": "stream", "content_delta": text}


def streamed(server: Plain, sid: str) -> str:
    """Return the text of the message `stream`."""
    return server.contents(sid)["stream"]


def numbers(count: int) -> str:
    """Return the text that `count` appends make."""
    return "".join(f"[{number}]" for number in range(count))


def is_whole(server: Plain, sid: str, count: int) -> None:
    """Hold a session against its stream: the text, and in the journal each producer's numbers once and in order."""
    assert numbers(count) == streamed(server, sid)
    seen: dict[str, list[int]] = {}
    for line in server.journal(sid):
        if "producer" in line:
            seen.setdefault(line["producer"], []).append(line["producer_seq"])
    for given in seen.values():
        assert list(range(1, len(given) + 1)) == given


@pytest.mark.parametrize("mode", MODES)
def test_a_session_is_recorded(server: Plain, mode: str, tmp_path: Path) -> None:
    """By each way a session with a growing message is at the server when `flush` returns."""
    sid = new_id()
    with RecorderClient(server.url, TOKEN, mode=mode, outbox=tmp_path) as client:  # type: ignore[arg-type]
        session = client.session(sid, provider="test", title="T")
        session.add("user", "hello", message_id="question")
        answer = session.add("assistant", message_id="answer")
        for token in ("Gr", "ü", "ße"):
            session.append(answer, token)
        client.flush(20)
        assert {"question": "hello", "answer": "Grüße"} == server.contents(sid)
        session.update(answer, "Grüße!")
        session.delete("question")
        session.change(title="Other")
        session.end(final_message_count=1)
        client.flush(20)
        assert (8, 0, True) == (client.acked, client.unacked, client.connected)
    got = server.session(sid)
    assert ("Other", "completed") == (got["title"], got["state"])


@pytest.mark.parametrize("mode", MODES)
def test_it_is_one_user(server: Plain, mode: str, tmp_path: Path) -> None:
    """By each way all events of a client are by the same user, the one that its token stands for."""
    sid = new_id()
    with RecorderClient(server.url, TOKEN, mode=mode, outbox=tmp_path) as client:  # type: ignore[arg-type]
        session = client.session(sid)
        for word in "abc":
            client.flush(20)
            session.add("user", word)
        client.flush(20)
    assert {"token"} == {line["by"] for line in server.journal(sid) if line["type"] != "resume"}


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("mode", MODES)
def test_cut_at_each_percent_of_a_stream(server: Plain, mode: str, tmp_path: Path) -> None:
    """Cut after each 1 % of a stream, at a random byte, the client goes on by itself: each event once, in order."""
    sid, dice = new_id(), random.Random(1)
    with CuttingProxy(server.url) as proxy, RecorderClient(proxy.url, TOKEN, mode=mode, outbox=tmp_path) as client:  # type: ignore[arg-type]
        session = client.session(sid)
        session.add("assistant", message_id="stream")
        client.flush(20)
        for percent in range(100):
            proxy.cut_after(dice.randrange(1, 2000))
            cuts = proxy.cuts
            for number in range(percent * 4, percent * 4 + 4):
                client.send(append(sid, f"[{number}]"))
            if percent % 2:
                client.flush(20)
                proxy.cut()
            else:
                eventually(lambda before=cuts: proxy.cuts > before or not client.unacked)  # type: ignore[misc]
        client.flush(30)
        assert proxy.cuts >= 50
        assert 402 == client.acked
    is_whole(server, sid, 400)


def test_an_outbox_sent_three_times_changes_nothing(server: Plain, tmp_path: Path) -> None:
    """An outbox that comes back from a backup is sent again and again, and not a byte of the recording changes."""
    sid = new_id()
    with RecorderClient("http://127.0.0.1:9", outbox=tmp_path / "box") as away:
        session = away.session(sid)
        session.add("assistant", message_id="stream")
        for number in range(300):
            away.send(append(sid, f"[{number}]"))
        away.close(0)
    before = b""
    for number in range(3):
        shutil.copytree(tmp_path / "box", tmp_path / str(number))
        with RecorderClient(server.url, TOKEN, outbox=tmp_path / str(number)) as client:
            client.flush(20)
            assert 302 == client.acked
        after = (server.folder(sid) / "session.ndjson").read_bytes()
        assert after == (before or after)
        before = after
    is_whole(server, sid, 300)


def test_an_outbox_from_a_backup_takes_new_events(server: Plain, tmp_path: Path) -> None:
    """An outbox that went back in time (a backup, a loss of power) never gives a number twice: new events are new."""
    sid, box = new_id(), tmp_path / "box"
    with RecorderClient("http://127.0.0.1:9", outbox=box) as away:
        away.session(sid).add("assistant", message_id="stream")
        away.close(0)
    shutil.copytree(box, tmp_path / "backup")
    with RecorderClient(server.url, TOKEN, outbox=box) as client:
        for number in range(10):
            client.send(append(sid, f"[{number}]"))
        client.flush(20)
    with RecorderClient(server.url, TOKEN, outbox=tmp_path / "backup") as client:
        for number in range(10, 20):
            client.send(append(sid, f"[{number}]"))
        client.flush(20)
    is_whole(server, sid, 20)


@pytest.mark.usefixtures("at_once")
def test_where_sockets_are_refused_http_is_used(server: Plain, tmp_path: Path) -> None:
    """Behind a proxy that refuses WebSockets, `hybrid` records by HTTP, says so, and keeps trying the WebSocket."""
    sid = new_id()
    with CuttingProxy(server.url) as proxy:
        proxy.refuse_sockets = True
        with RecorderClient(proxy.url, TOKEN, outbox=tmp_path) as client:
            session = client.session(sid)
            session.add("user", "by HTTP", message_id="a")
            client.flush(20)
            assert "400" in client.problems[""]
            proxy.refuse_sockets = False
            eventually(lambda: not client.problems)
            session.add("user", "by the WebSocket", message_id="b")
            client.flush(20)
    assert {"a": "by HTTP", "b": "by the WebSocket"} == server.contents(sid)


@pytest.mark.usefixtures("at_once")
def test_a_silent_socket_is_given_up(server: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a WebSocket does not answer in time goes by HTTP under the same numbers, and is recorded once."""
    monkeypatch.setattr("jupyter_recorder.client.delivery.CHECKPOINT_SECONDS", 0.3)
    sid = new_id()
    with CuttingProxy(server.url) as proxy, RecorderClient(proxy.url, TOKEN, outbox=tmp_path) as client:
        session = client.session(sid)
        session.add("assistant", message_id="stream")
        client.flush(20)
        proxy.swallow_sockets = True
        for number in range(50):
            client.send(append(sid, f"[{number}]"))
        client.flush(20)
        proxy.swallow_sockets = False
    is_whole(server, sid, 50)


def test_a_wrong_token_is_a_problem_and_loses_nothing(server: Plain, tmp_path: Path) -> None:
    """With a wrong token the client says so and keeps what it was given; the next one with the right one sends it."""
    sid = new_id()
    with RecorderClient(server.url, "wrong-t0ken", outbox=tmp_path) as client:
        session = client.session(sid)
        session.add("user", "kept", message_id="m")
        eventually(lambda: "token" in client.problems.get("", ""))
        with pytest.raises(TimeoutError, match=r"2 events are not safe.*token") as error:
            client.flush(0.1)
        assert "wrong-t0ken" not in str(error.value)
        client.close(0)
    with RecorderClient(server.url, TOKEN, outbox=tmp_path) as client:
        client.flush(20)
    assert {"m": "kept"} == server.contents(sid)


def test_a_deleted_recording_is_begun_again(server: Plain, tmp_path: Path) -> None:
    """If somebody deletes an ended recording, the client's next event begins it anew, with its title."""
    sid = new_id()
    with RecorderClient(server.url, TOKEN, outbox=tmp_path) as client:
        session = client.session(sid, title="T")
        session.add("user", "gone")
        session.end()
        client.flush(20)
        assert server.request("DELETE", f"/recordings/{server.folder(sid).name}").status in (200, 204)
        session.add("user", "new", message_id="m")
        client.flush(20)
    assert ("T", {"m": "new"}) == (server.session(sid)["title"], server.contents(sid))


def test_two_clients_record_one_session(server: Plain, tmp_path: Path) -> None:
    """Two clients give messages to one session at the same time, and all are there."""
    sid = new_id()
    server.one(start(sid))

    def give(name: str) -> None:
        with RecorderClient(server.url, TOKEN, outbox=tmp_path / name) as client:
            session = client.session(sid)
            for number in range(100):
                session.add("user", name, message_id=f"{name}{number}")
            client.flush(20)

    threads = [threading.Thread(target=give, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {f"{name}{number}" for name in "ab" for number in range(100)} == set(server.contents(sid))


def test_a_secret_in_a_stream_upsets_no_offset(server: Plain, tmp_path: Path) -> None:
    """A secret that is streamed in pieces is taken out by the server, and what follows it is recorded all the same."""
    sid, secret = new_id(), "sk-proj-" + "A1b2C3d4" * 6
    with RecorderClient(server.url, TOKEN, outbox=tmp_path) as client:
        session = client.session(sid)
        message = session.add("assistant", message_id="stream")
        for part in ("the key is ", secret[:20], secret[20:], " and that é", " was it"):
            session.append(message, part)
            client.flush(20)
        assert ([], {}) == (client.refused, client.problems)
    text = streamed(server, sid)
    assert secret[8:] not in text
    assert text.startswith("the key is ")
    assert text.endswith(" and that é was it")


def test_two_clients_write_one_message(server: Plain, tmp_path: Path) -> None:
    """Two clients append to one message at the same time: neither's offsets hold, and no text of either is lost."""
    sid = new_id()
    with RecorderClient(server.url, TOKEN, outbox=tmp_path / "a") as one:
        first = one.session(sid)
        first.add("assistant", message_id="stream")
        one.flush(20)
        with RecorderClient(server.url, TOKEN, outbox=tmp_path / "b") as two:
            second = two.session(sid)
            second.update("stream", "", is_complete=False)
            two.flush(20)
            for number in range(100):
                first.append("stream", f"<a{number}>")
                second.append("stream", f"<b{number}>")
                if number % 10 == 9:
                    (one if number % 20 == 9 else two).flush(20)
            two.flush(20)
            one.flush(20)
    text = streamed(server, sid)
    for name in "ab":
        assert [f"<{name}{number}>" for number in range(100)] == re.findall(rf"<{name}\d+>", text)


# -- kills


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("mode", MODES)
def test_a_killed_and_restarted_server_gets_all(mode: str, tmp_path: Path) -> None:
    """The server is killed (-9) twice in mid-stream and started again; the client goes on by itself."""
    root, sid = tmp_path / "root", new_id()
    root.mkdir()
    process = Server(tmp_path / "home", root)
    try:
        process.wait(process.answers)
        plain = Plain(process.url, TOKEN, root)
        with RecorderClient(process.url, TOKEN, mode=mode, outbox=tmp_path / "box") as client:  # type: ignore[arg-type]
            session = client.session(sid)
            session.add("assistant", message_id="stream")
            for number in range(600):
                client.send(append(sid, f"[{number}]"))
                if number in (200, 400):
                    eventually(lambda limit=number: client.acked > limit - 150)  # type: ignore[misc]
                    process.process.kill()
                    process.process.wait()
                    process = Server(tmp_path / "home", root, port=process.port)
            client.flush(60)
            is_whole(plain, sid, 600)
            session.end()
            client.flush(20)
        assert "completed" == plain.session(sid)["state"]
    finally:
        process.process.kill()
        process.process.wait()


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_client_loses_nothing(server: Plain, tmp_path: Path, seed: int) -> None:
    """A program is killed while it records; the next client on its outbox brings all it was told is kept, once."""
    sid = new_id()
    command = [sys.executable, str(PROGRAM), server.url, str(tmp_path / "box"), sid, "hybrid", "100000", "0.0005"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(random.Random(seed).randrange(50, 2500))]
    process.kill()
    lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    told = [line.strip() for line in lines]
    last = max(int(line[1:]) for line in told if line.startswith("+"))
    with RecorderClient(server.url, TOKEN, outbox=tmp_path / "box") as client:
        client.flush(20)
    text = streamed(server, sid)
    count = text.count("[")
    assert count in (last + 1, last + 2)  # the last one may not have been told of
    is_whole(server, sid, count)
    assert {line for line in told if line.startswith("m")} <= set(server.contents(sid))
    server.one(end(sid))


def test_giving_waits_for_nobody(server: Plain, tmp_path: Path) -> None:
    """A thousand events are given while there is no connection, and all are sent when there is one."""
    sid = new_id()
    with CuttingProxy(server.url) as proxy:
        proxy.refuse_sockets = True
        with RecorderClient(proxy.url, TOKEN, mode="live", outbox=tmp_path) as client:
            session = client.session(sid)
            for number in range(1000):
                session.add("user", str(number), message_id=f"m{number}")
            assert (0, 1001) == (client.acked, client.unacked)
            proxy.refuse_sockets = False
            client.flush(30)
    assert 1000 == server.session(sid)["message_count"]


@pytest.mark.usefixtures("at_once")
def test_a_server_that_is_set_back_to_a_backup_gets_what_follows(tmp_path: Path) -> None:
    """A server whose recordings are those of an hour ago lacks what came since: that is told, and recording goes on."""
    root, sid, problems = tmp_path / "root", new_id(), list[str]()
    with serving(tmp_path / "home", root) as process:
        port = process.port
        with RecorderClient(process.url, TOKEN, outbox=tmp_path / "box") as client:
            client.session(sid).add("assistant", message_id="stream")
            client.flush(20)
        assert 0 == process.stop()
    shutil.copytree(root, tmp_path / "backup")
    with RecorderClient(
        process.url, TOKEN, outbox=tmp_path / "box", on_problem=lambda *p: problems.append(p[1])
    ) as client:
        with serving(tmp_path / "home", root, port=port):
            client.send(append(sid, "lost with the server's disk"))
            client.flush(20)
        shutil.rmtree(root)
        shutil.copytree(tmp_path / "backup", root)
        client.send(append(sid, "[0]"))
        with serving(tmp_path / "home", root, port=port) as process:
            client.flush(20)
            assert numbers(1) == streamed(Plain(process.url, TOKEN, root), sid)
    assert 1 == sum("lacks events that it had acknowledged" in problem for problem in problems)
