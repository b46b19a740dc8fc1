"""Real kernels with homes of their own, and what they left on the disk."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

import jupyter_recorder

PATIENCE = 60.0
# Packages that would change every server, had they been installed into the environment (see the Makefile).
BESIDE = Path(sys.prefix) / "beside"
# What a process ran is written at its orderly end; a killed one is quicker, and does the same for what is tested.
COVERED = "COVERAGE_PROCESS_CONFIG" in os.environ
LOAD = "%load_ext jupyter_recorder"


@dataclass
class Ran:
    """What one run of one cell sent: the reply, and each message with the time of its arrival (monotonic, seconds)."""

    msg_id: str
    reply: dict[str, Any] = field(default_factory=dict)
    messages: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    @property
    def status(self) -> str:
        """The reply's status."""
        return str(self.reply["status"])

    def stream(self, name: str) -> str:
        """Return all text of one stream."""
        contents = [m["content"] for _, m in self.messages if m["msg_type"] == "stream"]
        return "".join(c["text"] for c in contents if c["name"] == name)

    @property
    def out(self) -> str:
        """What was printed."""
        return self.stream("stdout")

    @property
    def err(self) -> str:
        """What went to stderr."""
        return self.stream("stderr")

    @property
    def displays(self) -> list[dict[str, Any]]:
        """The MIME bundles that were shown."""
        return [m["content"]["data"] for _, m in self.messages if m["msg_type"] in ("display_data", "execute_result")]

    @property
    def tracebacks(self) -> list[str]:
        """The names of the errors that were shown as tracebacks."""
        return [m["content"]["ename"] for _, m in self.messages if m["msg_type"] == "error"]


class Kernel:
    """A kernel process below `home`: its recordings are in `root`, its settings in `config` (Python text)."""

    def __init__(self, home: Path, *, env: dict[str, str] | None = None, config: str = "", load: bool = True) -> None:
        self.home = home
        self.env = {**environment(home), **(env or {})}
        self.root = Path(self.env["JUPYTER_RECORDER_DIR"])
        profile = home / "ipython" / "profile_default"
        profile.mkdir(parents=True, exist_ok=True)
        (profile / "ipython_kernel_config.py").write_text(f"c = get_config()\n{config}\n")
        self.manager = KernelManager(
            kernel_name="python3",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
            connection_file=str(home / f"kernel-{os.urandom(4).hex()}.json"),
        )
        self.manager.start_kernel(env=self.env, cwd=str(home))
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        if load:
            self.loaded = self.run(LOAD)

    @property
    def pid(self) -> int:
        """The kernel's process id."""
        pid = self.manager.provisioner.pid  # type: ignore[union-attr]
        assert pid is not None
        return int(pid)

    def begin(self, code: str, *, metadata: dict[str, Any] | None = None, **options: Any) -> Ran:
        """Send a cell without waiting for its end."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": False, **options}
        message = self.client.session.msg("execute_request", content, metadata=metadata or {})
        self.client.shell_channel.send(message)
        return Ran(message["header"]["msg_id"])

    def finish(self, ran: Ran, timeout: float = PATIENCE) -> Ran:
        """Wait for the end of a cell that was begun."""
        self.follow(ran, lambda message: _is_idle(message, ran), timeout)
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == ran.msg_id:
                ran.reply = reply["content"]
                return ran

    def follow(self, ran: Ran, until: Any, timeout: float = PATIENCE) -> dict[str, Any]:
        """Take the messages of a cell until one of which `until(message)` is true, and return that one."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self.client.get_iopub_msg(timeout=left)
            except queue.Empty:
                break
            if message["parent_header"].get("msg_id") == ran.msg_id:
                ran.messages.append((time.monotonic(), message))
                if until(message):
                    return message
        raise TimeoutError(f"the kernel sent {[m['msg_type'] for _, m in ran.messages]} and no more")

    def shows(self, ran: Ran, text: str, timeout: float = PATIENCE) -> None:
        """Wait until a cell that was begun has shown `text`."""
        self.follow(ran, lambda _: text in ran.out + ran.err, timeout)

    def run(self, code: str, **options: Any) -> Ran:
        """Run a cell to its end."""
        return self.finish(self.begin(code, **options))

    def answer(self, ran: Ran, reply: str) -> None:
        """Wait until the cell asks for input, and give it `reply`."""
        self.client.get_stdin_msg(timeout=PATIENCE)
        self.client.input(reply)

    def complete(self, code: str) -> list[str]:
        """Return what tab offers at the end of `code`."""
        self.client.complete(code)
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            if reply["msg_type"] == "complete_reply":
                return list(reply["content"]["matches"])

    def interrupt(self) -> None:
        """Press the stop button."""
        self.manager.interrupt_kernel()

    def kill(self) -> None:
        """End the kernel with SIGKILL, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def shut_down(self) -> None:
        """End the kernel in order."""
        self.client.stop_channels()
        self.manager.shutdown_kernel()

    # -- what is on the disk

    def folder(self, name: str) -> Path:
        """Return the folder of the newest recording called `name`."""
        return newest(self.root, name)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the events of the newest recording called `name`."""
        return events(self.folder(name))

    def manifest(self, name: str) -> dict[str, Any]:
        """Return the manifest of the newest recording called `name`."""
        return read_json(self.folder(name) / "manifest.json")


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which nothing of this user's settings is seen."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON", "JPY", "XDG", "PYTEST"))}
    own = {"HOME": home, "IPYTHONDIR": home / "ipython", "JUPYTER_RECORDER_DIR": home / "recordings"}
    own |= {"JUPYTER_DATA_DIR": home / "data", "JUPYTER_RUNTIME_DIR": home / "run", "JUPYTER_CONFIG_DIR": home / "conf"}
    places = [Path(__file__).parent, Path(jupyter_recorder.__file__).parents[1], os.environ.get("PYTHONPATH")]
    path = os.pathsep.join(str(place) for place in places if place)
    return {**kept, **{key: str(value) for key, value in own.items()}, "PYTHONPATH": path, "PYTHON": sys.executable}


def newest(root: Path, name: str) -> Path:
    """Return the folder of the newest recording called `name` in `root`."""
    found = [path for path in root.iterdir() if _name(path) == name]
    return max(found, key=lambda path: (path.stat().st_ctime_ns, len(path.name), path.name))


def _name(path: Path) -> str | None:
    manifest = path / "manifest.json"
    return read_json(manifest)["name"] if manifest.exists() else None


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text("utf-8"))


def lines(path: Path) -> list[Any]:
    """Return the values of a file of JSON lines, a torn tail left out."""
    *whole, _ = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in whole]


def events(folder: Path) -> list[dict[str, Any]]:
    """Return the events of a journal that is in one piece, header and footer left out."""
    return [line for line in lines(folder / "session.ndjson") if "seq" in line]


def of_type(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the events of one type."""
    return [event for event in found if event["type"] == kind]


def outputs(found: list[dict[str, Any]], kind: str | None = None) -> list[dict[str, Any]]:
    """Return the outputs, of one output type if that is given."""
    every = [event["output"] for event in of_type(found, "output")]
    return [output for output in every if kind in (None, output["output_type"])]


def text(found: list[dict[str, Any]], name: str = "stdout") -> str:
    """Return all that was recorded of a stream."""
    return "".join(output["text"] for output in outputs(found, "stream") if output["name"] == name)


def cast_text(path: Path, code: str = "o") -> str:
    """Return all that a `.cast` holds of one kind of event."""
    return "".join(event[2] for event in lines(path)[1:] if event[1] == code)


def one_line(message: str) -> str:
    """Return `message` if it is one line, as every mistake gets."""
    assert message.count("\n") == 1, message
    assert message.endswith("\n"), message
    return message


def _is_idle(message: dict[str, Any], ran: Ran) -> bool:
    return bool(message["msg_type"] == "status" and message["content"]["execution_state"] == "idle")
