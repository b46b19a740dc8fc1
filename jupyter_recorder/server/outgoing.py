"""What goes to a client of the WebSocket: the messages of one turn of the loop in one write.

Tornado's own `write_message` makes a task and a call of the system for each, which costs more than all the rest of
a small answer. A message is one unmasked text frame (RFC 6455, section 5.2), as a server sends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from typing import Final

from tornado.iostream import IOStream, StreamClosedError

_WHOLE_TEXT: Final = 0x81


class Outgoing:
    """Collects text messages for `stream`; once that is closed they go nowhere.

    `afterwards(call)` has `call` run when what makes messages now has made them all.
    """

    def __init__(self, stream: IOStream, afterwards: Callable[[Callable[[], object]], object]) -> None:
        self._stream, self._afterwards = stream, afterwards
        self._frames: list[bytes] = []
        self._written: asyncio.Future[None] | None = None

    def put(self, message: bytes) -> None:
        """Send a message, together with what else is put in by then."""
        if not self._frames:
            self._afterwards(self.flush)
        self._frames.append(framed(message))

    async def send(self, message: bytes) -> None:
        """Send a message, after those that were put in before, and wait until the client has room for more."""
        self.put(message)
        self.flush()
        await self.drained()

    def flush(self) -> None:
        """Write what was collected."""
        if self._frames:
            frames, self._frames = self._frames, []
            with contextlib.suppress(StreamClosedError):
                self._written = self._stream.write(b"".join(frames))

    @property
    def is_full(self) -> bool:
        """Whether the client has not taken yet what was written."""
        return self._written is not None and not self._written.done()

    async def drained(self) -> None:
        """Wait until the system has taken all that was written."""
        if self._written is not None:
            with contextlib.suppress(StreamClosedError):
                await asyncio.shield(self._written)  # others may wait for it too


def framed(message: bytes) -> bytes:
    """Return a message as one frame."""
    size = len(message)
    if size < 126:
        return struct.pack("!BB", _WHOLE_TEXT, size) + message
    if size < 1 << 16:
        return struct.pack("!BBH", _WHOLE_TEXT, 126, size) + message
    return struct.pack("!BBQ", _WHOLE_TEXT, 127, size) + message
