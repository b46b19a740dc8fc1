"""A client that streams into sessions of a server and writes down each ack, until it or the server is killed.

`python streaming_process.py URL TOKEN ACKS FIRST COUNT`: COUNT sessions from FIRST on, each with a
producer of its own; a line of ACKS is `session number seq`. It prints a line once all of them stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

WINDOW = 64


def events(session: str, first: int, count: int) -> list[dict[str, Any]]:
    """Return the events numbered from `first`: a start, a message, and pieces that tell their number."""
    made: list[dict[str, Any]] = []
    for number in range(first, first + count):
        event: dict[str, Any] = {"session_id": session, "producer": f"p-{session}", "producer_seq": number}
        if number == 1:
            made.append({**event, "type": "session_start", "provider": "test"})
        elif number == 2:
            made.append({**event, "type": "message_add", "message_id": "m", "role": "assistant", "content": ""})
        else:
            made.append({**event, "type": "message_append", "message_id": "m", "content_delta": f"{number} "})
    return made


async def stream(url: str, token: str, session: str, acks: int, streaming: asyncio.Event) -> None:
    """Stream one session, from where the server says that it stands, until the connection ends."""
    room = asyncio.Semaphore(WINDOW)
    async with connect(url, additional_headers={"Authorization": f"token {token}"}, proxy=None) as socket:
        await socket.recv()
        await socket.send(json.dumps({"type": "hello", "producer": f"p-{session}", "sessions": [session]}))
        first = json.loads(await socket.recv())["committed"][session] + 1

        async def note() -> None:
            async for message in socket:
                for answer in json.loads(message)["responses"]:
                    assert answer["type"] == "ack", answer
                    number = int(answer["event_id"].rpartition(":")[2])
                    os.write(acks, f"{session} {number} {answer['seq']}\n".encode())
                streaming.set()
                room.release()

        async def send() -> None:
            for number in range(first, first + 4096, 3):
                await room.acquire()
                await socket.send(json.dumps({"type": "events", "events": events(session, number, 3)}))

        sending = asyncio.create_task(send())
        try:
            await note()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def main(url: str, token: str, path: str, first: int, count: int) -> None:
    """Stream all sessions at once."""
    acks = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    streaming = [asyncio.Event() for _ in range(count)]
    tasks = [
        asyncio.create_task(stream(url, token, f"s{first + at}", acks, begun)) for at, begun in enumerate(streaming)
    ]
    everyone = asyncio.ensure_future(asyncio.gather(*(begun.wait() for begun in streaming)))
    await asyncio.wait([everyone, *tasks], return_when=asyncio.FIRST_COMPLETED)
    if not everyone.done():  # one has ended before all had begun: what it died of is raised, not waited for
        everyone.cancel()
        await asyncio.gather(*tasks)
    print("streaming", flush=True)
    with contextlib.suppress(ConnectionClosed, OSError):
        await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
