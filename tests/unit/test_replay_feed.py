"""What feeds a widget from a kernel, and the widget as Python sees it where there is no page."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import traitlets

import jupyter_recorder
from jupyter_recorder.errors import RecError, StorageError
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.recorder import Recorder
from jupyter_recorder.replay import feed as feeding
from jupyter_recorder.replay.feed import Feed

PATIENCE = 20.0


class Page:
    """Takes a feed's messages as a page would; `acks` tells whether it acknowledges them."""

    def __init__(self, recording: Recording, *, acks: bool = True) -> None:
        self.messages: list[dict[str, Any]] = []
        self.bytes = 0
        self.errors: list[Exception] = []
        self.acks = acks
        self._changed = threading.Condition()
        self.feed = Feed(recording, self._take, on_failed=self.errors.append)

    def _take(self, message: dict[str, Any], binary: list[bytes]) -> None:
        with self._changed:
            self.bytes += sum(map(len, binary))
            self.messages.append({**message, **({"body": gzip.decompress(binary[0])} if binary else {})})
            self._changed.notify_all()
        if self.acks and "n" in message:
            self.feed.acknowledge(message["n"])

    def until(self, state: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(state, PATIENCE), self.messages

    def until_type(self, kind: str) -> dict[str, Any]:
        self.until(lambda: bool(self.of(kind)))
        return self.of(kind)[-1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def text(self, file: str) -> bytes:
        return b"".join(message["body"] for message in self.of("lines") if message["file"] == file)

    def all_of_it(self) -> Page:
        self.feed.start()
        assert self.feed.join(PATIENCE)
        return self


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "root")


@pytest.fixture
def recorder(library: Library) -> Iterator[Recorder]:
    recorder = Recorder.start(library, "demo", "notebook")
    yield recorder
    if recorder.active:
        recorder.stop()


def finished(library: Library, recorder: Recorder) -> Recording:
    recorder.stop()
    return library.find(recorder.id)


def test_a_feed_sends_all_there_is_in_order(library: Library, recorder: Recorder) -> None:
    """The manifest, every line of journal and terminals once, payloads before the lines that name them, the end."""
    recorder.chat.add("user", "hello")
    image = {"image/png": "A" * 100_000}
    recorder.record({"type": "cell_start", "cell_id": "a", "execution_count": 1, "source": "1"})
    recorder.record(
        {"type": "output", "cell_id": "a", "output": {"output_type": "display_data", "data": image, "metadata": {}}}
    )
    terminal = recorder.terminal(60, 12, command="make")
    terminal.output("ready ✓\r\n".encode())
    terminal.end(0)
    page = Page(finished(library, recorder)).all_of_it()

    kinds = [message["type"] for message in page.messages]
    assert ["open", "blob", "lines", "lines", "ready", "end"] == kinds
    assert b"A" * 100_000 == page.of("blob")[0]["body"]
    assert [1, 0] == [message["from"] for message in page.of("lines")]
    assert b"hello" in page.text("session.ndjson")
    assert "ready ✓" in page.text("terminal.cast").decode()
    assert not page.of("open")[0]["live"]


def test_what_was_hashed_before_redaction_stays(library: Library, recorder: Recorder) -> None:
    """The keyed hash of a secret is not sent."""
    recorder.record({"type": "note", "text": "a secret was here", "raw": "0" * 32})
    recording = finished(library, recorder)
    journal = recording.path / "session.ndjson"
    journal.write_bytes(journal.read_bytes().replace(b'"text":', b'"raw":"00","text":', 1))
    page = Page(recording).all_of_it()

    assert b"note" in page.text("session.ndjson")
    assert b'"raw"' not in page.text("session.ndjson")


def test_a_feed_follows_until_the_end(library: Library, recorder: Recorder) -> None:
    """What is recorded later comes, also a new terminal; then the manifest as it is at the end."""
    recorder.chat.add("user", "first")
    recorder.wait()
    page = Page(library.find(recorder.id))
    page.feed.start()
    page.until_type("ready")
    terminal = recorder.terminal(60, 12)
    terminal.output(b"later\r\n")
    page.until(lambda: b"later" in page.text("terminal.cast"))
    recorder.chat.add("user", "last")
    recorder.stop()
    page.until_type("end")

    assert 1 == page.text("session.ndjson").count(b"last")
    assert "completed" == page.of("manifest")[-1]["manifest"]["state"]
    assert page.feed.join(PATIENCE)


def test_a_page_that_is_away_bounds_what_is_under_way(
    library: Library, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without acknowledgement a feed stops at its window, goes on with one, and can be stopped while it waits."""
    monkeypatch.setattr(feeding, "WINDOW", 300_000)
    terminal = recorder.terminal(80, 24)
    for _ in range(20):
        terminal.output(os.urandom(60_000).hex().encode())
    page = Page(finished(library, recorder), acks=False)
    page.feed.start()
    page.until(lambda: page.bytes >= 300_000)
    size = page.bytes
    assert size < 300_000 + 400_000
    for message in page.of("lines"):
        page.feed.acknowledge(message["n"])
    page.until(lambda: page.bytes > size)
    page.feed.stop()
    assert page.feed.join(PATIENCE)
    assert [] == page.of("ready")


def test_a_feed_that_fails_says_so(library: Library, recorder: Recorder) -> None:
    """A journal that can't be read is told to the page, and to Python."""
    recorder.chat.add("user", "hello")
    recording = finished(library, recorder)
    journal = recording.path / "session.ndjson"
    journal.unlink()
    journal.mkdir()
    page = Page(recording).all_of_it()

    assert "failed" == page.messages[-1]["type"]
    assert page.messages[-1]["message"]
    assert 1 == len(page.errors)


def test_a_recording_that_is_deleted_while_followed_ends_in_a_sentence(library: Library, recorder: Recorder) -> None:
    """What had come stays; the rest is said not to come."""
    recorder.chat.add("user", "hello")
    recorder.wait()
    page = Page(library.find(recorder.id))
    page.feed.start()
    page.until_type("ready")
    folder = library.root / recorder.id
    folder.rename(library.root / ".gone")
    page.until_type("end")

    assert "was deleted" in page.of("notice")[-1]["text"]
    assert [] == page.errors
    (library.root / ".gone").rename(folder)


def test_a_large_terminal_is_read_in_ranges(
    library: Library, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named with its size and not sent; ranges of it can be had, and of nothing else in or around the folder."""
    monkeypatch.setattr(feeding, "LARGE_BYTES", 10_000)
    terminal = recorder.terminal(80, 24)
    terminal.output(b"0123456789" * 2_000)
    recording = finished(library, recorder)
    page = Page(recording).all_of_it()
    whole = (recording.path / "terminal.cast").read_bytes()

    assert [{"name": "terminal.cast", "size": len(whole)}] == page.of("open")[0]["large"]
    assert b"" == page.text("terminal.cast")
    assert whole[5:105] == page.feed.read("terminal.cast", 5, 105)
    assert whole[-5:] == page.feed.read("terminal.cast", len(whole) - 5, len(whole) + 100)
    for file, start, end in (
        ("dedupe.key", 0, 10), ("../x", 0, 10), ("terminal.cast", 5, 5), ("terminal.cast", -1, 5),
        ("terminal.cast", 0, 9 << 20),
    ):  # fmt: skip
        with pytest.raises(StorageError):
            page.feed.read(file, start, end)


def test_a_large_terminal_that_grows_is_told(
    library: Library, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is sent while it is recorded but how large it is, up to its end."""
    monkeypatch.setattr(feeding, "LARGE_BYTES", 10_000)
    terminal = recorder.terminal(80, 24)
    terminal.output(b"0123456789" * 2_000)
    recorder.wait()
    page = Page(library.find(recorder.id))
    page.feed.start()
    page.until_type("ready")
    terminal.output(b"more")
    page.until_type("grown")
    terminal.output(b"last")
    recorder.stop()
    page.until_type("end")

    sizes = [message["size"] for message in page.of("grown")]
    assert sorted(set(sizes)) == sizes
    assert (library.root / recorder.id / "terminal.cast").stat().st_size == sizes[-1]
    assert b"" == page.text("terminal.cast")


# -- the widget


@pytest.fixture
def replay(library: Library, recorder: Recorder) -> Any:
    recorder.chat.add("user", "hello")
    return jupyter_recorder.Replay(finished(library, recorder))


def told(**state: Any) -> dict[str, Any]:
    return {
        "current_time": 0.0, "duration": 9.0, "speed": 1.0, "playing": False, "following": False, "asked": 0, **state
    }  # fmt: skip


def test_a_page_tells_python_how_it_stands(replay: Any) -> None:
    """Observers hear of it, and nothing is asked back."""
    heard: list[tuple[str, object]] = []
    replay.observe(lambda change: heard.append((change.name, change.new)), ["current_time", "playing"])
    replay.set_state({"_told": told(current_time=2.5, playing=True)})

    assert [("current_time", 2.5), ("playing", True)] == heard
    assert (9.0, 0) == (replay.duration, replay._asked)


def test_what_a_page_told_before_it_heard_of_a_command_is_not_taken(replay: Any) -> None:
    """After `play()` a state of before does not make it stand still again."""
    replay.play()
    replay.set_state({"_told": told(current_time=1.0)})
    assert (True, 0.0) == (replay.playing, replay.current_time)
    replay.set_state({"_told": told(current_time=1.5, playing=True, asked=1)})
    assert (True, 1.5) == (replay.playing, replay.current_time)


@pytest.mark.parametrize(
    "state",
    [
        {}, {"current_time": 1}, told(current_time="1"), told(current_time=-1), told(playing=1), told(speed=0),
        told(duration=float("inf")), told(asked="9"),
    ],
)  # fmt: skip
def test_what_is_no_state_is_not_taken(replay: Any, state: dict[str, Any]) -> None:
    """A page that tells nonsense changes nothing."""
    replay.set_state({"_told": state})
    assert (0.0, False, 1.0, 0.0) == (replay.current_time, replay.playing, replay.speed, replay.duration)


def test_values_that_cannot_be_are_refused(replay: Any) -> None:
    """What is no moment or no speed is an error at once, and nothing is asked."""
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="seconds"):
            replay.seek(wrong)
        with pytest.raises(traitlets.TraitError):
            replay.current_time = wrong
    for speed in (0, -1, 1000, float("nan")):
        with pytest.raises(traitlets.TraitError):
            replay.speed = speed
    assert 0 == replay._asked


def test_a_name_that_is_none_is_refused() -> None:
    """A widget of nothing is not made."""
    with pytest.raises(RecError, match="no recording"):
        jupyter_recorder.Replay("never-was")


def test_without_anywidget_the_rest_works() -> None:
    """The package imports without it, and `Replay` says in one sentence what is missing."""
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import jupyter_recorder; jupyter_recorder.record\n"
        "try: jupyter_recorder.Replay\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Replay is a Jupyter widget and needs anywidget: pip install anywidget" in done.stdout
