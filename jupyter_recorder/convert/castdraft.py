"""One terminal of a recording that is made of another program's file, with that file's times."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from ..asciicast.format import MAX_TIME, Event, Header, encode_event, encode_header
from ..asciicast.text import pieces
from ..redact import Redactor, StreamRedactor
from .appender import Appender

if TYPE_CHECKING:
    from .draft import Draft

# As when recording: what may be the beginning of a secret waits so long, in seconds, then it stands as it is.
_HELD_SECONDS: Final = 0.1


class CastDraft:
    """Takes a terminal's events in order of time; ends with `end`, at the latest when its recording is published."""

    def __init__(self, draft: Draft, track: str, header: Header, appender: Appender, redactor: Redactor) -> None:
        self._draft, self._track = draft, track
        self.appender = appender
        self._redactor = redactor
        self._start_at = draft.last_at
        self._streams: dict[str, StreamRedactor] = {}
        self._held_since: float | None = None
        self._last = 0.0
        self._ended = False
        self.exit_code: int | None = None
        fields = redactor.value(dataclasses.asdict(header))
        appender.write(encode_header(Header(**{**fields, "timestamp": self._start_at // 1000})))

    def event(self, time: float, code: str, data: str) -> None:
        """Append one event; `time` in seconds since the terminal's zero, clamped to the time before."""
        self._draft.beat()
        time = min(max(self._last, time), MAX_TIME)
        if code not in ("o", "i"):
            self._release()
            self._write(time, code[:1], self._redactor.text(data))
            return
        if self._held_since is not None and time - self._held_since > _HELD_SECONDS:
            self._release()
        stream = self._streams.setdefault(code, StreamRedactor(self._redactor))
        for piece in pieces(stream.feed(data)):
            self._write(time, code, piece)
        self._held_since = (self._held_since or time) if any(one.pending for one in self._streams.values()) else None
        self._last = max(self._last, time) if self._held_since is None else self._last

    def end(self) -> None:
        """End it: what redaction held back is written, all is synced, and the journal says so."""
        if self._ended:
            return
        self._ended = True
        self._release()
        self.appender.close()
        end: dict[str, Any] = {"type": "terminal_end", "track": self._track, "exit_code": self.exit_code}
        self._draft.event(end, self._start_at + round(self._last * 1000))

    def _release(self) -> None:
        time = self._held_since or self._last
        self._held_since = None
        for code, stream in self._streams.items():
            for piece in pieces(stream.flush()):
                self._write(max(time, self._last), code, piece)

    def _write(self, time: float, code: str, data: str) -> None:
        self._last = max(self._last, time)
        self.appender.write(encode_event(Event(self._last, code, data)))
