"""Lone surrogates in JSON, which Python writes and strict parsers refuse: one would end a file of a gigabyte."""

from __future__ import annotations

import re
from typing import BinaryIO, Final

_ESCAPE: Final = re.compile(
    rb"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_PAIR: Final = 12
_FARTHEST: Final = 1 << 16


class Paired:
    """A file as a JSON parser reads it, each lone surrogate as U+FFFD."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held = b""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, about `size` of them; none at the end."""
        if size == 0:
            return b""
        while data := self._file.read(max(size, 1 << 16) if size > 0 else -1):
            self._held += data
            cut = _cut(self._held)
            if cut:
                ready, self._held = self._held[:cut], self._held[cut:]
                return repaired(ready)
        ready, self._held = self._held, b""
        return repaired(ready)


def repaired(text: bytes) -> bytes:
    """Return JSON text with each lone surrogate as U+FFFD."""
    if b"\\ud" not in text and b"\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found[2] else found[0], text)


def _cut(data: bytes) -> int:
    """Return where `data` can be cut without cutting an escape, or a pair of them, in two."""
    cut = max(0, len(data) - _PAIR)
    while cut and (back := data.find(b"\\", max(0, cut - _PAIR), cut)) >= 0 and len(data) - cut < _FARTHEST:
        cut = back
    return cut
