"""Ctrl-C between two steps that belong together: put off, and not for longer."""

from __future__ import annotations

import signal
import threading

import pytest

from jupyter_recorder.interrupts import shielded


def test_it_is_put_off_until_the_outermost_block_has_ended() -> None:
    """Blocks within blocks, too; and the next block does the same again."""
    for _ in range(2):
        steps = []
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012  # what comes before is what is tested
            with shielded():
                with shielded():
                    signal.raise_signal(signal.SIGINT)
                    steps.append("inner")
                steps.append("outer")
            steps.append("after")
        assert ["inner", "outer"] == steps
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_block_that_fails_shields_no_longer() -> None:
    """What it raised goes on, and Ctrl-C is itself again, and can be put off again."""
    with pytest.raises(ZeroDivisionError), shielded():
        _ = 1 // 0
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    test_it_is_put_off_until_the_outermost_block_has_ended()


def test_other_threads_change_nothing() -> None:
    """A block in another thread neither fails nor puts anything off."""
    entered, leave = threading.Event(), threading.Event()

    def block() -> None:
        with shielded():
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=block)
    thread.start()
    try:
        assert entered.wait(20)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with pytest.raises(KeyboardInterrupt), shielded():
            signal.raise_signal(signal.SIGINT)
    finally:
        leave.set()
        thread.join()
