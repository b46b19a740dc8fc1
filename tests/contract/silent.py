"""A WebSocket client that answers nothing, not even a ping."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import threading
import time
from urllib.parse import urlsplit

PING = 0x89


class Silent:
    """Opens a WebSocket by hand and only reads; `pings` are when a ping came, `ended` is when the server was gone.

    Times are in seconds after the opening.
    """

    def __init__(self, url: str, token: str) -> None:
        place = urlsplit(url)
        self._socket = socket.create_connection((place.hostname, place.port), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            "GET /api/recording/ws HTTP/1.1",
            f"Host: {place.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            f"Authorization: token {token}",
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._begun = time.monotonic()
        self.pings: list[float] = []
        self.ended: float | None = None
        self._reading = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Silent:
        self._reading.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reading.join(10)
        self._socket.close()

    def wait(self, timeout: float) -> bool:
        """Wait until the server has ended the connection."""
        self._reading.join(timeout)
        return not self._reading.is_alive()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while not self._exactly(1, until=b"\r\n\r\n"):
                pass
            while head := self._exactly(2):
                size = head[1]
                size = int.from_bytes(self._exactly({126: 2, 127: 8}[size])) if size > 125 else size
                self._exactly(size)
                if head[0] == PING:
                    self.pings.append(time.monotonic() - self._begun)
        self.ended = time.monotonic() - self._begun

    def _exactly(self, size: int, until: bytes = b"") -> bytes:
        data = b""
        while len(data) < size or not data.endswith(until):
            part = self._socket.recv(1 if until else size - len(data))
            if not part:
                raise ConnectionError("the server is gone")
            data += part
        return data
