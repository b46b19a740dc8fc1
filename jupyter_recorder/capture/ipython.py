"""Cells of a plain IPython, without a kernel: its events, and a tee of what it prints.

Output of child processes goes to the terminal's own descriptors and is not seen here; a kernel's is.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import uuid
from collections.abc import Callable
from typing import Any, TextIO

from .cells import CellRecorder

log = logging.getLogger(__name__)


class ShellTap:
    """Records the cells of `shell` (an `InteractiveShell`), from `attach` to `detach`.

    Results and tracebacks are recorded as such, and left out of the text that is printed for them.
    """

    def __init__(self, shell: Any, cells: CellRecorder) -> None:
        self._shell = shell
        self._cells = cells
        # The cells that run now: one that `%%record` runs stands inside the one that says so.
        self._runs: list[tuple[str, int | None]] = []
        self._shown_otherwise = False
        self._tees: list[tuple[str, Tee]] = []
        self._wrapped: list[tuple[Any, str]] = []

    def attach(self) -> None:
        """Begin with the next cell."""
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)
        for name in ("stdout", "stderr"):
            tee = Tee(getattr(sys, name), lambda text, name=name: self._printed(name, text))
            setattr(sys, name, tee)
            self._tees.append((name, tee))
        hook = self._shell.displayhook
        self._wrap(hook, "start_displayhook", self._start_result)
        self._wrap(hook, "write_format_data", self._result)
        self._wrap(hook, "finish_displayhook", self._finish_result)
        self._wrap(self._shell, "_showtraceback", self._error)

    def detach(self) -> None:
        """End, leaving streams, events and methods as they were."""
        for name, tee in self._tees:
            if getattr(sys, name) is tee:
                setattr(sys, name, tee.stream)
            tee.end()
        self._tees.clear()
        for event, callback in (("pre_run_cell", self._before), ("post_run_cell", self._after)):
            if callback in self._shell.events.callbacks[event]:
                self._shell.events.unregister(event, callback)
        for owner, name in self._wrapped:
            owner.__dict__.pop(name, None)
        self._wrapped.clear()
        self._cells.close()

    def _wrap(self, owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
        original = getattr(owner, name)
        object.__setattr__(owner, name, lambda *args, **kwargs: wrapper(original, *args, **kwargs))
        self._wrapped.append((owner, name))

    @property
    def _run(self) -> str:
        return self._runs[-1][0] if self._runs else ""

    def _before(self, info: Any) -> None:
        # The inputs so far, not `execution_count`: whether that one was raised by now depends on the version.
        count = len(self._shell.history_manager.input_hist_parsed) if info.store_history else None
        self._runs.append((uuid.uuid4().hex, count))
        self._cells.begin(
            self._run,
            cell_id=info.cell_id,
            source=info.raw_cell,
            execution_count=count,
            hidden=not info.store_history,
        )

    def _after(self, result: Any) -> None:
        if self._runs:  # else it is the cell that began the recording
            self._cells.end(self._runs.pop()[0], "ok" if result.success else "error")

    def _printed(self, name: str, text: str) -> None:
        if self._runs and not self._shown_otherwise:  # between cells it is the prompt
            self._cells.stream(self._run, name, text)

    def _start_result(self, original: Callable[[], Any]) -> None:
        self._shown_otherwise = True
        original()

    def _finish_result(self, original: Callable[[], Any]) -> None:
        original()
        self._shown_otherwise = False

    def _result(self, original: Callable[..., Any], data: Any, metadata: Any = None) -> None:
        output = {"output_type": "execute_result", "execution_count": self._runs[-1][1] if self._runs else None}
        self._cells.output(self._run, {**output, "data": data, "metadata": metadata or {}})
        original(data, metadata)

    def _error(self, original: Callable[..., Any], kind: Any, error: Any, traceback: list[str]) -> None:
        output = {"output_type": "error", "ename": getattr(kind, "__name__", str(kind)), "evalue": str(error)}
        self._cells.output(self._run, {**output, "traceback": list(traceback)})
        self._shown_otherwise = True
        try:
            original(kind, error, traceback)
        finally:
            self._shown_otherwise = False


class Tee(io.TextIOBase):
    """A text stream that shows its text to `taker` too; all else is the stream's own."""

    def __init__(self, stream: TextIO, taker: Any) -> None:
        self.stream = stream
        self._taker = taker
        self._pid = os.getpid()

    def write(self, text: str) -> int:
        """Write to the stream, then let the taker see it."""
        written = self.stream.write(text)
        if self._taker is not None and os.getpid() == self._pid:
            try:
                self._taker(text)
            except Exception:  # a print must not fail because it is recorded
                log.exception("printed text could not be recorded")
        return written

    def end(self) -> None:
        """Show the taker nothing more (whoever kept this stream goes on printing through it)."""
        self._taker = None

    def flush(self) -> None:
        """Flush the stream."""
        self.stream.flush()

    def fileno(self) -> int:
        """Return the stream's descriptor."""
        return self.stream.fileno()

    def isatty(self) -> bool:
        """Tell whether the stream is a terminal."""
        return self.stream.isatty()

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's encoding."""
        return self.stream.encoding

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
