"""Chats as shared documents: their messages as plain values, and what the collaboration's store has beyond the file.

The collaboration stores each change at once, and writes the chat's file when there was quiet for a second. After a kill
the file is what counts: what the store has beyond that is thrown away as soon as it was read, and seen only then.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

_ROOMS: Final = "jupyter_server_ydoc.rooms"

# By the document, until that is recorded.
_stored: weakref.WeakKeyDictionary[Any, list[Mapping[str, Any]]] = weakref.WeakKeyDictionary()


def plain_value(value: Any) -> Any:
    """Return a value of a shared document as Python's own."""
    return value.to_py() if hasattr(value, "to_py") else value


def plain(message: Any) -> Mapping[str, Any] | None:
    """Return a shared document's message; None if it is none: a client may put anything there."""
    found = plain_value(message)
    return found if isinstance(found, Mapping) and "id" in found else None


def plain_messages(shared: Iterable[Any]) -> list[Mapping[str, Any]]:
    """Return a shared document's messages, each once."""
    found = [message for message in map(plain, shared) if message is not None]
    return list({str(message["id"]): message for message in found}.values())


def keep_stored() -> Callable[[], object]:
    """Have the messages kept that a room's store holds and its file does not; return how to undo that."""
    room = getattr(sys.modules.get(_ROOMS), "DocumentRoom", None)
    if room is None:
        return lambda: None
    initialize = room.initialize

    async def initialize_and_keep(self: Any) -> Any:
        document = self._document
        if self.ready or not hasattr(document, "ymessages"):
            return await initialize(self)
        replace = document.aset

        async def aset(value: Any) -> Any:
            with contextlib.suppress(Exception):  # whatever is there, the chat is opened
                _stored[document] = plain_messages(document.ymessages)
            return await replace(value)

        document.aset = aset
        try:
            return await initialize(self)
        finally:
            del document.aset

    room.initialize = initialize_and_keep
    return lambda: setattr(room, "initialize", initialize)


def take_stored(document: Any) -> list[Mapping[str, Any]]:
    """Return the messages that were kept of a document, and keep them no longer."""
    return _stored.pop(document, [])
