"""A recording read and written again, event by event, through a clock and a redactor, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from ..asciicast.format import Event
from ..convert.castdraft import CastDraft
from ..convert.draft import Draft
from ..convert.source import Source
from ..errors import InvalidCast, InvalidEvent
from .streams import StreamedTexts
from .timemap import TimeMap

# Given by whoever writes a journal, and told of what was sent, which is no longer what stands there.
_GIVEN: Final = ("seq", "raw", "raw_bytes", "event_id", "producer", "producer_seq", "offset")
# Events that only make sense after one that began what they go on with, and which one.
_GOES_ON: Final = {
    "message_append": ("message", "message_id"), "message_update": ("message", "message_id"),
    "message_delete": ("message", "message_id"), "output": ("cell", "cell_id"), "clear_output": ("cell", "cell_id"),
    "cell_end": ("cell", "cell_id"), "command_end": ("command", "track"),
}  # fmt: skip
_BEGINS: Final = {"message_add": ("message", "message_id"), "cell_start": ("cell", "cell_id"),
                  "command_start": ("command", "track")}  # fmt: skip
# What says how things ended stays, moved to where the cut began; so does what tells how the recording went.
_STAYS: Final = frozenset(("cell_end", "command_end", "session_start", "session_update", "session_end"))
# A terminal's modes (another screen, the cursor hidden) hold on after a cut in which they were set.
_MODES: Final = re.compile(r"\x1b\[\?[0-9;]+[hl]")


class Copy:
    """Copies `source` into `draft`; `move` says what goes and where the rest moves, `streams` finds secrets."""

    def __init__(self, source: Source, draft: Draft, move: TimeMap, streams: StreamedTexts) -> None:
        self._source, self._draft, self._move, self._streams = source, draft, move, streams
        self._start = int(source.manifest["started_at"])
        self._gone: set[tuple[str, str]] = set()
        self._tracks: dict[str, CastDraft] = {}
        self._names: dict[str, str] = {}

    def run(self) -> None:
        """Copy all of it; raises `StorageError`."""
        for event in self._source.events():
            at = self._at(event)
            if not self._is_left_out(event, at):
                for passed in self._streams.passed(event):
                    self._write(passed, self._moved(at))
        for rest in self._streams.rest():
            self._write(rest, None)

    def _at(self, event: dict[str, Any]) -> float:
        at = event.get("at")
        return ((at if type(at) is int else self._start) - self._start) / 1000

    def _moved(self, time: float) -> int:
        return self._start + round(self._move(time) * 1000)

    def _is_left_out(self, event: dict[str, Any], time: float) -> bool:
        kind = str(event.get("type"))
        is_cut = self._move.is_cut(time)
        if kind in _BEGINS:
            name, field = _BEGINS[kind]
            thing = name, str(event.get(field))
            self._gone.add(thing) if is_cut else self._gone.discard(thing)
        elif kind in _GOES_ON:
            name, field = _GOES_ON[kind]
            if (name, str(event.get(field))) in self._gone:
                return True
        return is_cut and kind not in _STAYS and not kind.startswith("terminal_")

    def _write(self, event: dict[str, Any], at: int | None) -> None:
        kind = event.get("type")
        if kind in ("resume", "clock", "refused"):  # of the old writers and clocks
            return
        if kind == "terminal_start":
            self._begin_terminal(event, at)
        elif kind == "terminal_end":
            self._end_terminal(event, at)
        else:
            clean = {key: value for key, value in event.items() if key not in _GIVEN and key != "at"}
            if clean.get("track") in self._names:
                clean["track"] = self._names[clean["track"]]
            try:
                self._draft.event(clean, at)
            except InvalidEvent:  # of a later version, or damaged: kept, where nothing has to understand it
                self._draft.keep_unknown(f"event {event.get('seq')}", clean, at)

    def _begin_terminal(self, event: dict[str, Any], at: int | None) -> None:
        file, name = str(event.get("file")), str(event.get("track"))
        if file not in self._source.casts():
            return
        try:
            cast = self._source.cast(file)
        except InvalidCast:
            return
        begun = self._at(event)
        command = event.get("command")
        header = replace(cast.header, command=command if isinstance(command, str) else cast.header.command)
        terminal = self._draft.terminal(header, at)
        self._tracks[name] = terminal
        self._names[name] = f"terminal-{len(self._names) + 1}" if self._names else "terminal"
        for shown in self._shown(cast.events, begun):
            terminal.event(shown.time, shown.code, shown.data)

    def _shown(self, events: Iterator[Event], begun: float) -> Iterator[Event]:
        zero = self._move(begun)
        for event in events:
            time = begun + event.time
            moved = event._replace(time=max(0.0, self._move(time) - zero))
            if not self._move.is_cut(time) or event.code == "r":
                yield moved
            elif event.code == "o" and (modes := "".join(_MODES.findall(event.data))):
                yield moved._replace(data=modes)

    def _end_terminal(self, event: dict[str, Any], at: int | None) -> None:
        terminal = self._tracks.pop(str(event.get("track")), None)
        if terminal is not None:
            code = event.get("exit_code")
            terminal.exit_code = code if type(code) is int else None
            self._draft.last_at = max(self._draft.last_at, at or 0)
            terminal.end()
