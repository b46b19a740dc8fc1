"""The WebSocket: events in and acks out, subscriptions, and a look every five seconds whether the client is there."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.ioloop import PeriodicCallback
from tornado.iostream import IOStream
from tornado.websocket import WebSocketClosedError, WebSocketHandler, WebSocketProtocol13

from .. import protocol
from ..errors import EventTooLarge, RecError
from ..hub import Follower
from ..journal.codec import encode
from ..protocol import Answer, Error
from .base import RecorderMixin
from .bodies import PARSED_AT_ONCE, decode
from .outgoing import Outgoing

_TOO_BIG: Final = 1009
PING_SECONDS: Final = 5.0
SILENCE_SECONDS: Final = 30.0
# What one client may have under way before nothing more is read from it: frames, and bytes of them.
_FRAMES: Final = 2048
_BYTES: Final = 32 << 20
# How often, in frames, it is seen to that the client reads its answers.
_LOOK_EVERY: Final = 64
# A frame with more events is taken in slices, between which others have their turn.
_SLICE: Final = 200

_encoder: Final = msgspec.json.Encoder()


class RecordingSocket(RecorderMixin, WebSocketMixin, WebSocketHandler, JupyterHandler):
    """`/api/recording/ws`."""

    # The mixin's own pings are every 30 s, and reckon in milliseconds where Tornado reckons in seconds.
    ping_interval = 0
    ping_timeout = 0

    follower: Follower
    _opened = False

    @property
    def max_message_size(self) -> int:
        """The most bytes that are read of one message.

        Twice the limit: Tornado resets the connection in the midst of what is longer, and a client that is still
        sending then never hears the close code.
        """
        return 2 * self.limits.max_message_bytes

    @ws_authenticated
    @authorized(action="read")  # type: ignore[untyped-decorator]
    async def get(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Open the socket."""
        user, authorizer = self.current_user, self.authorizer
        allowed = authorizer.is_authorized(self, user, "write", self.auth_resource)
        self._may_write = bool(await allowed if inspect.isawaitable(allowed) else allowed)
        await super().get(*args, **kwargs)

    def open(self, *_: str, **__: str) -> None:
        """Greet the client."""
        self._opened = True
        self.client_id = uuid.uuid4().hex
        self._outgoing = Outgoing(_stream_of(self), self.recorder.service.calls.afterwards)
        self.follower = self.recorder.hub.join(self._outgoing.send)
        self._answers: deque[_Slot] = deque()
        self._frames = self._bytes = self._taken = 0
        self._room = asyncio.Event()
        self._room.set()
        self._by, self._service, self._most = self.username, self.recorder.service, self.limits
        self._heard = time.monotonic()
        self._pings = PeriodicCallback(self._ping, PING_SECONDS * 1000)
        self._pings.start()
        self.set_nodelay(True)
        self._outgoing.put(encode({"type": "connected", "client_id": self.client_id}))

    def on_close(self) -> None:
        """Let the client go; what it sent is recorded all the same."""
        if self._opened:
            self.follower.close()
            self._pings.stop()
            self._answers.clear()  # nobody hears them
            self._frames = self._bytes = 0
            self._room.set()

    def on_pong(self, data: bytes) -> None:  # noqa: ARG002  # the hook's own
        """Hear that it is there."""
        self._heard = time.monotonic()

    def on_ping(self, data: bytes) -> None:  # noqa: ARG002  # the hook's own
        """Hear that it is there."""
        self._heard = time.monotonic()

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Take one frame: it gets one answer, in its turn.

        Nothing is read from the client before what is returned is done: None for most frames, so that many are taken
        in one turn of the loop and go to the disk together.
        """
        self._heard = time.monotonic()
        if _is_over(message, self._most.max_message_bytes):
            self.close(_TOO_BIG, "message too big")
            return None
        slot = _Slot(self, len(message))
        self._answers.append(slot)
        self._frames += 1
        self._bytes += slot.size
        if len(message) > PARSED_AT_ONCE:
            return self._take_large(message, slot)
        try:
            later = self._take(decode(message) if isinstance(message, str) else None, slot)
        except _REFUSED as error:
            self._refuse(slot, error)
        else:
            if later is not None:
                return self._finish(later, slot)
        return self._wait_for_room() if self._is_full() else None

    async def _take_large(self, message: str | bytes, slot: _Slot) -> None:
        try:
            frame = await asyncio.to_thread(decode, message) if isinstance(message, str) else None
            if (later := self._take(frame, slot)) is not None:
                await later
        except _REFUSED as error:
            self._refuse(slot, error)
        await self._wait_for_room()

    async def _finish(self, later: Awaitable[None], slot: _Slot) -> None:
        try:
            await later
        except _REFUSED as error:
            self._refuse(slot, error)
        await self._wait_for_room()

    def _refuse(self, slot: _Slot, error: Exception) -> None:
        if isinstance(error, RecError):
            self._fill(slot, protocol.error_answer(error))
        else:
            why = str(error) if isinstance(error, _BadFrame) else f"not a message: {error}"
            self._fill(slot, Error(code="parse_error", message=why))

    def _take(self, frame: Any, slot: _Slot) -> Awaitable[None] | None:
        kind = frame.get("type") if isinstance(frame, dict) else None
        take = _TAKES.get(kind) if isinstance(kind, str) else None
        if take is None:
            raise _BadFrame("a message is a JSON object in a text frame, with a type of the protocol")
        return take(self, frame, slot)

    # -- what a client may say

    def _events(self, frame: dict[str, Any], slot: _Slot) -> Awaitable[None] | None:
        events = frame.get("events")
        if not isinstance(events, list):
            raise _BadFrame("events: a list of events is missing")
        if len(events) > self._most.max_batch_events:
            raise EventTooLarge(f"the frame has {len(events):,} events", self.limits.max_batch_events)
        if not self._may_write:
            self._fill(slot, _processed([_forbidden(event) for event in events]))
        elif len(events) > _SLICE or slot.size > PARSED_AT_ONCE:
            return self._slices(events, slot)
        else:
            self._service.submit(events, slot, by=self._by, origin=self.follower)
        return None

    async def _slices(self, events: list[Any], slot: _Slot) -> None:
        large = slot.size > PARSED_AT_ONCE
        answers = await self.recorder.service.answer(events, by=self._by, origin=self.follower, large=large)
        self._fill(slot, _processed(answers))

    async def _subscribe(self, frame: dict[str, Any], slot: _Slot) -> None:
        if "recording_id" in frame:
            recording_id, track = _text(frame, "recording_id"), _text(frame, "track")
            cursor = await self.follower.subscribe_track(recording_id, track, _count(frame, "from") or 0)
        else:
            cursor = await self.follower.subscribe_session(_text(frame, "session_id"), _count(frame, "from_seq"))
        # Frames before this one may be without their answers yet: `subscribed` waits for them, what it brings for it.
        slot.then = lambda: self.follower.begin(cursor)
        self._fill(slot, {"type": "subscribed", **cursor.named})

    async def _unsubscribe(self, frame: dict[str, Any], slot: _Slot) -> None:
        names = ("recording_id", "track") if "recording_id" in frame else ("session_id",)
        key = {name: _text(frame, name) for name in names}
        self.follower.unsubscribe(*key.values())
        self._fill(slot, {"type": "unsubscribed", **key})

    def _pong(self, frame: dict[str, Any], slot: _Slot) -> None:
        answer = {"type": "pong", "timestamp": frame.get("timestamp"), "server_time": time.time_ns() // 1_000_000}
        self._fill(slot, answer)

    async def _hello(self, frame: dict[str, Any], slot: _Slot) -> None:
        producer, sessions = _text(frame, "producer"), frame.get("sessions")
        if sessions is not None and not (isinstance(sessions, list) and all(map(protocol.is_id, sessions))):
            raise _BadFrame("hello: sessions is a list of session ids")
        if sessions is not None and len(sessions) > self.limits.max_subscriptions:
            raise EventTooLarge(f"hello names {len(sessions):,} sessions", self.limits.max_subscriptions)
        self.follower.hear_no_more()
        committed = await self.recorder.service.committed(producer, sessions)
        self._fill(slot, {"type": "welcome", "producer": producer, "committed": committed})

    def _watch(self, _: dict[str, Any], slot: _Slot) -> None:
        self.follower.watches = True
        self._fill(slot, {"type": "watching"})

    # -- answers, in order

    def _fill(self, slot: _Slot, answer: Any) -> None:
        slot.answer = _encoder.encode(answer) if isinstance(answer, msgspec.Struct) else encode(answer)
        answers = self._answers
        while answers and (ready := answers[0].answer) is not None:
            done = answers.popleft()
            self._frames -= 1
            self._bytes -= done.size
            self._outgoing.put(ready)
            if done.then is not None:
                done.then()
        if not self._room.is_set() and self._frames < _FRAMES and self._bytes < _BYTES:
            self._room.set()

    def _is_full(self) -> bool:
        self._taken += 1
        return self._frames >= _FRAMES or self._bytes >= _BYTES or self._taken % _LOOK_EVERY == 0

    async def _wait_for_room(self) -> None:
        """Read nothing more from a client whose frames are not answered, or who does not read its answers."""
        while self._frames >= _FRAMES or self._bytes >= _BYTES:
            self._room.clear()
            await self._room.wait()
        if self._taken % _LOOK_EVERY == 0 and self._outgoing.is_full:
            await self._outgoing.drained()

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the socket, after what was said."""
        if self._opened:
            self._outgoing.flush()
        super().close(code, reason)

    def _ping(self) -> None:
        if time.monotonic() - self._heard > SILENCE_SECONDS:
            self.log.info("A recording client was silent for %d s and is dropped.", SILENCE_SECONDS)
            self.close(1001, "silent for too long")
            return
        with contextlib.suppress(WebSocketClosedError):
            self.ping(b"")


def _stream_of(socket: WebSocketHandler) -> IOStream:
    connection = socket.ws_connection
    if not isinstance(connection, WebSocketProtocol13):
        raise WebSocketClosedError
    return connection.stream


class _Slot(msgspec.Struct, gc=False):
    """One frame's answer, in its turn, and what is done once it is written; called with what its events came to.

    (No garbage collection looks at it: it and its socket hold each other until it is answered, or nobody is there.)
    """

    socket: RecordingSocket
    size: int
    answer: bytes | None = None
    then: Callable[[], object] | None = None

    def __call__(self, answers: list[Answer]) -> None:
        self.socket._fill(self, _processed(answers))


class _BadFrame(Exception):
    """What came is no message of the protocol."""


_REFUSED: Final = (RecError, _BadFrame, ValueError)


class _Processed(msgspec.Struct, tag="events_processed"):
    count: int
    responses: list[Answer]


def _processed(answers: list[Answer]) -> _Processed:
    return _Processed(len(answers), answers)


def _forbidden(event: Any) -> Error:
    event_id = event.get("event_id") if isinstance(event, dict) else None
    answer = Error(code="forbidden", message="you may read recordings here, and not record")
    if isinstance(event_id, str):
        answer.event_id = event_id
    return answer


def _is_over(message: str | bytes, limit: int) -> bool:
    """Tell whether a message has over `limit` bytes; most are known not to without being encoded."""
    if len(message) * 4 <= limit:
        return False
    return len(message.encode() if isinstance(message, str) else message) > limit


def _text(frame: dict[str, Any], name: str) -> str:
    value = frame.get(name)
    if not protocol.is_id(value):
        raise _BadFrame(f"{frame['type']}: {name} is a string of 1 to 256 bytes")
    return str(value)


def _count(frame: dict[str, Any], name: str) -> int | None:
    value = frame.get(name)
    if value is not None and (type(value) is not int or value < 0):
        raise _BadFrame(f"{frame['type']}: {name} is a number from 0 on")
    return value


_TAKES: Final[dict[str, Callable[[RecordingSocket, dict[str, Any], _Slot], Awaitable[None] | None]]] = {
    "events": RecordingSocket._events,
    "subscribe": RecordingSocket._subscribe,
    "unsubscribe": RecordingSocket._unsubscribe,
    "ping": RecordingSocket._pong,
    "hello": RecordingSocket._hello,
    "watch_recordings": RecordingSocket._watch,
}
