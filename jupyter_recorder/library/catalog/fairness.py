"""In which order recordings are read into the index, so that none waits for a large one."""

from __future__ import annotations

from typing import Final

_WAITING: Final = ""


class Fairness:
    """First what was read to its end the last time, then what was not, the one whose turn is longest ago first.

    What nobody has written to since the index was looked at first is one among them, all of it together: what is
    recorded just now has little to read, and would wait for thousands.
    """

    def __init__(self) -> None:
        self._cut: dict[str, int] = {}
        self._count = 0

    def order(self, due: list[str], waiting: list[str]) -> list[tuple[str, list[str]]]:
        """Return the turns: a name for `took`, and what is to be read."""
        turns = [(path, [path]) for path in due]
        if waiting:
            turns.append((_WAITING, waiting))
        self._cut = {name: self._cut[name] for name, _ in turns if name in self._cut}
        return sorted(turns, key=lambda turn: self._cut.get(turn[0], 0))

    def took(self, name: str, *, is_cut: bool) -> None:
        """Keep whether a turn ended before all was read."""
        self._cut.pop(name, None)
        if is_cut:
            self._count += 1
            self._cut[name] = self._count

    @property
    def are_cut(self) -> bool:
        """Whether something is left to read."""
        return bool(self._cut)
