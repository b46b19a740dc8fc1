"""A mother of recording services that are to be killed: `python service_process.py`, a request a line on its input.

`{"root": …, "socket": …}` forks a process that serves the recordings under `root`, over files that can fail and lose
power, and talks to `socket`: a JSON object a line either way. It is a process of its own that can be killed as any
other; only its imports are done. What it is asked for, and answers with `{"answers": …}`:

    {"do": "send", "events": […]}                        the answers, once all are there
    {"do": "committed", "producer": …, "sessions": […]}  up to which numbers it is safe
    {"do": "fault", …}                                   the fields of a `faults.Fault`; from now on
    {"do": "heal"}                                       no fault any more
    {"do": "lose_power", "to": …, "seed": …}             lays down in a new folder what is on the disk; dies
    {"do": "beat", "seconds": …}                         how often it says that it lives, from the next recording on
    {"do": "close"}                                      whether it ended in order
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import msgspec
from faults import FailingPowerLossFiles, Fault

import jupyter_recorder.journal.log
import jupyter_recorder.ownership
import jupyter_recorder.service.messages
from jupyter_recorder.library.library import Library
from jupyter_recorder.service import RecordingService, ServiceConfig


class Talk:
    """Lines of JSON over a socket; may be written to from any thread."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self.lines = self._socket.makefile("rb")
        self._lock = threading.Lock()

    def end(self) -> None:
        """Let nothing be said from now on."""
        self._lock.acquire()

    def say(self, **fields: Any) -> None:
        """Send an object."""
        with self._lock:
            self._socket.sendall(msgspec.json.encode(fields) + b"\n")


def serve(root: str, path: str) -> None:
    """Do what is asked until nobody asks any more."""
    jupyter_recorder.journal.log.RETRY_SECONDS = (0.0, 0.01)
    jupyter_recorder.service.messages.RECENT = 1  # what is about older messages is read again
    talk = Talk(path)
    files = FailingPowerLossFiles(Path(root))
    service = RecordingService(ServiceConfig(), Library(root, files=files))
    talk.say(pid=os.getpid())
    for line in talk.lines:
        request = json.loads(line)
        what = request.pop("do")
        if what == "send":
            service.submit(request["events"], lambda answers: talk.say(answers=answers))
        elif what == "committed":
            talk.say(answers=service.committed(**request))
        elif what == "fault":
            files.faults.append(Fault(**request))
        elif what == "heal":
            for fault in files.faults:
                fault.on = False
        elif what == "beat":
            jupyter_recorder.ownership.HEARTBEAT_SECONDS = request["seconds"]
            talk.say(answers=True)
        elif what == "lose_power":
            talk.end()  # else what is synced while the folder is laid down would still be acked
            files.materialise(len(files.steps), Path(request["to"]), request["seed"])
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "close":
            talk.say(answers=service.close(20))


def main() -> None:
    """Fork a service for each request; the dead ones are gone at once."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if os.fork() == 0:
            try:
                serve(request["root"], request["socket"])
            finally:
                os._exit(0)


if __name__ == "__main__":
    main()
