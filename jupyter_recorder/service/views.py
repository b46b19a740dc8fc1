"""Sessions as they are shown to clients: read from their journals, bodies only for the page that is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..errors import MessageNotFound
from ..journal.blobs import join_payloads
from ..library.recording import Recording
from ..protocol import Recovery
from ..timeline import Message, Session, fold
from .session import Session as Open


def session_row(session: Open) -> dict[str, Any]:
    """Return what a list of open sessions says of one."""
    folded, recorder = session.folded, session.recorder
    labels = {} if folded is None else folded.labels
    return {
        "session_id": session.id,
        "provider": labels.get("provider"),
        "title": labels.get("title"),
        "workspace_path": labels.get("workspace_path"),
        "message_count": 0 if folded is None else folded.message_count,
        "started_at": None if recorder is None else rfc3339(recorder.started_at),
        "last_activity": rfc3339(int(session.last_activity * 1000)),
        "is_dirty": session.unsynced > 0,
    }


def session_view(
    recording: Recording, session_id: str, *, after: str | None = None, limit: int | None = None
) -> dict[str, Any]:
    """Return a session with its messages: those that come after the message `after`, at most `limit`.

    Raises `MessageNotFound`, and `StorageError` if it can't be read.
    """
    session = fold({**event, **_joined(recording, event)} for event in recording.events())
    messages = [message for message in session.messages.values() if not message.deleted]
    begin = 0 if after is None else _place(messages, session_id, after)
    page = messages[begin : None if limit is None else begin + limit]
    manifest = recording.shown
    view = {
        "session_id": session_id,
        **{key: session.about.get(key) for key in ("provider", "title", "workspace_path", "model")},
        "messages": [message_view(message) for message in page],
        "message_count": len(messages),
        "started_at": rfc3339(manifest["started_at"]),
        "last_activity": rfc3339(session.last_at or manifest["started_at"]),
        "metadata": session.metadata,
        "state": manifest["state"],
    }
    if "workspace_id" in session.about:
        view["workspace_id"] = session.about["workspace_id"]
    return view


def message_view(message: Message) -> dict[str, Any]:
    """Return a message as the protocol has it."""
    view: dict[str, Any] = {
        "message_id": message.message_id,
        "role": message.role,
        "content": message.content,
        "created_at": message.created_at,
    }
    optional = {"model": message.model, "parent_id": message.parent_id, "metadata": message.metadata or None}
    return {**view, **{key: value for key, value in optional.items() if value is not None}}


def recovery_view(recording: Recording, session_id: str) -> Recovery:
    """Return how much of a session is recorded."""
    session: Session = fold(recording.events())
    ids = [message.message_id for message in session.messages.values() if not message.deleted]
    answer = Recovery(session_id=session_id, message_count=len(ids))
    if ids:
        answer.last_message_id = ids[-1]
    return answer


def rfc3339(at: int) -> str:
    """Return Unix ms as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _place(messages: list[Message], session_id: str, after: str) -> int:
    for index, message in enumerate(messages):
        if message.message_id == after:
            return index + 1
    raise MessageNotFound(session_id, after)


def _joined(recording: Recording, event: dict[str, Any]) -> dict[str, Any]:
    """Return the texts of an event that stand in blobs."""
    kept = {key: event[key] for key in ("content", "content_delta", "messages", "metadata") if key in event}
    return {key: join_payloads(recording.path, value) for key, value in kept.items() if not isinstance(value, str)}
