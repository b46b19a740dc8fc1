"""A recording that listens, and what it holds."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jupyter_recorder.journal.blobs import join_payloads
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder
from jupyter_recorder.timeline import Message, fold

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices as it is imported

KEY = "canary-key-0123456789-not-of-any-common-kind"
PATIENCE = 10.0


@dataclass
class Listening:
    """The recording that runs, and what it holds."""

    recorder: Recorder
    library: Library

    def events(self) -> list[dict[str, Any]]:
        """Return its journal's lines so far."""
        self.recorder.chat.flush()
        assert self.recorder.wait(PATIENCE)
        return list(self.library.find(self.recorder.id).events())

    def messages(self) -> list[Message]:
        """Return its messages."""
        return list(fold(join_payloads(self.recorder.path, one) for one in self.events()).messages.values())

    def said(self) -> list[tuple[str, str]]:
        """Return each message's role and text."""
        return [(message.role, message.content) for message in self.messages()]

    def answer(self) -> Message:
        """Return the last answer."""
        return [message for message in self.messages() if message.role == "assistant"][-1]

    def deltas(self, kind: str | None = None) -> list[str]:
        """Return the pieces of what grew, of the parts of one type."""
        found = [one for one in self.events() if one["type"] == "message_append" and one["content_delta"]]
        return [one["content_delta"] for one in found if (one.get("part") or {}).get("type") == kind]

    def until(self, told: Callable[[], bool]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not told():
            gc.collect()
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def folder_bytes(self) -> bytes:
        """Return all bytes of the recording's files."""
        return b"".join(path.read_bytes() for path in self.recorder.path.rglob("*") if path.is_file())


def run(work: Any) -> Any:
    """Run a coroutine."""
    return asyncio.run(work)
