"""The service for a server: on its event loop, where nothing may wait for a disk."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from .. import protocol
from ..capture.terminal import TerminalTrack
from ..errors import RecError, RecordingNotFound, SessionNotFound
from ..library.recording import Recording
from ..protocol import Answer
from ..recorder import Recorder
from .service import Batch, RecordingService
from .session import Session
from .views import recovery_view, rfc3339, session_row, session_view

log = logging.getLogger(__name__)

ChangeListener = Callable[[str, str, dict[str, Any]], object]

# A frame with more events than this is taken in slices, between which the loop serves others.
_SLICE: Final = 200


class LoopCalls:
    """Brings calls from any thread to one event loop, many by one wake-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: deque[Callable[[], object]] = deque()
        self._woken = False
        self._running = False
        self._after: list[Callable[[], object]] = []

    def put(self, call: Callable[[], object]) -> None:
        """Have `call()` run on the loop soon, in the order of these calls."""
        self._calls.append(call)
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._run)
            except RuntimeError:  # the loop is closed: who waited is gone
                self._calls.clear()

    def afterwards(self, call: Callable[[], object]) -> None:
        """From the loop: have `call` run on it when the calls that came together are done, or in its next turn."""
        if self._running:
            self._after.append(call)
        else:
            self._loop.call_soon(call)

    def _run(self) -> None:
        self._woken = False  # first: a call that comes while these run wakes it again
        self._running = True
        try:
            for _ in range(len(self._calls)):
                _attempt(self._calls.popleft())
        finally:
            self._running = False
        after, self._after = self._after, []
        for call in after:
            _attempt(call)


class ServedService:
    """What handlers use; made on the loop that serves. `core` is the service itself.

    `on_change` holds what is called on the loop with a recording's id, what happened to it and details.
    """

    def __init__(self, core: RecordingService) -> None:
        self.core = core
        self.loop = asyncio.get_running_loop()
        self.calls = LoopCalls(self.loop)
        self._inbox: list[Batch] = []
        self._owed = 0  # how many batches have no answer yet
        self.on_change: list[ChangeListener] = []
        core.on_change.append(lambda *change: self.calls.put(partial(self._changed, *change)))

    async def answer(
        self, events: Sequence[Any], *, by: str | None, origin: object = None, large: bool = False
    ) -> list[Answer]:
        """Record events and return their answers, in order, when all have one; `large` ones in a thread."""
        parts: list[asyncio.Future[list[Answer]]] = []
        for begin in range(0, len(events), _SLICE):
            if begin:
                await asyncio.sleep(0)
            parts.append(self.loop.create_future())
            batch = self._batch(events[begin : begin + _SLICE], _setter(parts[-1]), by, origin)
            if large:
                self._hand_in()  # what came before goes before
                await asyncio.to_thread(self.core.submit_all, [batch])
            else:
                self._put_in(batch)
        return [answer for part in parts for answer in await part]

    def submit(
        self, events: Sequence[Any], done: Callable[[list[Answer]], object], *, by: str | None, origin: object = None
    ) -> None:
        """As `RecordingService.submit`, with all that comes in this turn of the loop; `done` is called on the loop."""
        self._put_in(self._batch(events, done, by, origin))

    def _batch(
        self, events: Sequence[Any], done: Callable[[list[Answer]], object], by: str | None, origin: object
    ) -> Batch:
        self._owed += 1
        return Batch(events, _Owed(self, done), by, origin)

    def _put_in(self, batch: Batch) -> None:
        if self._owed == 1:  # nothing else is under way, so that there is nothing to go with
            self.core.submit_all([batch])
            return
        if not self._inbox:
            self.loop.call_soon(self._hand_in)
        self._inbox.append(batch)

    def _hand_in(self) -> None:
        batches, self._inbox = self._inbox, []
        if batches:
            self.core.submit_all(batches)

    async def committed(self, producer: str, sessions: Sequence[str] | None) -> dict[str, int]:
        """Return up to which of its numbers a producer's events are safe, for each session (None: the open ones)."""
        return await asyncio.to_thread(self.core.committed, producer, sessions)

    # -- how it stands

    def sessions(self) -> list[dict[str, Any]]:
        """Return the sessions that are recorded at present, as `GET /sessions` lists them."""
        return [session_row(session) for session in self.core.sessions()]

    async def session(self, session_id: str, *, after: str | None = None, limit: int | None = None) -> dict[str, Any]:
        """Return a session in any state, with a page of its messages; raises `SessionNotFound`, `MessageNotFound`."""
        return await asyncio.to_thread(
            lambda: session_view(self._recording(session_id), session_id, after=after, limit=limit)
        )

    async def recovery(self, session_id: str) -> protocol.Recovery:
        """Return how much of a session is recorded, in any state; raises `SessionNotFound`."""
        return await asyncio.to_thread(lambda: recovery_view(self._recording(session_id), session_id))

    async def status(self) -> dict[str, Any]:
        """Return how the service stands, as `GET /status` tells it."""
        config = self.core.config
        health = await asyncio.to_thread(self.core.health)
        last = health["last_sync"]
        return {
            "status": "running",
            "active_sessions": self.core.active_count(),
            "dirty_sessions": len(self.core.get_dirty_sessions()),
            "config": {
                "persist_interval_secs": config.persist_interval_secs,
                "max_memory_messages": config.max_memory_messages,
                "session_timeout_secs": config.session_timeout_secs,
            },
            "health": {**health, "last_sync": None if last is None else rfc3339(int(last * 1000))},
        }

    def safety(self) -> dict[str, dict[str, Any]]:
        """Return how safe each recording that this process writes is, by its id (see `Status.safety`)."""
        return {recorder.id: recorder.status().safety for recorder in self.core.recorders()}

    def is_recording(self, recording_id: str) -> bool:
        """Tell whether this process writes the recording."""
        return any(recorder.id == recording_id for recorder in self.core.recorders())

    async def close(self) -> None:
        """End all recordings in order."""
        await asyncio.to_thread(self.core.close)

    # -- a recording that is no session

    async def start_terminal(
        self, name: str, cols: int, rows: int, redact_patterns: Sequence[str] = ()
    ) -> tuple[Recorder, TerminalTrack]:
        """Begin the recording of a terminal; raises `StorageError`, `InvalidName`, `InvalidPattern`."""
        return await asyncio.to_thread(self.core.start_terminal, name, cols, rows, redact_patterns)

    async def stop_terminal(self, recorder: Recorder) -> None:
        """End it in order; raises `PersistFailed`."""
        await asyncio.to_thread(self.core.stop_other, recorder)

    # -- inside

    def _recording(self, session_id: str) -> Recording:
        try:
            return self.core.library.find_session(session_id)
        except RecordingNotFound:
            raise SessionNotFound(session_id) from None

    def _changed(self, session: Session | Recorder, what: str, error: RecError | None) -> None:
        recorder = session if isinstance(session, Recorder) else session.recorder
        recording_id = session.id if isinstance(session, Recorder) else session.recording_id
        detail: dict[str, Any] = {} if isinstance(session, Recorder) else {"session_id": session.id}
        if recorder is not None:
            detail |= {"name": recorder.name, "kind": recorder.kind}
        if error is not None:
            detail["error"] = str(error)
        for listener in self.on_change:
            listener(recording_id, what, detail)


def _attempt(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:  # one failing call must not keep the others' answers from them
        log.exception("a call on the server's loop failed")


class _Owed(msgspec.Struct, gc=False):
    """What takes a batch's answers, in any thread, to who waits for them on the loop.

    (What stands here for each frame under way is looked at by no garbage collection: a server has so many objects that
    a full one takes a tenth of a second, and they come the sooner the more is young. It is in no cycle for longer.)
    """

    served: ServedService
    done: Callable[[list[Answer]], object]
    answers: list[Answer] | None = None

    def __call__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.served.calls.put(self.tell)

    def tell(self) -> None:
        self.served._owed -= 1
        self.done(self.answers or [])


def _setter(future: asyncio.Future[list[Answer]]) -> Callable[[list[Answer]], None]:
    def set_result(answers: list[Answer]) -> None:
        if not future.done():  # who waited may be gone
            future.set_result(answers)

    return set_result
