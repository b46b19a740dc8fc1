"""The settings of a `RecordingService`."""

from __future__ import annotations

from dataclasses import dataclass

from ..protocol import SYNCED


@dataclass(frozen=True)
class ServiceConfig:
    """How sessions are kept.

    `persist_interval_secs`: how often manifests' counts are written; acks never wait for it. `max_memory_messages`: of
    how many growing messages a session keeps text in memory. `session_timeout_secs`: after so long without an event a
    session is `interrupted`, until the next one resumes it. `durability`: an ack means `synced`, or only `written`
    (a killed process loses nothing, a power failure may). `max_sessions` is how many are open at once: beyond, the one
    that was idle longest is `interrupted`. `max_event_bytes` bounds one event's JSON.
    """

    persist_interval_secs: float = 5
    max_memory_messages: int = 100
    session_timeout_secs: float = 3600
    debug: bool = False
    durability: str = SYNCED
    redact: bool = True
    max_sessions: int = 1000
    max_event_bytes: int = 4 << 20
