"""A real Jupyter server that has this extension, switched on by the file that the package ships."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kernels import COVERED, environment

import jupyter_recorder

TOKEN = "test-token"
PATIENCE = 60.0
PROJECT = Path(jupyter_recorder.__file__).parents[1]
SHIPPED_TO = "etc/jupyter/jupyter_server_config.d"


def shipped_settings() -> Path:
    """Return the folder whose files an installation puts where a server looks for what to switch on."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    shared = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    (source,) = [source for source, target in shared.items() if target == SHIPPED_TO]
    return PROJECT / source


class Server:
    """A server process below `home`, with recordings in `root` (None: as set); `options` go to its command line.

    `port` is one that was used before, so that a restarted server has its old address.
    """

    def __init__(self, home: Path, root: Path | None, *options: str, port: int | None = None) -> None:
        home.mkdir(exist_ok=True)
        shutil.copytree(shipped_settings(), home / "conf" / "jupyter_server_config.d", dirs_exist_ok=True)
        self._log = home / "server.log"
        variables = {key: value for key, value in environment(home).items() if key != "JUPYTER_RECORDER_DIR"}
        variables |= {"JUPYTER_RECORDER_DIR": str(root)} if root else {}
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
        command += [f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, f"--ServerApp.root_dir={home}", *options],
                env=variables,
                cwd=home,
                stdout=log,
                stderr=log,
            )

    def log(self) -> str:
        """Return all that it has logged."""
        return self._log.read_text("utf-8", "replace")

    def status(self) -> Any:
        """Return what `/api/status` answers; raises `OSError` if it does not."""
        request = urllib.request.Request(f"{self.url}/api/status", headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def wait(self, until: Callable[[], bool]) -> None:
        """Wait until something is so; fails with the log if it takes too long or the server ends."""
        deadline = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < deadline, self.log()
            assert self.process.poll() is None, self.log()
            time.sleep(0.01)

    def answers(self) -> bool:
        """Tell whether it serves."""
        try:
            self.status()
        except OSError:
            return False
        return True

    def stop(self) -> int:
        """Stop it in order and return its exit status; a server that does not end is an error."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def serving(home: Path, root: Path | None, *options: str, port: int | None = None) -> Iterator[Server]:
    """Run a server, which answers by then, until the block ends."""
    server = Server(home, root, *options, port=port)
    try:
        server.wait(server.answers)
        yield server
    finally:
        if COVERED:
            server.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.process.wait(PATIENCE)
        server.process.kill()
        server.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
