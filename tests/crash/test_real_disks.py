"""Limits and file systems of the machine itself that fill up (D4)."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from journals import Watch, gaps, journal, note, notes

from jupyter_recorder.journal.reader import segments

LIMITED = """
import json, os, resource, signal, sys
from pathlib import Path
from jupyter_recorder.journal.writer import JournalWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
folder = Path(sys.argv[1])
writer = JournalWriter.create(folder, {"id": "a"})
for n in range(600):
    assert writer.append({"type": "note", "text": str(n) + "x" * 100}) is not None
    if n % 20 == 0:
        writer.wait(timeout=20)
sys.exit(0 if writer.close("completed", 60) else 1)
"""


def test_a_real_limit_on_a_files_size_loses_nothing(recording: Path) -> None:
    """Where the system itself cuts writes short, the events go on in as many files as it takes."""
    command = [sys.executable, "-c", LIMITED, str(recording)]
    done = subprocess.run(command, check=False, timeout=120, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    assert [text.split("x")[0] for text in notes(recording)] == [str(n) for n in range(600)]
    assert len(segments(recording)) > 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 1 MiB, where the machine lets us."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    mounted = subprocess.run(mount, check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_really_full_disk_keeps_all_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    """Events that meet a full file system are kept, told of, and written when another file makes room."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(600_000))
    folder, watch = small_disk / "demo", Watch()
    folder.mkdir(0o700)
    with journal(folder, on_change=watch) as writer:
        n = 0
        while not watch.errors:
            writer.append(note(f"{n} " + "x" * 2000))
            writer.wait(timeout=0.5)
            n += 1
        assert watch.errors[0][1].errno == errno.ENOSPC  # type: ignore[attr-defined]
        durable = writer.durable_seq
        assert notes(folder)[:durable] == [f"{m} " + "x" * 2000 for m in range(durable)]
        ballast.unlink()
        assert writer.wait(timeout=20)
    assert [text.split()[0] for text in notes(folder)] == [str(m) for m in range(n)]
    assert len(gaps(folder)) >= 1
