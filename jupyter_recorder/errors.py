"""Every error that jupyter-recorder raises; each says what happened, to which recording, and what to do.

    RecError
    ├── InvalidName            a name or session id that cannot be used
    ├── RecordingNotFound      no recording of this id or name
    ├── RecordingInProgress    another live owner holds the recording (or this process already records)
    ├── NoActiveRecording      nothing is being recorded here
    ├── CorruptState           a lock, owner record or manifest that cannot be read
    ├── StorageError           the folder of recordings cannot be used (full, read-only, missing)
    │   └── PersistFailed      an event is not known to be safe on disk
    ├── InvalidEvent           an event that does not fit the vocabulary
    │   ├── EventConflict      the same event id or producer number with other content
    │   └── SequenceGap        a producer number above the next one
    ├── InvalidCast            a file that is not an asciicast
    ├── EmbedTooLarge          a replay over `max_embed_bytes`
    └── UnknownFormat          an export format that does not exist

Attributes carry what a program needs; the message is what a person needs.
"""

from __future__ import annotations


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


class StorageError(RecError):
    """The disk refused; `path` is where, `errno` the system's number (None if it gave none)."""

    def __init__(self, message: str, *, path: str | None = None, errno: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.errno = errno


class PersistFailed(StorageError):
    """An event is not known to be safe on disk: it may yet be recorded."""


class InvalidEvent(RecError):
    """An event that does not fit the vocabulary in `jupyter_recorder.events`."""


class EventConflict(InvalidEvent):
    """The same event id or producer number came again with other content; `seq` is the first one's number."""

    def __init__(self, what: str, seq: int) -> None:
        super().__init__(f"{what} was recorded before with other content, as number {seq}")
        self.seq = seq


class SequenceGap(InvalidEvent):
    """A producer number above the next one; `expected` is the number to resend from."""

    def __init__(self, producer: str, got: int, expected: int) -> None:
        super().__init__(f"producer {producer!r} sent number {got} where {expected} is next; resend from there")
        self.expected = expected


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
