"""A server of the protocol's smallest part, to be told what to answer: for orders and errors that no real one makes
at will. What is claimed of the real server is tested against the real server.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve

QUIET = logging.Logger("quiet", logging.CRITICAL)  # its own logs tell headers
Json = dict[str, Any]


def good(event: Json) -> Json:
    """Return the ack of an event."""
    return {"type": "ack", "event_id": event.get("event_id"), "session_id": event.get("session_id", ""), "status": "x"}


class FakeServer:
    """Answers each event by `answer`; `frames` are the event lists that came, `hellos` the introductions.

    It closes with `close_with`, or with 1009 if a message has over `limit` bytes; a `mute` one answers no event. The
    next of `greeting` is what it greets with in place of a greeting, `noise` what it says once, in place of an answer
    where that is an error and before one where it is not.
    """

    def __init__(self) -> None:
        self.answer: Callable[[Json], Json] = good
        self.committed: dict[tuple[str, str], int] = {}
        self.headers: Any = {}
        self.limit: int | None = None
        self.answered: list[Json] = []
        self.frames: list[list[Json]] = []
        self.hellos: list[Json] = []
        self.close_with: int | None = None
        self.mute = False
        self.noise: list[str] = []
        self.greeting: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> FakeServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._thread.join(10)

    @property
    def events(self) -> list[Json]:
        """All events that came, in order."""
        return [event for frame in self.frames for event in frame]

    def _answered(self, event: Json) -> Json:
        answer = self.answer(event)
        if answer["type"] == "ack" and "producer" in event:
            self.committed[event["producer"], event["session_id"]] = event["producer_seq"]
        return answer

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._server: Server = await serve(self._handle, "127.0.0.1", 0, max_size=None, logger=QUIET)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._server.wait_closed()

    async def _handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.headers = connection.request.headers
        usual = json.dumps({"type": "connected", "client_id": "x"})
        await connection.send(self.greeting.pop(0) if self.greeting else usual)
        async for raw in connection:
            message = json.loads(raw)
            if message["type"] == "hello":
                self.hellos.append(message)
                known = [(name, (message["producer"], name)) for name in message.get("sessions", [])]
                committed = {name: self.committed.get(key, 0) for name, key in known}
                await connection.send(
                    json.dumps({"type": "welcome", "producer": message["producer"], "committed": committed})
                )
            elif message["type"] == "events":
                self.frames.append(message["events"])
                if self.close_with is not None:
                    await connection.close(self.close_with)
                    return
                if self.limit is not None and len(raw) > self.limit:
                    await connection.close(1009)
                    return
                noise, self.noise = self.noise, []
                for one in noise:
                    await connection.send(one)
                if not self.mute and not any('"error"' in one for one in noise):
                    self.answered += message["events"]
                    answers = [self._answered(event) for event in message["events"]]
                    await connection.send(
                        json.dumps({"type": "events_processed", "count": len(answers), "responses": answers})
                    )
