"""Disks that fill or hang under a kernel, and cells that print without end."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kernels import Kernel, Ran, of_type, text

from jupyter_recorder.journal.reader import read_events

MIB = 1 << 20
# A kernel whose files may not grow past a limit, and what lifts it; history is off, since it would fail too.
NO_HISTORY = "c.HistoryManager.enabled = False"
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({}, -1))"

HANGING = """
import jupyter_recorder
from faults import Fault, FaultyFiles
from jupyter_recorder.library.library import Library
fault = Fault("datasync", "session*", hang=True, on=False)
recorder = jupyter_recorder.start("hanging", library=Library(files=FaultyFiles(fault)))
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 1 MiB; skipped where that is not allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    if mount is None or sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Take all room of a disk, and return the file that took it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return ballast


def run_until(kernel: Kernel, said: str, code: str = "1;") -> list[Ran]:
    """Run cells until one of them has said something, at most for 20 s."""
    ran: list[Ran] = []
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        ran.append(kernel.run(code))
        if said in ran[-1].out:
            return ran
    raise TimeoutError(f"{said!r} was not said, but {ran[-1].out!r}")


def test_a_full_disk_is_told_and_loses_nothing(new_kernel: Callable[..., Kernel], small_disk: Path) -> None:
    """When the disk fills, the cells say so and go on; when there is room again all is there, with a gap line."""
    kernel = new_kernel(env={"JUPYTER_RECORDER_DIR": str(small_disk / "recordings")})
    kernel.run("%record start filling")
    kernel.run("print('before')")
    ballast = fill(small_disk)
    begun = time.monotonic()
    told = run_until(kernel, "%record: NOT SAFE: ", "print('during' + ' again' * 2000)")
    took = time.monotonic() - begun
    status = kernel.run("%record status").out
    kernel.run("print('still full')")
    ballast.unlink()
    run_until(kernel, "%record: 'filling' is safe on the disk again")
    kernel.run("print('after')")
    stopped = kernel.run("%record stop")
    found = list(read_events(kernel.folder("filling")))

    assert took < 1
    assert "No space left on device" in told[-1].out
    assert all(ran.status == "ok" for ran in told)
    assert "NOT SAFE" in status
    assert "■ 'filling' holds" in stopped.out
    shown = text(found)
    for word in ("before\n", "during again", "still full\n", "after\n"):
        assert word in shown
    assert list(range(1, len(found) + 1)) == [event["seq"] for event in found]
    assert "No space left on device" in of_type(found, "gap")[0]["reason"]
    assert "completed" == kernel.manifest("filling")["state"]


def test_a_long_cell_is_told_while_it_runs(new_kernel: Callable[..., Kernel], small_disk: Path) -> None:
    """A cell that prints on and on learns within a second that the disk is full, and then that it is safe again."""
    kernel = new_kernel(env={"JUPYTER_RECORDER_DIR": str(small_disk / "recordings")})
    kernel.run("%record start long")
    ballast = fill(small_disk)
    ran = kernel.begin("import time\nwhile True: print('x' * 4000, flush=True); time.sleep(0.01)")
    begun = time.monotonic()
    kernel.shows(ran, "%record: NOT SAFE: ")
    took = time.monotonic() - begun
    ballast.unlink()
    kernel.shows(ran, "%record: 'long' is safe on the disk again")
    kernel.interrupt()
    kernel.finish(ran)

    assert took < 1


def test_a_recording_cannot_be_begun_on_a_full_disk(new_kernel: Callable[..., Kernel], small_disk: Path) -> None:
    """`start` and `sh` on a full disk are one line with what to do, and leave nothing half made."""
    kernel = new_kernel(env={"JUPYTER_RECORDER_DIR": str(small_disk / "recordings")})
    kernel.run("%record start first\n%record stop")
    before = {path.name for path in kernel.root.iterdir()}
    fill(small_disk)

    for code in ("%record start second", "%record sh echo hello"):
        ran = kernel.run(code)
        assert [] == ran.tracebacks
        assert "No space left on device" in ran.err
        assert "free some space" in ran.err
    assert before == {path.name for path in kernel.root.iterdir()}


def test_a_stop_on_a_full_disk_keeps_all_for_another_stop(new_kernel: Callable[..., Kernel], small_disk: Path) -> None:
    """`stop` while the disk is full says that nothing is lost yet; with room again, `stop` ends it in order."""
    kernel = new_kernel(env={"JUPYTER_RECORDER_DIR": str(small_disk / "recordings")})
    kernel.run(
        "import jupyter_recorder.recorder as r\nr.STOP_SECONDS = r.Recorder.stop.__kwdefaults__['timeout'] = 0.5"
    )
    kernel.run("%record start stopping")
    kernel.run("print('before')")
    ballast = fill(small_disk)
    kernel.run("print('during' * 2000)")
    refused = kernel.run("%record stop")
    ballast.unlink()
    stopped = kernel.run("import time; time.sleep(1.5)\n%record stop")

    assert [] == refused.tracebacks
    assert "'stopping' is not stopped: after 0 s" in refused.err
    assert "■ 'stopping' holds" in stopped.out
    assert "during" in text(list(read_events(kernel.folder("stopping"))))


def test_a_file_limit_is_told_and_loses_nothing(new_kernel: Callable[..., Kernel]) -> None:
    """When files may not grow any more, the cells say so and go on; when they may again, all is there."""
    kernel = new_kernel(config=NO_HISTORY)
    kernel.run("%record start limited")
    kernel.run("print('before')")
    kernel.run(LIMIT.format(4096))
    told = run_until(kernel, "%record: NOT SAFE: ", "print('during' + ' again' * 2000)")
    kernel.run(LIMIT.format(-1))
    run_until(kernel, "%record: 'limited' is safe on the disk again")
    kernel.run("%record stop")
    found = list(read_events(kernel.folder("limited")))

    assert "File too large" in told[-1].out
    assert "before\n" in text(found)
    assert len(told) == text(found).count("during")
    assert "completed" == kernel.manifest("limited")["state"]


def test_a_cell_that_prints_too_much_is_cut_visibly(new_kernel: Callable[..., Kernel]) -> None:
    """Output is recorded up to `max_output_bytes`, then a line says so; cell, kernel and recording go on."""
    kernel = new_kernel()
    kernel.run("%config RecorderMagics.max_output_bytes = 1_000_000")
    kernel.run("%record start printing")
    ran = kernel.run("for i in range(50): print('é' * 50_000)")
    after = kernel.run("print('after')")
    kernel.run("%record stop")
    found = [event for event in kernel.events("printing") if event.get("cell_id") == ran.msg_id]

    assert 50 * 50_001 == len(ran.out)
    assert 1_000_000 - 2 <= len(text(found).encode()) <= 1_000_000
    assert ran.out.startswith(text(found))
    assert "is recorded up to 1,000,000 bytes; the rest is not]" in text(found, "stderr")
    assert ["cell_start", "cell_end"] == [event["type"] for event in found if event["type"] != "output"]
    assert "after\n" == after.out
    assert "after\n" in text(kernel.events("printing"))


def test_one_huge_print_is_kept_up_to_the_bound(kernel: Kernel) -> None:
    """A single text over the bound is cut at it, not left out."""
    kernel.run("%config RecorderMagics.max_output_bytes = 100_000")
    kernel.run("%record start one-print")
    ran = kernel.run("print('x' * 1_000_000, flush=True)")
    kernel.run("%record stop")
    kernel.run("%config RecorderMagics.max_output_bytes = 100 << 20")

    assert 100_000 == len(text([e for e in kernel.events("one-print") if e.get("cell_id") == ran.msg_id]))


def test_a_cell_is_not_held_by_a_disk_that_hangs(new_kernel: Callable[..., Kernel]) -> None:
    """While a sync hangs, cells run at their pace, and `status` says that the disk does not answer."""
    kernel = new_kernel()
    kernel.run(HANGING)
    kernel.run("fault.on = True\nprint('hangs')")
    assert "True\n" == kernel.run("print(fault.wait_hit())").out
    begun = time.monotonic()
    for _ in range(5):
        kernel.run("print('on')")
    took = time.monotonic() - begun
    kernel.run("import time\nwhile recorder.status().slow_seconds < 1.1: time.sleep(0.05)")
    status = kernel.run("%record status").out
    kernel.run("fault.on = False; fault.release.set()")
    kernel.run("%record stop")

    assert took < 1.5
    assert "the disk has not answered for 1 s" in status
    assert 5 == text(kernel.events("hanging")).count("on\n")


def test_past_the_bound_a_hanging_disk_costs_two_seconds_once_and_a_counted_gap(
    new_kernel: Callable[..., Kernel],
) -> None:
    """When memory's share is used up, a cell pays one wait of 2 s; what is left out is counted and shown."""
    kernel = new_kernel()
    kernel.run(HANGING)
    kernel.run("recorder._journal._room._held = 1 << 20")
    kernel.run("fault.on = True\nprint('hangs')")
    begun = time.monotonic()
    ran = kernel.run("for i in range(400): print(f'{i:05}' + 'x' * 16_000)")
    took = time.monotonic() - begun
    status = kernel.run("%record status").out
    kernel.run("fault.on = False; fault.release.set()")
    kernel.run("recorder.wait(20); print('after')")
    kernel.run("%record stop")
    found = list(read_events(kernel.folder("hanging")))
    gaps = of_type(found, "gap")

    assert "ok" == ran.status
    assert 1.5 <= took <= 6
    assert "events could not be kept while the disk lagged; the timeline has a gap there" in status
    assert sum(gap["events"] for gap in gaps) > 0
    assert "00000x" in text(found)
    assert "after\n" in text(found)
    assert list(range(1, len(found) + 1)) == [event["seq"] for event in found]


def test_a_recording_that_another_process_took_is_given_up_and_said(new_kernel: Callable[..., Kernel]) -> None:
    """When the owner's record is gone, the kernel stops writing, says so once, and can start anew."""
    kernel = new_kernel()
    kernel.run("import jupyter_recorder.ownership as o; o.HEARTBEAT_SECONDS = 0.1")
    kernel.run("import jupyter_recorder\n%record start taken\nrecorder = jupyter_recorder.current()")
    (kernel.folder("taken") / "recording.json").unlink()
    told = run_until(kernel, "%record: NOT RECORDING: 'taken' was taken over by another process", "print('x')")
    quiet = kernel.run("print('y')")
    kernel.run("recorder.wait(20)")  # what came before it was taken is written out
    size = (kernel.folder("taken") / "session.ndjson").stat().st_size
    kernel.run("print('z')")

    assert "" == told[-1].err
    assert ("y\n", "") == (quiet.out, quiet.err)
    assert size == (kernel.folder("taken") / "session.ndjson").stat().st_size
    assert "● recording 'anew'" in kernel.run("%record start anew").out
