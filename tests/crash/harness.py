"""One way through all crash tests: start for real, hurt it, recover, compare.

A case is a subject (a word of `loaded_process.py`), what is done to it, and a seed, which says when and how much. What
the program had said is safe must be there: whole, in order, each piece once, and nothing else may stand between.
Nothing is built by hand: the program makes its recordings as every program does, and recovery is the users' own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from programs import environment
from recording_process import tree

from jupyter_recorder.asciicast.reader import read
from jupyter_recorder.journal.blobs import join_payloads
from jupyter_recorder.library.casts import cast_lines
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recovery import recover
from jupyter_recorder.timeline import fold

SCRIPT: Final = Path(__file__).with_name("loaded_process.py")
SUBJECTS: Final = ("notebook", "terminal", "cast", "chat")
PATIENCE: Final = 60.0
DISK_BYTES: Final = 4 << 20

# What fails, for a subject: KIND:NAME:ERRNO:NTH:KEEP (an empty NTH: from then on, all).
FAULTS: Final = {
    "write fails": "write:*{file}:{error}:{nth}:0",
    "write falls short": "write:*{file}:{error}:{nth}:37",
    "sync fails": "datasync:*{file}:{error}:{nth}:0",
}
HURTS: Final = (
    "killed",
    "killed, and its recovery too",
    "stopped, then killed",
    "stopped for a while, then killed",
    "disk full, then killed",
    *FAULTS,
)
KILLED_RECOVERY: Final = """
import sys
sys.path.insert(0, sys.argv[1])
from recording_process import KillingFiles
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recovery import recover
recover(Library(sys.argv[2], files=KillingFiles(int(sys.argv[3]))))
"""


class Case(NamedTuple):
    """What is started, what is done to it, and the seed of all that is left to chance."""

    subject: str
    hurt: str
    seed: int

    def __str__(self) -> str:
        return f"{self.subject} {self.hurt} #{self.seed}"


class Loaded:
    """A program that records; `safe` is, for each track, up to which piece it has said that all is safe."""

    def __init__(self, subject: str, root: Path, seed: int, *faults: str) -> None:
        command = [sys.executable, str(SCRIPT), subject, str(root), str(seed), *faults]
        # What fails is told on its stderr too; here it is meant to.
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment())
        self.safe: dict[str, int] = {}
        self.struck = False
        self._rest = b""

    def listen(self, seconds: float, *, until: str = "") -> None:
        """Take in what it says for so long, or until it has said that something is safe (`safe`) or `struck`."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not (
            (until == "safe" and self.safe) or (until == "struck" and self.struck)
        ):
            if select.select([self.process.stdout], [], [], left)[0]:
                data = os.read(self.process.stdout.fileno(), 1 << 16)
                if not data:
                    return
                self._take(data)

    def kill(self) -> None:
        """End it as kill -9 does, and take in all that it had said before."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            self._take(pipe.read())

    def _take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line == b"struck":
                self.struck = True
            else:
                track, number = line.decode().split()
                self.safe[track] = max(self.safe.get(track, 0), int(number))


def run(case: Case, folder: Path) -> int:
    """Go through a case in an empty folder; return how many pieces had been said to be safe. AssertionError if not."""
    chance = random.Random(str(case))
    root = folder / "root"
    root.mkdir(mode=0o700)
    with _disk(case, root):
        loaded = Loaded(case.subject, root, case.seed, *_faults(case, chance))
        try:
            loaded.listen(PATIENCE, until="safe")
            assert loaded.safe, f"{case}: it ended before anything was safe"
            _hurt(case, loaded, root, chance)
        finally:
            loaded.kill()
        if "recovery too" in case.hurt:
            _killed_recovery(root, chance.randint(1, 25))
        _recover(root)
        _compare(case.subject, root, loaded.safe)
    return sum(loaded.safe.values())


def _faults(case: Case, chance: random.Random) -> list[str]:
    pattern = FAULTS.get(case.hurt)
    if pattern is None:
        return []
    file = ".ndjson" if case.subject in ("notebook", "chat") else ".cast"
    error = chance.choice([errno.ENOSPC, errno.EIO, errno.EDQUOT])
    return [pattern.format(file=file, error=error, nth=chance.randint(2, 12))]


def _hurt(case: Case, loaded: Loaded, root: Path, chance: random.Random) -> None:
    """Do to a program that records what the case says, up to the kill."""
    if case.hurt in FAULTS:
        loaded.listen(PATIENCE, until="struck")
        assert loaded.struck, f"{case}: the fault has not struck"
        loaded.listen(chance.random() * 0.2)  # it may go on; the kill is to come at any moment
    elif case.hurt.startswith("stopped"):
        loaded.listen(chance.random() * 0.2)
        os.kill(loaded.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, loaded.process.pid, os.WSTOPPED)
        before = tree(root)
        assert [] == recover(Library(root), force=True)
        assert before.keys() >= tree(root).keys() - {".recovery.lock"}, "what is stopped was taken from it"
        if "a while" in case.hurt:
            os.kill(loaded.process.pid, signal.SIGCONT)
            loaded.listen(chance.random() * 0.2)
    elif case.hurt.startswith("disk full"):
        _fill(root)
        loaded.listen(0.2 + chance.random() * 0.2)
    else:
        loaded.listen(chance.random() * 0.4)


@contextlib.contextmanager
def _disk(case: Case, root: Path) -> Iterator[None]:
    """Have a small file system at `root` for a disk that is to be full."""
    if not case.hurt.startswith("disk full"):
        yield
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "tmpfs", str(root)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)


def can_mount(folder: Path) -> bool:
    """Tell whether a small file system can be had."""
    folder.mkdir(exist_ok=True)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False, stderr=-3)
    return made.returncode == 0 and subprocess.run(["umount", "-l", str(folder)], check=False).returncode == 0


def _fill(root: Path) -> None:
    """Take all the room that a disk has left."""
    with (root / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def _killed_recovery(root: Path, fatal: int) -> None:
    """Recover in a process that is killed at its `fatal`-th file call (or ends, if it has fewer)."""
    command = [sys.executable, "-c", KILLED_RECOVERY, str(SCRIPT.parent), str(root), str(fatal)]
    subprocess.run(command, check=False, env=environment())


def _recover(root: Path) -> None:
    """Recover, with room on the disk; a second time changes no byte, and nothing is left to do."""
    (root / "ballast").unlink(missing_ok=True)
    errors = [info.error for info in recover(Library(root)) if info.error]
    assert not errors, errors
    before = tree(root)
    assert [] == recover(Library(root))
    assert before == tree(root)


def _compare(subject: str, root: Path, safe: dict[str, int]) -> None:
    """Hold what is on the disk against what was said to be safe."""
    found = {track: list(_numbers(texts)) for track, texts in _texts(subject, root)}
    for track, number in safe.items():
        numbers = found[track]
        assert numbers == list(range(1, len(numbers) + 1)), f"{track}: {numbers[:5]}… has gaps, or something twice"
        assert len(numbers) >= number, f"{track}: {number} was said to be safe, {len(numbers)} are there"


def _is_whole(text: str) -> bool:
    first, *_, last = text.split(" ")
    return first == last


def _numbers(texts: list[str]) -> Iterator[int]:
    for text in texts:
        first, filling, last = text.split(" ")
        assert first == last, "a piece is not whole"
        assert not filling.strip("ü")
        yield int(first)


def _texts(subject: str, root: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each track with its pieces."""
    if subject == "cast":
        texts = _lines("".join(_output(root / "load.cast")))
        # A large piece is several events: of one that failed, and was not said to be safe, a part may be there.
        yield "cast", texts[:-1] if texts and not _is_whole(texts[-1]) else texts
        return
    for recording in Library(root).recordings():
        events = list(recording.events())
        assert recording.state == "recovered"
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        if subject == "chat":
            whole = [{**event, **_payload(recording.path, event, "content_delta")} for event in events]
            content = fold(whole).messages["m"].content if len(events) > 1 else ""
            yield str(recording.manifest["session_id"]), _lines(content.replace("\n", "\r\n"))
        elif subject == "notebook":
            yield (
                "journal",
                [_payload(recording.path, event, "text")["text"] for event in events if event["type"] == "note"],
            )
        else:
            yield "terminal", _lines("".join(_output(cast_lines(recording.path, "terminal.cast"))))


def _payload(path: Path, event: dict[str, Any], key: str) -> dict[str, Any]:
    return {key: join_payloads(path, event[key])} if key in event else {}


def _lines(text: str) -> list[str]:
    """Return the whole lines of a text."""
    return text.split("\r\n")[:-1]


def _output(source: Path | Iterator[bytes]) -> Iterator[str]:
    return (event.data for event in read(source).events if event.code == "o")
