"""Who is authenticated where what a chat's client has sent is handled: what it says of its sender may be anything."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

# Where what a client has sent is handled: module, class, method, and which of its arguments is the client's handler.
_HANDLED: Final = (
    ("jupyterlab_chat.websocket_handler", "WSChatHandler", "on_message", 0),
    ("jupyter_server_ydoc.rooms", "DocumentRoom", "serve", 1),
)

# The task that handles what a client has sent, and who that is. Tasks that are begun in that one, by a bot say, inherit
# this, and are not that client.
_client: contextvars.ContextVar[tuple[asyncio.Task[Any] | None, str | None]] = contextvars.ContextVar(
    "jupyter_recorder_chat_client", default=(None, None)
)


def know_users() -> Callable[[], object]:
    """Have the authenticated user known where what a client sent is handled; return how to undo that."""
    undo = contextlib.ExitStack()
    for module, name, method, place in _HANDLED:
        owner = getattr(sys.modules.get(module), name, None)
        if owner is not None:
            original = getattr(owner, method)
            setattr(owner, method, _known(original, place))
            undo.callback(setattr, owner, method, original)
    return undo.close


def _known(original: Callable[..., Any], place: int) -> Callable[..., Any]:
    async def handle(*arguments: Any) -> Any:
        with _client_is(arguments[place]):
            return await original(*arguments)

    return handle


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
