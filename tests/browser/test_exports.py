"""Exports in a browser: the page that replays a recording, and what asciinema's player makes of a cast."""

from __future__ import annotations

import json
import re
from pathlib import Path

import big_recordings as big
import golden_convert as golden
import pytest
from lab import play_button, slider
from playwright.sync_api import Page, expect

from jupyter_recorder.convert import ExportOptions, export_recording
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder

PLAYER = Path(__file__).parents[2] / "labextension" / "node_modules" / "asciinema-player" / "dist" / "bundle"

HOSTILE = [
    "<script>window.canary = 1</script>", "<img src=x onerror='window.canary = 1'>", "<svg onload='window.canary = 1'>",
    "<svg><script>window.canary = 1</script></svg>", "<iframe srcdoc='<script>parent.canary = 1</script>'></iframe>",
    "<img src='http://example.org/seen.png'>", "<style>@import 'http://example.org/seen.css';</style>",
    "<meta http-equiv=refresh content='0;url=http://example.org/'>", "<base href='http://example.org/'>",
    "<form action='http://example.org/'><input autofocus onfocus='window.canary = 1'></form>",
    "![x](http://example.org/seen.png)", "</script><script>window.canary = 1</script>", "the end",
]  # fmt: skip


@pytest.fixture
def exported_page(page: Page, tmp_path: Path) -> Page:
    """Opens the exported page of the golden recording as a file."""
    file = tmp_path / "everything.html"
    file.write_bytes(golden.exported(golden.everything(tmp_path), "html", tmp_path))
    page.goto(file.as_uri())
    return page


def test_the_page_plays_offline(exported_page: Page, troubles: list[str], shots: Path) -> None:
    """The page plays all tracks from a file: no server, no request, no console error."""
    main = exported_page.locator("body")
    expect(main.locator(".cells")).to_contain_text("3.141592653589793")
    exported_page.screenshot(path=shots / "exported-page.png")
    play_button(main).click()
    expect(slider(main)).not_to_have_attribute("aria-valuenow", "0.0")
    slider(main).press("End")
    expect(main.locator(".xterm-rows").first).to_contain_text("exit")
    expect(main.locator(".chat")).to_contain_text("Because of the loop.")
    assert "Replay of A bit of everything" == exported_page.title()
    assert troubles == []


def test_a_page_of_a_large_recording_plays_offline(page: Page, tmp_path: Path, troubles: list[str]) -> None:
    """A journal and a terminal too large to be one text: read by parts, from the first screen to the last."""
    cast = big.make(tmp_path / "root", 24) / "terminal.cast"
    last = f" {len(cast.read_bytes().splitlines()) - 1} The quick"
    export_recording(Library(tmp_path / "root").find("big"), "html", tmp_path / "big.html")
    page.goto((tmp_path / "big.html").as_uri())
    main = page.locator("body")
    rows = main.locator(".xterm-rows")
    expect(main.locator(".chat")).to_contain_text("The quick brown fox")
    expect(rows).to_contain_text("        1 The quick")
    slider(main).press("End")
    expect(rows).to_contain_text(last)
    expect(main.locator(".cells")).to_contain_text(re.compile(r"print\(\d{4}\)"))
    slider(main).press("Home")
    expect(rows).not_to_contain_text(last)
    assert troubles == []


def test_the_page_can_begin_at_a_moment(page: Page, tmp_path: Path) -> None:
    """With a start given, the page shows that moment."""
    file = tmp_path / "later.html"
    options = ExportOptions(start=2.2)
    file.write_bytes(golden.exported(golden.everything(tmp_path), "html", tmp_path, options=options))
    page.goto(file.as_uri())
    main = page.locator("body")

    expect(slider(main)).to_have_attribute("aria-valuenow", "2.2")
    expect(main.locator(".cells")).not_to_contain_text("from bash")


@pytest.mark.parametrize("format", ["asciicast-v2", "asciicast-v3"])
def test_asciinemas_own_player_plays_a_cast(page: Page, tmp_path: Path, format: str) -> None:
    """asciinema-player takes the exported file, knows how long it is, and shows its last screen."""
    options = ExportOptions(track="terminal-2")
    cast = golden.exported(golden.everything(tmp_path), format, tmp_path, options=options).decode()
    page.goto("about:blank")
    page.set_content("<div id='here'></div>")
    page.add_style_tag(path=PLAYER / "asciinema-player.css")
    page.add_script_tag(path=PLAYER / "asciinema-player.min.js")
    duration = page.evaluate(
        """async cast => {
            const player = AsciinemaPlayer.create({ data: cast }, document.getElementById('here'), { preload: true });
            await player.play();
            await player.seek('100%');
            return await player.getDuration();
        }""",
        cast,
    )

    assert pytest.approx(0.9) == duration
    expect(page.locator("#here")).to_contain_text("FAILED 1 of 3")
    assert json.loads(cast.splitlines()[0])["version"] == int(format[-1])


def test_a_hostile_recording_does_nothing_in_its_page(page: Page, tmp_path: Path, troubles: list[str]) -> None:
    """The page stands alone, with no frame around it: still nothing of the recording runs, loads or leaves."""
    library = Library(tmp_path / "root")
    recorder = Recorder.start(library, "evil", "notebook", title="</script><script>alert(1)</script>")
    for number, text in enumerate(HOSTILE):
        recorder.chat.add("user", text)
        recorder.mark(text)
        recorder.record({"type": "cell_start", "cell_id": f"c{number}", "execution_count": 1, "source": text})
        data = {"text/html": text, "text/markdown": text, "image/svg+xml": text, "text/plain": text}
        output = {"output_type": "display_data", "data": data, "metadata": {}}
        recorder.record({"type": "output", "cell_id": f"c{number}", "output": output})
    recorder.stop()
    file = tmp_path / "evil.html"
    export_recording(library.find(recorder.id), "html", file)
    page.goto(file.as_uri())
    main = page.locator("body")
    play_button(main).click()
    slider(main).press("End")

    expect(main.locator(".chat")).to_contain_text("the end")
    assert "Replay of </script><script>alert(1)</script>" == page.title()
    assert file.as_uri() == page.url
    assert page.evaluate("window.canary === undefined")
    assert troubles == []
