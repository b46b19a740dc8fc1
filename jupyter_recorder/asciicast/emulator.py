"""A terminal emulator as lines of text: bittty behind the little that is needed of it.

Tried beside it: pyte (LGPL, no alternate screen) and pyghostty (Apache-2.0), whose native core parses fifty times as
fast but was 1.5 times as fast here, where reading the screen is what costs; it comes as wheels for two platforms alone,
and a server would run native code on hostile bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final

from bittty import Board
from bittty.terminals import Terminal

from .strings import StringFilter

_CHARACTER: Final = itemgetter(1)
# After these nothing on the screen continues what left it.
_CLEARS: Final = re.compile(r"(?=\x1b\[[0-3]?J|\x1bc)")


class Emulator:
    """A screen of `cols` x `rows` characters that answers no program.

    Lines are logical ones, wrapped rows joined, without blanks at their ends. What leaves over the top is kept until
    `scrolled` is asked for.
    """

    def __init__(self, cols: int, rows: int) -> None:
        self._board = Board(width=cols, height=rows)
        self._strings = StringFilter()
        self._open = ""  # the beginning of a wrapped line, the rest of which is still on the screen
        self._gone: list[str] = []
        self._texts: list[str] = []
        self._view = _View(self._board, self._left)
        self._view.attach()

    def feed(self, text: str) -> None:
        """Take what a program prints."""
        for number, part in enumerate(_CLEARS.split(self._strings.feed(text))):
            if number and self._open:
                self._end_line()
            self._board.feed_host_data(part.encode("utf-8", "replace"))

    def resize(self, cols: int, rows: int) -> None:
        """Take another size in characters."""
        self._board.resize(cols, rows)

    @property
    def is_alternate(self) -> bool:
        """Whether the screen is the one that full-screen programs put before the first."""
        return bool(self._board.blitter.in_alt_screen)

    def lines(self) -> list[str]:
        """Return what stands on the screen, from the top to its last line that is not blank."""
        page = self._view.port.page
        rows = self._view.damaged_rows()
        if len(self._texts) != page.height:
            self._texts, rows = [""] * page.height, range(page.height)
        for row in rows:
            self._texts[row] = page.get_line_text(row)
        held = "" if self.is_alternate else self._open
        lines: list[str] = []
        for row, text in enumerate(self._texts):
            held += text
            if not page.is_line_wrapped(row):
                lines.append(held.rstrip())
                held = ""
        lines.append(held.rstrip())
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def scrolled(self) -> list[str]:
        """Return the lines that left over the top since the last call, in order."""
        gone, self._gone = self._gone, []
        return gone

    def _left(self, lines: tuple[Any, ...]) -> None:
        for line in lines:
            self._open += "".join(map(_CHARACTER, line.cells))
            if not line.wrapped:
                self._end_line()

    def _end_line(self) -> None:
        self._gone.append(self._open.rstrip())
        self._open = ""


class _View(Terminal):  # type: ignore[misc]  # bittty has no type information
    """What the board shows itself to: it wants the rows that leave, and nothing else."""

    def __init__(self, board: Board, left: Callable[[tuple[Any, ...]], None]) -> None:
        super().__init__(board)
        self.keeps_scrollback = True
        self._left = left

    def on_rows_scrolled_off(self, lines: tuple[Any, ...]) -> None:
        self._left(lines)

    def on_scrollback_cleared(self) -> None:
        """Nothing: what was shown was shown."""
