"""One terminal of an open recording: its bytes go to a `.cast`, its beginning and end to the journal."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from ..asciicast.format import Header, Utf8Decoder
from ..errors import NoActiveRecording
from ..interrupts import shielded
from ..journal.room import WAIT_SECONDS

if TYPE_CHECKING:
    from ..recorder import Recorder


class TerminalTrack:
    """A terminal of `cols` x `rows` characters; safe to be used from any thread. Raises `StorageError` when made.

    `turns` is what the recorder and its tracks end under, one after the other: a shell may be killed, and its server
    be stopped, at one moment.
    """

    def __init__(
        self, recorder: Recorder, name: str, cols: int, rows: int, command: str | None, *, turns: threading.RLock
    ) -> None:
        self.name = name
        self._recorder = recorder
        self._turns = turns
        self._ended = False
        self._output, self._input = Utf8Decoder(), Utf8Decoder()
        header = Header(width=cols, height=rows, timestamp=int(time.time()), env=recorder.environment)
        self.cast = recorder.cast_writer(name, header, self.gap)
        start = {"type": "terminal_start", "track": name, "file": self.cast.file, "cols": cols, "rows": rows}
        recorder.record({**start, "command": command} if command is not None else start)
        self.cast.start()
        self._held_output = recorder.held_text(lambda text, urgent: self._write("o", text, urgent))
        self._held_input = recorder.held_text(lambda text, urgent: self._write("i", text, urgent))

    def output(self, data: bytes) -> None:
        """Record what the terminal showed."""
        with shielded():
            if text := self._output.feed(data):
                self._held_output.feed(text)

    def input(self, data: bytes) -> None:
        """Record what was typed."""
        with shielded():
            if text := self._input.feed(data):
                self._held_input.feed(text)

    def resize(self, cols: int, rows: int) -> None:
        """Record a new size in characters."""
        with shielded():
            self.flush()
            self._write("r", f"{cols}x{rows}", False)

    def mark(self, label: str) -> None:
        """Record a labelled marker."""
        with shielded():
            self.flush()
            self._write("m", self._recorder.redacted(label), False)

    def gap(self, reason: str, events: int, size: int) -> None:
        """Record that so many events of `size` bytes are missing, and why."""
        with contextlib.suppress(NoActiveRecording):  # it ended meanwhile
            gap = {"type": "gap", "reason": reason, "track": self.name, "events": events}
            self._recorder.record({**gap, "bytes": size} if size else gap)

    def flush(self) -> None:
        """Hand on what redaction holds back."""
        self._held_output.flush()
        self._held_input.flush()

    def end(self, exit_code: int | None) -> None:
        """End the track; a second call does nothing.

        A slow disk is waited for no longer than elsewhere: what is not on it yet is written all the same.
        """
        with shielded(), self._turns:
            if self._ended:
                return
            self._ended = True
            for decoder, held in ((self._output, self._held_output), (self._input, self._held_input)):
                if rest := decoder.finish():
                    held.feed(rest)
                self._recorder.drop_held_text(held)
            end = {"type": "terminal_end", "track": self.name}
            self._recorder.record({**end, "exit_code": exit_code} if exit_code is not None else end)
            self.cast.close(WAIT_SECONDS)

    def _write(self, code: str, text: str, urgent: bool) -> None:
        if self._recorder.active:  # else it was given up while the program ran
            with contextlib.suppress(NoActiveRecording):  # or just now
                self.cast.write(code, text, urgent=urgent)
