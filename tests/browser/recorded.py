"""Recordings on a server's disk: by a program that really records, told what to do line by line, or from a fixture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from lab import Server

from jupyter_recorder.replay.bundle import ReplayData

_PROGRAM = """
import resource, sys
import jupyter_recorder, jupyter_recorder.library.manifest
recorder = jupyter_recorder.start(sys.argv[1])
print(recorder.id, flush=True)
for line in sys.stdin:
    exec(line)
    while recorder.active and not recorder.wait(timeout=0.05) and not recorder.error: pass
    print("done", flush=True)
"""

# A manifest of these tests fits, a long message does not.
_LIMIT_BYTES = 10_000


def root(server: Server) -> Path:
    """Return where a server of these tests keeps its recordings."""
    return server.root.parent / "home" / "data" / "recorder"


def keep(root: Path, data: ReplayData, name: str) -> str:
    """Put what a replay shows under a root, as a finished recording; returns its id, which begins with `name`."""
    folder = root / f"{name}-20261120-231501"
    (folder / "blobs").mkdir(parents=True)
    more = {"format": "jupyter-recorder", "version": 1, "tags": [], "writer": {}, "tracks": [], "counts": {}}
    manifest = {"name": name, **more, **data.manifest, "id": folder.name, "state": "completed", "kind": "notebook"}
    manifest |= {"ended_at": None}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    header, *lines = map(json.loads, data.journal.splitlines())
    numbered = [header, *({**line, "seq": seq} for seq, line in enumerate(lines, 1))]
    (folder / "session.ndjson").write_text("".join(json.dumps(line) + "\n" for line in numbered))
    for file, cast in data.casts.items():
        (folder / file).write_bytes(cast)
    for sha256, blob in data.blobs.items():
        (folder / "blobs" / sha256).write_bytes(blob)
    return folder.name


def said(words: str) -> str:
    """Return the statement by which a `Writer` records a message."""
    return f"recorder.chat.add('user', {words!r})"


class Writer:
    """A process that records under a server's root, as `jupyter_recorder.record` does."""

    def __init__(self, server: Server, name: str) -> None:
        environment = {**os.environ, "JUPYTER_RECORDER_DIR": str(root(server))}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, name],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.id = self._answer()

    def run(self, *statements: str) -> None:
        """Run statements in which `recorder` is the open recording; returns when that is on the disk, or refused."""
        assert self._process.stdin is not None
        for statement in statements:
            self._process.stdin.write(statement + "\n")
            self._process.stdin.flush()
            assert self._answer() == "done"

    def refuse(self) -> None:
        """Have the system refuse what is written from now on (`File too large`), and record a message."""
        self.run(f"resource.setrlimit(resource.RLIMIT_FSIZE, ({_LIMIT_BYTES}, resource.RLIM_INFINITY))")
        self.run(f"recorder.chat.add('user', 'x' * {2 * _LIMIT_BYTES})")

    def allow(self) -> None:
        """Have the system take all again; returns when what was refused is on the disk."""
        self.run("resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))")
        self.run("recorder.wait()")

    def stop(self) -> None:
        """End the recording in order."""
        self.run("jupyter_recorder.stop()")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
