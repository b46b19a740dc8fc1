"""A proxy that refuses: it sees what would leave the machine."""

from __future__ import annotations

import socket
import threading

# Chromium asks this of its maker at any page with a form, as JupyterLab's are.
BROWSERS_OWN = "CONNECT content-autofill.googleapis.com:443 HTTP/1.1"


class RefusingProxy:
    """Takes every connection that leaves the machine, notes where it would have gone, and closes it."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                request = connection.recv(4096).split(b"\r\n")[0].decode("ascii", "replace")
                if request != BROWSERS_OWN:
                    self.requests.append(request)

    def close(self) -> None:
        self._socket.close()
