"""Asking ahead: in order, no further than said, and no thread is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from jupyter_recorder.capture.ahead import Ahead

NAME = "jupyter-recorder-read"


def readers() -> list[threading.Thread]:
    """Return the threads that ask ahead."""
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def test_all_comes_in_order() -> None:
    """What `items` gives is given on, without what says that there is nothing yet."""
    assert [0, 1, 2, *range(100)] == list(Ahead([0, None, 1, None, 2, *range(100)]))
    assert [] == list(Ahead([]))
    assert [] == readers()


def test_it_asks_no_further_than_said() -> None:
    """Who is slow holds up who gives: at most so many wait."""
    asked: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            asked.append(number)
            yield number

    given = iter(Ahead(items(), most=3))
    assert 0 == next(given)
    deadline = time.monotonic() + 10
    while len(asked) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)  # time to ask for a sixth, which must not happen
    assert [0, 1, 2, 3, 4] == asked  # one taken, three that wait, one for which there is no room
    assert list(range(1, 50)) == list(given)


def test_what_fails_is_raised_where_it_is_taken() -> None:
    """An error comes after what was given before it."""

    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    given = iter(Ahead(items()))
    assert 1 == next(given)
    with pytest.raises(OSError, match="gone"):
        next(given)
    assert [] == readers()


@pytest.mark.parametrize("idle", [False, True], ids=["full", "nothing comes"])
def test_who_leaves_early_leaves_no_thread(idle: bool) -> None:
    """The thread ends, whether it waits for room or for something to come."""

    def items() -> Iterator[int | None]:
        yield 1
        while True:
            time.sleep(0.005)  # as a terminal that shows something now and then
            yield None if idle else 2

    given = Ahead(items(), most=1)
    assert 1 == next(iter(given))
    given.end()
    assert [] == readers()
