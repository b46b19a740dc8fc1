"""Kernels that are killed while they record: what they had sent is on the disk, and is got back."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kernels import Kernel, Ran, lines, of_type, text

from jupyter_recorder.journal.reader import read_events

# What is promised, and what a busy machine of two cores adds between a message's arrival here and our look at it.
PROMISED = 0.050
HELD = 0.150

STREAM = "import time\nn = 0\nwhile True:\n    n += 1; print(f'<{n}>', flush=True); time.sleep(0.002)"
BUSY = "import itertools\nfor n in itertools.count(1):\n    print(f'<{n}>')\n    sum(range(30000))"
SECRETIVE = (
    "import time\nn = 0\nwhile True:\n    n += 1; print(f'<{n}> password=', end='', flush=True); time.sleep(0.02)"
)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Start kernels in one home; what still runs at the end is killed."""
    kernels: list[Kernel] = []

    def begin(**options: object) -> Kernel:
        kernels.append(Kernel(tmp_path, **options))  # type: ignore[arg-type]
        return kernels[-1]

    yield begin
    for kernel in kernels:
        if kernel.manager.has_kernel:
            kernel.kill()


def kill_in_the_middle(kernel: Kernel, code: str, seconds: float) -> tuple[Ran, float]:
    """Let a cell stream for so long, kill its kernel, and return what had arrived, with the time of the kill."""
    kernel.run("%record start streaming")
    ran = kernel.begin(code)
    kernel.follow(ran, lambda _: "<3>" in ran.out)
    begun = time.monotonic()
    kernel.follow(ran, lambda _: time.monotonic() - begun >= seconds)
    killed_at = time.monotonic()
    os.kill(kernel.pid, signal.SIGKILL)
    kernel.kill()
    return ran, killed_at


def arrived_before(ran: Ran, moment: float) -> str:
    """Return the text that had arrived before `moment`."""
    contents = [m["content"] for at, m in ran.messages if at < moment and m["msg_type"] == "stream"]
    return "".join(content["text"] for content in contents)


def recorded(kernel: Kernel, ran: Ran) -> str:
    """Return the text that the journal holds of a cell, read as the next process would."""
    found = list(read_events(kernel.folder("streaming")))
    assert list(range(1, len(found) + 1)) == [event["seq"] for event in found]
    return text([event for event in found if event.get("cell_id") == ran.msg_id])


@pytest.mark.parametrize("seed", range(4))
def test_what_was_sent_50_ms_before_a_kill_is_on_the_disk(start: Callable[..., Kernel], seed: int) -> None:
    """A cell that prints every 2 ms is killed at a seeded moment: all that had arrived 50 ms before is recorded."""
    kernel = start()
    ran, killed_at = kill_in_the_middle(kernel, STREAM, random.Random(seed).uniform(0.1, 0.6))
    sent = arrived_before(ran, killed_at - PROMISED)

    assert sent
    assert recorded(kernel, ran).startswith(sent)


@pytest.mark.parametrize("seed", range(2))
def test_a_busy_kernel_keeps_the_promise(start: Callable[..., Kernel], seed: int) -> None:
    """The same holds while the main thread computes without a pause."""
    kernel = start()
    ran, killed_at = kill_in_the_middle(kernel, BUSY, random.Random(seed).uniform(0.3, 0.8))
    sent = arrived_before(ran, killed_at - PROMISED)

    assert sent
    assert recorded(kernel, ran).startswith(sent)


def test_text_that_redaction_holds_back_is_there_after_150_ms(start: Callable[..., Kernel]) -> None:
    """Text that could begin a secret is recorded at the latest 150 ms after it was sent."""
    kernel = start()
    ran, killed_at = kill_in_the_middle(kernel, SECRETIVE, 0.7)
    sent = arrived_before(ran, killed_at - HELD)
    *whole, _ = sent.split("<")

    assert len(whole) > 5
    for number in range(1, len(whole)):
        assert f"<{number}>" in recorded(kernel, ran)


def test_the_next_kernel_says_that_there_is_one_to_recover(start: Callable[..., Kernel]) -> None:
    """`%load_ext` tells what a dead kernel left, `list` shows it, `recover` gets it back, and then nothing is left."""
    kernel = start()
    kill_in_the_middle(kernel, STREAM, 0.2)
    folder = kernel.folder("streaming")
    before = list(read_events(folder))
    following = start()

    assert "there is a recording that a dead process left unfinished: %record recover gets it back\n" == (
        following.loaded.out
    )
    assert "streaming  interrupted" in following.run("%record list").out
    said = following.run("%record recover").out
    manifest = json.loads((folder / "manifest.json").read_text())
    assert f"✓ 'streaming' is {manifest['name']!r} now: {len(before)} events" in said
    assert ("recovered", folder.name) == (manifest["state"], manifest["id"])
    assert manifest["name"].startswith("recovered-2")
    assert before == [line for line in lines(folder / "session.ndjson") if "seq" in line]
    assert "there is nothing to recover\n" == following.run("%record recover").out


def test_a_recovered_recording_replays_under_both_names(start: Callable[..., Kernel]) -> None:
    """After recovery `replay` finds the recording by its new name and by the old one."""
    kernel = start()
    kill_in_the_middle(kernel, STREAM, 0.1)
    folder = kernel.folder("streaming")
    following = start()
    following.run("%record recover")
    name = json.loads((folder / "manifest.json").read_text())["name"]

    for word in ("streaming", name, folder.name):
        (bundle,) = following.run(f"%record replay {word}").displays
        assert f"▶ {name} (" in bundle["text/plain"]


def test_a_kernel_whose_fork_worker_outlives_it_is_recoverable(start: Callable[..., Kernel], tmp_path: Path) -> None:
    """A `multiprocessing` worker that lives on holds neither lock nor journal of its dead kernel."""
    kernel = start()
    # A session of its own, or it would die with its kernel's process group.
    code = (
        "import multiprocessing, os, signal\n"
        "context = multiprocessing.get_context('fork'); ready = context.Event()\n"
        "def stay(): os.setsid(); ready.set(); signal.pause()\n"
        "worker = context.Process(target=stay); worker.start(); ready.wait(); print(worker.pid)"
    )
    kernel.run("%record start orphaned")
    worker = int(kernel.run(code).out)
    kernel.kill()
    try:
        os.kill(worker, 0)
        said = start().run("%record recover").out
    finally:
        os.kill(worker, signal.SIGKILL)

    assert "✓ 'orphaned' is 'recovered-" in said


def test_a_living_kernels_recording_is_left_alone(start: Callable[..., Kernel]) -> None:
    """Another kernel's `recover` does not touch a recording that is running."""
    kernel = start()
    kernel.run("%record start alive")
    other = start()

    assert "" == other.loaded.out
    assert "there is nothing to recover\n" == other.run("%record recover").out
    kernel.run("print('goes on')")
    kernel.run("%record stop")
    assert "goes on\n" in text(kernel.events("alive"))
    assert "completed" == kernel.manifest("alive")["state"]


def test_a_killed_program_in_a_terminal_is_recovered_with_its_tail(start: Callable[..., Kernel]) -> None:
    """A kernel killed while `%record sh` runs: what the program had shown is in the recovered `.cast`."""
    kernel = start()
    ran = kernel.begin("%%record sh --name shell\nfor i in $(seq 1000); do echo line-$i; sleep 0.01; done")
    kernel.shows(ran, "line-30\n")
    killed_at = time.monotonic()
    os.kill(kernel.pid, signal.SIGKILL)
    kernel.kill()
    folder = kernel.folder("shell")
    sent = arrived_before(ran, killed_at - PROMISED).splitlines()
    said = start().run("%record recover").out

    assert "✓ 'shell' is 'recovered-" in said
    shown = "".join(event[2] for event in lines(folder / "terminal.cast")[1:])
    assert sent[-1] in shown
    assert "terminal_start" in [event["type"] for event in read_events(folder)]


def test_an_empty_recording_of_a_dead_kernel_is_removed(start: Callable[..., Kernel]) -> None:
    """A recording that held nothing when its process died is gone after `recover`, which says so."""
    kernel = start()
    code = (
        "from jupyter_recorder.library.library import Library\nfrom jupyter_recorder.recorder import Recorder\n"
        "kept = Recorder.start(Library(), 'empty', 'chat')"
    )
    kernel.run(code)
    folder = kernel.folder("empty")
    kernel.kill()
    said = start().run("%record recover").out

    assert f"· {folder.name} was empty and is gone" in said
    assert not folder.exists()


def test_a_killed_stream_of_tokens_is_kept(start: Callable[..., Kernel]) -> None:
    """An answer that streams into the recording when its kernel dies is there as far as it came 50 ms before."""
    kernel = start()
    code = (
        "import time, itertools, jupyter_recorder\n"
        "source = (f'<{n}>' for n in itertools.count(1))\n"
        "for token in jupyter_recorder.current().chat.stream(source):\n"
        "    print(token, end='', flush=True); time.sleep(0.005)"
    )
    ran, killed_at = kill_in_the_middle(kernel, code, 0.5)
    answer = "".join(
        e["content_delta"] for e in of_type(list(read_events(kernel.folder("streaming"))), "message_append")
    )

    assert answer.startswith(arrived_before(ran, killed_at - PROMISED))
