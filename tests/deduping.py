"""A journal with its dedupe, for tests: used as a pipeline uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from journals import HEADER

from jupyter_recorder.journal.dedupe import Dedupe
from jupyter_recorder.journal.writer import JournalWriter

KEY: Final = bytes(range(32))


class Recording:
    """Check, append, add."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        folder.mkdir(parents=True, exist_ok=True)
        self.writer = JournalWriter.create(folder, HEADER)
        self.dedupe = Dedupe(folder, KEY, cache)

    def record(self, event: dict[str, Any]) -> tuple[str, int]:
        """Record an event if it is new; say what it was."""
        if (seq := self.dedupe.check(event)) is not None:
            return "repeat", seq
        recorded = self.writer.append(event)
        assert recorded is not None
        self.dedupe.add(recorded.seq, recorded.event)
        return "new", recorded.seq

    def stop(self) -> None:
        """End both in order."""
        self.dedupe.close()
        assert self.writer.close("completed", 20)

    def again(self) -> None:
        """Go on with both, as a new process does."""
        self.writer = JournalWriter.resume(self.folder, HEADER)
        self.dedupe = Dedupe(self.folder, KEY, self.cache)

    @property
    def index(self) -> Path:
        """The index's file."""
        return next((self.cache / "dedupe").glob("*.sqlite"))


def message(text: object = "hello", **more: Any) -> dict[str, Any]:
    """Return an event with content."""
    return {"type": "message_add", "session_id": "s", "message_id": "m", "role": "user", "content": text, **more}
