"""What of a recorded stream may be sent to a living terminal; pure.

Text, colours and cursor moves may. What sets its title or clipboard, asks it something (it would answer as if typed),
or changes what keys and mouse send, may not.
"""

from __future__ import annotations

import re
from typing import Final

from .strings import StringFilter

_CSI: Final = re.compile(r"(?:\x1b\[|\x9b)([0-?]*)([ -/]*)([@-~])")
_UNFINISHED: Final = re.compile(r"(?:\x1b[ -/]{0,8}|(?:\x1b\[|\x9b)[0-?]{0,256}[ -/]{0,8})\Z")
_OTHER: Final = re.compile(r"\x1b[Z<=>no|}~]|[\x05\x80-\x9a\x9c-\x9f]")
# Reports and queries (c n t x q p y), printing (i), and what keys and the mouse send (u and m of kitty and xterm).
_REFUSED: Final = frozenset("cntxqpyiu")
# Cursor shown and blinking, origin, wrapping, insert: the modes of a screen; 47, 1047 and 1049 change it.
_SCREEN_MODES: Final = frozenset(("5", "6", "7", "12", "25", "47", "1047", "1048", "1049", "2026"))
RESET: Final = "\x1b[?2026l\x1b[?1049l\x1b[?6l\x1b[?7h\x1b[4l\x1b[r\x1b[0m\x1b(B\x0f\x1b[?25h"
"""Puts a terminal back, whatever was played in it."""


class HarmlessStream:
    """Takes a recorded stream in pieces, gives what may be shown."""

    def __init__(self) -> None:
        self._strings = StringFilter()
        self._rest = ""

    def feed(self, text: str) -> str:
        """Take the next piece."""
        text = self._rest + self._strings.feed(text)
        unfinished = _UNFINISHED.search(text)
        self._rest = unfinished[0] if unfinished else ""
        text = text[: unfinished.start()] if unfinished else text
        return _OTHER.sub("", _CSI.sub(_kept, text))


def _kept(match: re.Match[str]) -> str:
    parameters, between, letter = match.groups()
    if letter in "hl" and parameters.startswith("?"):
        modes = [mode for mode in parameters[1:].split(";") if mode in _SCREEN_MODES]
        return f"\x1b[?{';'.join(modes)}{letter}" if modes else ""
    if letter in _REFUSED and not (letter == "q" and between == " "):
        return ""
    if parameters[:1] in ("<", "=", ">", "?") and letter not in "JK":
        return ""
    return f"\x1b[{parameters}{between}{letter}"
