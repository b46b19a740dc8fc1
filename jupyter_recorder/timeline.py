"""Events to a session: the pure fold behind recovery, replay, export and the counts that are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

# The year 9999: what a date can show.
_TIME_LIMIT_MS: Final = 253_402_300_800_000

_ABOUT: Final = ("provider", "title", "model", "workspace_id", "workspace_path")

# What makes a recording worth keeping. The bytes of terminals count too, but they stand in the `.cast` files.
_CONTENT: Final = {
    "cell_start": "cells",
    "output": "outputs",
    "update_display": "outputs",
    "message_add": "messages",
    "marker": "markers",
    "note": "notes",
    "command_start": "commands",
    "terminal_start": "terminals",
    "gap": "gaps",
}


@dataclass
class Counts:
    """How many of each a recording holds."""

    events: int = 0
    cells: int = 0
    outputs: int = 0
    errors: int = 0
    messages: int = 0
    commands: int = 0
    terminals: int = 0
    markers: int = 0
    notes: int = 0
    gaps: int = 0

    def add(self, event: Mapping[str, Any], times: int = 1) -> None:
        """Count one event, or so many like it."""
        self.events += times
        kind = event.get("type")
        name = _CONTENT.get(kind) if isinstance(kind, str) else None
        if name is not None:
            setattr(self, name, getattr(self, name) + times)
        if kind == "output" and _is_error(event):
            self.errors += times
        if kind == "session_snapshot" and isinstance(messages := event.get("messages"), list):
            self.messages += len(messages) * times

    @property
    def content(self) -> int:
        """How much there is that a person would miss (0: the recording is empty but for its terminals' text)."""
        return self.cells + self.outputs + self.messages + self.commands + self.markers + self.notes

    def as_dict(self) -> dict[str, int]:
        """Return the counts for a manifest."""
        return asdict(self)


def count(events: Iterable[Mapping[str, Any]]) -> Counts:
    """Count all events of a journal."""
    counts = Counts()
    for event in events:
        counts.add(event)
    return counts


@dataclass
class Cell:
    """One run of a cell; `outputs` are nbformat outputs (a stream's text in pieces), times Unix ms.

    `status` is None while it runs.
    """

    cell_id: str
    execution_count: int | None
    source: Any
    hidden: bool
    started_at: int
    outputs: list[dict[str, Any]] = field(default_factory=list)
    status: str | None = None
    ended_at: int | None = None
    clear_next: bool = False

    def final_outputs(self) -> list[dict[str, Any]]:
        """Return the outputs as a notebook holds them, each stream's text in one string."""
        return [_whole(output) for output in self.outputs]


@dataclass
class Message:
    """One chat message; `content` is what stands at the end of the fold."""

    message_id: str
    role: str
    # In pieces, because a long answer comes in a hundred thousand of them.
    parts: list[str]
    created_at: int
    complete: bool = True
    deleted: bool = False
    model: str | None = None
    parent_id: str | None = None
    by: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """The message's text."""
        if len(self.parts) > 1:
            self.parts[:] = ["".join(self.parts)]
        return self.parts[0] if self.parts else ""


@dataclass
class Command:
    """One command in a terminal."""

    track: str
    command: str
    started_at: int
    cwd: str | None = None
    exit_code: int | None = None
    duration_ms: int | None = None


@dataclass
class Mark:
    """A labelled moment: a marker, a note, an error or a gap, by `kind`."""

    at: int
    kind: str
    label: str


@dataclass
class Session:
    """What a recording amounts to after the events folded so far."""

    cells: list[Cell] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    # What stands on the timeline in the order in which it came: ("cell", Cell), ("message", Message), …
    order: list[tuple[str, Any]] = field(default_factory=list)
    last_at: int = 0
    # Of a client's session: what it said of itself last; metadata merges key by key.
    about: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    _latest: dict[str, Cell] = field(default_factory=dict)
    _displays: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def apply(self, event: Mapping[str, Any]) -> None:
        """Fold one event in; types that are not known change nothing."""
        self.last_at = max(self.last_at, _at(event))
        fold = _FOLDS.get(str(event.get("type")))
        if fold is not None:
            fold(self, event)

    def _place(self, kind: str, thing: Any) -> None:
        self.order.append((kind, thing))


def fold(events: Iterable[Mapping[str, Any]]) -> Session:
    """Fold all events of a journal."""
    session = Session()
    for event in events:
        session.apply(event)
    return session


def _at(event: Mapping[str, Any], key: str = "at") -> int:
    """Return a time in Unix ms; 0 for what is none, since a damaged or foreign journal can hold anything."""
    at = event.get(key)
    return int(at) if isinstance(at, int | float) and 0 <= at < _TIME_LIMIT_MS else 0


def _is_error(event: Mapping[str, Any]) -> bool:
    output = event.get("output")
    return isinstance(output, Mapping) and output.get("output_type") == "error"


def _cell_start(session: Session, event: Mapping[str, Any]) -> None:
    _place_cell(
        session,
        Cell(
            _text(event.get("cell_id")),
            event.get("execution_count"),
            event.get("source", ""),
            event.get("hidden") is True,
            _at(event),
        ),
    )


def _place_cell(session: Session, cell: Cell) -> Cell:
    session.cells.append(cell)
    session._latest[cell.cell_id] = cell
    session._place("cell", cell)
    return cell


def _cell_of(session: Session, event: Mapping[str, Any]) -> Cell:
    """Return the cell of an output; one whose start was lost still shows what came of it."""
    cell_id = _text(event.get("cell_id"))
    known = session._latest.get(cell_id)
    return known or _place_cell(session, Cell(cell_id, None, "", False, _at(event), status="ok"))


def _output(session: Session, event: Mapping[str, Any]) -> None:
    output = event.get("output")
    if not isinstance(output, Mapping) or not isinstance(output.get("output_type"), str):
        return
    cell = _cell_of(session, event)
    _clear_if_due(cell)
    output = dict(output)
    transient = output.pop("transient", None)
    if isinstance(transient, Mapping) and (display := _text(transient.get("display_id"))):
        session._displays.setdefault(display, []).append(output)
    if output.get("output_type") == "stream":
        if _joined(cell, output):
            return
        output["text"] = [output.get("text", "")]
    cell.outputs.append(output)
    if output.get("output_type") == "error":
        label = f"{output.get('ename', 'error')}: {str(output.get('evalue', ''))[:80]}"
        session.marks.append(Mark(_at(event), "error", label))


def _joined(cell: Cell, output: Mapping[str, Any]) -> bool:
    """Let a stream's text go on in the stream output before it, as a notebook does."""
    last = cell.outputs[-1] if cell.outputs else {}
    if last.get("output_type") != "stream" or last.get("name") != output.get("name"):
        return False
    last["text"].append(output.get("text", ""))
    return True


def _whole(output: dict[str, Any]) -> dict[str, Any]:
    if output.get("output_type") != "stream":
        return output
    return {**output, "text": "".join(multiline(part) for part in output["text"])}


def multiline(value: Any) -> str:
    """Return text that nbformat may hold as a list of lines; empty for what is neither."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return _text(value)


def _clear_output(session: Session, event: Mapping[str, Any]) -> None:
    cell = session._latest.get(_text(event.get("cell_id")))
    if cell is not None:
        cell.clear_next = True
        if event.get("wait") is not True:
            _clear_if_due(cell)


def _clear_if_due(cell: Cell) -> None:
    if cell.clear_next:
        cell.clear_next = False
        cell.outputs.clear()


def _update_display(session: Session, event: Mapping[str, Any]) -> None:
    new = event.get("output")
    if not isinstance(new, Mapping):
        return
    for output in session._displays.get(_text(event.get("display_id")), ()):
        output["data"] = new.get("data", {})
        output["metadata"] = new.get("metadata", {})


def _cell_end(session: Session, event: Mapping[str, Any]) -> None:
    cell = session._latest.get(_text(event.get("cell_id")))
    if cell is not None:
        cell.status = str(event.get("status"))
        cell.ended_at = _at(event)


def _message_add(session: Session, event: Mapping[str, Any]) -> None:
    message = Message(
        _text(event.get("message_id")),
        _text(event.get("role")) or "user",
        [_text(event.get("content"))],
        _at(event, "created_at") or _at(event),
        model=_text(event.get("model")) or None,
        parent_id=_text(event.get("parent_id")) or None,
        by=_text(event.get("by")) or None,
        metadata=dict(metadata) if isinstance(metadata := event.get("metadata"), Mapping) else {},
    )
    known = session.messages.get(message.message_id)
    if known is None:
        session._place("message", message)
        session.messages[message.message_id] = message
    elif known.deleted:  # taken back, and said again: it has its place
        known.__dict__.update(message.__dict__)


def _message_append(session: Session, event: Mapping[str, Any]) -> None:
    message = session.messages.get(_text(event.get("message_id")))
    if message is not None:
        message.parts.append(_text(event.get("content_delta")))
        if isinstance(metadata := event.get("metadata"), Mapping):
            message.metadata.update(metadata)


def _message_update(session: Session, event: Mapping[str, Any]) -> None:
    message = session.messages.get(_text(event.get("message_id")))
    if message is not None:
        message.parts[:] = [_text(event.get("content"))]
        message.complete = bool(event.get("is_complete", True))


def _message_delete(session: Session, event: Mapping[str, Any]) -> None:
    message = session.messages.get(_text(event.get("message_id")))
    if message is not None:
        message.deleted = True


def _session_about(session: Session, event: Mapping[str, Any]) -> None:
    session.about.update({key: event[key] for key in _ABOUT if isinstance(event.get(key), str)})
    if isinstance(metadata := event.get("metadata"), Mapping):
        session.metadata.update(metadata)


def _session_snapshot(session: Session, event: Mapping[str, Any]) -> None:
    _session_about(session, event)
    messages = event.get("messages")
    for raw in messages if isinstance(messages, list) else ():
        if not isinstance(raw, Mapping):
            continue
        known = session.messages.get(_text(raw.get("message_id")))
        if known is None or known.deleted:
            _message_add(session, {"at": event.get("at"), **raw})
        else:
            known.parts[:] = [_text(raw.get("content"))]
            known.complete = True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _command_start(session: Session, event: Mapping[str, Any]) -> None:
    cwd = _text(event.get("cwd")) or None
    command = Command(str(event.get("track")), str(event.get("command")), _at(event), cwd=cwd)
    session.commands.append(command)
    session._place("command", command)


def _command_end(session: Session, event: Mapping[str, Any]) -> None:
    for command in reversed(session.commands):
        if command.track == event.get("track") and command.duration_ms is None:
            command.exit_code = event.get("exit_code")
            command.duration_ms = event.get("duration_ms")
            return


def _mark(kind: str, key: str) -> Any:
    def place(session: Session, event: Mapping[str, Any]) -> None:
        mark = Mark(_at(event), kind, _text(event.get(key)))
        session.marks.append(mark)
        session._place("mark", mark)

    return place


def _terminal_start(session: Session, event: Mapping[str, Any]) -> None:
    session._place("terminal", dict(event))


_FOLDS: Final[dict[str, Any]] = {
    "cell_start": _cell_start,
    "output": _output,
    "clear_output": _clear_output,
    "update_display": _update_display,
    "cell_end": _cell_end,
    "message_add": _message_add,
    "message_append": _message_append,
    "message_update": _message_update,
    "message_delete": _message_delete,
    "session_start": _session_about,
    "session_update": _session_about,
    "session_snapshot": _session_snapshot,
    "command_start": _command_start,
    "command_end": _command_end,
    "terminal_start": _terminal_start,
    "marker": _mark("marker", "label"),
    "note": _mark("note", "text"),
    "gap": _mark("gap", "reason"),
}
