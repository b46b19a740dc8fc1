"""What stands on a recording's timeline, each thing whole, one after the other, in bounded memory.

A first reading notes which things are changed after they began, and by which event last. The second folds, and lets go
of each thing once nothing changes it any more. Things keep the order in which they began, so those after one that is
still growing wait for it: in a file, once they are many.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..journal.fingerprints import Fingerprints
from ..timeline import Cell, Command, Mark, Message, Session
from .source import Source
from .waiting import Waiting

Thing = tuple[str, Any]
"""A kind (`cell`, `message`, `mark`, `command`, `terminal`) and the `Cell`, `Message`, `Mark`, `Command` or event."""
Key = tuple[str, ...]
_RECENT: Final = 4096


def items(source: Source) -> Iterator[Thing]:
    """Yield the things that began at the options' `start` or later."""
    source.passes(2)
    last = _last_changes(source)
    window = _Window()
    with Waiting() as waiting:
        for number, event in enumerate(source.events(), 1):
            window.apply(event)
            for key, thing in window.taken():
                waiting.add(thing, last.of(key))
            for thing in waiting.done(number, window.forget):
                yield from _from(source.start_at, thing)
        for thing in waiting.rest():
            yield from _from(source.start_at, thing)


def _last_changes(source: Source) -> _Last:
    """Return which event changes each thing last; events are counted as they are read."""
    last = _Last()
    changes = _Changes()
    for number, event in enumerate(source.events(payloads=False), 1):
        for key in changes.of(event):
            last.note(key, number)
        said = "message", str(event.get("message_id"))
        if event.get("type") == "message_add" and last.of(said):  # taken back, and said again
            last.note(said, number)
    return last


class _Last:
    """The last event of each thing: 24 bytes a thing, since a recording of a gigabyte holds a million of them.

    Two things of one hash wait for the later event.
    """

    def __init__(self) -> None:
        self._recent: OrderedDict[Key, int] = OrderedDict()  # what goes on changing is added once, when it has rested
        self._rested = Fingerprints()

    def note(self, key: Key, number: int) -> None:
        """Note that event `number` changes a thing."""
        self._recent[key] = number
        self._recent.move_to_end(key)
        if len(self._recent) > _RECENT:
            self._rested.add(*self._recent.popitem(last=False))

    def of(self, key: Key) -> int:
        """Return the number of the last event that changes a thing; 0 if it begins whole."""
        return self._recent.get(key) or max(self._rested.find(key), default=0)


class _Changes:
    """Tells which things an event changes."""

    def __init__(self) -> None:
        self._displays: dict[str, tuple[str, ...]] = {}
        self._commands: Counter[str] = Counter()
        self._running: dict[str, list[str]] = {}

    def of(self, event: Mapping[str, Any]) -> Iterator[Key]:
        """Yield the keys of the things that `event` changes."""
        kind, track = str(event.get("type")), str(event.get("track"))
        if kind in ("message_append", "message_update", "message_delete"):
            yield "message", str(event.get("message_id"))
        elif kind in ("output", "clear_output", "cell_end", "cell_start"):
            yield from self._cell(event)
        elif kind == "update_display":
            yield from (("cell", cell) for cell in self._displays.get(str(event.get("display_id")), ()))
        elif kind == "command_start":
            self._commands[track] += 1
            self._running.setdefault(track, []).append(str(self._commands[track]))
        elif kind == "command_end" and (running := self._running.get(track)):
            yield "command", track, running[-1]
            if event.get("duration_ms") is not None:
                running.pop()
        elif kind == "session_snapshot" and isinstance(messages := event.get("messages"), list):
            yield from (("message", str(one.get("message_id"))) for one in messages if isinstance(one, Mapping))

    def _cell(self, event: Mapping[str, Any]) -> Iterator[Key]:
        cell_id = str(event.get("cell_id"))
        yield "cell", cell_id
        if (display := _display_of(event)) is not None and cell_id not in (known := self._displays.get(display, ())):
            self._displays[display] = (*known, cell_id)


class _Window(Session):
    """A fold that can let go of what is done."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: Counter[str] = Counter()
        self._cells_of: dict[str, set[str]] = {}  # by display
        self._displays_of: dict[str, set[str]] = {}  # by cell

    def apply(self, event: Mapping[str, Any]) -> None:
        """Fold one event in, and note which cell shows a display."""
        super().apply(event)
        if (display := _display_of(event)) is not None:
            cell = str(event.get("cell_id"))
            self._cells_of.setdefault(display, set()).add(cell)
            self._displays_of.setdefault(cell, set()).add(display)

    def taken(self) -> list[tuple[Key, Thing]]:
        """Return what began since the last call, each with the key that tells it from others."""
        taken = [(self._key(*thing), thing) for thing in self.order]
        self.order.clear()
        self.cells.clear()
        self.marks.clear()
        return taken

    def _key(self, kind: str, value: Any) -> Key:
        if isinstance(value, Cell):
            return kind, value.cell_id
        if isinstance(value, Message):
            return kind, value.message_id
        if isinstance(value, Command):
            self._numbers[value.track] += 1
            return kind, value.track, str(self._numbers[value.track])
        return (kind,)

    def forget(self, thing: Thing) -> None:
        """Forget a thing that nothing changes any more."""
        value = thing[1]
        if isinstance(value, Cell):
            if self._latest.get(value.cell_id) is value:
                del self._latest[value.cell_id]
            self._forget_displays(value)
        elif isinstance(value, Message) and self.messages.get(value.message_id) is value:
            del self.messages[value.message_id]
        elif isinstance(value, Command):
            self.commands[:] = [one for one in self.commands if one is not value]

    def _forget_displays(self, cell: Cell) -> None:
        for display in self._displays_of.pop(cell.cell_id, ()):
            cells = self._cells_of[display]
            cells.discard(cell.cell_id)
            if not cells:
                del self._cells_of[display]
                self._displays.pop(display, None)


def _display_of(event: Mapping[str, Any]) -> str | None:
    """Return the id under which a cell shows an output that may be updated."""
    output = event.get("output") if event.get("type") == "output" else None
    transient = output.get("transient") if isinstance(output, Mapping) else None
    display = transient.get("display_id") if isinstance(transient, Mapping) else None
    return display if isinstance(display, str) else None


def _from(start_at: int, thing: Thing) -> Iterator[Thing]:
    """Yield the thing if it began at `start_at` or later; a terminal, which may go on, always."""
    if thing[0] == "terminal" or started_at(thing) >= start_at:
        yield thing


def started_at(thing: Thing) -> int:
    """Return when a thing began, in Unix ms."""
    value = thing[1]
    if isinstance(value, Message):
        return value.created_at
    if isinstance(value, Cell | Command):
        return value.started_at
    return value.at if isinstance(value, Mark) else int(value.get("at", 0))
