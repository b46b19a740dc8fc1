"""The power goes at any moment: what was reported durable is on the disk (D6)."""

from __future__ import annotations

import errno
import random
from pathlib import Path

import pytest
from faults import FailingPowerLossFiles, Fault, PowerLossFiles
from journals import HEADER, note

from jupyter_recorder.files import SYSTEM, make_folders
from jupyter_recorder.journal.blobs import is_reference, join_payloads
from jupyter_recorder.journal.codec import is_whole
from jupyter_recorder.journal.reader import read_events, segments
from jupyter_recorder.journal.repair import repair_tail
from jupyter_recorder.journal.writer import JournalWriter

LARGE = ["a" * 70_000, "b" * 70_000]


class Promises:
    """What a writer had told durable by which step of its files."""

    def __init__(self, files: PowerLossFiles) -> None:
        self.files = files
        self.told: list[tuple[int, int]] = []

    def __call__(self, writer: JournalWriter) -> None:
        self.told.append((len(self.files.steps), writer.durable_seq))

    def after(self, steps: int) -> int:
        """Return the highest number that was told durable within the first `steps` steps."""
        return max((seq for step, seq in self.told if step <= steps), default=0)


def session(files: PowerLossFiles, promises: Promises, lives: int = 3) -> list[str]:
    """Record in three lives: notes and payloads, some of them twice; return the texts in order."""
    folder, texts = files.root / "demo", []
    make_folders(files, folder)
    for life in range(lives):
        make = JournalWriter.resume if life else JournalWriter.create
        writer = make(folder, HEADER, files=files, on_change=promises)
        for n in range(9):
            texts.append(LARGE[n % 2] if n % 4 == 3 else f"{life} {n}")
            writer.append(note(texts[-1]), urgent=True)
            if n % 2:
                writer.wait(timeout=20)
        assert writer.close("completed", 20)
    return texts


def check(folder: Path, promised: int) -> None:
    """Hold a disk after a power loss against what was promised."""
    place = folder / "demo"
    if not place.exists():
        assert promised == 0
        return
    events = list(read_events(place))
    texts = {event["seq"]: join_payloads(place, event.get("text")) for event in events}
    assert set(range(1, promised + 1)) <= set(texts)
    assert [seq for seq, text in texts.items() if is_reference(text)] == []  # no line before its blob
    for _, path in segments(place):
        repair_tail(SYSTEM, path, is_whole)
    again = [event["seq"] for event in read_events(place)]
    assert set(range(1, promised + 1)) <= set(again)


@pytest.mark.parametrize("seed", [None, 1, 2, 3], ids=["all that was not synced is lost", "some", "other", "others"])
def test_power_lost_at_any_call_loses_nothing_durable(tmp_path: Path, seed: int | None) -> None:
    """After each call of a run with blobs and resumes, every event told durable, and its payload, is on the disk."""
    (tmp_path / "root").mkdir()
    files = PowerLossFiles(tmp_path / "root")
    promises = Promises(files)
    texts = session(files, promises)
    assert promises.after(len(files.steps)) == len(texts)
    for upto in range(len(files.steps) + 1):
        files.materialise(upto, tmp_path / f"after-{upto}", seed)
        check(tmp_path / f"after-{upto}", promises.after(upto))


FAULTS = {
    "a sync": [Fault("datasync", "session.ndjson", errno.EIO, nth=1)],
    "a short write": [Fault("write", "session.ndjson", errno.ENOSPC, nth=3, keep=20)],
    "syncs of one file after the other": [
        Fault("datasync", "session.ndjson", errno.EIO, nth=1),
        Fault("datasync", "session.1.ndjson", errno.EIO, nth=0),
        Fault("datasync", "session.2.ndjson", errno.EIO, nth=0),
    ],
    "the next segment's name": [
        Fault("datasync", "session.ndjson", errno.EIO, nth=1),
        Fault("sync_folder", "demo", errno.EIO, nth=2),
    ],
    "a blob's name": [Fault("sync_folder", "blobs", errno.EIO, nth=0)],
    "the blobs' folder": [Fault("sync_folder", "demo", errno.EIO, nth=1)],
}


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_power_lost_after_a_failure_loses_nothing_durable(tmp_path: Path, faults: list[Fault]) -> None:
    """The same with segments: what a failure left in a file that was given up is on the disk in the next one."""
    (tmp_path / "root").mkdir()
    for fault in faults:
        fault.seen = fault.hits = 0
    files = FailingPowerLossFiles(tmp_path / "root", *faults)
    promises = Promises(files)
    session(files, promises, lives=1)
    assert [fault.hits >= 1 for fault in faults] == [True] * len(faults)
    assert promises.after(len(files.steps)) >= 9
    chance = random.Random(7)
    for upto in range(len(files.steps) + 1):
        for seed in (None, chance.random()):
            place = tmp_path / f"after-{upto}-{seed}"
            files.materialise(upto, place, seed)  # type: ignore[arg-type]
            check(place, promises.after(upto))


def test_the_simulator_loses_what_nobody_synced(tmp_path: Path) -> None:
    """Bytes without datasync, and names without sync_folder, are not there after the power loss."""
    root = tmp_path / "root"
    root.mkdir()
    files = PowerLossFiles(root)
    for name in ("unsynced", "unnamed", "safe"):
        fd = files.create(root / name)
        files.write(fd, b"data")
        if name != "unsynced":
            files.datasync(fd)
        if name != "unnamed":
            files.sync_folder(root)
        files.close(fd)
        if name == "unnamed":
            files.rename(root / name, root / "renamed")
            files.sync_folder(root)
            files.rename(root / "renamed", root / name)
            files.materialise(len(files.steps), tmp_path / "renamed")
    files.materialise(len(files.steps), tmp_path / "after")
    assert {path.name: path.read_bytes() for path in (tmp_path / "renamed").iterdir()} == {
        "unsynced": b"",
        "renamed": b"data",
    }
    assert {path.name: path.read_bytes() for path in (tmp_path / "after").iterdir()} == {
        "unsynced": b"",
        "unnamed": b"data",
        "safe": b"data",
    }
