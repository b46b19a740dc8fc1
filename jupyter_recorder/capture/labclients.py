"""Who is authenticated where what a chat's client has sent is handled: what it says of its sender may be anything."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

_HANDLER: Final = "jupyterlab_chat.websocket_handler"
_ROOMS: Final = "jupyter_server_ydoc.rooms"

# The task that handles what a client has sent, and who that is. Tasks that are begun in that one, by a bot say, inherit
# this, and are not that client.
_client: contextvars.ContextVar[tuple[asyncio.Task[Any] | None, str | None]] = contextvars.ContextVar(
    "jupyter_recorder_chat_client", default=(None, None)
)


def know_users() -> Callable[[], object]:
    """Have the authenticated user known where what a client sent is handled; return how to undo that."""
    undo = contextlib.ExitStack()
    if (handler := getattr(sys.modules.get(_HANDLER), "WSChatHandler", None)) is not None:
        heard = handler.on_message

        async def on_message(self: Any, raw: Any) -> Any:
            with _client_is(self):
                return await heard(self, raw)

        handler.on_message = on_message
        undo.callback(setattr, handler, "on_message", heard)
    if (room := getattr(sys.modules.get(_ROOMS), "DocumentRoom", None)) is not None:
        served = room.serve

        async def serve(self: Any, channel: Any) -> Any:
            with _client_is(channel):
                return await served(self, channel)

        room.serve = serve
        undo.callback(setattr, room, "serve", served)
    return undo.close


def from_client() -> tuple[bool, str | None]:
    """Tell whether a client does what happens now, and who that is."""
    task, by = _client.get()
    is_client = task is not None and task is asyncio.current_task()
    return is_client, by if is_client else None


@contextlib.contextmanager
def _client_is(handler: Any) -> Iterator[None]:
    """Have what this task does be that of a WebSocket's client."""
    user = getattr(handler, "current_user", None)
    token = _client.set((asyncio.current_task(), getattr(user, "username", None)))
    try:
        yield
    finally:
        _client.reset(token)
