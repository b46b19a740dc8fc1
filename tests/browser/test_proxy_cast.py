"""What an SSH proxy recorded, in the player."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lab import play_button, player_frame, slider
from playwright.sync_api import FrameLocator, Page, expect
from proxy.sessions import two_sessions

from jupyter_recorder.asciicast.reader import read
from jupyter_recorder.replay.bundle import ReplayData, ReplayOptions, mime_bundle


@pytest.fixture(scope="module")
def casts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two recorded SSH sessions: one that ended in order, one that was cut off."""
    folder = tmp_path_factory.mktemp("proxy")
    with ThreadPoolExecutor(1) as thread:  # this one runs Playwright's loop
        recorders = thread.submit(asyncio.run, two_sessions(folder)).result()
    return [path for recorder in recorders if (path := recorder.path) is not None]


def show(page: Page, folder: Path, cast: Path, start: float = 0.0) -> FrameLocator:
    """Open a `.cast` in the HTML that any page can show."""
    data = ReplayData({"id": "ssh", "name": "ssh"}, b"", {"terminal.cast": cast.read_bytes()}, {})
    bundle = mime_bundle(data, ReplayOptions(start=start), summary="a session", max_embed_bytes=5 << 20)
    file = folder / "replay.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><body>{bundle['text/html']}", encoding="utf-8")
    page.goto(file.as_uri())
    return player_frame(page)


def test_the_full_screen_program_is_seen_at_its_size(page: Page, tmp_path: Path, casts: list[Path]) -> None:
    """At the moment when it was drawn, the program's screen stands there, at the size that it had been given."""
    drawn = next(event.time for event in read(casts[0]).events if event.code == "o" and "100 by 30" in event.data)
    frame = show(page, tmp_path, casts[0], drawn)
    expect(frame.locator(".xterm-rows")).to_contain_text("«100 by 30»")
    expect(frame.locator(".xterm-rows")).not_to_contain_text("héllo")


def test_a_session_plays_to_its_end(page: Page, tmp_path: Path, casts: list[Path], troubles: list[str]) -> None:
    """After the program has left, the shell's own screen is back, with what was printed before."""
    frame = show(page, tmp_path, casts[0])
    play_button(frame).click()
    slider(frame).press("End")
    expect(frame.locator(".xterm-rows")).to_contain_text("héllo €")
    expect(frame.locator(".xterm-rows")).not_to_contain_text("90 by 20")
    assert troubles == []


def test_a_session_that_was_cut_off_plays(page: Page, tmp_path: Path, casts: list[Path]) -> None:
    """What was shown before the connection was lost is shown."""
    frame = show(page, tmp_path, casts[1])
    slider(frame).press("End")
    expect(frame.locator(".xterm-rows")).to_contain_text("cut-23")
