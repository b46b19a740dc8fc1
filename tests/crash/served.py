"""A recording service in a process of its own, for a test to ask, to hurt and to start again."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from programs import environment

SCRIPT = Path(__file__).with_name("service_process.py")
PATIENCE = 60.0

Answer = dict[str, Any]


class Served:
    """One process that serves; `send` is asked for answers, and tells None for what it died before answering."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        self._socket, self._lines = connection, connection.makefile("rb")
        self.pid = int(self._read()["pid"])

    def ask(self, what: str, **fields: Any) -> Any:
        """Ask for something and return the answers."""
        self.tell(what, **fields)
        return self._read()["answers"]

    def send(self, events: list[dict[str, Any]]) -> list[Answer]:
        """Send events at once and wait for their answers."""
        answers: list[Answer] = self.ask("send", events=events)
        assert len(answers) == len(events)
        return answers

    def committed(self, producer: str, sessions: list[str]) -> dict[str, int]:
        """Return up to which of a producer's numbers it is safe in each session."""
        found: dict[str, int] = self.ask("committed", producer=producer, sessions=sessions)
        return found

    def tell(self, what: str, **fields: Any) -> None:
        """Ask for something that is not answered, or not waited for."""
        self._socket.sendall(json.dumps({"do": what, **fields}).encode() + b"\n")

    def wait(self, seconds: float) -> None:
        """Wait until an answer has come, or so long."""
        select.select([self._socket], [], [], seconds)

    def kill(self) -> list[Any]:
        """End it as kill -9 does, whatever it is doing; return what it had still said."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        return self.gone()

    def gone(self) -> list[Any]:
        """Wait until it has died, and return what it had still said; it is gone when its end of the socket is."""
        if self._lines.closed:
            return []
        said: list[bytes] = []
        with contextlib.suppress(ConnectionError):
            said.extend(self._lines)
        self._lines.close()
        self._socket.close()
        return [json.loads(line) for line in said if line.endswith(b"\n")]

    def _read(self) -> Any:
        line = self._lines.readline()
        assert line.endswith(b"\n"), "the service ended without an answer"
        return json.loads(line)


class Mother:
    """Starts services within milliseconds, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "socket")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.settimeout(PATIENCE)
        self._listener.bind(self._path)
        self._listener.listen()
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def serve(self, root: Path) -> Served:
        """Start a service over `root`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"root": str(root), "socket": self._path}) + "\n")
        self._process.stdin.flush()
        return Served(self._listener.accept()[0])

    def end(self) -> None:
        """End it; its services have ended by then."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._listener.close()


@contextlib.contextmanager
def mother(folder: Path) -> Iterator[Mother]:
    """Have services started until the block ends."""
    one = Mother(folder)
    try:
        yield one
    finally:
        one.end()
