"""Every error that jupyter-recorder raises; each says what happened, to which recording, and what to do.

    RecError
    ├── InvalidName            a name or session id that cannot be used
    ├── RecordingNotFound      no recording of this id or name
    ├── SessionNotFound        no session of this id
    ├── TerminalNotFound       no terminal of this name, or none that is recorded
    ├── RecordingInProgress    another live owner holds the recording (or this process already records)
    ├── NoActiveRecording      nothing is being recorded here
    ├── CorruptState           a lock, owner record or manifest that cannot be read
    ├── StorageError           the folder of recordings cannot be used (full, read-only, missing)
    │   ├── PersistFailed      an event is not known to be safe on disk
    │   └── OutboxFull         a client's outbox holds as much as it may
    ├── OutboxInUse            another client has this outbox
    ├── EventsRefused          a server refused events of a client for good
    ├── InvalidEvent           an event that does not fit the vocabulary
    │   ├── EventConflict      the same event id or producer number with other content
    │   ├── EventRefused       a producer number that was used up by an event refused before
    │   ├── EventTooLarge      an event over a limit
    │   ├── MessageNotFound    an event for a message that the session does not have
    │   ├── OffsetMismatch     an append that does not begin where its message ends
    │   └── SequenceGap        a producer number above the next one
    ├── InvalidPattern         a regular expression that can't be used to redact
    ├── InvalidCast            a file that is not an asciicast
    ├── EmbedTooLarge          a replay over `max_embed_bytes`
    ├── UnknownFormat          an export format that does not exist
    └── ImportFailed           a file that no recording can be made of

Attributes carry what a program needs; the message is what a person needs.
"""

from __future__ import annotations

from pathlib import Path


class RecError(Exception):
    """The base of all errors that jupyter-recorder raises on purpose."""


class InvalidName(RecError):
    """A name or id that cannot be used; `name` is what was given."""

    def __init__(self, name: str, why: str) -> None:
        shown = name if len(name) <= 60 else name[:57] + "…"
        super().__init__(f"{shown!r} can't be a recording's name: {why}")
        self.name = name
        self.why = why


class RecordingNotFound(RecError):
    """No recording has this id or name; `name` is what was looked for, `suggestions` are near names."""

    def __init__(self, name: str, suggestions: tuple[str, ...] = ()) -> None:
        shown = name if len(name) <= 60 else name[:57] + "…"
        hint = f"did you mean {' or '.join(suggestions)}?" if suggestions else "%record list shows what there is"
        super().__init__(f"no recording is called {shown!r}; {hint}")
        self.name = name
        self.suggestions = suggestions


class SessionNotFound(RecError):
    """No session has this id; `session_id` is what was looked for."""

    def __init__(self, session_id: str) -> None:
        shown = session_id if len(session_id) <= 60 else session_id[:57] + "…"
        super().__init__(f"there is no session {shown!r}; session_start or session_snapshot begins one")
        self.session_id = session_id


class TerminalNotFound(RecError):
    """No terminal of the server has this name, or it is not `recorded`; `name` is what was looked for."""

    def __init__(self, name: str, *, recorded: bool = True) -> None:
        shown = name if len(name) <= 60 else name[:57] + "…"
        super().__init__(f"there is no terminal {shown!r}" if recorded else f"terminal {shown!r} is not being recorded")
        self.name = name


class RecordingInProgress(RecError):
    """A live owner holds the recording; `name`, `pid` and `host` say who."""

    def __init__(self, name: str, *, pid: int | None = None, host: str | None = None, hint: str = "") -> None:
        owner = f" by process {pid}" if pid is not None else ""
        owner += f" on {host}" if host else ""
        super().__init__(f"{name!r} is being recorded{owner}" + (f"; {hint}" if hint else ""))
        self.name = name
        self.pid = pid
        self.host = host


class NoActiveRecording(RecError):
    """Nothing is being recorded here."""

    def __init__(self, message: str = "nothing is being recorded; %record start NAME begins") -> None:
        super().__init__(message)


class CorruptState(RecError):
    """A lock, owner record or manifest that cannot be read; `path` names it, and it is left as it is."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} can't be read ({why}); it was left as it is")
        self.path = path
        self.why = why

    @property
    def without_path(self) -> str:
        """What a client of a server is told, which is not where things are on the server's disk."""
        folder, name = Path(self.path).parts[-2:] if len(Path(self.path).parts) > 1 else ("", self.path)
        return f"{name} of {folder!r} can't be read ({self.why}); it was left as it is (jupyter recorder doctor)"


class StorageError(RecError):
    """The disk refused; `path` is where, `errno` the system's number (None if it gave none)."""

    def __init__(self, message: str, *, path: str | None = None, errno: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.errno = errno


class PersistFailed(StorageError):
    """An event is not known to be safe on disk: it may yet be recorded."""


class OutboxFull(StorageError):
    """A client's outbox holds as much as it may: the server has been away for too long; `limit` in bytes."""

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(
            f"the outbox {path} holds {limit / 2**20:.0f} MiB that the server has not acknowledged, so the event was "
            "not taken; see RecorderClient.problems, or raise max_outbox_bytes",
            path=path,
        )
        self.limit = limit


class OutboxInUse(RecError):
    """Another client, of this process or another one, has this outbox; `path` is its folder."""

    def __init__(self, path: str) -> None:
        super().__init__(f"another client has the outbox {path}; close it, or give this one an outbox of its own")
        self.path = path


class EventsRefused(RecError):
    """A server refused events for good; `count` of them, and `answers` are the last ones' errors."""

    def __init__(self, count: int, answers: list[dict[str, object]]) -> None:
        last = answers[-1] if answers else {}
        super().__init__(
            f"the server refused {count} event{'s' if count > 1 else ''} for good, the last one of session "
            f"{last.get('session_id')!r}: {last.get('code')}: {last.get('message')}"
        )
        self.count = count
        self.answers = answers


class InvalidEvent(RecError):
    """An event that does not fit the vocabulary in `jupyter_recorder.events`."""


class EventConflict(InvalidEvent):
    """The same event id or producer number came again with other content; `seq` is the first one's number."""

    def __init__(self, what: str, seq: int) -> None:
        super().__init__(f"{what} was recorded before with other content, as number {seq}")
        self.seq = seq


class EventRefused(InvalidEvent):
    """A number or id that an event used up which was refused for good; `refused_as` is the code that it got."""

    def __init__(self, what: str, refused_as: str, seq: int) -> None:
        super().__init__(f"{what} was refused before ({refused_as or 'unknown'}); send it as a new event")
        self.refused_as = refused_as
        self.seq = seq


class EventTooLarge(InvalidEvent):
    """An event or a batch over a limit; `limit` is in bytes, or in events."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{what}, over the limit of {limit:,}; send less at once")
        self.limit = limit


class MessageNotFound(InvalidEvent):
    """An event for a message that its session does not have; `session_id` and `message_id` say which."""

    def __init__(self, session_id: str, message_id: str) -> None:
        super().__init__(f"session {session_id!r} has no message {message_id!r}; message_add begins one")
        self.session_id = session_id
        self.message_id = message_id


class OffsetMismatch(InvalidEvent):
    """An append that does not begin where its message ends; `expected` is that end in UTF-8 bytes as sent."""

    def __init__(self, message_id: str, got: int, expected: int) -> None:
        super().__init__(f"message {message_id!r} ends at byte {expected}, and the append begins at {got}")
        self.expected = expected


class SequenceGap(InvalidEvent):
    """A producer number above the next one; `expected` is the number to resend from."""

    def __init__(self, producer: str, got: int, expected: int) -> None:
        super().__init__(f"producer {producer!r} sent number {got} where {expected} is next; resend from there")
        self.expected = expected


class InvalidPattern(RecError):
    """A regular expression that can't be used to redact; `pattern` is what was given, `why` what is wrong."""

    def __init__(self, pattern: str, why: str) -> None:
        shown = pattern if len(pattern) <= 60 else pattern[:57] + "…"
        super().__init__(f"the pattern {shown!r} can't be used to redact: {why}")
        self.pattern = pattern
        self.why = why


class InvalidCast(RecError):
    """A file that is not an asciicast; `line` (from 1) is where reading stopped."""

    def __init__(self, why: str, *, line: int | None = None) -> None:
        super().__init__(f"not an asciicast: {why}" + (f" (line {line})" if line else ""))
        self.line = line


class EmbedTooLarge(RecError):
    """A replay too large to embed; `size` and `limit` in bytes."""

    def __init__(self, name: str, size: int, limit: int) -> None:
        super().__init__(
            f"{name!r} takes {size / 2**20:.1f} MiB, over max_embed_bytes ({limit / 2**20:.1f} MiB): "
            "use --link, or raise %config RecorderMagics.max_embed_bytes"
        )
        self.size = size
        self.limit = limit


class UnknownFormat(RecError):
    """An export format that does not exist; `known` lists those that do."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"{name!r} is no export format; there are {', '.join(known)}")
        self.known = known


class ImportFailed(RecError):
    """A file that no recording can be made of; `path` names it, `line` (from 1) or `place` says where.

    `made` are the ids of the recordings that were made before; they stay.
    """

    def __init__(
        self,
        why: str,
        *,
        path: str | None = None,
        line: int | None = None,
        place: str | None = None,
        format: str | None = None,
        made: tuple[str, ...] = (),
    ) -> None:
        where = f", line {line}" if line else f", {place}" if place else ""
        kind = f" as {format}" if format else ""
        kept = f"; {len(made)} made before it stay" if made else ""
        super().__init__(f"{path}{where} can't be imported{kind}: {why}{kept}" if path else why)
        self.why = why
        self.path = path
        self.line = line
        self.place = place
        self.made = made

    def of(self, path: str, made: tuple[str, ...] = ()) -> ImportFailed:
        """Return the same error with the file's path, and the recordings that were made before it."""
        if self.path is not None:
            return self
        return ImportFailed(self.why, path=path, line=self.line, place=self.place, made=made)
