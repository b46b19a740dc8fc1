"""What a recording holds: the counts, the tracks, and whether there is anything to keep; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from ..timeline import Counts
from .manifest import Track

# Lines that tell how the recording went, not what was recorded: alone, they leave it empty.
_STRUCTURE: Final = frozenset(
    {"session_start", "session_update", "session_snapshot", "session_end", "terminal_start", "terminal_end"}
    | {"gap", "resume", "clock", "refused", "clear_output", "cell_end", "command_end"}
)
_BEGINS_TRACK: Final = frozenset({"cell_start", "message_add", "session_snapshot", "terminal_start"})
_TERMINAL_KEYS: Final = {"file": str, "cols": int, "rows": int, "command": str}


class Contents:
    """Takes events one by one; begins with the `tracks` that are known already.

    `has_content` tells whether a person would miss anything of them.
    """

    def __init__(self, tracks: Iterable[Track] = ()) -> None:
        self.counts = Counts()
        self.has_content = False
        self._tracks: dict[str, Track] = {track["track"]: track for track in tracks}

    @property
    def tracks(self) -> list[Track]:
        """The tracks so far, in the order of their appearance."""
        return list(self._tracks.values())

    def add(self, event: Mapping[str, Any], times: int = 1) -> None:
        """Take one event, or so many of its type that are alike in what is counted."""
        kind = event.get("type")
        kind = kind if isinstance(kind, str) else ""
        self.counts.add(event, times)
        # A type that is not known here is content: what cannot be judged is never thrown away.
        self.has_content = self.has_content or kind not in _STRUCTURE or self.counts.content > 0
        if kind in _BEGINS_TRACK:
            self._note_track(kind, event)

    def _note_track(self, kind: str, event: Mapping[str, Any]) -> None:
        if self.counts.cells:
            self._tracks.setdefault("cells", {"track": "cells", "kind": "cells"})
        if self.counts.messages:
            self._tracks.setdefault("chat", {"track": "chat", "kind": "chat"})
        if kind == "terminal_start" and isinstance(name := event.get("track"), str):
            fields = {key: event[key] for key, type_ in _TERMINAL_KEYS.items() if type(event.get(key)) is type_}
            self._tracks[name] = cast(Track, {"track": name, "kind": "terminal", **fields})
