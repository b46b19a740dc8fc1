"""What forked workers of a kernel print: it comes to the kernel ready made, and goes out beside its session."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Final

# Between the addresses and the message, says the wire protocol of Jupyter; then come signature, header, parent, …
_DELIMITER: Final = b"<IDS|MSG>"


class ForkedOutput:
    """Shows `taker(message)` the messages of forked workers that `kernel` passes on, from `attach` to `detach`.

    The thread that sends is wrapped on its one instance. Its messages are told apart by their ids, which hold the
    sender's process id (`Session.msg_id` of jupyter_client).
    """

    def __init__(self, kernel: Any, taker: Callable[[Any], None]) -> None:
        self._thread = getattr(kernel, "iopub_thread", None)
        self._session = kernel.session
        self._taker = taker
        self._own = b"_%d_" % os.getpid()
        self._send: Any = None

    def attach(self) -> None:
        """Begin."""
        if self._thread is not None:
            self._send = self._thread.send_multipart
            self._thread.send_multipart = self._tapped

    def detach(self) -> None:
        """End, leaving the thread as it was."""
        if self._thread is not None and self._thread.__dict__.get("send_multipart") == self._tapped:
            del self._thread.send_multipart

    def _tapped(self, frames: Sequence[Any], *args: Any, **options: Any) -> Any:
        message = self._read(frames)
        if message is not None:
            self._taker(message)
        return self._send(frames, *args, **options)

    def _read(self, frames: Sequence[Any]) -> dict[str, Any] | None:
        """Return a worker's message; None for the kernel's own, and for what is none."""
        if _DELIMITER not in frames:
            return None
        _, header, parent, _, content, *_ = frames[list(frames).index(_DELIMITER) + 1 :]
        if self._own in bytes(header):
            return None
        unpack = self._session.unpack
        return {"header": unpack(header), "parent_header": unpack(parent), "content": unpack(content)}
