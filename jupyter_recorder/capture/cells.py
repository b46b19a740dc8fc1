"""Runs of cells to events: what belongs to which cell, in order, up to a bound."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..errors import NoActiveRecording, RecError
from ..events import CAST_MIME, OUR_MIME
from ..heldtext import HeldText

if TYPE_CHECKING:
    from ..recorder import Recorder

MAX_OUTPUT_BYTES: Final = 100 << 20
# Outputs of threads come long after their cell; so many cells are remembered for them.
_REMEMBERED: Final = 10_000
# A stream's text is cut into lines of the journal, none of which is large enough for a blob.
_PIECE_CHARACTERS: Final = 16_000


class _Run:
    """One run of one cell."""

    def __init__(self, cell_id: str) -> None:
        self.cell_id = cell_id
        self.begun = time.monotonic()
        self.bytes = 0
        self.truncated = self.ended = False
        self.streams: dict[str, HeldText] = {}


class CellRecorder:
    """Records the runs of cells, each named by a `run_id` of the caller's; safe to be called from any thread.

    A cell's output is recorded up to `max_output_bytes`; then one line says so, and the rest is left out.
    """

    def __init__(self, recorder: Recorder, *, max_output_bytes: int = MAX_OUTPUT_BYTES) -> None:
        self._recorder = recorder
        self._limit = max_output_bytes
        self._lock = threading.RLock()
        self._runs: OrderedDict[str, _Run] = OrderedDict()

    def begin(
        self, run_id: str, *, cell_id: str | None, source: str, execution_count: int | None, hidden: bool = False
    ) -> None:
        """Record that a cell begins to run."""
        with self._lock:
            run = self._runs[run_id] = _Run(cell_id or run_id)
            if len(self._runs) > _REMEMBERED:
                self._release(self._runs.popitem(last=False)[1])
            event = {"type": "cell_start", "cell_id": run.cell_id, "execution_count": execution_count}
            self._recorder.record({**event, "source": source, **({"hidden": True} if hidden else {})})

    def knows(self, run_id: str) -> bool:
        """Tell whether this run's beginning was recorded."""
        return run_id in self._runs

    def stream(self, run_id: str, name: str, text: str) -> None:
        """Record text on a stream (`stdout` or `stderr`)."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is None or run.truncated:
                return
            for other, held in run.streams.items():
                if other != name:
                    held.flush()
            if fitting := self._fitting(run, text):
                self._held(run, name).feed(fitting)
            if len(fitting) < len(text):
                self._truncate(run)

    def output(self, run_id: str, output: Mapping[str, Any]) -> None:
        """Record an output in nbformat's form."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is not None and self._room(run, _weight(output)):
                self._flush(run)
                self._recorder.record({"type": "output", "cell_id": run.cell_id, "output": _by_reference(output)})

    def update(self, run_id: str, display_id: str, output: Mapping[str, Any]) -> None:
        """Record that the displays of `display_id` change."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is not None and self._room(run, _weight(output)):
                self._flush(run)
                event = {"type": "update_display", "display_id": display_id, "output": _by_reference(output)}
                self._recorder.record(event)

    def clear(self, run_id: str, wait: bool) -> None:
        """Record that a cell's outputs go."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is not None:
                self._flush(run)
                self._recorder.record({"type": "clear_output", "cell_id": run.cell_id, "wait": wait})

    def end(self, run_id: str, status: str) -> None:
        """Record that a cell has run; outputs of its threads may still come."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is None or run.ended:
                return
            run.ended = True
            self._release(run)
            duration = round((time.monotonic() - run.begun) * 1000)
            event = {"type": "cell_end", "cell_id": run.cell_id, "status": status, "duration_ms": duration}
            self._recorder.record(event)

    def lost(self, error: Exception) -> None:
        """Record that something could not be, so that the timeline shows where."""
        reason = f"an output could not be recorded: {error}"
        with contextlib.suppress(RecError):
            self._recorder.record({"type": "gap", "reason": reason[:500], "events": 1})

    def close(self) -> None:
        """End what still runs."""
        with self._lock:
            with contextlib.suppress(NoActiveRecording):  # given up: there is nothing to end
                for run_id, run in self._runs.items():
                    if not run.ended:
                        self.end(run_id, "ok")
            self._runs.clear()

    def _held(self, run: _Run, name: str) -> HeldText:
        if name not in run.streams:
            run.streams[name] = self._recorder.held_text(
                lambda text, urgent: self._record_text(run.cell_id, name, text, urgent)
            )
        return run.streams[name]

    def _record_text(self, cell_id: str, name: str, text: str, urgent: bool) -> None:
        for start in range(0, len(text), _PIECE_CHARACTERS):
            output = {"output_type": "stream", "name": name, "text": text[start : start + _PIECE_CHARACTERS]}
            with contextlib.suppress(NoActiveRecording):  # what was held back when the recording was given up
                event = {"type": "output", "cell_id": cell_id, "output": output}
                self._recorder.record(event, urgent=urgent, redacted=True)

    def _flush(self, run: _Run) -> None:
        for held in run.streams.values():
            held.flush()

    def _release(self, run: _Run) -> None:
        for held in run.streams.values():
            self._recorder.drop_held_text(held)
        run.streams.clear()

    def _room(self, run: _Run, size: int) -> bool:
        if run.truncated:
            return False
        if run.bytes + size <= self._limit:
            run.bytes += size
            return True
        self._truncate(run)
        return False

    def _fitting(self, run: _Run, text: str) -> str:
        """Return as much of `text` as the bound leaves room for, and count it."""
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        left = self._limit - run.bytes
        run.bytes += min(size, left)
        return text if size <= left else text.encode("utf-8", "replace")[:left].decode("utf-8", "ignore")

    def _truncate(self, run: _Run) -> None:
        run.truncated = True
        self._flush(run)
        text = f"\n[jupyter-recorder: this cell's output is recorded up to {self._limit:,} bytes; the rest is not]\n"
        self._record_text(run.cell_id, "stderr", text, True)


def _weight(value: object) -> int:
    """Return about how many bytes a value holds."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_weight(item) for item in value.values())
    if isinstance(value, list | tuple):
        return sum(_weight(item) for item in value)
    return 8


def _by_reference(output: Mapping[str, Any]) -> dict[str, Any]:
    """Let a replay that is shown while recording stand as its recording's id: it must not swallow itself."""
    data = output.get("data")
    if not isinstance(data, Mapping) or not isinstance(shown := data.get(OUR_MIME), Mapping):
        return dict(output)
    reference = {key: shown[key] for key in ("version", "id", "name") if key in shown}
    rest = {key: value for key, value in data.items() if key not in (OUR_MIME, CAST_MIME, "text/html")}
    return {**output, "data": {OUR_MIME: reference, **rest}}
