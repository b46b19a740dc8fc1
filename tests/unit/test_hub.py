"""Who follows what, where subscriptions begin while something is under way."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from services import SID, Service, add, start

from jupyter_recorder.errors import RecordingNotFound
from jupyter_recorder.hub import Hub
from jupyter_recorder.recorder import Recorder
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


class Listener:
    """A client that takes all that comes at once."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self._more = asyncio.Event()

    async def take(self, message: bytes) -> None:
        """Take a message."""
        self.got.append(json.loads(message))
        self._more.set()

    async def until(self, kind: str) -> dict[str, Any]:
        """Wait for a message of a type and return it."""
        while not (found := [one for one in self.got if one["type"] == kind]):
            self._more.clear()
            await asyncio.wait_for(self._more.wait(), 20)
        return found[-1]


def test_who_follows_a_recording_that_is_deleted_is_told(tmp_path: Path) -> None:
    """It is told once, with the track's name, and the subscription is over."""
    service = Service(tmp_path)

    async def follow() -> list[dict[str, Any]]:
        listener = Listener()
        hub = Hub(ServedService(service.core))
        follower = hub.join(listener.take)
        recorder = await asyncio.to_thread(Recorder.start, service.library, "film", "notebook")
        recorder.mark("a")
        await asyncio.to_thread(recorder.stop)
        follower.begin(await follower.subscribe_track(recorder.id, "journal", 1))
        await listener.until("track_event")
        await asyncio.to_thread(service.library.delete, service.library.find(recorder.id))
        error = await listener.until("error")
        assert (recorder.id, "journal", "recording_not_found") == tuple(
            error[key] for key in ("recording_id", "track", "code")
        )
        assert not follower.wake_foreign()
        follower.close()
        return listener.got

    got = asyncio.run(follow())
    service.core.close()
    assert 1 == sum(message["type"] == "error" for message in got)


def test_a_track_that_cannot_be_read_ends_its_subscription_alone(tmp_path: Path) -> None:
    """A folder in a journal's place is told to who follows it; what else a client follows goes on."""
    service = Service(tmp_path)

    async def follow() -> None:
        listener = Listener()
        hub = Hub(ServedService(service.core))
        follower = hub.join(listener.take)
        recorder = await asyncio.to_thread(Recorder.start, service.library, "broken", "notebook")
        await asyncio.to_thread(recorder.stop)
        (recorder.path / "session.ndjson").unlink()
        (recorder.path / "session.ndjson").mkdir()
        follower.begin(await follower.subscribe_track(recorder.id, "journal", 1))
        error = await listener.until("error")
        assert recorder.id == error["recording_id"]
        follower.begin(await follower.subscribe_session(SID, 1))
        await asyncio.to_thread(service.ack, start())
        assert "session_start" == (await listener.until("event_broadcast"))["event"]["type"]
        follower.close()

    asyncio.run(follow())
    service.core.close()


def test_a_recording_is_followed_by_its_id_alone(tmp_path: Path) -> None:
    """A name may be another recording's tomorrow: it is not found."""
    service = Service(tmp_path)

    async def follow() -> None:
        hub = Hub(ServedService(service.core))
        follower = hub.join(Listener().take)
        recorder = await asyncio.to_thread(Recorder.start, service.library, "film", "notebook")
        await asyncio.to_thread(recorder.stop)
        with pytest.raises(RecordingNotFound):
            await follower.subscribe_track("film", "journal", 1)
        follower.close()

    asyncio.run(follow())
    service.core.close()


def test_a_long_past_is_sent_in_turns(tmp_path: Path) -> None:
    """What is more than one reading takes is sent whole and in order, and another subscription does not wait for it."""
    service = Service(tmp_path)
    service.send(start(), *(add(f"m{number}", "x" * 50_000) for number in range(60)))
    service.send(start("other"), add("o", "hello", "other"))

    async def follow() -> list[tuple[str, int]]:
        listener = Listener()
        hub = Hub(ServedService(service.core))
        follower = hub.join(listener.take)
        long, short = await follower.subscribe_session(SID, 1), await follower.subscribe_session("other", 1)
        follower.begin(long)
        follower.begin(short)
        while len(listener.got) < 63:
            await asyncio.sleep(0.01)
        follower.close()
        return [(one["event"]["session_id"], one["event"]["seq"]) for one in listener.got]

    got = asyncio.run(asyncio.wait_for(follow(), 20))
    service.core.close()
    assert list(range(1, 62)) == [seq for session_id, seq in got if session_id == SID]
    assert got.index(("other", 2)) < got.index((SID, 61))
