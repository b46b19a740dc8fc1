"""Real SSH sessions against the server of docs/embedding.md: a client that types, resizes and leaves, or is cut off."""

from __future__ import annotations

import asyncio
import functools
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
from proxy import page

from jupyter_recorder import RecordingConfig, TerminalRecorder
from jupyter_recorder.files import SYSTEM, Files

USER = "ana"
PATIENCE = 60.0

# Draws over the whole screen, again whenever its size changes, and leaves at `q`. It looks at its size by itself, since
# curses misses a signal that comes right before it waits for a key.
FULL_SCREEN = """
import curses
def main(screen):
    curses.start_color()
    curses.init_pair(1, curses.COLOR_GREEN, curses.COLOR_BLUE)
    screen.timeout(20)
    drawn, key = None, -1
    while key != ord("q"):
        rows, cols = screen.getmaxyx()
        if drawn != (rows, cols):
            drawn = rows, cols
            screen.clear()
            screen.addstr(rows // 2, 2, f"\\u00ab{cols} by {rows}\\u00bb", curses.color_pair(1) | curses.A_BOLD)
            screen.refresh()
        key = screen.getch()
curses.wrapper(main)
"""


@dataclass
class Server:
    """A running server; `recorders` are those of its sessions so far, and `ended` counts the sessions that ended."""

    port: int
    key: asyncssh.SSHKey
    recorders: list[TerminalRecorder] = field(default_factory=list)
    ended: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        """Log in with a terminal of 80 by 24."""
        connection = await asyncssh.connect(
            "127.0.0.1",
            self.port,
            username=USER,
            client_keys=[self.key],
            known_hosts=None,
            config=None,
            agent_path=None,
        )
        async with connection:
            process = await connection.create_process(
                term_type="xterm-256color", term_size=(80, 24), encoding=None, **options
            )
            yield Client(connection, process)


class Client:
    """Someone at an SSH client: `seen` is all that their terminal was sent."""

    def __init__(self, connection: asyncssh.SSHClientConnection, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self.connection, self.process = connection, process
        self.seen = b""

    def type(self, keys: str) -> None:
        """Press keys."""
        self.process.stdin.write(keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Pull at the window's corner."""
        self.process.change_terminal_size(width, height)

    async def until(self, text: str) -> None:
        """Read until `text` is shown after what was read before."""
        begun = len(self.seen)
        async with asyncio.timeout(PATIENCE):
            while text.encode() not in self.seen[begun:]:
                data = await self.process.stdout.read(1 << 16)
                assert data, f"{text!r} never came: {self.seen[-500:]!r}"
                self.seen += data

    async def leave(self) -> int | None:
        """Read to the end, and return the session's exit status."""
        async with asyncio.timeout(PATIENCE):
            while data := await self.process.stdout.read(1 << 16):
                self.seen += data
            return (await self.process.wait()).exit_status


@asynccontextmanager
async def serving(config: RecordingConfig | None, files: Files = SYSTEM) -> AsyncIterator[Server]:
    """Run the page's server, its files on `files`."""
    module, key = page.proxy(), asyncssh.generate_private_key("ssh-ed25519")
    server = Server(0, key)
    login, new_recorder = module.login, module.new_recorder

    def noting(*args: Any) -> TerminalRecorder:
        server.recorders.append(new_recorder(*args))
        return server.recorders[-1]

    async def counting(*args: Any) -> None:
        try:
            await login(*args)
        finally:
            server.ended.release()

    module.login, module.new_recorder = counting, noting
    module.TerminalRecorder = functools.partial(TerminalRecorder, files=files)
    acceptor = await module.serve(
        config,
        host="127.0.0.1",
        port=0,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        authorized_client_keys=asyncssh.import_authorized_keys(key.export_public_key().decode()),
    )
    server.port = acceptor.get_port()
    try:
        yield server
    finally:
        acceptor.close()
        await acceptor.wait_closed()


async def full_screen(client: Client, folder: Path) -> None:
    """Run the full-screen program, resize it twice, and leave it."""
    script = folder / "screen.py"
    script.write_text(FULL_SCREEN, "utf-8")
    client.type(f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}\r")
    await client.until("80 by 24")
    client.resize(100, 30)
    await client.until("100 by 30")
    client.resize(90, 20)
    await client.until("90 by 20")
    client.type("q")


async def two_sessions(folder: Path) -> list[TerminalRecorder]:
    """Record one session that ends in order and one that is cut off, and return their recorders."""
    async with serving(RecordingConfig(output_dir=folder / "recordings")) as server:
        async with server.client() as client:
            client.type("PS1='$ '; printf 'h\\303\\251llo \\342\\202\\254\\n'\r")
            await client.until("héllo €")
            await full_screen(client, folder)
            client.type("exit 7\r")
            assert await client.leave() == 7
        async with server.client() as client:
            client.type("echo cut-$((20+3))\r")
            await client.until("cut-23")
            client.connection.abort()
        async with asyncio.timeout(PATIENCE):
            for _ in range(2):
                await server.ended.acquire()
        return server.recorders
