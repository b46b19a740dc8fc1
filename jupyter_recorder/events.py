"""The vocabulary: every event that a journal can hold, as a msgspec struct.

Events travel as plain mappings, so that fields and types that this version does not know are kept; the structs
say which fields an event must have, and `check` holds an event against them. All times are Unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from .checked import prepare
from .errors import InvalidEvent

ID_BYTES: Final = 256
OUR_MIME: Final = "application/vnd.jupyter-recorder.v1+json"
CAST_MIME: Final = "application/x-asciicast"

Metadata = dict[str, Any]
# 1 to 256 bytes of UTF-8: what has no more characters is held against its bytes where it comes in.
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_BYTES)]
# Text that may stand in a blob: the string itself, or its reference.
Payload = str | dict[str, Any]


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


class Event(msgspec.Struct, tag_field="type", tag=_snake, omit_defaults=True):
    """What all events have; `seq`, `at` and `by` are given by the recorder, the ids by a client that wants them."""

    event_id: Id | UnsetType = UNSET
    producer: Id | UnsetType = UNSET
    producer_seq: Annotated[int, msgspec.Meta(ge=1)] | UnsetType = UNSET


# -- chat


class SessionStart(Event, kw_only=True):
    """A client's session begins or goes on."""

    session_id: str
    provider: str
    title: str | None = None
    model: str | None = None
    workspace_id: str | None = None
    workspace_path: str | None = None
    metadata: Metadata | None = None


class SessionUpdate(Event, kw_only=True):
    """A session's title, model or metadata change; metadata merges key by key."""

    session_id: str
    title: str | None = None
    model: str | None = None
    metadata: Metadata | None = None


class SessionSnapshot(Event, kw_only=True):
    """All messages that a client holds; what is recorded and not among them stays."""

    session_id: str
    provider: str
    messages: list[dict[str, Any]]
    title: str | None = None
    workspace_path: str | None = None
    metadata: Metadata | None = None


class SessionEnd(Event, kw_only=True):
    """A session ends in order."""

    session_id: str
    final_message_count: int | None = None


class MessageAdd(Event, kw_only=True):
    """A message begins, or stands whole."""

    message_id: str
    role: str
    content: Payload
    session_id: str | UnsetType = UNSET
    model: str | None = None
    parent_id: str | None = None
    metadata: Metadata | None = None


class MessageUpdate(Event, kw_only=True):
    """A message's content is replaced."""

    message_id: str
    content: Payload
    is_complete: bool
    session_id: str | UnsetType = UNSET


class MessageAppend(Event, kw_only=True):
    """A message grows; `offset` is its length before, in UTF-8 bytes as they were sent.

    `part` says of which part the text is, by number and type; `metadata` is what is known by now, merged key by key.
    """

    message_id: str
    content_delta: Payload
    offset: int | UnsetType = UNSET
    session_id: str | UnsetType = UNSET
    part: dict[str, Any] | None = None
    metadata: Metadata | None = None


class MessageDelete(Event, kw_only=True):
    """A message is taken back."""

    message_id: str
    session_id: str | UnsetType = UNSET


# -- cells


class CellStart(Event, kw_only=True):
    """A cell begins to run; `hidden` if it is kept out of the history."""

    cell_id: str
    execution_count: int | None
    source: Payload
    hidden: bool = False


class Output(Event, kw_only=True):
    """A cell shows an output, in nbformat's form."""

    cell_id: str
    output: dict[str, Any]


class ClearOutput(Event, kw_only=True):
    """A cell's outputs go: at once, or when the next one comes (`wait`)."""

    cell_id: str
    wait: bool


class UpdateDisplay(Event, kw_only=True):
    """Every display with this id shows another output."""

    display_id: str
    output: dict[str, Any]


class CellEnd(Event, kw_only=True):
    """A cell has run: `ok`, `error` or `aborted`."""

    cell_id: str
    status: str
    duration_ms: int


# -- terminals


class TerminalStart(Event, kw_only=True):
    """A terminal begins; the event's `at` is the origin of the `.cast` named by `file`."""

    track: str
    file: str
    cols: int
    rows: int
    command: str | None = None


class TerminalEnd(Event, kw_only=True):
    """A terminal ends."""

    track: str
    exit_code: int | None = None


class CommandStart(Event, kw_only=True):
    """A command begins in a terminal."""

    track: str
    command: str
    cwd: str | None = None


class CommandEnd(Event, kw_only=True):
    """A command has ended; `exit_code` is 128+n after signal n."""

    track: str
    exit_code: int | None
    duration_ms: int


# -- the rest


class Marker(Event, kw_only=True):
    """A chapter on the timeline."""

    label: str


class Note(Event, kw_only=True):
    """A remark on the timeline."""

    text: str


class Gap(Event, kw_only=True):
    """Something is missing here, or went by another way: why, and how much."""

    reason: str
    events: int | None = None
    bytes: int | None = None


class Resume(Event, kw_only=True):
    """The recording goes on after it had ended."""

    writer: dict[str, Any]


class Clock(Event, kw_only=True):
    """The wall clock was set, or the machine slept: what it says now."""

    wall_ms: int


class Refused(Event, kw_only=True):
    """A producer's number was used up by an event that is not recorded."""

    code: str


ALL: Final[tuple[type[Event], ...]] = (
    SessionStart, SessionUpdate, SessionSnapshot, SessionEnd,
    MessageAdd, MessageUpdate, MessageAppend, MessageDelete,
    CellStart, Output, ClearOutput, UpdateDisplay, CellEnd,
    TerminalStart, TerminalEnd, CommandStart, CommandEnd,
    Marker, Note, Gap, Resume, Clock, Refused,
)  # fmt: skip

prepare(*ALL)

TYPES: Final[dict[str, type[Event]]] = {str(struct.__struct_config__.tag): struct for struct in ALL}


def check(event: Mapping[str, Any]) -> None:
    """Hold an event against its struct; raises `InvalidEvent`, which names the field.

    A type that is not in the vocabulary is invalid to record, though readers keep it.
    """
    kind = event.get("type")
    struct = TYPES.get(kind) if isinstance(kind, str) else None
    if struct is None:
        raise InvalidEvent(f"{str(kind)[:60]!r} is no event type")
    try:
        msgspec.convert(event, struct)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidEvent(f"{kind}: {error}") from error
