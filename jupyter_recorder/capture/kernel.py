"""Cells as a kernel runs them, taken from the messages that it sends to its front ends.

What a kernel sends is all that a notebook can show: code, streams (child processes at the level of descriptors
too), displays, results and tracebacks. `Session.send` is wrapped on the one instance that the kernel uses.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from ..errors import NoActiveRecording
from ..interrupts import shielded
from .cells import CellRecorder
from .forked import ForkedOutput

log = logging.getLogger(__name__)

# Prints reach the wrapped `send` only when ipykernel flushes: every 200 ms by itself, so often while recording.
FLUSH_SECONDS: Final = 0.05

_OUTPUTS: Final = frozenset({"display_data", "execute_result", "error"})
_TAKEN: Final = _OUTPUTS | {"stream", "update_display_data", "clear_output", "execute_input", "execute_reply"}


_CONNECTION_FILE: Final = re.compile(r"kernel-([A-Za-z0-9-]{8,64})\.json")


class KernelTap:
    """Records what the kernel of `shell` sends, from `attach` to `detach`."""

    def __init__(self, shell: Any, cells: CellRecorder) -> None:
        self._shell = shell
        self._session = shell.kernel.session
        self._cells = cells
        self._pid = os.getpid()
        self._attached = self._failed = False
        self._send: Any = None
        self._replaced: Any = None
        self._intervals: list[tuple[Any, float]] = []
        self._forked = ForkedOutput(shell.kernel, self._take)

    @property
    def kernel_id(self) -> str:
        """The id that a Jupyter server has given the kernel, by its connection file; empty where there is none."""
        file = str(getattr(getattr(self._shell.kernel, "parent", None), "connection_file", ""))
        match = _CONNECTION_FILE.fullmatch(os.path.basename(file))
        return match[1] if match else ""

    def attach(self) -> None:
        """Begin; what the cell that runs now still shows is recorded with it."""
        self._begin_running_cell()
        self._send, self._replaced = self._session.send, self._session.__dict__.get("send")
        self._session.send = self._tapped
        self._attached = True
        self._forked.attach()
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "flush_interval"):
                self._intervals.append((stream, stream.flush_interval))
                stream.flush_interval = min(stream.flush_interval, FLUSH_SECONDS)

    def detach(self) -> None:
        """End, leaving the session as it was."""
        if not self._attached:
            return
        self._flush()
        self._attached = False
        self._forked.detach()
        if self._session.__dict__.get("send") == self._tapped:  # else another wrapper stands on ours: it passes through
            if self._replaced is None:
                del self._session.send
            else:
                self._session.send = self._replaced
        for stream, interval in self._intervals:
            stream.flush_interval = interval
        self._cells.close()

    def _tapped(
        self, stream: Any, msg_or_type: Any, content: Any = None, parent: Any = None, *args: Any, **options: Any
    ) -> Any:
        self._take(msg_or_type, content, parent)
        return self._send(stream, msg_or_type, content, parent, *args, **options)

    def _take(self, msg_or_type: Any, content: Any = None, parent: Any = None) -> None:
        """Record one message if it is one to record; the kernel's own message must go out whatever happens here."""
        if not self._attached or os.getpid() != self._pid:  # a forked worker inherits the wrapper, not the recording
            return
        try:
            with shielded():
                self._sort(msg_or_type, content, parent)
        except NoActiveRecording:  # taken over by another process; the shell is told after the cell
            return
        except Exception as error:
            self._cells.lost(error)
            if not self._failed:  # once: what is logged may be a message of the kernel again
                self._failed = True
                log.exception("a message of the kernel could not be recorded")

    def _sort(self, msg_or_type: Any, content: Any, parent: Any) -> None:
        if isinstance(msg_or_type, Mapping):
            kind = msg_or_type.get("msg_type") or msg_or_type.get("header", {}).get("msg_type")
            content = msg_or_type.get("content") if content is None else content
            parent = msg_or_type.get("parent_header") if parent is None else parent
        else:
            kind = msg_or_type
        if kind in _TAKEN:
            self._record(str(kind), content or {}, parent or {})

    def _record(self, kind: str, content: Mapping[str, Any], parent: Mapping[str, Any]) -> None:
        run_id = _message_id(parent)
        cells = self._cells
        if kind == "stream":
            cells.stream(run_id, str(content.get("name")), str(content.get("text")))
        elif kind == "clear_output":
            cells.clear(run_id, bool(content.get("wait")))
        elif kind == "execute_reply":
            cells.end(run_id, str(content.get("status")))
        elif kind == "execute_input":
            self._begin(run_id, parent, content.get("code", ""), content.get("execution_count"))
        elif cells.knows(run_id):
            self._show(run_id, kind, content)

    def _show(self, run_id: str, kind: str, content: Mapping[str, Any]) -> None:
        # As it is sent: redaction sees plain JSON, whatever types of Python it was made of.
        content = self._session.unpack(self._session.pack(content))
        if kind == "update_display_data":
            display_id = (content.get("transient") or {}).get("display_id", "")
            self._cells.update(run_id, display_id, {"output_type": "display_data", **content})
        else:
            self._cells.output(run_id, {"output_type": kind, **content})

    def _begin(self, run_id: str, parent: Mapping[str, Any], source: str, count: int | None) -> None:
        request = parent.get("content", {})
        cell_id = parent.get("metadata", {}).get("cellId")
        hidden = not request.get("store_history", True)
        self._cells.begin(run_id, cell_id=cell_id, source=source, execution_count=count, hidden=hidden)

    def _begin_running_cell(self) -> None:
        parent = self._shell.kernel.get_parent() or {}
        request = parent.get("content", {})
        if parent.get("header", {}).get("msg_type") == "execute_request" and not request.get("silent"):
            self._flush()
            stored = request.get("store_history", True)
            count = len(self._shell.history_manager.input_hist_parsed) - 1 if stored else None
            self._begin(_message_id(parent), parent, request.get("code", ""), count)

    @staticmethod
    def _flush() -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()


def _message_id(parent: Mapping[str, Any]) -> str:
    return str(parent.get("msg_id") or parent.get("header", {}).get("msg_id", ""))
