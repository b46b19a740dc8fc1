"""Programs that tests start, hurt and recover from: `python recording_process.py WORD ARGUMENT…`.

Each says `ready` (with what the test needs to know) once all it recorded is on the disk, and then waits for its end.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_recorder.errors import RecordingInProgress
from jupyter_recorder.files import Files
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.manifest import write_manifest
from jupyter_recorder.library.recovery import recover
from jupyter_recorder.library.state import RecordingState
from jupyter_recorder.recorder import Recorder

CALLS = [
    "create",
    "open_append",
    "write",
    "datasync",
    "truncate",
    "close",
    "rename",
    "unlink",
    "mkdir",
    "rmdir",
    "utime",
    "sync_folder",
]


class KillingFiles(Files):
    """Kills its own process at the `fatal`-th file call."""

    def __init__(self, fatal: int) -> None:
        self._left = fatal

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class FailingOnce(Files):
    """Lets the `fatal`-th sync fail."""

    def __init__(self, fatal: int) -> None:
        self._left = fatal

    def datasync(self, fd: int) -> None:
        self._left -= 1
        if self._left == 0:
            raise OSError(5, "Input/output error")
        super().datasync(fd)


def _counted(name: str) -> Any:
    def call(self: KillingFiles, *arguments: Any) -> Any:
        self._count()
        return getattr(Files, name)(self, *arguments)

    return call


for _name in CALLS:
    setattr(KillingFiles, _name, _counted(_name))


def ready(**facts: Any) -> None:
    """Tell the test to go on, and wait for the end."""
    print(json.dumps(facts), flush=True)
    sys.stdin.read()


def begin(root: str, name: str = "demo", files: Files | None = None) -> Recorder:
    """Record a cell, an output, a message and a terminal; all of it on the disk."""
    recorder = Recorder.start(Library(root, files=files) if files else Library(root), name, "notebook")
    recorder.record({"type": "cell_start", "cell_id": "c1", "execution_count": 1, "source": "print('é')"})
    output = {"output_type": "stream", "name": "stdout", "text": "é\n"}
    recorder.record({"type": "output", "cell_id": "c1", "output": output})
    recorder.record({"type": "message_add", "message_id": "m1", "role": "user", "content": "hello"})
    track = recorder.terminal(80, 24, command="ls")
    track.output(b"one\r\n")
    track.flush()
    assert recorder.wait(10)
    return recorder


def record(root: str, name: str = "demo") -> None:
    """Record some of everything."""
    ready(path=str(begin(root, name).path))


def record_one(root: str, kind: str) -> None:
    """Record one event of `kind` alone (`nothing`: none; `terminal`: one line of output)."""
    recorder = Recorder.start(Library(root), "one", "notebook")
    if kind in ("terminal", "silent-terminal"):
        track = recorder.terminal(80, 24)
        track.output(b"x\n" if kind == "terminal" else b"")
        track.flush()
    elif kind != "nothing":
        recorder.record(json.loads(kind))
    assert recorder.wait(10)
    ready(path=str(recorder.path))


def complete(root: str) -> None:
    """Record, and stop in order."""
    recorder = begin(root)
    recorder.stop()
    ready(path=str(recorder.path))


def complete_but_locked(root: str) -> None:
    """Stop in order, but die before the lock is given back."""
    recorder = begin(root)
    lock = RecordingState(recorder.path)
    recorder.stop()
    lock.start("demo", "session.ndjson")
    ready(path=str(recorder.path))


def record_elsewhere(root: str, directory: str) -> None:
    """Record into a folder outside the root."""
    recorder = Recorder.start(Library(root), "there", "notebook", directory=Path(directory))
    recorder.mark("here")
    assert recorder.wait(10)
    ready(path=str(recorder.path))


def interrupt(root: str, *reason: str) -> None:
    """Leave a recording interrupted, for a reason or none, with the lock given back."""
    created = Library(root).create("slow", "chat")
    (created.recording.path / "session.ndjson").write_bytes(b'{"type":"header"}\n{"torn')
    manifest = created.recording.manifest
    manifest["state"] = "interrupted"
    if reason:
        manifest["reason"] = reason[0]
    write_manifest(created.recording.path, manifest)
    created.state.stop()
    ready(path=str(created.recording.path))


def two_segments(root: str) -> None:
    """Record on a disk that fails one sync, so that the journal goes on in a second file."""
    created = Library(root).create("segments", "notebook")
    recorder = Recorder(created, files=FailingOnce(3), linger=0.0)
    for number in range(6):
        recorder.mark(f"chapter {number}")
        assert recorder.wait(10)
    ready(path=str(created.recording.path))


def fork_worker(root: str) -> None:
    """Record, and fork a worker that outlives the recording process."""
    recorder = begin(root)
    reader, writer = os.pipe()
    worker = os.fork()
    if worker == 0:
        inert = not recorder.active
        Path(root, "worker").write_text(f"{os.getpid()} {inert}")
        os.write(writer, b"!")
        time.sleep(60)
        os._exit(0)
    os.read(reader, 1)
    ready(path=str(recorder.path), worker=worker)


def hidden_fork(root: str) -> None:
    """Record, and fork from C, where no Python hook runs: the child keeps the lock's descriptor."""
    recorder = begin(root)
    child = ctypes.CDLL(None).fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    ready(path=str(recorder.path), worker=child)


def spawn_child(root: str) -> None:
    """Record, and start another program that is not told to close anything."""
    recorder = begin(root)
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    ready(path=str(recorder.path), worker=child.pid)


def hold(folder: str, name: str = "held", session_path: str = "session.ndjson") -> None:
    """Hold the lock of a folder."""
    state = RecordingState(folder)
    state.start(name, session_path)
    ready(pid=os.getpid())


def many(root: str, count: str) -> None:
    """Make many recordings with one marker each, all open at once."""
    recorders = [Recorder.start(Library(root), "many", "notebook") for _ in range(int(count))]
    for recorder in recorders:
        recorder.mark("here")
    assert all(recorder.wait(30) for recorder in recorders)
    ready()


def make(root: str, count: str) -> None:
    """Make recordings of one name, one after the other."""
    for _ in range(int(count)):
        Library(root).create("twin", started_ms=1_795_216_501_000)
    print(json.dumps({}), flush=True)


def together(word: str, *arguments: str) -> None:
    """Do what another word does, once all that are to do theirs at the same time are ready."""
    ready()
    globals()[word](*arguments)


def race(folder: str, seed: str, rounds: str) -> None:
    """Start and stop in one folder until it has won so many rounds, alone each time; say how often it was refused."""
    dice, won, refused, writer = random.Random(int(seed)), 0, 0, Path(folder, "writer")
    while won < int(rounds):
        state = RecordingState(folder)
        try:
            state.start(f"race-{seed}", "session.ndjson")
        except RecordingInProgress:
            refused += 1
            continue
        os.close(os.open(writer, os.O_CREAT | os.O_EXCL))  # fails if another is writing
        time.sleep(dice.random() / 500)  # so that others come meanwhile, also where they share one core
        if dice.random() < 0.3:
            assert state.heartbeat()
        assert state.current().name == f"race-{seed}"  # type: ignore[union-attr]
        writer.unlink()
        won += 1
        state.stop()
        time.sleep(dice.random() / 500)
    print(json.dumps({"won": won, "refused": refused}), flush=True)


def race_dying(folder: str, seed: str, rounds: str) -> None:
    """Fork processes that start in one folder and die with the lock held; each next one must get it."""
    for number in range(int(rounds)):
        child = os.fork()
        if child == 0:
            try:
                RecordingState(folder).start(f"{seed}-{number}", "session.ndjson")
            except RecordingInProgress:
                os._exit(3)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
    print(json.dumps({}), flush=True)


def clean(folder: str, rounds: str) -> None:
    """Try to clean up a folder where others live; say what was taken from them."""
    taken = [RecordingState(folder).cleanup_stale_lock() for _ in range(int(rounds))]
    print(json.dumps({"taken": [str(info) for info in taken if info is not None]}), flush=True)


def tree(folder: Path) -> dict[str, str]:
    """Return every file below `folder` with its digest, and every folder."""
    return {
        str(path.relative_to(folder)): "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
    }


def killed_recoveries(hurt: str, scratch: str) -> None:
    """For each file call of a recovery of (a copy of) `hurt`: be killed there, recover again, say the result."""
    results: list[dict[str, str]] = []
    for fatal in range(1, 10_000):
        root = Path(scratch, str(fatal))
        shutil.copytree(hurt, root)
        killed = _killed(lambda root=root, fatal=fatal: recover(Library(root, files=KillingFiles(fatal))))
        recover(Library(root))
        results.append(tree(root))
        shutil.rmtree(root)
        if not killed:
            break
    print(json.dumps(results), flush=True)


def killed_creations(scratch: str) -> None:
    """For each file call of making a recording: be killed there, recover, say what is left."""
    results: list[dict[str, str]] = []
    for fatal in range(1, 10_000):
        root = Path(scratch, str(fatal))
        root.mkdir()
        killed = _killed(lambda root=root, fatal=fatal: Library(root, files=KillingFiles(fatal)).create("demo"))
        before = [path.name for path in root.iterdir()]
        assert not killed or all(name.startswith((".new-", "demo-")) for name in before)
        errors = [info.error for info in recover(Library(root), force=True) if info.error]
        results.append({**tree(root), **dict.fromkeys(errors, "error")})
        if not killed:
            break
    print(json.dumps(results), flush=True)


def _killed(act: Any) -> bool:
    child = os.fork()
    if child == 0:
        act()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status == 0 or os.WIFSIGNALED(status)
    return os.WIFSIGNALED(status)


def life_as_nobody(pid: str, start: str) -> None:
    """Ask, as a user who may not signal it, whether a process lives."""
    from jupyter_recorder.library.owner import life_of, me

    owner = me()._replace(pid=int(pid), start_time=int(start))
    os.setuid(65534)
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        print(json.dumps({"life": life_of(owner, lambda: None).value}), flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
