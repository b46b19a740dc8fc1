"""Recording for programs: events of sessions come in, and an answer says when each is safe.

    submit ──> Session.take ──> checked; repeats found ──> secrets out ──> numbered, journaled ──> safe: answered, told
               (a queue each)   (`folded`, `dedupe`)       (`streams`)     (`recorder.batch`)      (`Session.settle`)

A session takes its events in order, one thread at a time. What needs no disk is done where it comes in (a server's
event loop); what may have to wait for one (opening, repeats, the end) goes on in a worker, and what came meanwhile
queues up behind it.
"""

from __future__ import annotations

from .config import ServiceConfig
from .service import RecordingService

__all__ = ["RecordingService", "ServiceConfig"]
