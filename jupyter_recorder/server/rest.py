"""Sessions over REST: events in, answers and sessions out."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from jupyter_server.auth.decorator import authorized
from tornado import web

from .. import protocol
from ..errors import InvalidEvent
from ..protocol import Answer
from .base import RecorderHandler, Refusal

# The most messages of one page.
_PAGE: Final = 100_000


class _Answered(msgspec.Struct):
    processed: int
    responses: list[Answer]


class EventsHandler(RecorderHandler):
    """`POST /events`: one answer for each event, in order."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Record events."""
        body = await self.body()
        events = body.get("events") if isinstance(body, dict) else None
        if not isinstance(events, list):
            raise Refusal("parse_error", 'the body is an object with a list of events: {"events": […]}')
        if len(events) > (most := self.limits.max_batch_events):
            raise Refusal("too_large", f"the body has {len(events):,} events, over the limit of {most:,}")
        answers = await self.recorder.service.answer(events, by=self.username, large=self.is_large)
        self.reply(_Answered(len(answers), answers))


class SnapshotHandler(RecorderHandler):
    """`POST /snapshot`: one `session_snapshot`."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Record a snapshot."""
        body = await self.body()
        if not isinstance(body, dict) or body.get("type") != "session_snapshot":
            raise InvalidEvent("the body is one event of the type session_snapshot")
        (answer,) = await self.recorder.service.answer([body], by=self.username, large=self.is_large)
        self.reply(answer)


class SessionsHandler(RecorderHandler):
    """`GET /sessions`: those that this server records."""

    @web.authenticated
    @authorized
    def get(self) -> None:
        """List them."""
        rows = self.recorder.service.sessions()
        self.reply({"active_sessions": rows, "total": len(rows)})


class SessionHandler(RecorderHandler):
    """`GET /session/{id}`: a session in any state, with a page of its messages."""

    @web.authenticated
    @authorized
    async def get(self, session_id: str) -> None:
        """Show it."""
        _check_id(session_id)
        after, limit = self.get_query_argument("after", None, strip=False), self.number("limit", _PAGE)
        self.reply(await self.recorder.service.session(session_id, after=after, limit=limit))


class RecoveryHandler(RecorderHandler):
    """`GET /session/{id}/recovery`: how much of a session is recorded."""

    @web.authenticated
    @authorized
    async def get(self, session_id: str) -> None:
        """Say it."""
        _check_id(session_id)
        self.reply(await self.recorder.service.recovery(session_id))


class StatusHandler(RecorderHandler):
    """`GET /status`: how the recorder stands."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Say it."""
        self.reply(await self.recorder.service.status())


def _check_id(session_id: str) -> None:
    if not protocol.is_id(session_id):
        raise InvalidEvent("a session's id is a string of 1 to 256 bytes")


_ID: Final = r"([^/]+)"

ROUTES: Final[list[tuple[str, Any]]] = [
    (r"/events", EventsHandler),
    (r"/snapshot", SnapshotHandler),
    (r"/sessions", SessionsHandler),
    (rf"/session/{_ID}", SessionHandler),
    (rf"/session/{_ID}/recovery", RecoveryHandler),
    (r"/status", StatusHandler),
]
