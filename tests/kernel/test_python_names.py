"""Recording from Python: `record`, `start`, `stop`, `current`, `open`, `recordings`, and chats by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from kernels import Kernel, environment, events, lines, newest, of_type, read_json

import jupyter_recorder

BROKEN = "the connection broke"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a root of this test's own; what still runs at its end is ended."""
    root = tmp_path / "recordings"
    monkeypatch.setenv("JUPYTER_RECORDER_DIR", str(root))
    yield root
    if jupyter_recorder.current() is not None:
        jupyter_recorder.stop()


def answer(root: Path, name: str) -> str:
    """Return the recorded text of the one answer that streamed."""
    return "".join(event["content_delta"] for event in of_type(events(newest(root, name)), "message_append"))


def test_a_block_is_recorded_in_plain_python(tmp_path: Path) -> None:
    """`with record(name)` works in a Python without IPython, which it does not import."""
    code = (
        "import sys, jupyter_recorder\n"
        "with jupyter_recorder.record('plain') as r:\n"
        "    r.mark('begin'); r.note('a remark'); r.chat.add('user', 'hello')\n"
        "    assert jupyter_recorder.current() is r\n"
        "assert jupyter_recorder.current() is None\n"
        "assert not {'IPython', 'traitlets', 'tornado'} & set(sys.modules), sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(tmp_path))
    folder = newest(tmp_path / "recordings", "plain")

    assert ["marker", "note", "message_add"] == [event["type"] for event in events(folder)]
    assert "completed" == read_json(folder / "manifest.json")["state"]


def test_a_block_that_raises_ends_its_recording(root: Path) -> None:
    """An error inside `with record(…)` passes through, and the recording has ended in order."""
    with pytest.raises(ZeroDivisionError), jupyter_recorder.record("raises"):
        _ = 1 / 0

    assert "completed" == read_json(newest(root, "raises") / "manifest.json")["state"]


def test_a_second_start_is_refused_by_name(root: Path) -> None:
    """`start` while one runs raises `RecordingInProgress` with its name and process."""
    jupyter_recorder.start("first")
    with pytest.raises(jupyter_recorder.RecordingInProgress) as caught:
        jupyter_recorder.start("second")

    assert ("first", os.getpid()) == (caught.value.name, caught.value.pid)


def test_stop_with_nothing_running_is_an_error(root: Path) -> None:
    """`stop` raises `NoActiveRecording`."""
    with pytest.raises(jupyter_recorder.NoActiveRecording):
        jupyter_recorder.stop()


def test_a_recorder_that_was_stopped_takes_nothing_more(root: Path) -> None:
    """After `stop`, `mark` raises `NoActiveRecording` and the file stays as it is."""
    recorder = jupyter_recorder.start("over")
    jupyter_recorder.stop()
    before = (recorder.path / "session.ndjson").read_bytes()
    with pytest.raises(jupyter_recorder.NoActiveRecording):
        recorder.mark("late")

    assert before == (recorder.path / "session.ndjson").read_bytes()


def test_what_exists_is_opened_and_listed(root: Path) -> None:
    """`open` finds by name and by id, `recordings` yields what there is."""
    with jupyter_recorder.record("kept") as recorder:
        pass

    assert recorder.id == jupyter_recorder.open("kept").id == jupyter_recorder.open(recorder.id).id
    assert [recorder.id] == [one.id for one in jupyter_recorder.recordings()]
    with pytest.raises(jupyter_recorder.RecordingNotFound):
        jupyter_recorder.open("nosuch")


def test_an_unknown_event_is_refused_before_it_is_numbered(root: Path) -> None:
    """An event outside the vocabulary raises `InvalidEvent` and leaves no number behind."""
    with jupyter_recorder.record("checked") as recorder:
        for event in ({"type": "nonsense"}, {"type": "marker"}, {"type": "marker", "label": 7}, {}):
            with pytest.raises(jupyter_recorder.InvalidEvent):
                recorder.record(event)
        recorder.mark("the first")

    assert [1] == [event["seq"] for event in events(newest(root, "checked"))]


def test_a_forked_child_records_nothing(root: Path) -> None:
    """In a forked child `current()` is None and the recorder refuses; the parent's journal is untouched by it."""
    recorder = jupyter_recorder.start("forked")
    recorder.mark("parent")
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            recorder.mark("child")
        except jupyter_recorder.NoActiveRecording:
            code = 0 if jupyter_recorder.current() is None else 2
        finally:
            os._exit(code)
    status = os.waitpid(pid, 0)[1]
    recorder.mark("parent again")
    jupyter_recorder.stop()

    assert 0 == os.waitstatus_to_exitcode(status)
    assert ["parent", "parent again"] == [event["label"] for event in events(recorder.path)]


def test_a_forked_child_can_record_for_itself(root: Path) -> None:
    """A child may start a recording of its own while its parent records."""
    parent = jupyter_recorder.start("parent")
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with jupyter_recorder.record("child") as own:
                own.mark("in the child")
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(pid, 0)[1]
    jupyter_recorder.stop()

    assert 0 == os.waitstatus_to_exitcode(status)
    assert ["in the child"] == [event["label"] for event in events(newest(root, "child"))]
    assert [] == events(parent.path)


def test_a_message_is_recorded_with_its_fields(root: Path) -> None:
    """`chat.add` records role, content, model and metadata, and returns the message's id."""
    with jupyter_recorder.record("said") as recorder:
        message_id = recorder.chat.add("user", "hello", model="m-1", metadata={"k": 1})
    (event,) = events(newest(root, "said"))

    assert ("message_add", message_id, "user", "hello", "m-1", {"k": 1}) == tuple(
        event[key] for key in ("type", "message_id", "role", "content", "model", "metadata")
    )


def test_a_stream_passes_its_tokens_through_unchanged(root: Path) -> None:
    """`chat.stream` yields each token as it came, the same object, in order, and records their text."""
    tokens = [f"token-{i} " for i in range(500)]
    with jupyter_recorder.record("streamed") as recorder:
        passed = list(recorder.chat.stream(iter(tokens)))

    assert all(given is got for given, got in zip(tokens, passed, strict=True))
    assert "".join(tokens) == answer(root, "streamed")


def test_pieces_far_apart_stay_apart_however_late_a_worker_is(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits to share a line does not share it with what comes a tenth of a second later."""
    with jupyter_recorder.record("late") as recorder:
        monkeypatch.setattr(recorder, "call_later", lambda *_: SimpleNamespace(cancel=lambda: None))
        growing = recorder.chat.begin("assistant")
        for piece in ("one ", "two ", "three "):
            growing.feed(piece)
        time.sleep(0.1)
        growing.feed("four")
        growing.end()
    deltas = [event["content_delta"] for event in of_type(events(newest(root, "late")), "message_append")]

    assert "one two three four" == "".join(deltas)
    assert "four" == deltas[-1]


def test_two_streams_at_once_stay_apart(root: Path) -> None:
    """Tokens of two answers that are read in turns are recorded with their own messages, each in order."""
    answers = [[f"{name}{i} " for i in range(50)] for name in "ab"]
    with jupyter_recorder.record("woven") as recorder:
        streams = [recorder.chat.stream(iter(tokens)) for tokens in answers]
        for _ in range(50):
            for stream in streams:
                next(stream)
        for stream in streams:
            assert next(stream, None) is None
    found = events(newest(root, "woven"))

    by_message: dict[str, str] = {}
    for event in of_type(found, "message_append"):
        by_message[event["message_id"]] = by_message.get(event["message_id"], "") + event["content_delta"]
    assert ["".join(tokens) for tokens in answers] == list(by_message.values())


def test_a_stream_that_breaks_off_is_recorded_as_far_as_it_came(root: Path) -> None:
    """An error in the source reaches the reader; what came before is recorded, and a note says that it broke off."""

    def source() -> Iterator[str]:
        yield "half an "
        raise ConnectionError(BROKEN)

    with jupyter_recorder.record("broken") as recorder, pytest.raises(ConnectionError, match=BROKEN):
        list(recorder.chat.stream(source()))
    found = events(newest(root, "broken"))

    assert "half an " == answer(root, "broken")
    assert "broke off" in of_type(found, "note")[0]["text"]


def test_a_reader_that_stops_early_leaves_what_it_read(root: Path) -> None:
    """A loop that is left in the middle: the tokens that it read are recorded, and it is noted."""
    with jupyter_recorder.record("left") as recorder:
        stream = recorder.chat.stream(iter(["one ", "two ", "three "]))
        assert "one " == next(stream)
        stream.close()

    assert "one " == answer(root, "left")


def test_the_end_of_a_recording_does_not_break_a_stream(root: Path) -> None:
    """When recording stops in the middle of an answer, the reader still gets all of it; what came before is kept."""
    recorder = jupyter_recorder.start("cut")
    stream = recorder.chat.stream(iter(["before ", "after ", "later"]))
    passed = [next(stream)]
    jupyter_recorder.stop()
    passed += list(stream)

    assert ["before ", "after ", "later"] == passed
    assert "before " == answer(root, "cut")


def test_a_secret_split_over_tokens_is_redacted(root: Path) -> None:
    """A key that comes in pieces of four characters is not in the journal, and passes through whole."""
    secret = "sk-ant-" + "a1B2" * 9
    pieces = [secret[i : i + 4] for i in range(0, len(secret), 4)]
    with jupyter_recorder.record("split") as recorder:
        passed = list(recorder.chat.stream(iter(["key ", *pieces, " end"])))
    recorded = answer(root, "split")

    assert f"key {secret} end" == "".join(passed)
    assert "key [redacted:anthropic-key] end" == recorded


def test_the_environment_is_not_recorded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the environment the header keeps SHELL and TERM alone."""
    monkeypatch.setenv("A_CANARY", "canary-5150")
    with jupyter_recorder.record("env") as recorder:
        recorder.mark("x")
    folder = newest(root, "env")

    assert set(lines(folder / "session.ndjson")[0]["env"]) <= {"SHELL", "TERM"}
    assert all(b"canary-5150" not in path.read_bytes() for path in folder.iterdir())


def test_python_and_the_magic_share_the_one_recording(kernel: Kernel) -> None:
    """In a kernel `record(name)` records the cells, and `%record status` shows it."""
    ran = kernel.run(
        "import jupyter_recorder\nwith jupyter_recorder.record('shared'):\n"
        "    get_ipython().run_line_magic('record', 'status')\n    print('inside')"
    )

    assert "● recording 'shared'" in ran.out
    assert "inside\n" in "".join(e["output"]["text"] for e in of_type(kernel.events("shared"), "output"))
