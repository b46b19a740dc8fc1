"""What a recording holds is hostile: nothing of it runs, leaves, or reaches beyond its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fixture_recording import START, Journal, display, stream
from lab import Server, open_notebook, slider, write_notebook
from places import EVERYWHERE, Place, page_without_jupyter
from playwright.sync_api import FrameLocator, Locator, Page, expect
from refusing_proxy import RefusingProxy

from jupyter_recorder.replay.bundle import ReplayData, ReplayOptions, mime_bundle

Player = FrameLocator | Locator

EVIL = "https://evil.example"
PWN = "window.canary=1;console.error('pwned');alert('pwned');parent.postMessage('pwned','*')"

MARKUP = [
    f"<script>{PWN}</script>",
    f'<img src="{EVIL}/pixel.png"><img src=x onerror="{PWN}"><img srcset="{EVIL}/set.png 1x">',
    f'<svg onload="{PWN}"><script>{PWN}</script><image href="{EVIL}/svg.png"/></svg>',
    f'<iframe srcdoc="<script>{PWN}</script>"></iframe><iframe src="{EVIL}"></iframe><object data="{EVIL}"></object>',
    f'<style>@import "{EVIL}/a.css"; .bar {{ display: none }}</style><link rel=stylesheet href="{EVIL}/b.css">',
    f'<div id="player" class="poster" style="position:fixed;inset:0;background:url({EVIL}/bg.png)">cover</div>',
    f'<form action="{EVIL}"><input name="options" autofocus><button>go</button></form><base href="{EVIL}">',
    f'<a href="javascript:{PWN}">script link</a> <a href="{EVIL}" target="_top">outside link</a>',
    f'<noscript><p title="</noscript><img src=x onerror={PWN}>"></noscript>',
    f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror={PWN}&gt;">',
    f'<textarea><img title="</textarea><img src=x onerror={PWN}>"></textarea>',
    f'<xmp><p id="</xmp><img src=x onerror={PWN}>">',
    f'<meta http-equiv="refresh" content="0;url={EVIL}"><video src="{EVIL}/v.mp4" autoplay></video>',
    '<button data-commandlinker-command="help:about" data-commandlinker-args="{}">lab command</button>',
    "</script></iframe>\u2028<!-- {{CODE}} {{DATA}}",
]

MARKDOWN = [
    f"![pixel]({EVIL}/md.png) [md script](javascript:{PWN}) [md outside]({EVIL}/md)",
    f"<{EVIL}/auto> [ref]\n\n[ref]: data:text/html,<script>{PWN}</script>",
]

TERMINAL = [
    f"\x1b]8;;javascript:{PWN}\x07hyperlink\x1b]8;;\x07 \x1b]8;;file:///etc/passwd\x07file\x1b]8;;\x07",
    "\x1b]52;c;cHduZWQ=\x07\x1b]52;c;?\x07\x1b]0;pwned\x07\x1b[21t\x1b[c\x1b[5n\x1b[6n\x1b[?1004h\x1b[?1000h",
    "\x1bP$qm\x1b\\\x1b[?2026$p\x1b]4;1;?\x07\x1b]10;?\x07x\x1b[999999999b\x1b[999999999C\x1b[999999999@",
    # C1 bytes: the same as CSI and OSC, and a device control string.
    "\x9b999999999b\x9d52;c;?\x9c\x9d8;;javascript:alert(1)\x9cc1 link\x9d8;;\x9c\x90$qm\x9c\x9b0c\x9b>0q",
    # Split: each piece is an event of its own.
    *"\x1b]52;c;cHduZWQ=\x1b\\\x1b]8;;javascript:alert(1)\x1b\\split\x1b]8;;\x1b\\",
    "\x1b]0;" + "never ended " * 300_000,
]


@pytest.fixture
def hostile() -> ReplayData:
    """A recording whose every text attacks."""
    journal = Journal(id="x", name="x", kind="notebook")
    journal.add(0, "cell_start", cell_id="a", execution_count=1, source="\n".join(MARKUP))
    for index, html in enumerate([*MARKUP, "".join(MARKUP)]):
        journal.add(1 + index / 10, "output", cell_id="a", output=display({"text/html": html, "text/plain": html}))
        journal.add(3 + index / 10, "message_add", message_id=f"m{index}", role=html, by=html, content=html)
    image = f'<image href="{EVIL}/i.png"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{PWN}"><script>{PWN}</script>{image}</svg>'
    markdown = "\n\n".join(MARKDOWN)
    for data in (
        {"image/svg+xml": svg},
        {"text/markdown": markdown},
        {"application/javascript": PWN, "text/plain": "js"},
    ):
        journal.add(5, "output", cell_id="a", output=display(data))
    journal.add(5, "output", cell_id="a", output=stream("".join(MARKUP + TERMINAL)))
    journal.add(5.5, "message_add", message_id="md", role="assistant", content=markdown)
    journal.add(5.6, "message_add", message_id="__proto__", role="constructor", content="proto")
    journal.add(5.7, "message_add", message_id="tool", role="tool", by=MARKUP[2], model=MARKUP[1], content=MARKUP[0])
    journal.add(5.8, "command_start", track="terminal", command=MARKUP[1], cwd=MARKUP[3])
    journal.add(6, "marker", label="".join(MARKUP))
    journal.add(7, "note", text="".join(MARKUP))
    all_of_it = "".join(MARKUP)
    manifest = {"name": all_of_it, "title": all_of_it, "state": all_of_it, "kind": all_of_it, "started_at": START}
    manifest["tags"] = MARKUP
    return ReplayData(manifest, journal.encode(), {"terminal.cast": hostile_cast()}, {})


# What frames tell the page around: at large, and over the ports that hosts hand them.
HEAR = """
window.heard = [];
const hear = ({ data }) => window.heard.push(String(data?.type ?? data));
addEventListener("message", hear);
window.MessageChannel = class extends MessageChannel {
  constructor() {
    super();
    this.port1.addEventListener("message", hear);
  }
};
"""
SAID = {"ready", "bare", "state", "read", "moment", "keep"}
ALLOWED = {"ready", "bare", "state"}
# Of the page around, without the player's own where that is the page; JupyterLab numbers what it makes meanwhile.
OWN_IDS = """() => [...document.querySelectorAll('[id]')].map(one => one.id).filter(id => id.includes('player'))"""


def hostile_cast() -> bytes:
    """A terminal's output that tries to reach out of its screen, and sizes that no screen has."""
    header = {"version": 2, "width": 80, "height": 24, "title": MARKUP[0]}
    events: list[object] = [[index, "o", text] for index, text in enumerate(TERMINAL)]
    events += [[8, "r", "0x0"], [8, "r", "99999999x1"], [9, "o", "\x07\r\nstill here"]]
    return "\n".join(map(json.dumps, [header, *events])).encode()


def look_at_everything(frame: Player) -> None:
    """Go to the end, then click and hover all that could be a link or a button in the recorded content."""
    slider(frame).press("End")
    expect(frame.locator(".chat")).to_contain_text("proto")
    for text in ("script link", "outside link", "md script", "md outside"):
        for link in frame.get_by_text(text, exact=True).all():
            link.click(force=True)
    screen = frame.locator(".xterm-screen")
    screen.hover(position={"x": 20, "y": 8})
    screen.click(position={"x": 20, "y": 8})
    screen.press("x")
    slider(frame).hover()
    slider(frame).press("o")
    slider(frame).press("Home")
    slider(frame).press("End")


def assert_unharmed(frame: Player) -> None:
    """The player has its own ids only, no link that leads anywhere, and nothing that could fetch or cover it."""
    ids = frame.locator("body [id], :scope [id]").evaluate_all("all => all.map(one => one.id)")
    assert {"player", "options", "data", "code"} <= set(ids)
    assert [one for one in ids if not one.startswith("pane-")] == ["player", "options", "data", "code"]
    forbidden = "a[href], form, input, textarea:not(.xterm-helper-textarea), iframe, object, video"
    assert frame.locator(forbidden).count() == 0
    assert frame.locator("img:not([src^='data:image/'])").count() == frame.locator("img:not([src])").count()
    assert frame.locator(".rich style, .rich [class], .rich [style*='position'], .rich script").count() == 0
    expect(frame.locator(".bar")).to_be_visible()


@pytest.mark.parametrize("place", EVERYWHERE, ids=lambda place: place.__name__)
def test_nothing_gets_out(
    request: pytest.FixtureRequest, page: Page, hostile: ReplayData, place: Place, troubles: list[str]
) -> None:
    """Nowhere does a script run, a dialog or page open, a request leave, a link act, or an id or message get out."""
    page.add_init_script(
        "window.heard = []; addEventListener('message', ({ data }) => window.heard.push(data?.type ?? data))"
    )
    frame = place(request, hostile)
    address, ids = page.url, page.evaluate(OWN_IDS)
    look_at_everything(frame)
    assert_unharmed(frame)
    assert address == page.url
    assert [page] == page.context.pages
    assert ids == page.evaluate(OWN_IDS)
    assert [] == [one.url for one in page.frames if one.evaluate("window.canary !== undefined")]
    heard = set(page.evaluate("window.heard"))
    assert heard & (SAID | {"pwned"}) == heard & ALLOWED
    assert [] == troubles


def test_a_forged_bundle_stays_in_its_frame(page: Page, server: Server, troubles: list[str]) -> None:
    """A notebook can hold anything under our type: what is no base64 is dropped, what is no recording says so."""
    data = f"</script></iframe><script>{PWN}</script>"
    options = {"speed": data, "idle": [data], "start": {"x": data}, "theme": data}
    forged = {"version": 1, "id": data, "name": data, "options": options, "height": data, "data": data}
    write_notebook(server.root / "forged.ipynb", {"application/vnd.jupyter-recorder.v1+json": forged})
    open_notebook(page, server, "forged.ipynb")
    alert = page.frame_locator("iframe[sandbox='allow-scripts']").get_by_role("alert")
    expect(alert).to_contain_text("This replay can't be shown.")
    assert troubles == []


def test_the_policy_holds_by_itself(request: pytest.FixtureRequest, hostile: ReplayData, proxy: RefusingProxy) -> None:
    """Even code that ran in the frame could not fetch anything."""
    frame = page_without_jupyter(request, hostile)
    outcome = frame.locator("body").evaluate(f"() => fetch('{EVIL}/x').then(() => 'fetched', () => 'refused')")
    assert outcome == "refused"
    assert proxy.requests == []


def torn(data: bytes) -> bytes:
    """Cut in the middle of the last line."""
    return data[: len(data) - len(data.splitlines()[-1]) // 2 - 1]


def recorded() -> bytes:
    journal = Journal(id="x", name="x", kind="notebook")
    journal.add(0, "note", text="was kept")
    journal.add(1, "note", text="x" * 100)
    return journal.encode()


CAST = b'{"version": 2, "width": 20, "height": 4}\n[0, "o", "was kept"]\n[1, "o", "xxxxxxxxxx"]\n'
DEEP = b'{"seq": 3, "at": 1, "type": ' + b"[" * 100_000 + b"\n"
BROKEN = {
    "empty": (b"", {}, "Nothing was recorded"),
    "no journal": (b"\x89PNG\r\n\x1a\n\0\0", {}, "damaged"),
    "no cast": (b"", {"terminal.cast": b"\x89PNG\r\n\x1a\n"}, "This is no asciicast"),
    "empty cast": (b"", {"terminal.cast": b""}, "This asciicast is empty"),
    "newer cast": (b"", {"terminal.cast": b'{"version": 9}\n'}, "version"),
    "another format": (b'{"type": "header", "format": "other", "version": 7}\n', {}, "Nothing was recorded"),
    "torn journal": (torn(recorded()), {}, "was kept"),
    "torn cast": (b"", {"terminal.cast": torn(CAST)}, "was kept"),
    "deep": (recorded() + DEEP, {}, "1 damaged line skipped"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_broken_says_so(page: Page, tmp_path: Path, kind: str, troubles: list[str]) -> None:
    """Torn, empty and foreign files give what is there, or one sentence."""
    journal, casts, said = BROKEN[kind]
    data = ReplayData({"name": "x", "started_at": START}, journal, casts, {})
    bundle = mime_bundle(data, ReplayOptions(start=9.0), summary="x", max_embed_bytes=5 << 20)
    (tmp_path / "b.html").write_text(f"<!doctype html><meta charset=utf-8><body>{bundle['text/html']}", "utf-8")
    page.goto((tmp_path / "b.html").as_uri())
    player = page.frame_locator("iframe").locator("#player")
    expect(player).to_contain_text(said)
    assert [] == troubles
