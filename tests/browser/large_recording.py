"""A recording with a terminal of any size, on a server of these tests, and how its player is watched."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import NamedTuple

import large_cast
from lab import Server, open_notebook, player_frame, write_notebook
from playwright.sync_api import Frame, FrameLocator, Page, expect
from recorded import Writer, root

from jupyter_recorder.replay.bundle import ReplayOptions, link_bundle

# Goes to a moment by the timeline, as a reader does; gives the milliseconds until its stamp stood there, and the rows.
_SEEK = r"""([t, first, last, limit]) => new Promise((resolve, reject) => {
    const begun = performance.now();
    const look = () => {
        const rows = Array.from(document.querySelectorAll('.xterm-rows > div'), row => row.textContent.trimEnd());
        const newest = (rows.join('\n').match(/\b\d{8}\b/g) ?? []).reduce((a, b) => a > b ? a : b, '');
        const passed = performance.now() - begun;
        if (newest >= first && newest <= last) {
            resolve([passed, newest, rows]);
        } else if (passed > limit) {
            reject(new Error(`after ${limit} ms at ${t} s neither ${first} nor ${last}, but\n${rows.join('\n')}`));
        } else {
            requestAnimationFrame(look);
        }
    };
    const line = document.querySelector('.timeline');
    const {left, top, width} = line.getBoundingClientRect();
    const clientX = left + width * t / Number(line.getAttribute('aria-valuemax'));
    line.setPointerCapture = () => {};
    line.dispatchEvent(new PointerEvent('pointerdown', {clientX, clientY: top + 5, pointerId: 1, bubbles: true}));
    look();
})"""

# A pixel of the timeline is many events: near is near enough, since a screen tells its own moment.
_NEAR = 40


class Large(NamedTuple):
    """A recording: its id, and when its terminal began, in seconds of the recording."""

    id: str
    begins: float


class Sought(NamedTuple):
    """Where a seek led: after how many milliseconds, to which event, and what stood on the screen."""

    ms: float
    number: int
    rows: list[str]


def make(server: Server, name: str, events: int) -> Large:
    """Record a terminal, and give it a file of `events` events."""
    writer = Writer(server, name)
    writer.run("terminal = recorder.terminal(120, 32, command='make all')", "terminal.output(b'x')", "terminal.end(0)")
    writer.stop()
    writer.close()
    folder = root(server) / writer.id
    large_cast.write(folder / "terminal.cast", events)
    started = json.loads((folder / "manifest.json").read_text())["started_at"]
    lines = map(json.loads, (folder / "session.ndjson").read_text().splitlines())
    begun = next(line["at"] for line in lines if line["type"] == "terminal_start")
    return Large(writer.id, (begun - started) / 1000)


def link(server: Server, large: Large) -> str:
    """Write a notebook that links to it; returns its path on the server."""
    path = f"{large.id}.ipynb"
    bundle = link_bundle({"id": large.id, "name": "large"}, ReplayOptions(), summary="a replay")
    write_notebook(server.root / path, bundle)
    return path


def show(page: Page, server: Server, large: Large) -> FrameLocator:
    """Open the notebook in JupyterLab, and wait until the terminal is there."""
    open_notebook(page, server, link(server, large))
    frame = player_frame(page)
    expect(frame.locator(".xterm-rows")).to_contain_text(re.compile(r"\d{8}"))
    return frame


def inside(page: Page) -> Frame:
    """Return the player's frame."""
    return next(frame for frame in page.frames if frame.parent_frame is not None)


def anywhere(events: int, seed: int) -> Iterator[int]:
    """Yield random events for `seek` to go to, without end."""
    chance = random.Random(seed)
    while True:
        number = chance.randrange(events)
        if large_cast.tells_about(number, _NEAR):
            yield number


def seek(frame: Frame, large: Large, number: int, limit_ms: int = 20_000) -> Sought:
    """Go to about event `number`."""
    near = [large_cast.stamp(max(0, number + by)) for by in (-_NEAR, _NEAR)]
    ms, newest, rows = frame.evaluate(_SEEK, [large.begins + number / large_cast.PER_SECOND, *near, limit_ms])
    return Sought(ms, int(newest), rows)
