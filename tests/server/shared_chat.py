"""A client of a chat with real-time collaboration: it joins the document's room and edits, as JupyterLab does."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from pycrdt import Array, Doc, Map, create_sync_message, create_update_message, handle_sync_message
from servers import Server
from talk import PATIENCE, ask, socket
from websockets.sync.client import ClientConnection

SYNC = 0


class SharedChat:
    """A chat's document in one browser tab; `session` is the server's one that it was first opened in."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.doc: Doc[Any] = Doc()
        self.messages = self.doc.get("messages", type=Array)
        self.users = self.doc.get("users", type=Map)
        self.state = self.doc.get("state", type=Map)
        self._connection: ClientConnection | None = None
        self._synced = False

    @contextlib.contextmanager
    def joined(self, server: Server, room: str) -> Iterator[SharedChat]:
        """Be in the room until the block ends; on return both have what the other had."""
        path = f"/api/collaboration/room/{room}?sessionId={self.session}"
        with socket(server, path, max_queue=None) as connection:  # what is not looked at keeps nobody waiting
            self._connection, self._synced = connection, False
            connection.send(create_sync_message(self.doc))
            self.until(lambda: self._synced)
            yield self
        self._connection = None

    def until(self, so: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """Take what comes until something is so, and return it; raises `TimeoutError` after `patience` seconds."""
        assert self._connection is not None
        deadline = time.monotonic() + patience
        while not (found := so()):
            message = self._connection.recv(timeout=max(0.0, deadline - time.monotonic()))
            assert isinstance(message, bytes)
            if message[0] == SYNC:
                self._synced |= message[1] == 1
                if (answer := handle_sync_message(message[1:], self.doc)) is not None:
                    self._connection.send(answer)
        return found

    def seen(self) -> list[dict[str, Any]]:
        """Return the messages as they are shown."""
        return [one for one in self.messages.to_py() or [] if isinstance(one, dict) and "id" in one]

    def shows(self, text: str) -> bool:
        """Tell whether a message that is shown holds a text."""
        return any(text in one["body"] for one in self.seen())

    def user(self, name: str, told: Any = None) -> None:
        """Tell who is there."""
        with self._told():
            self.users[name] = told or {"username": name, "name": name, "display_name": name}

    def say(self, body: str, sender: str, **more: Any) -> str:
        """Say something; return the message's id."""
        told = {"type": "msg", "id": uuid.uuid4().hex, "body": body, "sender": sender, "time": time.time(), **more}
        self.put(told)
        return str(told["id"])

    def put(self, value: Any) -> None:
        """Put anything where the messages are."""
        with self._told():
            self.messages.append(Map(value) if isinstance(value, dict) else value)

    def change(self, message_id: str, **values: Any) -> None:
        """Change what a message holds."""
        with self._told():
            self._message(message_id).update(values)

    def remove(self, message_id: str) -> None:
        """Take a message out of the document."""
        with self._told():
            del self.messages[self.messages.to_py().index(self._message(message_id).to_py())]

    def _message(self, message_id: str) -> Map[Any]:
        (found,) = [one for one in self.messages if isinstance(one, Map) and one.get("id") == message_id]
        return found

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Send what is changed in the block, as one change."""
        before = self.doc.get_state()
        with self.doc.transaction():
            yield
        assert self._connection is not None
        self._connection.send(create_update_message(self.doc.get_update(before)))


def room_of(server: Server, path: str) -> tuple[str, str]:
    """Return the room of a chat and the server's session."""
    status, found = ask(
        server, "PUT", f"/{path}", {"format": "text", "type": "chat"}, below="/api/collaboration/session"
    )
    assert status in (200, 201), found
    return f"text:chat:{found['fileId']}", found["sessionId"]
