"""JupyterLab's terminals in one process, with real shells: names, ends, and what there may not be."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from services import PATIENCE, Service
from terminado.management import NamedTermManager, PtyWithClients

from jupyter_recorder.capture import labterminal
from jupyter_recorder.capture.labterminal import LabTerminals
from jupyter_recorder.errors import NoActiveRecording, TerminalNotFound
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.service.served import ServedService

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a PTY")


class Reopening(NamedTermManager):
    """A manager that opens the next terminal of a name as soon as the last one has ended, `again` times."""

    again = 0

    def on_eof(self, ptywclients: PtyWithClients) -> None:
        """End a terminal."""
        super().on_eof(ptywclients)
        if self.again:
            self.again -= 1
            self.new_named_terminal(name=ptywclients.term_name)


class Terminals:
    """A server's terminals without a server, and what is recorded of them."""

    def __init__(self, folder: Path) -> None:
        self.service = Service(folder)
        self.served = ServedService(self.service.core)
        self.manager = Reopening(shell_command=["/bin/sh"])
        self.taps = LabTerminals(self.manager, self.served)

    def open(self, name: str) -> PtyWithClients:
        """Open a terminal."""
        return self.manager.new_named_terminal(name=name)[1]

    def hang(self, monkeypatch: pytest.MonkeyPatch, *, begun: bool = False) -> asyncio.Event:
        """Let recordings hang before they begin (or just after, if `begun`) until what is returned is set."""
        begin, disk = self.served.start_terminal, asyncio.Event()

        async def begin_slowly(*arguments: Any) -> Any:
            if not begun:
                await disk.wait()
            made = await begin(*arguments)
            await disk.wait()
            return made

        monkeypatch.setattr(self.served, "start_terminal", begin_slowly)
        return disk

    def typed(self) -> str:
        """Return what was typed into the only terminal that is recorded."""
        (recording,) = self.recordings()
        events = map(json.loads, recording.read_cast("terminal.cast").splitlines()[1:])
        return "".join(data for _, code, data in events if code == "i")

    def recordings(self) -> list[Recording]:
        """Return what is recorded, the oldest first."""
        found = [one for one in self.service.library.recordings() if not one.error]
        return sorted(found, key=lambda one: int(one.manifest["started_at"]))

    def exit_codes(self) -> list[Any]:
        """Return how the recorded shells have ended."""
        events = [event for one in self.recordings() for event in one.events()]
        return [event["exit_code"] for event in events if event["type"] == "terminal_end"]


@contextlib.asynccontextmanager
async def terminals_in(folder: Path) -> AsyncIterator[Terminals]:
    """Have terminals until the block ends."""
    terminals = Terminals(folder)
    try:
        yield terminals
    finally:
        terminals.manager.again = 0
        await terminals.manager.shutdown()
        await terminals.served.close()


async def eventually(so: Callable[[], object]) -> None:
    """Wait until something is so."""
    for _ in range(int(PATIENCE / 0.02)):
        if so():
            return
        await asyncio.sleep(0.02)
    assert so()


def test_a_shell_that_is_killed_has_the_signal_in_its_exit_status(tmp_path: Path) -> None:
    """128 and the signal's number, as a shell tells it."""

    async def record() -> None:
        async with terminals_in(tmp_path) as terminals:
            shell = terminals.open("one")
            await terminals.taps.start("one")
            shell.ptyproc.write("kill -9 $$\n")
            await eventually(lambda: terminals.exit_codes() == [137])
            assert {} == terminals.taps.recorded()

    asyncio.run(record())


def test_a_terminal_may_be_called_anything(tmp_path: Path) -> None:
    """A terminal whose name no recording can have is recorded as `terminal`, another one by its name."""

    async def record() -> None:
        async with terminals_in(tmp_path) as terminals:
            for name in ("two", "\u202eon\x1b[2J"):
                terminals.open(name)
                await terminals.taps.start(name)
            assert {"terminal-two", "terminal"} == {one.manifest["name"] for one in terminals.recordings()}

    asyncio.run(record())


def test_the_next_terminal_of_a_name_is_recorded_while_the_last_one_ends(tmp_path: Path) -> None:
    """The end of the first shell ends its own recording alone."""

    async def record() -> None:
        async with terminals_in(tmp_path) as terminals:
            terminals.taps.record_all()
            terminals.manager.again = 1
            terminals.open("one").ptyproc.write("exit 4\n")
            await eventually(lambda: terminals.exit_codes() == [4])
            await eventually(lambda: terminals.taps.recorded().get("one"))
            states = {one.id: one.state for one in terminals.recordings()}
            assert ["completed", "recording"] == sorted(states.values())
            assert "recording" == states[terminals.taps.recorded()["one"]]
            terminals.manager.terminals["one"].ptyproc.write("exit 5\n")
            await eventually(lambda: sorted(terminals.exit_codes()) == [4, 5])

    asyncio.run(record())


def test_what_is_typed_while_its_recording_is_made_is_in_it(tmp_path: Path) -> None:
    """A server types in a thread of its own: nothing that comes while what came before is recorded is lost."""

    async def record() -> None:
        async with terminals_in(tmp_path) as terminals:
            shell = terminals.open("one")
            start = asyncio.create_task(terminals.taps.start("one", record_input=True))
            await eventually(terminals.taps.recorded)
            typed: list[str] = []

            def type_on() -> None:
                more = 20
                while more and len(typed) < 100_000:
                    typed.append(f": {len(typed)}\n")
                    shell.ptyproc.write(typed[-1])
                    more -= start.done()

            await asyncio.to_thread(type_on)
            await terminals.taps.stop("one")
            assert "".join(typed) == terminals.typed()

    asyncio.run(record())


def test_what_there_is_no_room_for_while_a_recording_is_made_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that hangs at the beginning costs what comes beyond a bound; how much it was is recorded."""
    monkeypatch.setattr(labterminal, "_WAITING_BYTES", 100)

    async def record() -> None:
        async with terminals_in(tmp_path) as terminals:
            shell = terminals.open("one")
            disk = terminals.hang(monkeypatch)
            start = asyncio.create_task(terminals.taps.start("one", record_input=True))
            await eventually(terminals.taps.recorded)
            for number in range(30):
                shell.ptyproc.write(f": {number:04}\n")
            shell.ptyproc.setwinsize(50, 132)
            disk.set()
            await start
            shell.ptyproc.write(": after\n")
            await terminals.taps.stop("one")
            (recording,) = terminals.recordings()
            events = [json.loads(line) for line in recording.read_cast("terminal.cast").splitlines()[1:]]
            typed = terminals.typed()
            (gap,) = (event for event in recording.events() if event["type"] == "gap")
            kept = len(typed.splitlines()) - 1
            assert [*(f": {number:04}" for number in range(kept)), ": after"] == typed.splitlines()
            assert kept < 30 <= kept + gap["events"] - 1  # one of them the size; it may have shown something, too
            assert gap["bytes"] >= 7 * (30 - kept)
            assert "132x50" == [data for _, code, data in events if code == "r"][-1]

    asyncio.run(record())


def test_a_server_that_stops_waits_for_what_a_recording_is_to_take_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was typed while the recording was being made is in it, though the server was stopped meanwhile."""

    async def record() -> None:
        async with terminals_in(tmp_path) as terminals:
            shell = terminals.open("one")
            disk = terminals.hang(monkeypatch, begun=True)
            start = asyncio.create_task(terminals.taps.start("one", record_input=True))
            await eventually(terminals.recordings)
            typed = [f": {number}\n" for number in range(30)]
            for text in typed:
                shell.ptyproc.write(text)
            closing = asyncio.create_task(terminals.taps.close(PATIENCE))
            await asyncio.sleep(0.1)  # time enough to end, if nothing were waited for
            assert not closing.done()
            disk.set()
            await closing
            await terminals.served.close()
            (recording,) = terminals.recordings()
            assert await start == recording.id
            assert "".join(typed) == terminals.typed()

    asyncio.run(record())


def test_a_server_that_stops_waits_for_no_disk_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What can't begin in time is told, and nothing begins any more."""

    async def record() -> None:
        async with terminals_in(tmp_path) as terminals:
            terminals.taps.record_all()
            disk = terminals.hang(monkeypatch)
            terminals.open("one")
            await terminals.taps.close(0.1)
            assert ["one"] == [record.args[0] for record in caplog.records if "before the server" in record.msg]
            terminals.open("two")
            with pytest.raises(NoActiveRecording):
                await terminals.taps.start("two")
            assert {"one": None} == terminals.taps.recorded()
            await terminals.served.close()
            disk.set()
            await eventually(lambda: not terminals.taps.recorded())
            assert [] == terminals.recordings()

    asyncio.run(record())


def test_a_shell_that_outlives_the_service_changes_no_recording(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that stops ends its recordings first; that their shells end after that is no mistake, and no event."""

    async def record() -> None:
        async with terminals_in(tmp_path) as terminals:
            shell = terminals.open("one")
            await terminals.taps.start("one")
            await terminals.served.close()
            (before,) = terminals.recordings()
            events = list(before.events())
            shell.ptyproc.write("exit 6\n")
            await eventually(lambda: not terminals.taps.recorded())
            (after,) = terminals.recordings()
            assert ("completed", "server_stopped") == (after.state, after.manifest["reason"])
            assert events == list(after.events())
            assert [] == [record for record in caplog.records if record.levelname == "ERROR"]

    asyncio.run(record())


def test_a_server_without_terminals_records_none(tmp_path: Path) -> None:
    """Whether all are to be recorded or one: there is nothing to record, and it is said so."""

    async def record() -> None:
        service = Service(tmp_path)
        taps = LabTerminals(None, ServedService(service.core))
        taps.record_all()
        with pytest.raises(TerminalNotFound):
            await taps.start("1")
        assert {} == taps.recorded()
        await asyncio.to_thread(service.core.close)

    asyncio.run(record())
