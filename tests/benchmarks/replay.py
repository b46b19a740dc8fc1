"""How quickly a large terminal is shown, and what of it a page holds: ours beside asciinema-player, in one run.

    python tests/benchmarks/replay.py [--mib 5 50 200] [--seeks N] [--json FILE]

Files of each size, made by `large_cast`, are served by a Jupyter server. Ours is a linked replay in JupyterLab,
from the moment when its frame is put into the page; asciinema-player stands alone on a page, from `create`. Both are
measured until the screen shows the event that belongs to the moment: the first frame; seeks to random moments, at
first, while ours is still being prepared, and later, when it is; and the heap after a garbage collection. Ours is then
opened a second time by the same browser, which has kept what the first page made.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "browser"), str(HERE.parent)]

import chromium  # noqa: E402  # found by the line above
import large_cast  # noqa: E402
from lab import Server, open_notebook, start_server, stop_server  # noqa: E402
from large_recording import Large, anywhere, inside, link, make, seek  # noqa: E402
from playwright.sync_api import Browser, BrowserContext, Frame, Page, sync_playwright  # noqa: E402
from recorded import root  # noqa: E402

PLAYER = HERE.parent.parent / "labextension/node_modules/asciinema-player/dist/bundle"
MIB = 2**20
PREPARED_S = 600

# When the frame came into the page, by a clock that both share.
_WATCH_FRAME = """new MutationObserver(() => {
    if (!window.frameCame && document.querySelector("iframe[sandbox='allow-scripts']")) {
        window.frameCame = performance.timeOrigin + performance.now();
    }
}).observe(document, {childList: true, subtree: true});"""

_WATCH_ROWS = r"""(() => {
    const look = () => {
        if (/\b\d{8}\b/.test(document.querySelector('.xterm-rows')?.textContent ?? '')) {
            window.rowsCame = performance.timeOrigin + performance.now();
        } else {
            requestAnimationFrame(look);
        }
    };
    look();
})();"""

_HEAP = "() => { window.gc(); return performance.memory.usedJSHeapSize; }"

_THEIRS = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="asciinema-player.css">
<div id="place" style="width: 1000px"></div><script src="asciinema-player.min.js"></script>"""

_THEIR_START = r"""() => new Promise(resolve => {
    const begun = performance.now();
    const options = {preload: true, poster: 'npt:1'};
    window.player = AsciinemaPlayer.create('terminal.cast', document.getElementById('place'), options);
    const look = () => {
        if (/\d{8}/.test(document.querySelector('.ap-term')?.innerText ?? '')) {
            resolve(performance.now() - begun);
        } else {
            requestAnimationFrame(look);
        }
    };
    look();
})"""

_THEIR_SEEK = r"""([t, first, last]) => new Promise(resolve => {
    const begun = performance.now();
    const look = () => {
        const text = document.querySelector('.ap-term').innerText;
        const newest = (text.match(/\d{8}/g) ?? []).reduce((a, b) => a > b ? a : b, '');
        if ((newest >= first && newest <= last) || performance.now() - begun > 30000) {
            resolve(performance.now() - begun);
        } else {
            requestAnimationFrame(look);
        }
    };
    window.player.seek(t);
    look();
})"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ours(browser: Browser, server: Server, large: Large, events: int, seeks: int) -> dict[str, Any]:
    """Measure the linked replay, opened for the first time, and again by the same reader."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(_WATCH_FRAME + _WATCH_ROWS)
    places = anywhere(events, 7)
    page, frame, first = opened(context, server, large)
    begun = time.monotonic()
    early = [seek(frame, large, next(places), 60_000).ms for _ in range(seeks // 2)]
    peak = prepared(frame)
    taken = time.monotonic() - begun
    sought = [seek(frame, large, next(places), 60_000) for _ in range(seeks)]
    heap = frame.evaluate(_HEAP)
    page.close()
    page, frame, again = opened(context, server, large)
    resought = [seek(frame, large, next(places), 60_000) for _ in range(seeks)]
    peak_again = frame.evaluate("() => performance.memory.usedJSHeapSize")
    context.close()
    return {
        "first_ms": first,
        "early_ms": early,
        "seek_ms": [one.ms for one in sought],
        "wrong": sum(one.rows != large_cast.screen(one.number) for one in sought + resought),
        "heap": heap,
        "peak": max(peak, heap),
        "prepared_s": taken,
        "again_first_ms": again,
        "again_seek_ms": [one.ms for one in resought],
        "again_heap": peak_again,
    }


def opened(context: BrowserContext, server: Server, large: Large) -> tuple[Page, Frame, float]:
    """Open it in a new page; return that, the player's frame, and the milliseconds until it showed something."""
    page = context.new_page()
    open_notebook(page, server, link(server, large))
    page.wait_for_function("() => window.frameCame && window.frames.length > 0")
    frame = inside(page)
    frame.wait_for_function("() => window.rowsCame", timeout=60_000)
    return page, frame, frame.evaluate("() => window.rowsCame") - page.evaluate("() => window.frameCame")


def prepared(frame: Frame) -> float:
    """Wait until the whole terminal is prepared; return the largest heap seen on the way, garbage and all."""
    peak, deadline = 0.0, time.monotonic() + PREPARED_S
    while "prepar" in frame.evaluate("() => document.querySelector('.status').textContent"):
        assert time.monotonic() < deadline, "it was not prepared in time"
        peak = max(peak, frame.evaluate("() => performance.memory.usedJSHeapSize"))
        time.sleep(0.25)
    return peak


def theirs(browser: Browser, folder: Path, events: int, seeks: int) -> dict[str, Any]:
    """Measure asciinema-player with the same file."""
    (folder / "index.html").write_text(_THEIRS)
    for name in ("asciinema-player.css", "asciinema-player.min.js"):
        built = PLAYER / name
        shutil.copy(built if built.exists() else PLAYER / name.replace(".min.js", ".js"), folder / name)
    with served(folder) as url:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/index.html")
        first = page.evaluate(_THEIR_START)
        places = anywhere(events, 7)
        sought = [their_seek(page, next(places)) for _ in range(seeks)]
        heap = page.evaluate(_HEAP)
        page.close()
    return {"first_ms": first, "seek_ms": sought, "heap": heap}


def their_seek(page: Page, number: int) -> float:
    """Seek by its programming interface."""
    near = [large_cast.stamp(max(0, number + by)) for by in (-40, 40)]
    return float(page.evaluate(_THEIR_SEEK, [number / large_cast.PER_SECOND, *near]))


def spread(values: list[float]) -> str:
    """Say the median, the 95th percentile and the worst."""
    ordered = sorted(values)
    return f"{statistics.median(ordered):.0f} / {ordered[int(len(ordered) * 0.95)]:.0f} / {ordered[-1]:.0f} ms"


def measure(sizes: list[int], seeks: int) -> list[dict[str, Any]]:
    """Measure both with a file of each size."""
    arguments = ["--enable-precise-memory-info", "--js-flags=--expose-gc"]
    arguments += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    figures = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = start_server(Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=arguments)
        try:
            for mib in sizes:
                events = large_cast.events_for(mib * MIB)
                large = make(server, f"bench-{mib}", events)
                cast = root(server) / large.id / "terminal.cast"
                alone = Path(folder) / f"alone-{mib}"
                alone.mkdir()
                (alone / "terminal.cast").symlink_to(cast)
                row = {"mib": cast.stat().st_size / MIB, "events": events}
                row["ours"] = ours(browser, server, large, events, seeks)
                row["asciinema"] = theirs(browser, alone, events, max(5, seeks // 4))
                report(row)
                figures.append(row)
        finally:
            browser.close()
            stop_server(server)
    return figures


def report(row: dict[str, Any]) -> None:
    """Print what was measured with one file."""
    mine, other = row["ours"], row["asciinema"]
    print(f"\n{row['mib']:.0f} MiB, {row['events']:,} events          ours          asciinema-player")
    lines = [
        ("first frame", f"{mine['first_ms']:.0f} ms", f"{other['first_ms']:.0f} ms"),
        ("seek, p50 / p95 / worst", spread(mine["seek_ms"]), spread(other["seek_ms"])),
        ("the same before it is prepared", spread(mine["early_ms"]), "-"),
        ("prepared after", f"{mine['prepared_s']:.0f} s", "-"),
        ("heap after collection", f"{mine['heap'] / MIB:.0f} MiB", f"{other['heap'] / MIB:.0f} MiB"),
        ("largest heap seen on the way", f"{mine['peak'] / MIB:.0f} MiB", "-"),
        ("opened again: first frame", f"{mine['again_first_ms']:.0f} ms", "-"),
        ("opened again: seek", spread(mine["again_seek_ms"]), "-"),
        ("opened again: heap, with garbage", f"{mine['again_heap'] / MIB:.0f} MiB", "-"),
        ("wrong frames", str(mine["wrong"]), "-"),
    ]
    for name, one, two in lines:
        print(f"{name:32} {one:24} {two}")


def named(rows: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Return every measured value by its name, as they are kept for comparison."""
    found: dict[str, list[float]] = {}
    for row in rows:
        for whose in ("ours", "asciinema"):
            for figure, value in row[whose].items():
                values = value if isinstance(value, list) else [value]
                found[f"{row['mib']:.0f} MiB, {whose}, {figure}"] = [float(one) for one in values]
    return found


def main() -> None:
    """Measure and print; a wrong frame is an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, nargs="+", default=[5, 50, 200], help="sizes of the files in MiB")
    parser.add_argument("--seeks", type=int, default=40)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures = measure(given.mib, given.seeks)
    if given.json:
        given.json.write_text(json.dumps(named(figures), indent=1))
    sys.exit(any(row["ours"]["wrong"] for row in figures))


if __name__ == "__main__":
    main()
