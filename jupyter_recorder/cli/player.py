"""Plays an asciicast, or a transcript, in the terminal that one sits in."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ..asciicast.format import Event
from ..asciicast.harmless import RESET, HarmlessStream
from ..asciicast.reader import Cast

_SLICE: Final = 3600.0


@dataclass
class Player:
    """Plays at `speed`, pauses cut to `idle` seconds, from `start` seconds on; keys steer it where a person sits."""

    speed: float = 1.0
    idle: float | None = None
    start: float = 0.0
    pause_on_markers: bool = False
    _keys: int | None = None
    _paused: bool = False
    _step: bool = False
    _to_marker: bool = False
    _ended: bool = False
    _stream: HarmlessStream = field(default_factory=HarmlessStream)

    def play(self, cast: Cast) -> None:
        """Play it to its end, or until a person ends it."""
        self._tell_size(cast)
        self.play_events(cast.events)

    def play_events(self, events: Iterator[Event]) -> None:
        """Play what is printed at its times, to its end, or until a person ends it."""
        with _keys() as self._keys:
            try:
                self._play(events)
            finally:
                self._show(RESET + "\r\n" if sys.stdout.isatty() else "")

    def _play(self, events: Iterator[Event]) -> None:
        last = self.start
        for event in events:
            if event.code not in "om":
                continue
            if event.time > last:
                self._wait(self._pause(event.time - last))
                last = event.time
            if self._ended:
                return
            if event.code == "o":
                self._show(self._stream.feed(event.data))
            elif (self._to_marker or self.pause_on_markers) and event.time >= self.start:
                self._paused, self._to_marker = self._keys is not None, False

    def _pause(self, seconds: float) -> float:
        return 0.0 if self._to_marker else seconds if self.idle is None else min(seconds, self.idle)

    def _wait(self, seconds: float) -> None:
        """Wait so many seconds of the recording, and heed keys meanwhile."""
        sys.stdout.flush()
        left = seconds
        while not self._ended and not self._step and not self._to_marker and (left > 0 or self._paused):
            began, speed, paused = time.monotonic(), self.speed, self._paused
            self._heed(_SLICE if paused else min(left / speed, _SLICE))
            left -= 0.0 if paused else (time.monotonic() - began) * speed
        self._step = False

    def _heed(self, seconds: float) -> None:
        if self._keys is None:
            time.sleep(seconds)
            return
        ready, _, _ = select.select([self._keys], [], [], seconds)
        if not ready:
            return
        keys = os.read(self._keys, 64)
        if not keys:  # the terminal is gone
            self._ended = True
        for key in keys.decode("ascii", "replace"):
            self._press(key)

    def _press(self, key: str) -> None:
        if key in "q\x03\x04":
            self._ended = True
        elif key == " ":
            self._paused = not self._paused
        elif key == ".":
            self._paused = self._step = True
        elif key == "]":
            self._to_marker, self._paused = True, False
        elif key in "+-":
            self.speed = min(1000.0, max(0.01, self.speed * (2.0 if key == "+" else 0.5)))

    @staticmethod
    def _show(text: str) -> None:
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()

    @staticmethod
    def _tell_size(cast: Cast) -> None:
        here = shutil.get_terminal_size()
        wide, high = cast.header.width, cast.header.height
        if sys.stdout.isatty() and (here.columns < wide or here.lines < high):
            print(f"recorded at {wide}x{high}, and this terminal is {here.columns}x{here.lines}", file=sys.stderr)


@contextlib.contextmanager
def _keys() -> Iterator[int | None]:
    """Give a descriptor of keys that come one by one and are not shown; None if nobody sits here."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.name == "nt":
        yield None
        return
    import termios
    import tty

    keys = sys.stdin.fileno()
    before = termios.tcgetattr(keys)
    try:
        tty.setcbreak(keys)
        now = termios.tcgetattr(keys)
        now[1] &= ~termios.OPOST  # a bare line feed moves down and not to the left, as it was shown
        termios.tcsetattr(keys, termios.TCSADRAIN, now)
        yield keys
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, before)
