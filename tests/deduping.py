"""A journal with its dedupe, for tests: used as a pipeline uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from journals import HEADER

from jupyter_recorder.journal.dedupe import Dedupe
from jupyter_recorder.journal.reader import read_events
from jupyter_recorder.journal.writer import JournalWriter

KEY: Final = bytes(range(32))


class Recording:
    """Check, append, add."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.writer = JournalWriter.create(folder, HEADER)
        self.dedupe = Dedupe(folder, KEY)

    def check(self, event: dict[str, Any]) -> int | None:
        """Say as what the event is recorded already."""
        if suspects := self.dedupe.suspects(event):
            assert self.writer.wait(timeout=20)
        return self.dedupe.check(event, suspects)

    def record(self, event: dict[str, Any]) -> tuple[str, int]:
        """Record an event if it is new; say what it was."""
        if (seq := self.check(event)) is not None:
            return "repeat", seq
        recorded = self.writer.append(event)
        assert recorded is not None
        self.dedupe.add(recorded.seq, recorded.event)
        return "new", recorded.seq

    def stop(self) -> None:
        """End it in order."""
        assert self.writer.close("completed", 20)

    def again(self) -> None:
        """Go on with both, as a new process does."""
        self.writer = JournalWriter.resume(self.folder, HEADER)
        self.dedupe = Dedupe(self.folder, KEY)
        for event in read_events(self.folder):
            self.dedupe.add(event["seq"], event)


def message(text: object = "hello", **more: Any) -> dict[str, Any]:
    """Return an event with content."""
    return {"type": "message_add", "session_id": "s", "message_id": "m", "role": "user", "content": text, **more}
