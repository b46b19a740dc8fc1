"""The `Replay` widget in a real kernel, spoken to as a page does: by the messages of its comm."""

from __future__ import annotations

import gzip
import time
from typing import Any

import pytest
from kernels import PATIENCE, Kernel

MAKE = """
import jupyter_recorder
replay = jupyter_recorder.Replay({name!r}, idle=2.0)
replay.model_id
"""


class Page:
    """What a page is to the widget: it sends, and takes what comes for it."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self.kernel = kernel
        result = kernel.run(MAKE.format(name=name)).displays[-1]["text/plain"]
        self.comm = result.strip("'\"")

    def tell(self, data: dict[str, Any]) -> None:
        """Send a message to the comm."""
        message = self.kernel.client.session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        self.kernel.client.shell_channel.send(message)

    def say(self, **content: Any) -> None:
        """Send one of the widget's own messages."""
        self.tell({"method": "custom", "content": content})

    def set(self, **state: Any) -> None:
        """Tell how it stands."""
        self.tell({"method": "update", "state": {"_told": state}, "buffer_paths": []})

    def until(self, kind: str, **fields: Any) -> tuple[dict[str, Any], bytes]:
        """Return the next message of a kind that has these fields, with its bytes."""
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self.kernel.client.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
            content = message["content"].get("data", {}).get("content", {})
            if message["msg_type"] == "comm_msg" and {**content, "type": kind, **fields} == content:
                return content, b"".join(bytes(one) for one in message["buffers"])


@pytest.fixture
def page(kernel: Kernel) -> Page:
    """A page with a replay of a finished recording of a terminal."""
    kernel.run("%record start walrus")
    kernel.run("%record sh echo otter")
    kernel.run("%record stop")
    return Page(kernel, "walrus")


def stands(**state: Any) -> dict[str, Any]:
    """Return how a page tells that it stands."""
    usual = {"current_time": 0.0, "duration": 9.0, "speed": 1.0, "playing": False, "following": False, "asked": 0}
    return {**usual, **state}


def test_a_page_gets_the_whole_recording(page: Page) -> None:
    """The options first, then each file's lines, then that it is complete; the player's script when it is asked for."""
    page.say(type="code")
    _, code = page.until("code")
    assert len(gzip.decompress(code)) > 100_000
    page.say(type="begin", view="one", before="")
    opened, _ = page.until("open", view="one")
    assert {"speed": 1.0, "idle": 2.0, "start": 0.0} == opened["options"]
    assert ("walrus", False) == (opened["manifest"]["name"], opened["live"])
    text: dict[str, bytes] = {}
    while b"otter" not in text.get("terminal.cast", b""):
        lines, body = page.until("lines", view="one")
        page.say(type="ack", view="one", n=lines["n"])
        text[lines["file"]] = text.get(lines["file"], b"") + gzip.decompress(body)
    assert b"terminal_start" in text["session.ndjson"]
    page.until("ready", view="one")
    page.until("end", view="one")


def test_a_page_reads_a_range_of_a_terminals_file_and_of_no_other(page: Page) -> None:
    """The bytes that were asked for; for any other file, and for a view that was ended, why there are none."""
    whole = (page.kernel.folder("walrus") / "terminal.cast").read_bytes()
    page.say(type="begin", view="one", before="")
    page.say(type="read", view="one", id=1, file="terminal.cast", start=3, end=20)
    assert whole[3:20] == page.until("bytes", id=1)[1]
    page.say(type="read", view="one", id=2, file="../../secret", start=0, end=20)
    answer, body = page.until("bytes", id=2)
    assert ("can't be read" in answer["error"], b"") == (True, body)
    page.say(type="end", view="one")
    page.say(type="read", view="one", id=3, file="terminal.cast", start=0, end=20)
    assert "not fed any longer" in page.until("bytes", id=3)[0]["error"]


def test_a_view_that_begins_later_is_told_what_was_asked(page: Page) -> None:
    """What Python asked for while there was no page, in its order; to follow takes the place of a seek and of play."""
    page.kernel.run("replay.speed = 2.0; replay.seek(4); replay.playing = True")
    page.say(type="begin", view="one", before="")
    ready, _ = page.until("ready", view="one")
    steps = [{"action": "speed", "value": 2.0}, {"action": "seek", "value": 4.0}, {"action": "play"}]
    assert (3, steps) == (ready["asked"], ready["steps"])
    page.kernel.run("replay.follow()")
    page.say(type="begin", view="two", before="one")
    ready, _ = page.until("ready", view="two")
    assert [{"action": "speed", "value": 2.0}, {"action": "follow"}] == ready["steps"]
    page.kernel.run("replay.pause()")
    page.say(type="begin", view="three", before="two")
    assert {"action": "pause"} == page.until("ready", view="three")[0]["steps"][-1]


def test_what_one_page_does_is_what_the_next_begins_with(page: Page) -> None:
    """A page that plays at its fourth second, or follows, hands that on; Python sees it."""
    page.set(**stands(current_time=4.0, playing=True, speed=3.0))
    page.say(type="begin", view="one", before="")
    steps = [{"action": "speed", "value": 3.0}, {"action": "seek", "value": 4.0}, {"action": "play"}]
    assert steps == page.until("ready", view="one")[0]["steps"]
    assert "4.0 True 3.0" in page.kernel.run("print(replay.current_time, replay.playing, replay.speed)").out
    page.set(**stands(following=True))
    page.say(type="begin", view="two", before="")
    assert {"action": "follow"} == page.until("ready", view="two")[0]["steps"][-1]


def test_pages_that_were_closed_without_a_word_cost_nothing_for_ever(page: Page) -> None:
    """Of more views than a person has open, the first are let go; closing lets go of all."""
    for number in range(20):
        page.say(type="begin", view=f"view {number}", before="")
        page.until("open", view=f"view {number}")
    held = "print(*replay._feeds, sep=',')"
    assert [f"view {number}" for number in range(4, 20)] == page.kernel.run(held).out.strip().split(",")
    threads = "import threading; print(sum('replay of' in one.name for one in threading.enumerate()))"
    page.kernel.run("feeds = list(replay._feeds.values()); replay.close(); [feed.join(20) for feed in feeds]")
    assert ("", "0") == (page.kernel.run(held).out.strip(), page.kernel.run(threads).out.strip())


def test_a_recording_that_was_deleted_is_told(page: Page) -> None:
    """Deleted after the widget was made: page and Python are told why there is nothing to see."""
    page.kernel.run("jupyter_recorder.Library().delete(replay._recording)")
    page.say(type="begin", view="one", before="")
    failed, _ = page.until("failed", view="one")
    assert "no recording" in failed["message"]
    assert "no recording" in page.kernel.run("print(replay.error)").out
    assert (
        f"Replay('{page.kernel.run('print(replay._recording.id)').out.strip()}')"
        in page.kernel.run("print(replay)").out
    )
