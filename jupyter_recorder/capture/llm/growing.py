"""A streamed answer as it grows: its parts, and the text that is shown, which only ever gets longer; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ...convert import parts
from ...convert.parts import Part
from ...convert.quoting import one_line
from .neutral import Piece

# More of them than arguments are likely to hold: the fence is begun before its text is known.
_FENCE: Final = "``````"


@dataclass
class _Open:
    number: int
    kind: str
    pieces: list[str]
    name: str | None
    call_id: str | None


class Growing:
    """One choice of an answer."""

    def __init__(self) -> None:
        self._parts: dict[object, _Open] = {}
        self._current: _Open | None = None

    def add(self, piece: Piece) -> list[tuple[str, dict[str, Any] | None]]:
        """Take a piece; return the texts to show, each with the part it belongs to (None: a plain answer's text)."""
        part = self._parts.get(piece.key)
        if part is None:
            part = _Open(len(self._parts), piece.kind, [], piece.name, piece.call_id)
            self._parts[piece.key] = part
        part.name, part.call_id = part.name or piece.name, part.call_id or piece.call_id
        part.pieces.append(piece.text)
        shown: list[tuple[str, dict[str, Any] | None]] = []
        if part is not self._current:
            before = self._current
            if before is not None:
                shown.append((_end(before) + "\n\n", _label(before)))
            self._current = part
            if opening := _begin(part):
                shown.append((opening, _label(part)))
        if piece.text:
            text = piece.text.replace("\n", "\n> ") if part.kind == "reasoning" else piece.text
            shown.append((text, _label(part)))
        return shown

    def end(self) -> list[tuple[str, dict[str, Any] | None]]:
        """Return the text that ends what is shown."""
        ending = _end(self._current) if self._current is not None else ""
        return [(ending, _label(self._current))] if ending and self._current is not None else []

    def parts(self) -> list[Part]:
        """Return the parts as they are by now."""
        return [_part(part, "".join(part.pieces)) for part in self._parts.values()]


def _part(part: _Open, text: str) -> Part:
    if part.kind == "reasoning":
        return parts.reasoning(text)
    if part.kind == "tool_call":
        return parts.tool_call(part.name or "", text, part.call_id)
    return parts.text(text)


def _begin(part: _Open) -> str:
    if part.kind == "reasoning":
        return "> "
    return f"**→ {one_line(part.name or '')}**\n\n{_FENCE}json\n" if part.kind == "tool_call" else ""


def _end(part: _Open) -> str:
    return f"\n{_FENCE}" if part.kind == "tool_call" else ""


def _label(part: _Open) -> dict[str, Any] | None:
    return None if part.kind == "text" and part.number == 0 else {"index": part.number, "type": part.kind}
