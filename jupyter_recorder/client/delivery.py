"""Bringing what is in the outbox to the server: by which way, and with what patience.

After a cut, or a server's restart, everything that was not answered is sent again under the same numbers, so the server
records it once. What a `welcome` says is committed is sent again too if its answer never came: a number can also have
been used up by a refusal, and the caller has to hear of that.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from typing import Any, Final, Literal

import msgspec

from ..errors import StorageError
from .frames import Frames, Reports, backoff
from .intake import Intake
from .link import PATIENCE_SECONDS, Address, LinkDown, MessageTooLarge, Socket, Web, open_socket

Mode = Literal["live", "batch", "hybrid"]

# In hybrid mode, a WebSocket that has not answered for so long is given up, and HTTP takes over.
CHECKPOINT_SECONDS: Final = 5.0
# What has waited for so long is synced to this machine's disk.
_SYNC_SECONDS: Final = 1.0
# What is due and cannot be done yet (this machine's disk is full) must not take a processor.
_SHORTEST_REST: Final = 0.01
_HELLO_SESSIONS: Final = 500

log = logging.getLogger("jupyter_recorder.client")


class Delivery:
    """Sends what `intake` has to the server at `address` until `stop`; `run` is its whole life, in one event loop."""

    def __init__(self, intake: Intake, address: Address, mode: Mode, reports: Reports) -> None:
        self._intake, self._address, self._mode, self._reports = intake, address, mode, reports
        self._wake = asyncio.Event()
        self._stopped = asyncio.Event()
        self._frames = Frames(intake, reports)
        self._failures = 0
        self._heard = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self.connected = False

    def beat(self, session_id: str | None) -> None:
        """Send a heartbeat with what goes next; safe to be called from any thread."""
        self._frames.beats.append(session_id)

    def wake(self) -> None:
        """Look again what there is to send (called in the loop)."""
        self._wake.set()

    def stop(self) -> None:
        """End `run` (called in the loop)."""
        self._stopped.set()
        self._wake.set()
        for task in self._tasks:
            task.cancel()

    async def run(self) -> None:
        """Deliver until stopped."""
        web = Web(self._address)
        syncing = asyncio.create_task(self._sync())
        try:
            while not self._stopped.is_set():
                await self._round(web)
        finally:
            syncing.cancel()
            await web.close()

    # -- ways

    async def _round(self, web: Web) -> None:
        """Deliver by the first way until it ends; then pause, which in hybrid mode is HTTP's time."""
        await self._finish(self._batches(web, None) if self._mode == "batch" else self._live())
        resume = time.monotonic() + backoff(self._failures)
        self._failures += 1
        if self._mode == "hybrid":
            await self._finish(self._batches(web, resume))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, resume - time.monotonic())):
                await self._stopped.wait()

    async def _finish(self, way: Coroutine[Any, Any, None]) -> None:
        """Go one way to its end, tell what ended it, and take back what is in flight."""
        if self._stopped.is_set():
            way.close()
            return
        work = asyncio.create_task(way)
        self._tasks.add(work)
        try:
            await work
        except LinkDown as error:
            self._reports.problem("", str(error))
            if isinstance(error, MessageTooLarge):
                self._frames.too_large()
        except asyncio.CancelledError:
            if not self._stopped.is_set():
                raise
        except Exception as error:  # a defect here must neither end the delivery nor stay unseen
            log.exception("the client's delivery failed; it begins again")
            self._reports.problem("", f"{type(error).__name__} in the client; it begins again")
        finally:
            self._tasks.discard(work)
            self.connected = False
            self._frames.take_back()

    async def _live(self) -> None:
        """Deliver by the WebSocket until it ends."""
        async with open_socket(self._address) as socket:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._hello(socket)
            except TimeoutError:
                raise LinkDown(f"{self._address} does not answer on its WebSocket") from None
            self.connected = True
            self._reports.solved("")
            sending = asyncio.create_task(self._send_frames(socket))
            receiving = asyncio.create_task(self._receive_answers(socket))
            try:
                done, _ = await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in (sending, receiving):
                    task.cancel()
                await asyncio.gather(sending, receiving, return_exceptions=True)

    async def _batches(self, web: Web, until: float | None) -> None:
        """Deliver by HTTP, one body at a time, until it is time to try the WebSocket again."""
        while until is None or time.monotonic() < until:
            frame = self._frames.take()
            if frame is None:
                await self._rest(None if until is None else until - time.monotonic())
                continue
            answers = await web.post(b'{"events":[%b]}' % frame.data)
            self.connected = True
            if self._mode == "batch":
                self._reports.solved("")
            self._answered(answers)

    async def _hello(self, socket: Socket) -> None:
        await socket.expect("connected")
        for producer, sessions in self._introductions():
            await socket.send(msgspec.json.encode({"type": "hello", "producer": producer, "sessions": sessions}))
            welcome = await socket.expect("welcome")
            committed = welcome.get("committed")
            if isinstance(committed, dict):
                self._frames.compare(producer, committed)

    def _introductions(self) -> list[tuple[str, list[str]]]:
        with self._intake.lock:
            producers = self._intake.backlog.producers() or {self._intake.producer: []}
        return [
            (producer, sessions[first : first + _HELLO_SESSIONS])
            for producer, sessions in producers.items()
            for first in range(0, max(1, len(sessions)), _HELLO_SESSIONS)
        ]

    async def _send_frames(self, socket: Socket) -> None:
        while True:
            frame = self._frames.take()
            if frame is None:
                await self._rest(self._overdue())
                continue
            await socket.send(b'{"type":"events","events":[%b]}' % frame.data)

    async def _receive_answers(self, socket: Socket) -> None:
        while True:
            message = await socket.receive()
            self._heard = time.monotonic()
            if message.get("type") == "events_processed" and self._frames.oldest():
                answers = message.get("responses")
                self._answered(answers if isinstance(answers, list) else [])
            elif message.get("type") == "error":
                text = f"the server answered {message.get('code')}: {message.get('message')}"
                raise MessageTooLarge(text) if message.get("code") == "too_large" else LinkDown(text)

    def _answered(self, answers: list[Any]) -> None:
        if self._frames.answered(answers):
            self._failures = 0
        self._wake.set()

    # -- patience

    def _overdue(self) -> float | None:
        """Return when the oldest frame is overdue, in seconds from now; raises `LinkDown` if it is."""
        oldest = self._frames.oldest()
        if self._mode != "hybrid" or oldest is None:
            return None
        left = max(oldest.sent, self._heard) + CHECKPOINT_SECONDS - time.monotonic()
        if left <= 0:
            raise LinkDown(f"no answer on the WebSocket for {CHECKPOINT_SECONDS:g} s")
        return left

    async def _rest(self, seconds: float | None) -> None:
        """Wait until there is something to look at, at most so long."""
        now = time.monotonic()
        with self._intake.lock:
            times = [self._intake.due(), self._intake.backlog.due()]
        left = [one - now for one in times if one is not None] + ([] if seconds is None else [seconds])
        with contextlib.suppress(TimeoutError):
            # Not wait_for, which can lose a cancellation (Python 3.11).
            async with asyncio.timeout(max(_SHORTEST_REST, min(left)) if left else None):
                await self._wake.wait()
        self._wake.clear()

    async def _sync(self) -> None:
        before = 0
        while True:
            await asyncio.sleep(_SYNC_SECONDS)
            head = self._intake.oldest()
            if head and head <= before:  # it has waited for a whole round
                with contextlib.suppress(StorageError):
                    await asyncio.to_thread(self._intake.outbox.sync)
            before = self._intake.newest()
