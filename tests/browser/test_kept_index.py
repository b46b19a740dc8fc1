"""What a player made of a large terminal is kept by the browser: the next page begins with it, as long as it holds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import large_cast
import pytest
from lab import Server, open_lab, player_frame
from large_recording import Large, inside, make, seek, show
from playwright.sync_api import Browser, BrowserContext, Page, expect
from recorded import root

EVENTS = 66_000  # 9 MiB: the least that is read by ranges, and a little more

# What is kept, seen from the page, or changed there; it is not to be made by looking at it.
_OPEN = """async change => {
    if (!(await indexedDB.databases()).some(({name}) => name === 'jupyter-recorder')) {
        return [];
    }
    const done = request => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    const db = await done(indexedDB.open('jupyter-recorder'));
    const data = db.transaction('data', 'readwrite').objectStore('data');
    const urls = await done(data.getAllKeys());
    if (change) {
        await Promise.all(urls.map(url => done(data.put(new Uint8Array(1000).fill(7).buffer, url))));
    }
    db.close();
    return urls;
}"""
_KEPT = f"() => ({_OPEN})(false)"
_WAIT_KEPT = f"""async ([count, patience]) => {{
    const end = performance.now() + patience;
    for (;;) {{
        const urls = await ({_KEPT})();
        if (urls.length === count || performance.now() > end) {{
            return urls;
        }}
        await new Promise(requestAnimationFrame);
    }}
}}"""
_SPOIL = f"() => ({_OPEN})(true)"

_PREPARING = """() => {
    window.prepared = [];
    const look = () => {
        const said = document.querySelector('.status')?.textContent ?? '';
        if (said.includes('prepar')) window.prepared.push(said);
        requestAnimationFrame(look);
    };
    look();
}"""


@pytest.fixture
def large(server: Server) -> Iterator[Large]:
    """A finished recording with a large terminal."""
    large = make(server, "kept", EVENTS)
    yield large
    shutil.rmtree(root(server) / large.id, ignore_errors=True)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One reader's browser, with what it keeps, and no more than that."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(f"({_PREPARING})()")
    yield context
    context.close()


def wait_kept(page: Page, count: int) -> list[str]:
    """Wait until something is kept of so many files; return their addresses."""
    kept: list[str] = page.evaluate(_WAIT_KEPT, [count, 90_000])
    assert len(kept) == count, kept
    return kept


def prepare(context: BrowserContext, server: Server, large: Large) -> None:
    """Open the replay for the first time, until it is prepared and kept."""
    page = context.new_page()
    show(page, server, large)
    [url] = wait_kept(page, 1)
    assert url.endswith(f"/api/recording/recordings/{large.id}/files/terminal.cast")
    assert inside(page).evaluate("() => window.prepared.length") > 0
    page.close()


def test_a_large_terminal_is_gone_through_once(context: BrowserContext, server: Server, large: Large) -> None:
    """The second page shows any moment at once as it was, and reads no more of the file than that takes."""
    prepare(context, server, large)
    page = context.new_page()
    got: list[int] = []
    page.on(
        "response",
        lambda response: got.append(int(response.headers.get("content-length", 0))) if _is_part(response.url) else None,
    )
    frame = show(page, server, large)
    expect(frame.locator(".status")).to_have_text("make all · exit 0")
    for number in (EVENTS - 1, 20, 45_000, 50_123, 12_345):
        sought = seek(inside(page), large, number)
        assert large_cast.screen(sought.number) == sought.rows
    assert inside(page).evaluate("() => window.prepared") == []
    assert sum(got) < 2 << 20


def test_what_was_spoilt_is_made_anew(context: BrowserContext, server: Server, large: Large) -> None:
    """What is kept and can't be read costs its time, no more."""
    prepare(context, server, large)
    spoiler = context.new_page()
    open_lab(spoiler, server)
    spoiler.evaluate(_SPOIL)
    spoiler.close()
    page = context.new_page()
    frame = show(page, server, large)
    expect(frame.locator(".status")).to_have_text("make all · exit 0", timeout=60_000)
    assert inside(page).evaluate("() => window.prepared.length") > 0
    sought = seek(inside(page), large, 50_123)
    assert large_cast.screen(sought.number) == sought.rows


def test_it_goes_with_its_recording(context: BrowserContext, server: Server, large: Large) -> None:
    """What is kept of a deleted recording goes: where somebody deletes it, and where it is found to be gone."""
    prepare(context, server, large)
    other = make(server, "other", EVENTS)
    page = context.new_page()
    show(page, server, other)
    wait_kept(page, 2)
    page.evaluate(
        "async ([id]) => fetch(`/api/recording/recordings/${id}`, {method: 'DELETE', headers: {'X-XSRFToken':"
        " document.cookie.match(/_xsrf=([^;]+)/)?.[1] ?? '', Authorization: `token ${JSON.parse("
        "document.getElementById('jupyter-config-data').textContent).token}`}})",
        [large.id],
    )
    [url] = wait_kept(page, 1)
    assert other.id in url
    page.close()
    shutil.rmtree(root(server) / other.id)
    page = context.new_page()
    open_lab(page, server)
    wait_kept(page, 0)


def test_a_file_that_has_changed_is_gone_through_again(context: BrowserContext, server: Server) -> None:
    """A `.cast` of the file browser that was written anew is shown as it is now."""
    path = server.root / "twice.cast"
    large_cast.write(path, EVENTS)
    for events in (EVENTS, EVENTS - 1_000):
        large_cast.write(path, events)
        page = context.new_page()
        open_lab(page, server)
        page.locator(".jp-DirListing-item", has_text="twice.cast").dblclick()
        expect(player_frame(page).locator(".xterm-rows")).to_contain_text(large_cast.stamp(events - 1))
        [url] = wait_kept(page, 1)
        assert url.endswith("/files/twice.cast")
        inside(page).wait_for_function("() => window.prepared.length > 0")
        sought = seek(inside(page), Large("", 0), 50_123)
        assert large_cast.screen(sought.number) == sought.rows
        page.close()
    path.unlink()


def _is_part(url: str) -> bool:
    return url.endswith("/terminal.cast")
