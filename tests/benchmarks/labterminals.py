"""What recording JupyterLab's terminals costs: an echo's way, and a hundred terminals that print at once.

    python tests/benchmarks/labterminals.py [--rounds N] [--keys N] [--terminals N] [--seconds S] [--json FILE]

A real Jupyter server and real terminals, each with a tab (a WebSocket): recorded and not, in turn, in every round. An
echo is one keystroke's way through a `cat` and back. Of the hundred each prints 10 kB/s; one terminal more echoes
meanwhile. Fails if a `.cast` does not hold every byte that was printed.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shlex
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import psutil
from measure import TESTS, Figures, arguments, finish, note
from terminal import stream

sys.path[:0] = [str(TESTS / "server"), str(TESTS)]

from servers import Server, serving  # noqa: E402  # found by the line above
from talk import HEADERS, ask, eventually  # noqa: E402
from websockets.asyncio.client import ClientConnection, connect  # noqa: E402

from jupyter_recorder.library.library import Library  # noqa: E402

ROUNDS: Final = 5
RATE: Final = 10_000  # bytes/s of each terminal
STEP_SECONDS: Final = 0.05  # between two pieces of what one prints
PAUSE_SECONDS: Final = 0.005  # between two keystrokes
LOOK_SECONDS: Final = 2.0  # between two looks at how safe all is
PATIENCE: Final = 60.0
IDLE_PERCENT: Final = 5.0  # of a processor
SHELL: Final = "--ServerApp.terminado_settings={'shell_command': ['/bin/sh']}"
TYPED: Final = "the quick brown fox jumps over the lazy dog "

# Waits for a line, then prints `<line>`, the file at its pace, and `</line>`; again and again.
PRINTER: Final = """
import os, random, sys, time
data, size, step = open(sys.argv[1], "rb").read(), int(sys.argv[2]), float(sys.argv[3])
def put(piece):
    while piece:
        piece = piece[os.write(1, piece):]
put(b"[rea" + b"dy]")
for line in sys.stdin:
    begun = time.monotonic() + step * random.random()
    put(f"<{line.strip()}>".encode())
    for count, at in enumerate(range(0, len(data), size), 1):
        put(data[at : at + size])
        time.sleep(max(0, begun + count * step - time.monotonic()))
    put(f"</{line.strip()}>".encode())
"""


class Tab:
    """A terminal's WebSocket, and what is left of the text that was waited in."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def type(self, text: str) -> None:
        """Send keystrokes."""
        await self._connection.send(json.dumps(["stdin", text]))

    async def see(self, text: str) -> None:
        """Wait until the terminal shows a text."""
        tail = ""
        while text not in tail:
            kind, *rest = json.loads(await self._connection.recv())
            tail = (tail[-len(text) :] + rest[0]) if kind == "stdout" else tail


@contextlib.asynccontextmanager
async def tab(url: str, name: str) -> AsyncIterator[Tab]:
    """Look at a terminal."""
    address = f"{url.replace('http', 'ws', 1)}/terminals/websocket/{name}"
    async with connect(address, additional_headers=HEADERS, proxy=None, max_size=None, compression=None) as connection:
        yield Tab(connection)


# -- the hundred and who looks at them: in a process of their own, so that what is measured beside them waits for none


def look_on(url: str, names: list[str], command: str, orders: Connection) -> None:
    """Start the printers; at each order (a word) let all print, and answer when the last was seen to have ended."""
    asyncio.run(_look_on(url, names, command, orders))


async def _look_on(url: str, names: list[str], command: str, orders: Connection) -> None:
    async with contextlib.AsyncExitStack() as stack:
        tabs = {name: await stack.enter_async_context(tab(url, name)) for name in names}
        for one in tabs.values():
            await one.type(f"stty raw -echo; {command}\n")
            await one.see("[ready]")
        orders.send("ready")
        while word := await asyncio.to_thread(orders.recv):
            for name, one in tabs.items():
                await one.type(f"{name}.{word}\n")
            await asyncio.gather(*(one.see(f"</{name}.{word}>") for name, one in tabs.items()))
            orders.send(time.monotonic())


@contextlib.contextmanager
def audience(server: Server, names: list[str], command: str) -> Iterator[Connection]:
    """Have the terminals looked at until the block ends; all of them are ready to print."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=look_on, args=(server.url, names, command, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert heard(ours, PATIENCE) == "ready"
        yield ours
        ours.send("")
        process.join(PATIENCE)
    finally:
        process.kill()
        process.join()


def heard(connection: Connection, seconds: float) -> Any:
    """Return what comes within so many seconds."""
    assert connection.poll(seconds), "the terminals did not come to an end"
    return connection.recv()


# -- recording


def opened(server: Server) -> str:
    """Open a terminal and return its name."""
    status, model = ask(server, "POST", "/terminals", {}, below="/api")
    assert status == 200, model
    return str(model["name"])


@contextlib.contextmanager
def recorded(server: Server, names: list[str]) -> Iterator[dict[str, str]]:
    """Record terminals until the block ends; gives the recordings' ids, when what was there before is safe."""
    ids = {}
    for name in names:
        status, answer = ask(server, "POST", f"/terminals/{name}")
        assert status == 201, answer
        ids[name] = answer["recording_id"]
    eventually(lambda: not unsafe(server))
    yield ids
    for name in names:
        status, answer = ask(server, "DELETE", f"/terminals/{name}")
        assert status == 204, answer


def settle(server: Server) -> None:
    """Wait until the server has nothing to do."""
    process = psutil.Process(server.process.pid)
    process.cpu_percent()
    eventually(lambda: process.cpu_percent(0.5) < IDLE_PERCENT)


def unsafe(server: Server) -> int:
    """Return how many events of all recordings are not on the disk yet."""
    status, answer = ask(server, "GET", "/recordings?state=recording&limit=1000")
    assert status == 200, answer
    return sum(one["safe"]["unsafe"] for one in answer["recordings"])


def shown(root: Path, recording_id: str) -> str:
    """Return what a recorded terminal showed."""
    recording = Library(root).find_id(recording_id)
    assert recording is not None
    events = [json.loads(line) for line in recording.read_cast("terminal.cast").splitlines()[1:]]
    return "".join(data for _, code, data in events if code == "o")


def assert_whole(text: str, name: str, printed: str) -> None:
    """Fail unless the text holds all that the terminal has printed, in order, once."""
    _, begin, rest = text.partition(f"<{name}>")
    assert begin, f"{name}: its beginning is not recorded"
    held, end, _ = rest.partition(f"</{name}>")
    assert end, f"{name}: its end is not recorded"
    assert held == printed, f"{name}: {len(held):,} characters are recorded, {len(printed):,} were printed"


# -- what is measured


async def echoes(one: Tab, keys: Iterator[str]) -> list[float]:
    """Press keys, one after the other; return the seconds that each took to come back."""
    took = []
    for key in keys:
        begun = time.perf_counter()
        await one.type(key)
        await one.see(key)
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(PAUSE_SECONDS)
    return took


def note_echoes(figures: Figures, what: str, took: list[float]) -> None:
    """Note the median and the 99th percentile."""
    percentiles = statistics.quantiles(took, n=100, method="inclusive")
    note(figures, f"{what}, p50 (s)", percentiles[49])
    note(figures, f"{what}, p99 (s)", percentiles[98])


def note_added(figures: Figures, what: str) -> None:
    """Note what recording has added in the last round."""
    for at in ("p50", "p99"):
        plain, more = (figures[f"{what}, {how}, {at} (s)"][-1] for how in ("unrecorded", "recorded"))
        note(figures, f"{what}, added at {at} (s)", more - plain)


async def alone(figures: Figures, server: Server, name: str, one: Tab, keys: int) -> None:
    """One terminal, and nothing else to do."""
    for how in ("unrecorded", "recorded"):
        with recorded(server, [name] if how == "recorded" else []):
            await echoes(one, itertools.islice(itertools.cycle(TYPED), 20))  # warms up
            took = await echoes(one, itertools.islice(itertools.cycle(TYPED), keys))
        note_echoes(figures, f"echo, {how}", took)
    note_added(figures, "echo")


async def crowd(figures: Figures, server: Server, one: Tab, orders: Connection, word: str) -> int:
    """Let all print, and type meanwhile; return how many events were seen to be unsafe at most."""
    recorder, process = [0], psutil.Process(server.process.pid)
    over = asyncio.Event()

    async def look() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), LOOK_SECONDS)
            recorder.append(await asyncio.to_thread(unsafe, server))

    def keys() -> Iterator[str]:
        return itertools.takewhile(lambda _: not over.is_set(), itertools.cycle(TYPED))

    before, begun = process.cpu_times(), time.monotonic()
    orders.send(word)
    looking, typing = asyncio.create_task(look()), asyncio.create_task(echoes(one, keys()))
    ended = await asyncio.to_thread(heard, orders, PATIENCE)
    after = process.cpu_times()
    over.set()
    took = await typing
    await looking
    await asyncio.to_thread(eventually, lambda: not unsafe(server))
    safe = time.monotonic()
    how = "recorded" if word.startswith("r") else "unrecorded"
    used = after.user + after.system - before.user - before.system
    note(figures, f"many, {how}, server's processor (s/s)", used / (ended - begun))
    note(figures, f"many, {how}, all printed (s)", ended - begun)
    note_echoes(figures, f"many, echo, {how}", took)
    if how == "recorded":
        note(figures, "many, all safe after the end (s)", safe - ended)
    return max(recorder)


async def measure(options: Any, folder: Path, figures: Figures) -> None:
    """Take all figures, in turn."""
    root, source = folder / "root", folder / "stream"
    root.mkdir()
    stream(source, int(RATE * options.seconds))
    data = source.read_bytes()[: int(RATE * options.seconds)]
    printed = data.decode("utf-8", "ignore")
    source.write_bytes(printed.encode())
    printer = [sys.executable, "-ISc", PRINTER, str(source), str(int(RATE * STEP_SECONDS)), str(STEP_SECONDS)]
    with serving(folder / "home", root, SHELL) as server:
        name = opened(server)
        async with tab(server.url, name) as one:
            await one.type("stty raw -echo; echo rea''dy; exec cat\n")
            await one.see("ready")
            for _ in range(options.rounds):
                await alone(figures, server, name, one, options.keys)
            names = [opened(server) for _ in range(options.terminals)]
            with audience(server, names, f"exec {shlex.join(printer)}") as orders:
                for number in range(options.rounds):
                    settle(server)
                    await crowd(figures, server, one, orders, f"p{number}")
                    settle(server)
                    with recorded(server, [*names, name]) as ids:
                        at_most = await crowd(figures, server, one, orders, f"r{number}")
                    note(figures, "many, unsafe meanwhile, at most (events)", at_most)
                    for other in names:
                        assert_whole(shown(root, ids[other]), f"{other}.r{number}", printed)
                    for recording_id in ids.values():  # else the next round would stand beside their way into the index
                        shutil.rmtree(root / recording_id)
                    note_added(figures, "many, echo")
    assert server.process.returncode is not None


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.set_defaults(rounds=ROUNDS)
    parser.add_argument("--keys", type=int, default=400, help="that are pressed, alone (default: 400)")
    parser.add_argument("--terminals", type=int, default=100, help="that print at once (default: 100)")
    parser.add_argument("--seconds", type=float, default=10, help="that they print for (default: 10)")
    options = parser.parse_args()
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(measure(options, Path(name), figures))
    held = f"{options.terminals * options.rounds} of {options.terminals * options.rounds}"
    finish(figures, [("recordings that hold every byte", held)], options.json)


if __name__ == "__main__":
    main()
