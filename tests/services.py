"""A recording service under test: events in, answers out, and what stands on the disk."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_recorder.files import SYSTEM, Files
from jupyter_recorder.library.library import Library
from jupyter_recorder.protocol import Ack, Answer, Error
from jupyter_recorder.service import RecordingService, ServiceConfig
from jupyter_recorder.timeline import Session, fold

PATIENCE = 20.0
SID = "a session"


class Service:
    """A service over `root`; its answers as structs, what it recorded as a fold."""

    def __init__(self, root: Path, files: Files = SYSTEM, **config: Any) -> None:
        self.library = Library(root, files=files)
        self.core = RecordingService(ServiceConfig(**config), self.library)

    def send(self, *events: dict[str, Any], by: str | None = "ana") -> list[Answer]:
        """Send events at once and return their answers."""
        answered = threading.Event()
        found: list[Answer] = []

        def done(answers: list[Answer]) -> None:
            found.extend(answers)
            answered.set()

        self.core.submit(events, done, by=by)
        assert answered.wait(PATIENCE), "no answer"
        return found

    def one(self, event: dict[str, Any]) -> Answer:
        """Send one event and return its answer."""
        return self.send(event)[0]

    def ack(self, event: dict[str, Any]) -> Ack:
        """Send one event that has to be acknowledged."""
        answer = self.one(event)
        assert isinstance(answer, Ack), answer
        return answer

    def code(self, event: dict[str, Any]) -> str:
        """Send one event that has to be refused and return the code."""
        answer = self.one(event)
        assert isinstance(answer, Error), answer
        return answer.code

    def path(self, session_id: str = SID) -> Path:
        """Return the session's folder."""
        return self.library.find_session(session_id).path

    def lines(self, session_id: str = SID) -> list[dict[str, Any]]:
        """Return the session's journal, event by event."""
        return list(self.library.find_session(session_id).events())

    def fold(self, session_id: str = SID) -> Session:
        """Return what the session amounts to."""
        return fold(self.lines(session_id))

    def text(self, message_id: str = "m", session_id: str = SID) -> str:
        """Return a message's text as it is recorded."""
        return self.fold(session_id).messages[message_id].content

    def manifest(self, session_id: str = SID) -> dict[str, Any]:
        """Return the manifest as it is on the disk."""
        manifest: dict[str, Any] = json.loads((self.path(session_id) / "manifest.json").read_text("utf-8"))
        return manifest


def start(session_id: str = SID, **fields: Any) -> dict[str, Any]:
    """Return the event that begins a session."""
    return {"type": "session_start", "session_id": session_id, "provider": "test", **fields}


def end(session_id: str = SID, **fields: Any) -> dict[str, Any]:
    """Return the event that ends a session."""
    return {"type": "session_end", "session_id": session_id, **fields}


def add(message_id: str = "m", content: str = "", session_id: str = SID, **fields: Any) -> dict[str, Any]:
    """Return a message's beginning."""
    event = {"type": "message_add", "session_id": session_id, "message_id": message_id, "role": "user"}
    return {**event, "content": content, **fields}


def append(delta: str, message_id: str = "m", session_id: str = SID, **fields: Any) -> dict[str, Any]:
    """Return a piece of a message."""
    event = {"type": "message_append", "session_id": session_id, "message_id": message_id}
    return {**event, "content_delta": delta, **fields}


def numbered(events: Sequence[dict[str, Any]], producer: str = "p", first: int = 1) -> list[dict[str, Any]]:
    """Return the events with a producer's numbers."""
    return [{**event, "producer": producer, "producer_seq": first + at} for at, event in enumerate(events)]
