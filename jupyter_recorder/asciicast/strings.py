"""Control strings (titles, links, pictures, device queries) out of a terminal's stream; pure.

They never put text on a screen, and an unfinished one of 100 MB must cost neither memory nor time: an emulator that
gathers it pays for both.
"""

from __future__ import annotations

import re
from typing import Final

# ECMA-48: DCS, SOS, OSC, PM and APC, in their 7-bit and 8-bit forms; ended by ST, in practice by BEL too. CAN and SUB
# abort a string, and so does any other escape, which then counts itself.
_BEGIN: Final = re.compile(r"\x1b[PX\]^_]|[\x90\x98\x9d-\x9f]")
_END: Final = re.compile(r"\x07|\x1b\\|\x9c|[\x18\x1a]|\x1b(?=[^\\])")


class StringFilter:
    """Takes control strings out of a text that comes in pieces, however it is cut."""

    def __init__(self) -> None:
        self._inside = False
        self._escape = ""  # an ESC at the end of a piece: what follows says what it begins

    def feed(self, text: str) -> str:
        """Take the next piece, give what of it an emulator needs to see."""
        text, self._escape = self._escape + text, ""
        if text.endswith("\x1b"):
            text, self._escape = text[:-1], "\x1b"
        if not self._inside and _BEGIN.search(text) is None:
            return text
        given: list[str] = []
        at = 0
        while at < len(text):
            at = self._skip(text, at) if self._inside else self._pass(text, at, given)
        return "".join(given)

    def _skip(self, text: str, at: int) -> int:
        end = _END.search(text, at)
        self._inside = end is None
        if end is None:
            return len(text)
        return end.start() if end[0] == "\x1b" else end.end()

    def _pass(self, text: str, at: int, given: list[str]) -> int:
        begin = _BEGIN.search(text, at)
        self._inside = begin is not None
        given.append(text[at : begin.start() if begin else len(text)])
        return begin.end() if begin else len(text)
