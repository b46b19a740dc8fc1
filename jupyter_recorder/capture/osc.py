"""Marks that a shell of ours puts into what it shows: found in the stream, and taken out of it; pure.

They are OSC 133, FinalTerm's "semantic prompts" as iTerm2, kitty and VS Code know them, in the form of Per Bothner's
specification (gitlab.freedesktop.org/Per_Bothner/specifications, proposals/semantic-prompts.md), its option `aid`
(application identifier) always first, with kitty's `cmdline_url` (sw.kovidgoyal.net/kitty/shell-integration):

    ESC ] 133 ; A ; aid=NONCE BEL                                     a prompt is about to be shown
    ESC ] 133 ; C ; aid=NONCE ; cwd_url=… ; cmdline_url=… BEL         a command line begins to run
    ESC ] 133 ; D ; STATUS ; aid=NONCE BEL                            it has ended

`cwd_url` is an option of our own, percent-encoded like `cmdline_url`: OSC 7, the usual way to tell the folder, cannot
carry the nonce. `B`, the prompt's end, would stand inside the user's prompt, and commands are found without it.

Only marks with the nonce count, so that what a program prints is never taken for one: to `cat` a hostile file makes up
no commands. It is no wall against a program that the user runs: that could as well write the recording's files.

The marks are taken out of what is recorded and shown. Left in, they would put the nonce into the recording, and each
command line a second time, in an encoding in which redaction finds no secrets. All other bytes pass as they are, other
programs' OSC 133 too. Only what can still become a mark is held back: a few bytes before the nonce was seen, at most
`MARK_LIMIT` after it.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

MARK_LIMIT: Final = 1 << 17
"""The most bytes of a mark's options; a longer one is no mark, and passes."""

_STATUS: Final = rb"(?:;[0-9]{1,3})?"
_OPTIONS: Final = rb"(?:;[^\x00-\x1f\x7f]{0,%d})?" % MARK_LIMIT


class Mark(NamedTuple):
    """One mark: its letter, the exit status of a `D`, and the options after `aid`, decoded."""

    letter: str
    status: int | None
    options: dict[str, str]


class MarkFilter:
    """Splits a stream of bytes, however it is cut, into the marks with the aid `nonce` (ASCII) and all else."""

    def __init__(self, nonce: str) -> None:
        aid = b";aid=" + nonce.encode("ascii")
        self._mark = re.compile(
            rb"\x1b\]133;(?P<letter>[A-D])(?P<status>%b)%b(?P<options>%b)\x07" % (_STATUS, re.escape(aid), _OPTIONS)
        )
        told = rb"%b(?:%b%b|%b)" % (_STATUS, re.escape(aid), _OPTIONS, _beginnings(aid[:-1]))
        letter = rb"[A-D](?:%b|;[0-9]{0,3})?" % told
        self._unfinished = re.compile(_beginnings(b"\x1b]133;", letter) + rb"\Z")
        self._held = b""

    def feed(self, data: bytes) -> list[bytes | Mark]:
        """Take the next bytes, give marks and what passes, in order."""
        data = self._held + data
        start, end = 0, self._settled(data)
        self._held = data[end:]
        pieces: list[bytes | Mark] = []
        for found in self._mark.finditer(data, 0, end):
            pieces += [data[start : found.start()], _read(found)]
            start = found.end()
        pieces.append(data[start:end])
        return [piece for piece in pieces if piece]

    def finish(self) -> bytes:
        """Give what is held back: the stream ended in what could have become a mark."""
        held, self._held = self._held, b""
        return held

    def _settled(self, data: bytes) -> int:
        """Return where that begins which may yet become a mark: at the last ESC, since no mark has one inside."""
        last = data.rfind(b"\x1b")
        return last if last >= 0 and self._unfinished.match(data, last) else len(data)


def _read(found: re.Match[bytes]) -> Mark:
    status = found["status"]
    options = (part.partition(b"=") for part in found["options"].split(b";") if part)
    return Mark(
        found["letter"].decode("ascii"),
        int(status[1:]) if status else None,
        {name.decode("utf-8", "replace"): unquote(value.decode("utf-8", "replace")) for name, _, value in options},
    )


def _beginnings(text: bytes, then: bytes = b"") -> bytes:
    """Return an expression for each beginning of `text` but the empty one; the whole may be followed by `then`."""
    expression = then
    for byte in reversed(text):
        expression = re.escape(bytes([byte])) + (b"(?:%b)?" % expression if expression else b"")
    return expression
