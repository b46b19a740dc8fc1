"""Never lose a session: record notebooks, terminals and chats to open files, and replay them inline.

In a notebook or IPython: `%load_ext jupyter_recorder`, then `%record?`. In Python::

    import jupyter_recorder

    with jupyter_recorder.record("demo") as recording:
        recording.mark("begin")
        recording.chat.add("user", "hello")

Names are loaded at first use, so that importing the package costs a kernel next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .active import current, record, start, stop
    from .asciicast.recorder import RecordingConfig, TerminalRecorder
    from .client.client import RecorderClient
    from .errors import (
        CorruptState,
        EmbedTooLarge,
        EventConflict,
        EventRefused,
        EventsRefused,
        EventTooLarge,
        ImportFailed,
        InvalidCast,
        InvalidEvent,
        InvalidName,
        InvalidPattern,
        MessageNotFound,
        NoActiveRecording,
        OffsetMismatch,
        OutboxFull,
        OutboxInUse,
        PersistFailed,
        RecError,
        RecordingInProgress,
        RecordingNotFound,
        SequenceGap,
        SessionNotFound,
        StorageError,
        TerminalNotFound,
        UnknownFormat,
    )
    from .library.active import ActiveSession
    from .library.library import Library
    from .library.recording import Recording
    from .library.recovery import RecoveryInfo
    from .library.state import RecordingState
    from .reading import open, recordings
    from .recorder import Recorder
    from .replay.widget import Replay

__version__ = "0.1.0"

_ERRORS = (
    "CorruptState",
    "EmbedTooLarge",
    "EventConflict",
    "EventRefused",
    "EventsRefused",
    "SessionNotFound",
    "OffsetMismatch",
    "MessageNotFound",
    "EventTooLarge",
    "ImportFailed",
    "InvalidCast",
    "InvalidEvent",
    "InvalidName",
    "InvalidPattern",
    "NoActiveRecording",
    "OutboxFull",
    "OutboxInUse",
    "PersistFailed",
    "RecError",
    "RecordingInProgress",
    "RecordingNotFound",
    "SequenceGap",
    "StorageError",
    "TerminalNotFound",
    "UnknownFormat",
)

_HOMES = {
    "current": ".active",
    "record": ".active",
    "start": ".active",
    "stop": ".active",
    "RecordingConfig": ".asciicast.recorder",
    "TerminalRecorder": ".asciicast.recorder",
    "Library": ".library.library",
    "open": ".reading",
    "recordings": ".reading",
    "Recording": ".library.recording",
    "RecoveryInfo": ".library.recovery",
    "ActiveSession": ".library.active",
    "RecordingState": ".library.state",
    "Recorder": ".recorder",
    "RecorderClient": ".client.client",
    "Replay": ".replay.widget",
    **dict.fromkeys(_ERRORS, ".errors"),
}

__all__ = [
    "ActiveSession",
    "CorruptState",
    "EmbedTooLarge",
    "EventConflict",
    "EventRefused",
    "EventTooLarge",
    "EventsRefused",
    "ImportFailed",
    "InvalidCast",
    "InvalidEvent",
    "InvalidName",
    "InvalidPattern",
    "Library",
    "MessageNotFound",
    "NoActiveRecording",
    "OffsetMismatch",
    "OutboxFull",
    "OutboxInUse",
    "PersistFailed",
    "RecError",
    "Recorder",
    "RecorderClient",
    "Recording",
    "RecordingConfig",
    "RecordingInProgress",
    "RecordingNotFound",
    "RecordingState",
    "RecoveryInfo",
    "Replay",
    "SequenceGap",
    "SessionNotFound",
    "StorageError",
    "TerminalNotFound",
    "TerminalRecorder",
    "UnknownFormat",
    "current",
    "open",
    "record",
    "recordings",
    "start",
    "stop",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(home, __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """Give a shell the magic `%record` (called by `%load_ext jupyter_recorder`)."""
    from .magic_load import load  # IPython is there by then

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """End what is being recorded (called by `%unload_ext jupyter_recorder`)."""
    from .magic_load import unload

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "_labextension", "dest": "jupyter-recorder"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .server.app import RecorderApp  # it brings the whole server, which a kernel does without

    return [{"module": "jupyter_recorder", "app": RecorderApp}]
