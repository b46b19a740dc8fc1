"""What each command in a terminal's shell printed, cut out of the terminal's stream by time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..asciicast.format import Event
from ..asciicast.reader import Cast
from ..errors import InvalidCast, StorageError
from ..timeline import Command
from .plain import screen_text

if TYPE_CHECKING:
    from .source import Source

LIMIT: Final = 1 << 20
"""The most of one command's output that is kept, in characters."""
_CUT: Final = "\n[jupyter-recorder: the rest is in the recording]\n"


class CommandOutputs:
    """Gives the commands' outputs; asked in order of time, so that each terminal is read once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._terminals: dict[str, _Terminal] = {}

    def begin(self, start: dict[str, Any]) -> None:
        """Note a terminal, by its `terminal_start`."""
        file, track = start.get("file"), str(start.get("track"))
        if isinstance(file, str) and file in self._source.casts():
            try:
                cast = self._source.cast(file)
            except (InvalidCast, StorageError):
                return
            self._terminals[track] = _Terminal(cast, int(start.get("at", 0)))

    def text_of(self, command: Command) -> str:
        """Return what stood on the screen of a command's output, without colours; empty if it is not known."""
        terminal = self._terminals.get(command.track)
        return terminal.text_of(command) if terminal else ""


class _Terminal:
    def __init__(self, cast: Cast, origin: int) -> None:
        self._events, self._origin = cast.events, origin
        self._size = cast.header.width, cast.header.height
        self._ahead: Event | None = None

    def text_of(self, command: Command) -> str:
        begin = (command.started_at - self._origin) / 1000
        end = begin + (command.duration_ms or 0) / 1000 + 0.001
        parts: list[str] = []
        size = 0
        while (event := self._next()) is not None and event.time <= end:
            if event.time >= begin - 0.001 and event.code == "o" and size < LIMIT:
                parts.append(event.data)
                size += len(event.data)
            self._ahead = None
        text = screen_text("".join(parts)[:LIMIT], *self._size)
        return text + _CUT if size >= LIMIT else text

    def _next(self) -> Event | None:
        if self._ahead is None:
            self._ahead = next(self._events, None)
        return self._ahead
