"""What a client may send and what it is answered: PROTOCOL version 1 as msgspec structs; pure.

`parse` turns what came in a frame or a body into an event that can be recorded, or says why not. Everything that the
protocol leaves to the server (`seq`, `at`, `by`, …) is taken off there.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from . import errors
from .checked import prepare
from .events import ID_BYTES, Id, Metadata

VERSION: Final = 1
MAX_DEPTH: Final = 64
SYNCED: Final = "synced"
WRITTEN: Final = "written"

Count = Annotated[int, msgspec.Meta(ge=0)]

# -- what a client sends


class _Ids(msgspec.Struct, kw_only=True, tag_field="type"):
    """The names that a client may give an event; null is none."""

    event_id: Id | UnsetType | None = UNSET
    producer: Id | UnsetType | None = UNSET
    producer_seq: Annotated[int, msgspec.Meta(ge=1)] | UnsetType | None = UNSET


class Message(msgspec.Struct, kw_only=True):
    """A message in a snapshot; `created_at` is in Unix ms."""

    message_id: Id
    role: str
    content: str
    created_at: Count | None = None
    model: str | None = None
    parent_id: Id | None = None
    metadata: Metadata | None = None


class SessionStart(_Ids, tag="session_start", kw_only=True):
    """A session begins, or goes on."""

    session_id: Id
    provider: str
    workspace_id: str | None = None
    workspace_path: str | None = None
    title: str | None = None
    model: str | None = None
    metadata: Metadata | None = None


class SessionEnd(_Ids, tag="session_end", kw_only=True):
    """A session ends in order."""

    session_id: Id
    final_message_count: Count | None = None


class MessageAdd(_Ids, tag="message_add", kw_only=True):
    """A message begins, or stands whole."""

    session_id: Id
    message_id: Id
    role: str
    content: str
    model: str | None = None
    parent_id: Id | None = None
    metadata: Metadata | None = None


class MessageUpdate(_Ids, tag="message_update", kw_only=True):
    """A message's content is replaced."""

    session_id: Id
    message_id: Id
    content: str
    is_complete: bool


class MessageAppend(_Ids, tag="message_append", kw_only=True):
    """A message grows; `offset` in UTF-8 bytes of the message as the client sent it, before this delta."""

    session_id: Id
    message_id: Id
    content_delta: str
    offset: Count | None = None


class MessageDelete(_Ids, tag="message_delete", kw_only=True):
    """A message is taken back."""

    session_id: Id
    message_id: Id


class SessionUpdate(_Ids, tag="session_update", kw_only=True):
    """A session's title, model or metadata change."""

    session_id: Id
    title: str | None = None
    model: str | None = None
    metadata: Metadata | None = None


class SessionSnapshot(_Ids, tag="session_snapshot", kw_only=True):
    """All messages that a client holds."""

    session_id: Id
    provider: str
    messages: list[Message]
    workspace_path: str | None = None
    title: str | None = None
    metadata: Metadata | None = None


class Heartbeat(_Ids, tag="heartbeat", kw_only=True):
    """The client lives; `timestamp` is its own, in whatever form it keeps time."""

    timestamp: int | float | str
    session_id: Id | None = None


CLIENT_EVENTS: Final[tuple[type[_Ids], ...]] = (
    SessionStart, SessionEnd, MessageAdd, MessageUpdate, MessageAppend, MessageDelete, SessionUpdate, SessionSnapshot,
    Heartbeat,
)  # fmt: skip
_TYPES: Final = {str(struct.__struct_config__.tag): struct for struct in CLIENT_EVENTS}

# The status that an ack of each has.
STATUSES: Final = {
    "session_start": "session_started",
    "session_end": "session_ended",
    "message_add": "message_added",
    "message_update": "message_updated",
    "message_append": "message_appended",
    "message_delete": "message_deleted",
    "session_update": "session_updated",
    "session_snapshot": "snapshot_received",
    "heartbeat": "heartbeat",
}
BEGINS_SESSION: Final = frozenset(("session_start", "session_snapshot"))

# The server's own fields: what a client says there is ignored.
_SERVERS: Final = frozenset(("seq", "at", "by", "raw", "raw_bytes", "prev", "sig"))
_ID_FIELDS: Final = ("session_id", "message_id", "event_id", "producer", "parent_id")
_NAMES: Final = frozenset(("event_id", "producer", "producer_seq"))


_ShortId = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_BYTES // 3)]
_USUAL_FIELDS: Final = {**dict.fromkeys(_ID_FIELDS, _ShortId), "producer_seq": Annotated[int, msgspec.Meta(ge=1)]}


def _usual(struct: type[_Ids]) -> type[msgspec.Struct]:
    """Return the struct of the usual event of a type, which needs no second look.

    Its fields are known and hold no other value within them; its ids are not null, and short enough to be in any case
    within the bytes that an id may take.
    """
    fields: list[Any] = []
    for known in msgspec.structs.fields(struct):
        kind: Any = _USUAL_FIELDS.get(known.name, known.type)
        if known.name not in ("metadata", "messages"):
            fields.append((known.name, kind) if known.required else (known.name, kind | UnsetType, UNSET))
    tag = struct.__struct_config__.tag
    return msgspec.defstruct(
        f"Usual{struct.__name__}", fields, kw_only=True, tag_field="type", tag=tag, forbid_unknown_fields=True
    )


_USUAL: Final = {tag: _usual(struct) for tag, struct in _TYPES.items() if tag != "session_snapshot"}
_USUAL_APPENDS: Final[Any] = types.GenericAlias(list, (_USUAL["message_append"],))
prepare(*_TYPES.values(), *_USUAL.values())


def parse(raw: object) -> dict[str, Any]:
    """Return the event that a client sent, without what is the server's to say; raises `InvalidEvent`."""
    if not isinstance(raw, dict):
        raise errors.InvalidEvent("an event is a JSON object")
    kind = raw.get("type")
    struct = _TYPES.get(kind) if isinstance(kind, str) else None
    if struct is None or not isinstance(kind, str):
        raise errors.InvalidEvent(f"{str(kind)[:60]!r} is no event type that a client may send")
    if _is_usual(kind, raw):
        return raw
    try:
        msgspec.convert(raw, struct)
    except (msgspec.ValidationError, RecursionError) as error:
        raise errors.InvalidEvent(f"{kind}: {error}") from error
    return _cleaned(kind, raw)


def usual_appends(raws: Sequence[Any]) -> list[Any] | None:
    """Return appends that `parse` would give as they came, as structs; None if anything else is among them."""
    try:
        found: list[Any] = msgspec.convert(raws, _USUAL_APPENDS)
    except (msgspec.ValidationError, RecursionError):
        return None
    return found


def _is_usual(kind: str, raw: Mapping[str, Any]) -> bool:
    usual = _USUAL.get(kind)
    if usual is None or ("producer" in raw) is not ("producer_seq" in raw):
        return False
    try:
        msgspec.convert(raw, usual)
    except (msgspec.ValidationError, RecursionError):
        return False
    return True


def _cleaned(kind: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    if (raw.get("producer") is None) != (raw.get("producer_seq") is None):
        raise errors.InvalidEvent(f"{kind}: producer and producer_seq go together")
    for key, value in raw.items():
        if key in _ID_FIELDS and value is not None and not is_id(value):
            raise errors.InvalidEvent(f"{kind}: {key} takes over {ID_BYTES} bytes")
        if depth_over(value, MAX_DEPTH - 1):
            raise errors.InvalidEvent(f"{kind}: it nests more than {MAX_DEPTH} deep")
    return {
        key: value for key, value in raw.items() if key not in _SERVERS and (value is not None or key not in _NAMES)
    }


def is_id(value: object) -> bool:
    """Tell whether a value may name something: 1 to 256 bytes of UTF-8."""
    return isinstance(value, str) and 0 < len(value.encode("utf-8", "surrogatepass")) <= ID_BYTES


def names_of(raw: object) -> dict[str, Any]:
    """Return what of a bad event can be relied on: its names."""
    if not isinstance(raw, dict):
        return {}
    names = {key: raw[key] for key in ("session_id", "event_id", "producer") if is_id(raw.get(key))}
    number = raw.get("producer_seq")
    if "producer" in names and type(number) is int and number >= 1:
        names["producer_seq"] = number
    return names


def depth_over(value: object, depth: int) -> bool:
    """Tell whether a JSON value nests more than `depth` deep."""
    if isinstance(value, dict):
        items: Any = value.values()
    elif isinstance(value, list):
        items = value
    else:
        return False
    return depth <= 0 or any(depth_over(item, depth - 1) for item in items if isinstance(item, dict | list))


# -- what it is answered


class Ack(msgspec.Struct, tag="ack", kw_only=True, omit_defaults=True, gc=False):
    """An event is safe, as `durability` says; `seq` is its number in the recording."""

    event_id: str
    session_id: str
    status: str
    seq: int | UnsetType = UNSET
    durability: str = ""
    duplicate: bool = False
    warning: str | UnsetType = UNSET


class Error(msgspec.Struct, tag="error", kw_only=True, omit_defaults=True, gc=False):
    """An event, a request or a frame was refused: `code` for a program, `message` for a person."""

    code: str
    message: str
    event_id: str | UnsetType = UNSET
    expected: int | UnsetType = UNSET


class Recovery(msgspec.Struct, tag="recovery", kw_only=True, omit_defaults=True):
    """What is recorded of a session's messages."""

    session_id: str
    message_count: int
    last_message_id: str | UnsetType = UNSET


Answer = Ack | Error

# From the special to the general: the first that fits says the code.
_CODES: Final[tuple[tuple[type[errors.RecError], str], ...]] = (
    (errors.EventConflict, "conflict"),
    (errors.SequenceGap, "gap"),
    (errors.OffsetMismatch, "offset_mismatch"),
    (errors.MessageNotFound, "message_not_found"),
    (errors.EventTooLarge, "too_large"),
    (errors.InvalidEvent, "invalid_event"),
    (errors.InvalidName, "invalid_event"),
    (errors.SessionNotFound, "session_not_found"),
    (errors.RecordingNotFound, "recording_not_found"),
    (errors.TerminalNotFound, "terminal_not_found"),
    (errors.RecordingInProgress, "recording_in_progress"),
    (errors.StorageError, "persist_failed"),
    (errors.CorruptState, "persist_failed"),
    (errors.NoActiveRecording, "persist_failed"),
)
# An event refused so uses up its producer's number: sending it again would change nothing.
FINAL_CODES: Final = frozenset(("invalid_event", "message_not_found", "conflict", "offset_mismatch", "too_large"))


def code_of(error: Exception) -> str:
    """Return the protocol's code of an error."""
    if isinstance(error, errors.EventRefused) and error.refused_as in FINAL_CODES:
        return error.refused_as
    return next((code for kind, code in _CODES if isinstance(error, kind)), "persist_failed")


def error_answer(error: Exception, event_id: object = None) -> Error:
    """Return the answer that says what went wrong."""
    expected = getattr(error, "expected", UNSET)
    return Error(
        code=code_of(error),
        message=error.without_path if isinstance(error, errors.CorruptState) else str(error) or type(error).__name__,
        event_id=event_id if isinstance(event_id, str) else UNSET,
        expected=expected,
    )
