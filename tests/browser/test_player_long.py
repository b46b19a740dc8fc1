"""A chat of 100,000 messages in the player: it scrolls smoothly and goes anywhere at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fixture_recording import Journal
from lab import player_frame, slider
from playwright.sync_api import Browser, FrameLocator, Page, expect
from test_player import alone, place

MESSAGES = 100_000

# The bound: two frames of 60 Hz.
FRAME_MS = 33
ROUNDS = 3

SCROLL = """async ({frames, jump}) => {
    const chat = document.querySelector('.chat');
    const next = () => new Promise(requestAnimationFrame);
    const times = [];
    const random = seed => ((seed * 16807) % 2147483647);
    let seed = 7;
    let last = await next();
    for (let frame = 0; frame < frames; frame += 1) {
        seed = random(seed);
        chat.scrollTop = jump ? seed % chat.scrollHeight : chat.scrollTop - 400;
        const now = await next();
        times.push(now - last);
        last = now;
    }
    return times.sort((a, b) => a - b);
}"""

SEEK = """async keys => {
    const times = [];
    for (const key of keys) {
        const start = performance.now();
        document.querySelector('.timeline').dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
        document.querySelector('.chat').getBoundingClientRect();
        times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b);
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The player at the end of the long chat."""
    journal = Journal(id="long", name="long", kind="chat")
    for number in range(MESSAGES):
        text = f"Message **{number}**\n\n" + f"with `code {number}` and some words. " * (number % 7)
        role = "assistant" if number % 2 else "user"
        journal.add(number / 10, "message_add", message_id=f"m{number}", role=role, content=text)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    place(page, tmp_path_factory.mktemp("long"), alone(journal))
    slider(player_frame(page)).press("End")
    yield page
    page.close()


@pytest.fixture
def frame(page: Page) -> FrameLocator:
    frame = player_frame(page)
    slider(frame).press("Home")
    slider(frame).press("End")
    expect(frame.locator(".message").last).to_contain_text(f"Message {MESSAGES - 1}")
    return frame


def test_only_what_is_in_sight_is_in_the_page(frame: FrameLocator, page: Page) -> None:
    """The page holds a few messages, and its scroll bar stands for all."""
    assert frame.locator(".message").count() < 40
    assert page.frames[-1].evaluate("() => document.querySelector('.chat').scrollHeight") > MESSAGES * 40


def assert_smooth(scroll: Callable[[], list[float]]) -> None:
    """Of 200 frames, whose milliseconds `scroll` gives in order, 95 % come in time, in one of three rounds."""
    rounds: list[float] = []
    while len(rounds) < ROUNDS and (not rounds or rounds[-1] > FRAME_MS):
        times = scroll()
        rounds.append(times[190])
        print(f"median {times[100]:.1f} ms, 95 % {times[190]:.1f} ms, worst {times[-1]:.1f} ms")
    assert rounds[-1] <= FRAME_MS


@pytest.mark.quiet
@pytest.mark.parametrize("jump", [False, True])
def test_scrolling_keeps_its_frames(frame: FrameLocator, page: Page, jump: bool) -> None:
    """While scrolling on, or jumping anywhere, 95 % of frames come within 33 ms, in the quietest of three rounds.

    A frame that misses one refresh at 60 Hz takes 33.3 ms: on a busy machine, what is measured is the others' work.
    """
    assert_smooth(lambda: page.frames[-1].evaluate(SCROLL, {"frames": 200, "jump": jump}))


@pytest.mark.quiet
def test_a_seek_does_not_fold_all_again(frame: FrameLocator, page: Page) -> None:
    """Going back and forth takes a fraction of a tenth of a second each."""
    times = page.frames[-1].evaluate(SEEK, list("9182736450"))
    print(f"median {times[5]:.1f} ms, worst {times[-1]:.1f} ms")
    assert times[5] <= 100


def test_a_seek_shows_that_moment(frame: FrameLocator) -> None:
    """In the middle the last message in sight is that of the moment, and nothing after it is there."""
    slider(frame).press("5")
    expect(frame.locator(".message").last).to_contain_text("Message 49999")
    expect(frame.locator(".message").last).to_be_in_viewport()
    slider(frame).press("Home")
    expect(frame.locator(".message")).to_have_count(1)


def test_what_is_scrolled_to_is_what_stands_there(frame: FrameLocator, page: Page) -> None:
    """At the top stands the first message, in order with those below, and at the end the last."""
    page.frames[-1].evaluate("() => { document.querySelector('.chat').scrollTop = 0 }")
    expect(frame.locator(".message").first).to_contain_text("Message 0")
    expect(frame.locator(".message").first).to_be_in_viewport()
    numbers = [int(text.split()[1]) for text in frame.locator(".message .rich > p:first-child").all_inner_texts()]
    assert numbers == list(range(len(numbers)))
