"""What was said in chats and is not safe yet: kept over a kill, known again, cut anywhere, refused if it can't be."""

from __future__ import annotations

import asyncio
import errno
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from faults import Fault, FaultyFiles
from hypothesis import given
from hypothesis import strategies as st
from services import PATIENCE, Service, add, append, start

from jupyter_recorder.capture.labpending import Pending, Said, hand_on, said
from jupyter_recorder.journal.codec import clean_text
from jupyter_recorder.service.served import ServedService

KEY = "0123456789abcdef"
SESSION = "jupyterlab-chat:one"
PROCESS = """
import itertools, sys
from pathlib import Path
from jupyter_recorder.capture.labpending import Pending
pending = Pending(Path(sys.argv[1]), sys.argv[2])
pending.add({"type": "message_add", "session_id": "s", "message_id": "m", "role": "user", "content": "one"}, "ana")
number = pending.number()
for token in itertools.count():
    assert pending.grow(number, "s", "m", None, f"token{token} ")
    print(token, flush=True)
"""


def grow(pending: Pending, number: int, text: str, message_id: str = "m", by: str | None = None) -> bool:
    """Have a message of the session grow."""
    return pending.grow(number, SESSION, message_id, by, text)


def say(pending: Pending, text: str, message_id: str = "m") -> str:
    """Have a message of the session grow by an event of its own; return that one's id."""
    number = pending.number()
    assert grow(pending, number, text, message_id)
    return pending.event_id(number)


def files_in(folder: Path) -> list[Path]:
    """Return what is kept, a file for each process."""
    return sorted(folder.glob("*.pending"))


def kept(folder: Path) -> list[Said]:
    """Return what the one file holds."""
    (path,) = files_in(folder)
    return list(said(path.read_bytes(), path.stem.rpartition("-")[2]))


def short(events: list[Said]) -> list[tuple[Any, ...]]:
    """Return of each event its message, what it adds, and who it is by."""
    return [
        (one.event["message_id"], one.event.get("content_delta", one.event.get("content")), one.by) for one in events
    ]


def test_tokens_are_kept_as_they_come_and_let_go_when_they_are_safe(tmp_path: Path) -> None:
    """Texts of two messages, a whole event, one that is taken back; the file is empty when all is settled."""
    pending = Pending(tmp_path / "made", KEY)
    first, second, third = pending.number(), pending.number(), pending.number()
    assert not (tmp_path / "made").exists()
    assert grow(pending, first, 'the "wal')
    assert grow(pending, first, "rus\n")
    assert grow(pending, second, "ice 😀 ", "n", "ben")
    assert grow(pending, first, "\\")
    whole = pending.add(add("o", "whole", SESSION), "ana")
    assert grow(pending, third, "never mind", by="ana")
    assert grow(pending, second, "floes", "n", "ben")
    pending.drop(third)
    found = kept(tmp_path / "made")
    assert [("m", 'the "walrus\n\\', None), ("n", "ice 😀 floes", "ben"), ("o", "whole", "ana")] == short(found)
    assert append('the "walrus\n\\', "m", SESSION, event_id=pending.event_id(first)) == found[0].event
    assert whole == found[2].event
    pending.settle([pending.event_id(first), whole["event_id"]])
    assert 3 == len(kept(tmp_path / "made"))
    pending.settle([pending.event_id(second), "another's"])
    assert [] == kept(tmp_path / "made")
    assert b"whole" not in files_in(tmp_path / "made")[0].read_bytes()
    assert [0o700, 0o600] == [path.stat().st_mode & 0o777 for path in (tmp_path / "made", *files_in(tmp_path / "made"))]
    pending.close()
    assert [] == files_in(tmp_path / "made")


def test_names_are_said_once_and_again_when_they_are_gone(tmp_path: Path) -> None:
    """A message that was the first thing said stays named, a later one does not; the file does not grow by names."""
    pending = Pending(tmp_path, KEY)
    pending.settle([say(pending, "a", "first"), say(pending, "b", "late")])
    (path,) = files_in(tmp_path)
    size = path.stat().st_size
    again = say(pending, "c", "first")
    assert path.stat().st_size < size + 20
    late = say(pending, "d", "late")
    assert [("first", "c", None), ("late", "d", None)] == short(kept(tmp_path))
    pending.settle([again, late])
    for count in range(200):
        event_id = say(pending, "x", f"message {count}")
        assert [(f"message {count}", "x", None)] == short(kept(tmp_path))
        pending.settle([event_id])
    assert path.stat().st_size < 5_000
    pending.close()


def test_a_kill_leaves_every_token_to_the_next_process(tmp_path: Path) -> None:
    """A living process' file is not touched, nor another root's; a dead one's is read, and stays until it is let go."""
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(tmp_path), KEY], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 200:
            pass
        pending = Pending(tmp_path, KEY)
        assert [] == pending.left()
        process.kill()
        process.wait()
        printed = ["200", *process.stdout.read().split("\n")[:-1]][-1]
    assert [] == Pending(tmp_path, "another").left()
    say(pending, "its own")
    (left,) = pending.left()
    assert [] == pending.left()  # it has it
    assert [("m", "one", "ana"), ("m", "token0 token1 ", None)] == [
        (message_id, text[:14], by) for message_id, text, by in short(left.said)
    ]
    assert f"token{printed} " in left.said[1].event["content_delta"]
    left.let_go(done=False)
    (left,) = pending.left()
    left.let_go(done=True)
    assert [] == pending.left()
    pending.close()
    assert 1 == len(files_in(tmp_path))  # what is not settled stays


def test_a_file_cut_anywhere_has_what_stands_before_the_cut(tmp_path: Path) -> None:
    """Every byte may be the last: no error, whole events before it, and a text up to its last whole character."""
    pending = Pending(tmp_path, KEY)
    say(pending, 'a"\\\n\x1b😀é')
    pending.add(add("o", "whole", SESSION), None)
    say(pending, "last 😀", "n")
    (path,) = files_in(tmp_path)
    data = path.read_bytes()
    texts = ['a"\\\n\x1b😀é', "whole", "last 😀"]
    for cut in range(len(data) + 1):
        found = [text for _, text, _ in short(list(said(data[:cut], "tag")))]
        assert found[:-1] == texts[: max(0, len(found) - 1)]
        assert not found or texts[len(found) - 1].startswith(found[-1])
    assert texts == found
    nobodys = data.replace(b'"session_id":"jupyterlab-chat:one","message_id":"o"', b'"message_id":"o"')
    assert nobodys != data
    assert [texts[0], texts[2]] == [text for _, text, _ in short(list(said(nobodys, "tag")))]
    damaged = data.replace(b'"whole"', b'"whole\xff').replace(b"\n", b'\nnot JSON\n[1,2,3,4]\n[99,1,"x"]\n[]\n', 1)
    assert [texts[0], texts[2]] == [text for _, text, _ in short(list(said(damaged, "tag")))]
    assert [] == list(said(b"", "tag"))
    pending.close()


@given(st.lists(st.tuples(st.integers(0, 2), st.text(st.characters(exclude_categories=[]), max_size=6)), max_size=30))
def test_any_text_comes_back(tokens: list[tuple[int, str]]) -> None:
    """Of three messages that grow by turns; a lone surrogate is what it is in a journal."""
    with tempfile.TemporaryDirectory() as folder:
        pending = Pending(Path(folder), KEY)
        numbers = [pending.number() for _ in range(3)]
        wanted: dict[str, str] = {}
        for place, token in tokens:
            assert grow(pending, numbers[place], token, f"m{place}")
            wanted[f"m{place}"] = wanted.get(f"m{place}", "") + clean_text(token)
        if tokens:
            assert wanted == {message_id: text for message_id, text, _ in short(kept(Path(folder)))}
        pending.settle(map(pending.event_id, numbers))
        pending.close()


@pytest.mark.parametrize("half", [0, 3])
def test_a_disk_that_takes_nothing_is_said_so_and_does_no_harm(
    tmp_path: Path, half: int, caplog: pytest.LogCaptureFixture
) -> None:
    """What can't be kept must not wait: the answer is no, also for half a token; what was kept before stays whole."""
    full = Fault("write", "*.pending", errno.ENOSPC, keep=half, on=False)
    pending = Pending(tmp_path, KEY, FaultyFiles(full))
    number = pending.number()
    assert grow(pending, number, "before ")
    full.on = True
    assert not grow(pending, number, "lost here ")
    assert not grow(pending, pending.number(), "another's", "new")
    assert "event_id" in pending.add(add("o", "whole", SESSION), None)
    pending.drop(number)
    full.on = False
    assert grow(pending, number, "after")
    assert [("m", "before after", None)] == short(kept(tmp_path))
    assert "No space left" in caplog.text
    pending.settle([pending.event_id(number)])
    pending.close()


def test_a_file_that_cannot_be_emptied_only_grows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is safe by then would be known again."""
    pending = Pending(tmp_path, KEY, FaultyFiles(Fault("truncate", "*.pending", errno.EIO)))
    pending.settle([say(pending, "one")])
    say(pending, "two")
    assert ["one", "two"] == [text for _, text, _ in short(kept(tmp_path))]
    assert "can't be let go" in caplog.text
    pending.close()


def test_where_nothing_can_be_kept_the_answer_is_no(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without a local disk, or with something else in the folder's place, which is told once; and after the end."""
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    for folder in (None, tmp_path / "file"):
        pending = Pending(folder, KEY)
        assert not grow(pending, 1, "text")
        assert not grow(pending, 1, "text")
        pending.settle([pending.event_id(1)])
        pending.close()
    assert [] == Pending(None, KEY).left()
    assert 1 == caplog.text.count("can't be kept")
    pending = Pending(tmp_path / "folder", KEY)
    assert grow(pending, 1, "text")
    pending.after_fork_in_child()
    assert not grow(pending, 1, "text")


def test_a_file_that_is_no_file_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder or a link under such a name: told, and not followed."""
    (tmp_path / f"{KEY}-aaaaaaaaaa.pending").mkdir()
    (tmp_path / f"{KEY}-bbbbbbbbbb.pending").symlink_to(tmp_path / "nowhere")
    assert [] == Pending(tmp_path, KEY).left()
    assert 2 == caplog.text.count("stays")
    assert 2 == len(list(tmp_path.iterdir()))


def test_what_is_too_large_does_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large event is not kept, nor one that has no form in JSON; beyond its bound a file takes no more."""
    pending = Pending(tmp_path, KEY)
    deep: list[Any] = []
    for _ in range(1_000):
        deep = [deep]
    for event in (add("o", "x" * 100_000, SESSION), add("o", "x", SESSION, metadata=deep)):
        assert event == {key: value for key, value in pending.add(event, None).items() if key != "event_id"}
    assert [] == files_in(tmp_path)
    monkeypatch.setattr("jupyter_recorder.capture.labpending._MOST", 1_000)
    number, times = pending.number(), 0
    while grow(pending, number, "0123456789"):
        times += 1
    assert 50 < times < 100
    pending.settle([pending.event_id(number)])
    assert grow(pending, pending.number(), "0123456789")
    pending.close()


def test_what_was_left_is_recorded_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Events that stand in the journal, one that is refused, two that are by somebody; a missing session is made."""
    begin = start(SESSION)
    left = [
        Said(add("m", "one ", SESSION, event_id="t-1"), "ana"),
        Said(append("two ", "m", SESSION, event_id="t-2"), None),
        Said(append("lost", "nobody's", SESSION, event_id="t-3"), None),
        Said(append("three", "m", SESSION, event_id="t-4"), "ben"),
    ]

    async def record(service: Service) -> None:
        await hand_on(ServedService(service.core), left, begin)
        await hand_on(ServedService(service.core), left, begin)

    known, new = Service(tmp_path / "known"), Service(tmp_path / "new")
    known.ack(begin)
    for one in left[:2]:
        known.send(one.event, by=one.by)
    for service in (known, new):
        asyncio.run(record(service))
        assert "one two three" == service.text("m", SESSION)
        assert ["ana", None, "ben"] == [line.get("by") for line in service.lines(SESSION) if "message_id" in line]
        service.core.close()
    assert "message_not_found" in caplog.text


def test_what_was_left_waits_for_another_process(tmp_path: Path) -> None:
    """While another one has the recording it is tried again; nothing is given up."""
    other, service = Service(tmp_path), Service(tmp_path)
    other.ack(start(SESSION))

    async def record() -> None:
        left = [Said(add("m", "one", SESSION, event_id="t-1"), None)]
        task = asyncio.create_task(hand_on(ServedService(service.core), left, start(SESSION)))
        done, _ = await asyncio.wait([task], timeout=0.5)
        assert not done
        await asyncio.to_thread(other.core.close)
        await asyncio.wait_for(task, PATIENCE)

    asyncio.run(record())
    assert "one" == service.text("m", SESSION)
    service.core.close()
