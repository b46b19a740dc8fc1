"""Text in pieces: redacted across edges, in order, never held for long."""

from __future__ import annotations

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_recorder.heldtext import HeldText
from jupyter_recorder.journal.commit import Committer, Timer
from jupyter_recorder.redact import Redactor

SECRET = "ghp_" + "a1B2" * 9


class HandCommitter(Committer):
    """Runs a task when the test says so: a clock that stands still."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[float, Timer]] = []

    def call_later(self, seconds, task):  # type: ignore[no-untyped-def]
        timer = Timer(task)
        self.asked.append((seconds, timer))
        return timer

    def let_time_pass(self) -> None:
        """Run all that is due."""
        asked, self.asked = self.asked, []
        for _, timer in asked:
            task = timer.take()
            if task is not None:
                task()


class Held:
    """A way for text, and what came out of it."""

    def __init__(self, enabled: bool = True) -> None:
        self.committer = HandCommitter()
        self.given: list[tuple[str, bool]] = []
        redactor = Redactor(enabled=enabled)
        self.text = HeldText(redactor, self.committer, lambda text, urgent: self.given.append((text, urgent)))

    @property
    def shown(self) -> str:
        """All that came out so far."""
        return "".join(text for text, _ in self.given)


def test_plain_text_passes_at_once() -> None:
    """Text that can hold no secret is handed on whole, without delay."""
    held = Held()
    held.text.feed("hello\n")

    assert [("hello\n", False)] == held.given
    assert [] == held.committer.asked


def test_a_secret_in_two_pieces_is_replaced() -> None:
    """A token whose halves come apart is replaced as a whole."""
    held = Held()
    held.text.feed(f"key {SECRET[:10]}")
    held.text.feed(f"{SECRET[10:]} end\n")

    assert "key [redacted:github-token] end\n" == held.shown


def test_what_is_held_back_goes_on_after_its_time() -> None:
    """What could begin a secret and does not go on is handed on after 100 ms, as urgent."""
    held = Held()
    held.text.feed("a gh")
    before = held.shown
    assert [0.1] == [seconds for seconds, _ in held.committer.asked]
    held.committer.let_time_pass()

    assert "a gh" == held.shown
    assert before != held.shown
    assert held.given[-1][1] is True


def test_a_flush_hands_on_all() -> None:
    """`flush` leaves nothing behind, and stops the clock."""
    held = Held()
    held.text.feed("gh")
    held.text.flush()
    held.committer.let_time_pass()

    assert [("gh", True)] == held.given


def test_a_flush_of_nothing_gives_nothing() -> None:
    """`flush` with nothing held back says nothing."""
    held = Held()
    held.text.flush()

    assert [] == held.given


def test_the_clock_runs_from_the_first_piece() -> None:
    """Pieces that keep a match unfinished do not put its time off."""
    held = Held()
    for piece in ("ghp", "_", "a", "1"):
        held.text.feed(piece)

    assert 1 == len(held.committer.asked)


def test_without_redaction_nothing_is_held() -> None:
    """A redactor that is off passes all through."""
    held = Held(enabled=False)
    held.text.feed(SECRET[:10])

    assert SECRET[:10] == held.shown


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from(["a", "gh", "ghp_", "a1B2a1B2a1B2", "password=", "x y", "\n", "é"]), max_size=20),
    st.data(),
)
def test_nothing_is_lost_or_reordered(pieces: list[str], data: st.DataObject) -> None:
    """With redaction off, whatever pieces, flushes and pauses: what comes out is what went in, in order."""
    held = Held(enabled=False)
    for piece in pieces:
        held.text.feed(piece)
        if data.draw(st.booleans()):
            held.text.flush()
        if data.draw(st.booleans()):
            held.committer.let_time_pass()
    held.text.flush()

    assert "".join(pieces) == held.shown


def test_threads_keep_each_pieces_order() -> None:
    """Pieces of several threads are each whole, and each thread's are in its order."""
    held = Held()

    def feed(name: str) -> None:
        for number in range(100):
            held.text.feed(f"{name}{number:03}\n")

    threads = [threading.Thread(target=feed, args=(name,)) for name in "xyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held.text.flush()

    lines = held.shown.splitlines()
    for name in "xyz":
        assert [f"{name}{number:03}" for number in range(100)] == [line for line in lines if line[0] == name]
