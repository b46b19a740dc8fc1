"""What recording to a server costs, beside the floor, in one run: prints a table of ratios.

    python tests/benchmarks/ingest.py [--events N] [--long N] [--json FILE]

A bare Tornado WebSocket that echoes, and one that writes and syncs each message before that, on its loop, which a disk
that hangs would hold; ours, with acks that are on the disk, one event a frame (one in flight, and 256)
and a hundred a frame; a bare write and fdatasync; JetStream as it comes and with a sync for each message (if it is
installed: the group `bench`). Every figure is the median of several rounds, taken in turn, since machines are noisy.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "server"), str(HERE.parent)]

from servers import TOKEN, serving  # noqa: E402  # found by the line above
from websockets.asyncio.client import ClientConnection, connect  # noqa: E402

ECHO = """
import asyncio, os, sys
import tornado.web, tornado.websocket
class Echo(tornado.websocket.WebSocketHandler):
    def open(self):
        self.set_nodelay(True)
    def on_message(self, message):
        if kept is not None:
            os.write(kept, message.encode())
            os.fdatasync(kept)
        self.write_message(message)
kept = os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600) if len(sys.argv) > 2 else None
async def main():
    tornado.web.Application([("/", Echo)]).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()
asyncio.run(main())
"""
TEXT = " hello there"
BATCH = 100
ROUNDS = 5


class Producer:
    """Frames of events with the numbers of one producer, encoded beforehand."""

    def __init__(self, session: str) -> None:
        self.session, self._number = session, 0

    def frame(self, count: int) -> str:
        """Return the next frame."""
        return json.dumps({"type": "events", "events": [self._event() for _ in range(count)]})

    def _event(self) -> dict[str, Any]:
        self._number += 1
        event = {"session_id": self.session, "producer": f"p-{self.session}", "producer_seq": self._number}
        if self._number == 1:
            return {**event, "type": "session_start", "provider": "bench"}
        if self._number == 2:
            return {**event, "type": "message_add", "message_id": "m", "role": "assistant", "content": ""}
        return {**event, "type": "message_append", "message_id": "m", "content_delta": TEXT}


async def exchange(connection: ClientConnection, frames: list[str], window: int, *, acked: bool) -> float:
    """Send frames with so many in flight, wait for an answer to each, and return the seconds that took."""
    room = asyncio.Semaphore(window)

    async def receive() -> None:
        for _ in frames:
            answer = await connection.recv()
            if acked and '"error"' in answer:  # type: ignore[operator]
                raise AssertionError(answer)
            room.release()

    begun = time.perf_counter()
    receiving = asyncio.create_task(receive())
    for frame in frames:
        await room.acquire()
        await connection.send(frame)
    await receiving
    return time.perf_counter() - begun


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(command: list[str], port: int) -> Iterator[None]:
    """Run a program until the block ends; it listens at `port` when the block begins."""
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < deadline, command
            time.sleep(0.05)
        yield
    finally:
        running.kill()
        running.wait()


def synced_writes(folder: Path, count: int) -> float:
    """Return the seconds that one write of an event's size and its fdatasync take."""
    fd = os.open(folder / "floor", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    data = b"x" * 200
    try:
        begun = time.perf_counter()
        for _ in range(count):
            os.write(fd, data)
            os.fdatasync(fd)
        return (time.perf_counter() - begun) / count
    finally:
        os.close(fd)


@contextlib.asynccontextmanager
async def jetstream(folder: Path, sync: str) -> AsyncIterator[Any]:
    """Run a JetStream server and give a context that publishes to it; None if it is not installed."""
    try:
        import nats
    except ImportError:
        yield None
        return
    server = shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if server is None:
        yield None
        return
    port = free_port()
    config = folder / f"nats-{port}.conf"
    config.write_text(
        f"port: {port}\nhost: 127.0.0.1\njetstream {{ store_dir: {json.dumps(str(folder / str(port)))}\n"
        + (f"  sync_interval: {sync}\n" if sync else "")
        + "}\n"
    )
    with process([server, "-c", str(config)], port):
        client = await nats.connect(f"nats://127.0.0.1:{port}")
        stream = client.jetstream()
        await stream.add_stream(name="bench", subjects=["bench"])
        yield stream
        await client.close()


async def published(stream: Any, count: int, window: int) -> float:
    """Return the seconds that publishing takes, each message acknowledged, with so many in flight."""
    payload = Producer("x").frame(3)[-160:].encode()
    room = asyncio.Semaphore(window)

    async def one() -> None:
        async with room:
            await stream.publish("bench", payload)

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return time.perf_counter() - begun


Figures = dict[str, list[float]]


async def measure(events: int, folder: Path, figures: Figures) -> None:
    """Take all figures, in turn."""

    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    port, synced_port = free_port(), free_port()
    (folder / "root").mkdir()
    headers = {"Authorization": f"token {TOKEN}"}
    async with jetstream(folder, "") as lazy, jetstream(folder, "always") as strict:
        with (
            serving(folder / "home", folder / "root") as server,
            process([sys.executable, "-c", ECHO, str(port)], port),
            process([sys.executable, "-c", ECHO, str(synced_port), str(folder / "echoed")], synced_port),
        ):
            url = f"{server.url.replace('http', 'ws', 1)}/api/recording/ws"
            async with (
                connect(f"ws://127.0.0.1:{port}/", proxy=None, compression=None) as echo,
                connect(f"ws://127.0.0.1:{synced_port}/", proxy=None, compression=None) as synced_echo,
                connect(url, additional_headers=headers, proxy=None, compression=None, max_size=None) as ours,
            ):
                await ours.recv()
                for number in range(ROUNDS + 1):
                    counted: Callable[[str, float], None] = (
                        note if number else lambda *_: None
                    )  # the first one warms up
                    producer = Producer(f"s{number}")
                    await exchange(ours, [producer.frame(2)], 1, acked=True)
                    single = [producer.frame(1) for _ in range(events)]
                    few = [producer.frame(1) for _ in range(300)]
                    batches = [producer.frame(BATCH) for _ in range(events // 20)]
                    counted("echo, one in flight (s)", await exchange(echo, few, 1, acked=False) / len(few))
                    counted("echo, 256 in flight (/s)", len(single) / await exchange(echo, single, 256, acked=False))
                    counted("write + fdatasync (s)", synced_writes(folder, 300))
                    taken = await exchange(synced_echo, few, 1, acked=False)
                    counted("echo that writes and syncs, one in flight (s)", taken / len(few))
                    counted("ours, 256 in flight (/s)", len(single) / await exchange(ours, single, 256, acked=True))
                    counted("ours, one in flight (s)", await exchange(ours, few, 1, acked=True) / len(few))
                    taken = await exchange(ours, batches, 32, acked=True)
                    counted("ours, batches of 100 (/s)", len(batches) * BATCH / taken)
                    if lazy is not None:
                        counted("JetStream, 256 in flight (/s)", events / await published(lazy, events, 256))
                    if strict is not None:
                        count = max(200, events // 20)
                        counted("JetStream, synced (/s)", count / await published(strict, count, 256))


async def lengthen(total: int, folder: Path, figures: Figures) -> None:
    """Stream one long session, and compare its beginning with its end."""
    (folder / "long").mkdir()
    with serving(folder / "home-long", folder / "long") as server:
        url = f"{server.url.replace('http', 'ws', 1)}/api/recording/ws"
        headers = {"Authorization": f"token {TOKEN}"}
        async with connect(url, additional_headers=headers, proxy=None, compression=None, max_size=None) as ours:
            await ours.recv()
            producer, part = Producer("long"), max(20_000, total // 50)
            rates = []
            for _ in range(0, total, part):
                frames = [producer.frame(BATCH) for _ in range(part // BATCH)]
                rates.append(part / await exchange(ours, frames, 32, acked=True))
        figures["long session, first tenth (/s)"] = rates[1 : max(2, len(rates) // 10 + 1)]
        figures["long session, last tenth (/s)"] = rates[-max(1, len(rates) // 10) :]


def table(figures: Figures) -> list[tuple[str, str]]:
    """Return what is printed: figures, then ratios."""
    middle = {name: statistics.median(values) for name, values in figures.items()}
    rows = [
        (name, f"{value * 1e6:,.0f} µs" if name.endswith("(s)") else f"{value:,.0f}") for name, value in middle.items()
    ]
    floor = middle["echo, one in flight (s)"] + middle["write + fdatasync (s)"]
    rows += [
        (
            "ours / echo, 256 in flight",
            f"{middle['ours, 256 in flight (/s)'] / middle['echo, 256 in flight (/s)']:.2f}",
        ),
        ("ours / (echo + fdatasync), one in flight", f"{middle['ours, one in flight (s)'] / floor:.2f}"),
        (
            "ours / an echo that writes and syncs, one in flight",
            f"{middle['ours, one in flight (s)'] / middle['echo that writes and syncs, one in flight (s)']:.2f}",
        ),
    ]
    for name, label in (("JetStream, 256 in flight (/s)", "as it comes"), ("JetStream, synced (/s)", "synced")):
        if name in middle:
            rows.append(
                (f"ours in batches / JetStream {label}", f"{middle['ours, batches of 100 (/s)'] / middle[name]:.1f}")
            )
            rows.append(
                (f"ours one by one / JetStream {label}", f"{middle['ours, 256 in flight (/s)'] / middle[name]:.1f}")
            )
    if "long session, last tenth (/s)" in middle:
        cost = middle["long session, first tenth (/s)"] / middle["long session, last tenth (/s)"]
        rows.append(("an event at the end of the long session / at its beginning", f"{cost:.2f}"))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=5000, help="events of a round")
    parser.add_argument("--long", type=int, default=1_000_000, help="events of the long session; 0: none")
    parser.add_argument("--json", type=Path, help="a file for the figures of all rounds")
    options = parser.parse_args()
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(options.events, Path(folder), figures))
        if options.long:
            asyncio.run(lengthen(options.long, Path(folder), figures))
    rows = table(figures)
    width = max(len(name) for name, _ in rows)
    print("\n".join(f"{name:<{width}}  {value:>12}" for name, value in rows))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
