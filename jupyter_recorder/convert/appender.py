"""One new file that is written from its beginning to its end, then synced."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from ..files import Files, write_all

_BUFFER: Final = 1 << 18


class Appender:
    """Gathers bytes into large writes; nothing counts before `close()` has returned. Errors are `OSError`."""

    def __init__(self, files: Files, path: Path) -> None:
        self._files = files
        self._fd = files.create(path)
        self._held: list[bytes] = []
        self._held_size = 0
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._held.append(data)
        self._held_size += len(data)
        self.size += len(data)
        if self._held_size >= _BUFFER:
            self._hand_on()

    def close(self) -> None:
        """Write what is left, and wait until all of it is on the disk."""
        if self._fd < 0:
            return
        self._hand_on()
        self._files.datasync(self._fd)
        self.drop()

    def drop(self) -> None:
        """Close the descriptor, whatever is held."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                self._files.close(fd)

    def _hand_on(self) -> None:
        held, self._held, self._held_size = self._held, [], 0
        if held:
            write_all(self._files, self._fd, b"".join(held))
