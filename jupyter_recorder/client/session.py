"""One session of a client: a chat that is recorded as it goes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Send = Callable[[dict[str, Any]], str]
Grow = Callable[[str, str, str], None]


class Session:
    """The session `id`; made by `RecorderClient.session`, which also starts it.

    Each method returns as soon as the event is in the outbox, and raises what `RecorderClient.send` raises; whether it
    is safe at the server is what `RecorderClient.flush` waits for.
    """

    def __init__(self, session_id: str, send: Send, grow: Grow) -> None:
        self.id = session_id
        self._send_event, self._grow = send, grow

    def __repr__(self) -> str:
        return f"<Session {self.id!r}>"

    def add(self, role: str, content: str = "", *, message_id: str | None = None, **fields: Any) -> str:
        """Record a message and return its id, to append to it.

        `role` is `user`, `assistant`, `system`, `tool` or any other; `fields` may be `model`, `parent_id`, `metadata`.
        """
        message_id = message_id or uuid.uuid4().hex
        self._send("message_add", message_id=message_id, role=role, content=content, **fields)
        return message_id

    def append(self, message_id: str, delta: str) -> None:
        """Let a message grow; what comes within 100 ms is sent together."""
        if delta:
            self._grow(self.id, message_id, delta)

    def stream(self, tokens: Iterable[str], *, role: str = "assistant", **fields: Any) -> Iterator[str]:
        """Pass `tokens` through, recording them as they come as one message."""
        message_id = self.add(role, "", **fields)
        for token in tokens:
            self.append(message_id, token)
            yield token

    def update(self, message_id: str, content: str, *, is_complete: bool = True) -> None:
        """Replace a message's content."""
        self._send("message_update", message_id=message_id, content=content, is_complete=is_complete)

    def delete(self, message_id: str) -> None:
        """Take a message back; the journal keeps that it was there."""
        self._send("message_delete", message_id=message_id)

    def change(self, **fields: Any) -> None:
        """Change `title`, `model` or `metadata` (which merges key by key)."""
        self._send("session_update", **fields)

    def end(self, *, final_message_count: int | None = None) -> None:
        """End the session; any later event resumes it."""
        count = {} if final_message_count is None else {"final_message_count": final_message_count}
        self._send("session_end", **count)

    def _send(self, kind: str, **fields: Any) -> None:
        self._send_event({"type": kind, "session_id": self.id, **fields})
