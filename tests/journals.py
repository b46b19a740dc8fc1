"""Journals for tests: begun, filled, watched and read back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from jupyter_recorder.journal.reader import Report, read_events
from jupyter_recorder.journal.writer import JournalWriter

HEADER: Final = {
    "id": "demo-20261120-231501",
    "name": "demo",
    "kind": "notebook",
    "started_at": 1795216501000,
    "writer": {"pid": 4711, "host": "a"},
    "env": {"SHELL": "/bin/sh", "TERM": "xterm-256color"},
}


class Watch:
    """Called by a writer when something changed; `until()` waits for a state of it."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.errors: list[tuple[float, Exception]] = []

    def __call__(self, writer: JournalWriter) -> None:
        with self.changed:
            error = writer.error
            if error is not None and (not self.errors or self.errors[-1][1] is not error):
                self.errors.append((time.monotonic(), error))
            self.changed.notify_all()

    def until(self, state: Callable[[], bool], timeout: float = 20) -> bool:
        """Wait for `state()`; False if it did not come."""
        with self.changed:
            return self.changed.wait_for(state, timeout)


def begin(folder: Path, **options: Any) -> JournalWriter:
    """Begin a journal in `folder`."""
    return JournalWriter.create(folder, HEADER, **options)


@contextmanager
def journal(folder: Path, **options: Any) -> Iterator[JournalWriter]:
    """Begin a journal in `folder`, and close it at the end: it must come to rest."""
    writer = begin(folder, **options)
    yield writer
    assert writer.close("completed", timeout=20)


def note(text: object) -> dict[str, Any]:
    """Return a note of one text."""
    return {"type": "note", "text": str(text)}


def notes(folder: Path, report: Report | None = None) -> list[str]:
    """Return the texts of a journal's notes, read back."""
    return [event["text"] for event in read_events(folder, report) if event["type"] == "note"]


def gaps(folder: Path) -> list[Mapping[str, Any]]:
    """Return a journal's gap lines, read back."""
    return [event for event in read_events(folder) if event["type"] == "gap"]


def numbers(folder: Path) -> list[int]:
    """Return a journal's event numbers as they are read back."""
    return [event["seq"] for event in read_events(folder)]
