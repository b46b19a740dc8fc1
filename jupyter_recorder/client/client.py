"""`RecorderClient`: records to a Jupyter server from any program, and loses nothing on the way."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from .. import forks
from ..errors import EventsRefused, RecError
from .delivery import Delivery, Mode
from .frames import Reports
from .intake import Intake
from .link import Address
from .outbox import Outbox
from .place import first_free
from .session import Session

MAX_OUTBOX_BYTES: Final = 64 * 2**20
_LAST_REFUSALS: Final = 100
# A program that ends without close() waits so long for what is not yet safe.
_EXIT_SECONDS: Final = 2.0

log = logging.getLogger("jupyter_recorder.client")

OnRefused = Callable[[dict[str, Any], dict[str, Any]], None]
OnProblem = Callable[[str, str], None]


class RecorderClient:
    """A way to record to the server at `url`; used as `with` or `async with`, from any thread or event loop.

    Every event is in the `outbox` (a folder; default: the first free one for this server in the Jupyter data folder)
    before the call that gives it returns, and leaves it when the server has acknowledged it as safe on its disk. A kill
    of this process, a cut, and a restart of the server lose nothing and record nothing twice; the next client on the
    same outbox sends what was left.

    `mode`: `live` is the WebSocket, `batch` is HTTP alone, `hybrid` is the WebSocket with HTTP in its place while it is
    refused, down, or has not answered for 5 s. `token` may also stand in `url`; it is in no log, repr or file.
    `on_refused(event, answer)` hears of an event that no server will take: it is out of the outbox then. `on_problem(
    session_id, message)` hears of what delays delivery (session_id "": the connection), `on_safe()` whenever nothing is
    left unacknowledged; all three are called in the client's own thread, and should be quick.

    Raises `OutboxInUse`, `StorageError`, and `ValueError` for an address that is none.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        mode: Mode = "hybrid",
        outbox: Path | str | None = None,
        max_outbox_bytes: int = MAX_OUTBOX_BYTES,
        on_refused: OnRefused | None = None,
        on_problem: OnProblem | None = None,
        on_safe: Callable[[], None] | None = None,
    ) -> None:
        if mode not in ("live", "batch", "hybrid"):
            raise ValueError(f"mode is live, batch or hybrid, not {mode!r}")
        self._address = Address(url, token)
        self._on_refused, self._on_problem, self._on_safe = on_refused, on_problem, on_safe
        self._outbox = first_free(self._address.url) if outbox is None else Outbox(Path(outbox))
        self._problems: dict[str, str] = {}
        self._refusals: deque[dict[str, Any]] = deque(maxlen=_LAST_REFUSALS)
        self._refused = 0
        self._state = threading.Lock()
        self._closed = False
        self._waking = False
        self._loop = asyncio.new_event_loop()
        try:
            self._intake = Intake(self._outbox, max_outbox_bytes, self._moved)
        except BaseException:
            self._outbox.close()
            raise
        reports = Reports(self._refuse, self._trouble, self._solve, self._tell_safe)
        self._delivery = Delivery(self._intake, self._address, mode, reports)
        self._thread = threading.Thread(target=self._run, name="jupyter-recorder-client", daemon=True)
        self._thread.start()
        forks.watch(self)
        atexit.register(self.close, _EXIT_SECONDS)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "connected" if self.connected else "not connected"
        return f"<RecorderClient {self._address} {state}, {self.acked} acked, {self.unacked} unacked>"

    # -- what is recorded

    def session(self, session_id: str | None = None, *, provider: str = "python", **fields: Any) -> Session:
        """Start a session, or go on with one of this id; `fields`: `title`, `model`, `workspace_path`, `metadata`."""
        session_id = session_id or uuid.uuid4().hex
        self.send({"type": "session_start", "session_id": session_id, "provider": provider, **fields})
        return Session(session_id, self.send, self._grow)

    def send(self, event: dict[str, Any]) -> str:
        """Put an event of the protocol into the outbox and return its `event_id`.

        Raises `InvalidEvent` (no server would take it), `OutboxFull` (the server has been away for too long) or
        `StorageError` (this machine's disk refused); then the event is not kept.
        """
        self._insist_on_open()
        return self._intake.send(event)

    def heartbeat(self, session_id: str | None = None) -> None:
        """Tell the server that this client lives; not kept, and not sent again."""
        self._insist_on_open()
        self._delivery.beat(session_id)
        self._moved()

    # -- what is safe

    @property
    def acked(self) -> int:
        """How many events the server has acknowledged as safe since this client was made."""
        return self._intake.acked

    @property
    def unacked(self) -> int:
        """How many events are in the outbox and not known to be safe at the server."""
        return self._intake.unacked

    @property
    def connected(self) -> bool:
        """Whether the server was there when it was last needed."""
        return self._delivery.connected

    @property
    def problems(self) -> dict[str, str]:
        """What delays delivery now: session id to message; "" is the connection."""
        return dict(self._problems)

    @property
    def refused(self) -> list[dict[str, Any]]:
        """The last answers (at most 100) to events that the server will not take."""
        return list(self._refusals)

    @property
    def outbox(self) -> Path:
        """The outbox's folder."""
        return self._outbox.folder

    def flush(self, timeout: float | None = None) -> None:
        """Wait until all that was given is safe at the server.

        Raises `EventsRefused` if the server refused anything since the last flush, and `TimeoutError` after `timeout`
        seconds; what is not safe then stays in the outbox.
        """
        self._insist_on_open()
        self._wait(timeout)
        self._raise_refusals()

    async def aflush(self, timeout: float | None = None) -> None:
        """Do what `flush` does, in an event loop."""
        self._insist_on_open()
        await self._wait_async(timeout)
        self._raise_refusals()

    # -- its end

    def close(self, timeout: float = 10.0) -> int:
        """Wait up to `timeout` seconds until all is safe, and end; returns how many events are left in the outbox."""
        if self._begin_closing():
            with contextlib.suppress(TimeoutError, RecError):
                self._wait(timeout)
            self._end()
        return self.unacked

    async def aclose(self, timeout: float = 10.0) -> int:
        """Do what `close` does, in an event loop."""
        if self._begin_closing():
            with contextlib.suppress(TimeoutError, RecError):
                await self._wait_async(timeout)
            await asyncio.to_thread(self._end)
        return self.unacked

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def after_fork_in_child(self) -> None:
        """Be closed there: outbox and connection are the parent's."""
        self._closed = True
        self._state = threading.Lock()  # a thread of the parent may hold the old one for ever
        self._outbox.after_fork_in_child()

    # -- within

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._delivery.run())
        finally:
            self._loop.close()

    def _moved(self) -> None:
        if self._waking:  # once is enough, and each costs a system call
            return
        self._waking = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: what was given is sent at the next opening
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._waking = False
        self._delivery.wake()

    def _grow(self, session_id: str, message_id: str, delta: str) -> None:
        self._insist_on_open()
        self._intake.grow(session_id, message_id, delta)

    def _insist_on_open(self) -> None:
        if self._closed:
            raise RuntimeError("this client is closed (or belongs to the process that forked this one); make another")

    def _begin_closing(self) -> bool:
        with self._state:
            first, self._closed = not self._closed, True
        return first

    def _end(self) -> None:
        atexit.unregister(self.close)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._delivery.stop)
        self._thread.join()
        forks.unwatch(self)
        self._outbox.close()
        if self.unacked:
            log.warning(
                "%s not known to be safe at %s; what is not stays in %s and is sent by the next client there",
                _events(self.unacked),
                self._address,
                self.outbox,
            )

    def _wait(self, timeout: float | None) -> None:
        safe, forget = self._all_safe()
        try:
            safe.result(timeout)
        except TimeoutError:
            raise self._not_yet(timeout) from None
        finally:
            forget()

    async def _wait_async(self, timeout: float | None) -> None:
        safe, forget = self._all_safe()
        try:
            await asyncio.wait_for(asyncio.wrap_future(safe), timeout)
        except TimeoutError:
            raise self._not_yet(timeout) from None
        finally:
            forget()

    def _all_safe(self) -> tuple[Future[None], Callable[[], None]]:
        safe: Future[None] = Future()

        def done() -> None:
            if safe.set_running_or_notify_cancel():
                safe.set_result(None)

        waiter = self._intake.wait(done)
        return safe, lambda: self._intake.wait_no_more(waiter) if waiter else None

    def _not_yet(self, timeout: float | None) -> TimeoutError:
        why = "; ".join(dict.fromkeys(self._problems.values()))
        return TimeoutError(
            f"{_events(self.unacked)} not safe at {self._address} after {timeout:g} s; all is kept in {self.outbox}"
            + (f" ({why})" if why else "")
        )

    def _raise_refusals(self) -> None:
        count, self._refused = self._refused, 0
        if count:
            raise EventsRefused(count, self.refused[-count:])

    def _refuse(self, event: dict[str, Any], answer: dict[str, Any]) -> None:
        self._refused += 1
        self._refusals.append({**answer, "event_id": event.get("event_id"), "session_id": event.get("session_id")})
        log.error("session %r: %s refused for good: %s", event["session_id"], event["type"], answer.get("code"))
        if self._on_refused is not None:
            self._call(self._on_refused, event, answer)

    def _trouble(self, session_id: str, message: str) -> None:
        if self._problems.get(session_id) == message:
            return
        self._problems[session_id] = message
        log.warning("%s: %s", f"session {session_id!r}" if session_id else self._address, message)
        if self._on_problem is not None:
            self._call(self._on_problem, session_id, message)

    def _solve(self, session_id: str) -> None:
        self._problems.pop(session_id, None)

    def _tell_safe(self) -> None:
        if self._on_safe is not None:
            self._call(self._on_safe)

    def _call(self, callback: Callable[..., None], *arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception:
            log.exception("a callback of RecorderClient failed")


def _events(count: int) -> str:
    return "1 event is" if count == 1 else f"{count} events are"
