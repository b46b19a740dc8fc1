"""A TCP proxy that cuts, refuses WebSockets, or swallows what a server says."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit

_REFUSAL = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class CuttingProxy:
    """Passes bytes to the server at `target`; `url` is its own address. Used as `with`.

    `cut()` ends all connections now, `cut_after(n)` once so many more bytes have come from clients. With
    `refuse_sockets` a request for a WebSocket is answered 400, with `swallow_sockets` its server is heard no more after
    the handshake.
    """

    def __init__(self, target: str) -> None:
        place = urlsplit(target)
        assert place.hostname is not None
        self._target = (place.hostname, place.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.refuse_sockets = self.swallow_sockets = False
        self.cuts = self.sockets = 0
        self._left: int | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> CuttingProxy:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in list(self._threads):
            thread.join(10)

    def cut(self) -> None:
        """End all connections."""
        with self._lock:
            self.cuts += 1
            self._left = None
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def cut_after(self, count: int) -> None:
        """End all connections once so many more bytes have come from clients; a part of the last ones is passed on."""
        with self._lock:
            self._left = count

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                first = client.recv(65536)
                server = socket.create_connection(self._target, timeout=10)
            except OSError:
                return
            is_socket = b"upgrade: websocket" in first.lower()
            self.sockets += is_socket
            with server:
                if is_socket and self.refuse_sockets:
                    client.sendall(_REFUSAL)
                    return
                server.settimeout(None)
                with self._lock:
                    self._open |= {client, server}
                self._start(self._back, server, client, is_socket)
                self._forth(first, client, server)
                with self._lock:
                    self._open -= {client, server}

    def _forth(self, data: bytes, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data:
                with self._lock:
                    passed = data if self._left is None else data[: self._left]
                    if self._left is not None:
                        self._left -= len(passed)
                    is_cut = self._left == 0
                server.sendall(passed)
                if is_cut:
                    self.cut()
                data = client.recv(65536)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)

    def _back(self, server: socket.socket, client: socket.socket, is_socket: bool) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if is_socket and self.swallow_sockets and not data.startswith(b"HTTP/"):
                    continue
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
