"""Where an importer puts what it reads: recordings, and the account of what was and was not understood."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

from ..errors import RecError
from ..library.library import Library
from ..library.manifest import Kind
from ..redact import Redactor
from .draft import Draft
from .names import as_name

_TOLD: Final = 20
# What tells that two imports are of one thing.
_SAME: Final = ("format", "session_id", "file")


@dataclass
class Sink:
    """Makes finished recordings in `library`; counts messages and what is not known, and keeps warnings."""

    library: Library
    redactor: Redactor
    format: str
    file: str
    recordings: list[str] = field(default_factory=list)
    messages: int = 0
    unknown: int = 0
    warnings: list[str] = field(default_factory=list)
    _untold: int = 0

    def warn(self, text: str) -> None:
        """Say what a person should know; after twenty only their number is kept."""
        if len(self.warnings) < _TOLD:
            self.warnings.append(text)
        else:
            self._untold += 1

    def all_warnings(self) -> list[str]:
        """Return the warnings, the last one telling how many more there were."""
        return [*self.warnings, *([f"and {self._untold} more of this kind"] if self._untold else [])]

    @contextlib.contextmanager
    def recording(
        self, title: str, kind: Kind, started_ms: int, *, fallback: str = "", **source: Any
    ) -> Iterator[Draft]:
        """Give a recording to fill, finished and listed at the end, or gone if filling it failed.

        `title` may be any text (empty: `fallback`, then the file's name); `source` is what the manifest says of where
        it comes from, beside format and file.
        """
        shown = title.strip() or fallback.strip() or self.file
        draft = Draft.begin(
            self.library,
            as_name(shown),
            kind,
            started_ms,
            title=title.strip() or None,
            redactor=self.redactor,
            imported={"format": self.format, "file": self.file, **source},
        )
        try:
            yield draft
            unknown, messages = draft.unknown, draft.messages
            self.recordings.append(draft.publish())
            self._tell_copy(draft)
        except BaseException:
            draft.abandon()
            raise
        self.unknown += unknown
        self.messages += messages

    def _tell_copy(self, draft: Draft) -> None:
        """Say so if the same thing was imported before: both stay, since they may differ."""
        made, wanted = self.recordings[-1], draft.wanted_id
        if made == wanted:
            return
        with contextlib.suppress(RecError):
            before = cast(dict[str, Any], self.library.find(wanted).manifest).get("imported")
            if isinstance(before, dict) and all(before.get(key) == draft.imported.get(key) for key in _SAME):
                self.warn(f"{wanted!r} was imported from there before; {made!r} is another copy")
