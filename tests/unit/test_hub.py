"""Who follows what, where subscriptions begin while something is under way."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from services import SID, Service, add, start

from jupyter_recorder.hub import Hub
from jupyter_recorder.service.served import ServedService


class Client:
    """A client that takes a message when it is let to."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.taking, self.may_go_on, self.has_more = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def take(self, message: bytes) -> None:
        """Take a message."""
        broadcast: dict[str, Any] = json.loads(message)
        self.got.append(broadcast["seq"])
        self.taking.set()
        self.has_more.set()
        await self.may_go_on.wait()

    async def until(self, count: int) -> None:
        """Wait until so many messages have come."""
        while len(self.got) < count:
            self.has_more.clear()
            await asyncio.wait_for(self.has_more.wait(), 20)


def test_a_subscription_outlives_what_was_heard_before_it(tmp_path: Path) -> None:
    """While an event that every client hears is being sent, a subscription to its session takes its place for good."""
    service = Service(tmp_path)

    async def follow() -> list[int]:
        client = Client()
        hub = Hub(ServedService(service.core))
        follower = hub.join(client.take)
        await asyncio.to_thread(service.ack, start())
        await asyncio.wait_for(client.taking.wait(), 20)
        follower.begin(await follower.subscribe_session(SID, 1))
        client.may_go_on.set()
        await client.until(2)
        for number in range(3):
            await asyncio.to_thread(service.ack, add(f"m{number}"))
        await client.until(5)
        follower.close()
        return client.got

    got = asyncio.run(follow())
    service.core.close()
    assert [1, 1, 2, 3, 4] == got


def test_nothing_is_sent_before_its_client_is_told_of_the_subscription(tmp_path: Path) -> None:
    """A subscription waits for `begin`, and what is heard without one has ended by then."""
    service = Service(tmp_path)

    async def follow() -> list[int]:
        client = Client()
        client.may_go_on.set()
        hub = Hub(ServedService(service.core))
        follower = hub.join(client.take)
        cursor = await follower.subscribe_session(SID, 2)
        await asyncio.to_thread(service.send, start(), add("m"))
        await asyncio.to_thread(service.core.mark_persisted, SID)
        hub.poll_soon()
        await asyncio.sleep(0)
        before = list(client.got)
        follower.begin(cursor)
        await client.until(1)
        follower.close()
        return [*before, -1, *client.got]

    got = asyncio.run(follow())
    service.core.close()
    assert [-1, 2] == got
