"""The screen of a terminal: its text at a moment, all of its lines, and what stood on it when."""

from __future__ import annotations

import time

import pytest

from jupyter_recorder.asciicast.format import Event
from jupyter_recorder.asciicast.screen import ScreenLog, Shown, all_lines, text_at
from jupyter_recorder.asciicast.strings import StringFilter


def typed(*pieces: tuple[float, str]) -> list[Event]:
    """Return output events of (seconds, text)."""
    return [Event(at, "o", text) for at, text in pieces]


def log(events: list[Event], cols: int = 40, rows: int = 6) -> list[Shown]:
    """Return all that a screen showed."""
    found = ScreenLog(cols, rows)
    shown = [one for event in events for one in found.event(event)]
    return shown + found.settle()


def test_the_text_at_a_moment_is_what_stood_there() -> None:
    """What was printed later is not there, and what was overwritten is gone."""
    events = typed((0.0, "one\r\n"), (1.0, "two\rTWO"), (2.0, "\x1b[2J\x1b[Hthree"))

    assert "one" == text_at(events, 40, 6, 0.5)
    assert "one\nTWO" == text_at(events, 40, 6, 1.5)
    assert "three" == text_at(events, 40, 6, 9.0)


def test_all_lines_are_given_once_in_order() -> None:
    """Lines that scrolled away come before those of the last screen; wrapped ones are joined."""
    long = "x" * 95
    events = typed(*((float(n), f"line {n}\r\n") for n in range(50)), (60.0, f"{long}\r\nend"))

    assert [*(f"line {n}" for n in range(50)), long, "end"] == list(all_lines(events, 40, 6))


def test_a_wrapped_line_that_scrolls_away_row_by_row_stays_one() -> None:
    """The head of a line leaves before its tail, and both are one line."""
    long = "".join(chr(97 + n % 26) for n in range(100))
    pieces = ((n / 10, char) for n, char in enumerate(long + "\r\n" * 8))

    assert long == next(all_lines(typed(*pieces), 10, 4))


def test_what_was_overwritten_is_told_with_its_time() -> None:
    """A line that was wiped out, even at once, is told; it has the time at which it stood."""
    shown = log(
        typed((1.0, "loading 10%\r"), (3.0, "done        "), (4.0, "\x1b[2J\x1b[Hbrief"), (4.0, "\x1b[2J\x1b[Hlast"))
    )

    assert {("loading 10%", 1.0), ("done", 3.0), ("brief", 4.0), ("last", 4.0)} == {(s.text, s.time) for s in shown}


def test_a_line_that_is_typed_is_told_once() -> None:
    """A prompt that grows key by key is one line, not one for each key."""
    keys = [(n / 5, key) for n, key in enumerate("$ make test")]

    assert [Shown(2.0, "$ make test")] == log(typed(*keys))


def test_a_line_that_another_begins_with_is_told_too() -> None:
    """One that scrolled away is not taken for one that grew, whenever somebody looked."""
    lines = [f"line {number}" for number in range(200)]
    for every in (1, 7, 50, 64):
        events = [(at / every * 0.06, f"{line}\r\n") for at, line in enumerate(lines)]
        assert sorted(lines) == sorted(one.text for one in log(typed(*events)))


def test_every_line_of_a_flood_is_told() -> None:
    """Lines that scroll by faster than anyone reads are told all the same, each once."""
    flood = "".join(f"row {n}\r\n" for n in range(5_000))

    assert [f"row {n}" for n in range(5_000)] == [one.text for one in log(typed((1.0, flood), (2.0, "row 7\r\n")))][
        :5_000
    ]


def test_the_alternate_screen_is_told_and_the_first_comes_back() -> None:
    """What an editor shows is found, and what stood before it is not told twice."""
    shown = log(typed((0.0, "before\r\n"), (1.0, "\x1b[?1049h\x1b[Heditor text"), (9.0, "\x1b[?1049lafter")))

    assert ["after", "before", "editor text"] == sorted(one.text for one in shown)


def test_a_resize_keeps_what_stands_there() -> None:
    """A new size is taken, and one that is none is ignored."""
    events = [Event(0.0, "o", "hello"), Event(1.0, "r", "80x20"), Event(1.1, "r", "0x0"), Event(2.0, "o", " you")]

    assert "hello you" == text_at(events, 40, 6, 3.0)


@pytest.mark.parametrize("cut", range(1, 30))
def test_control_strings_go_however_they_are_cut(cut: int) -> None:
    """Titles, links and device strings put nothing on the screen, cut anywhere, ended in any way."""
    stream = "a\x1b]0;title\x07b\x1bPq#1\x1b\\c\x9dx\x9cd\x1b_g\x1b[1mok"
    found = StringFilter()

    assert "abcd\x1b[1mok" == "".join(found.feed(stream[at : at + cut]) for at in range(0, len(stream), cut))


HOSTILE = {
    "an endless title": "\x1b]0;" + "x" * 5_000_000,
    "an endless device string": "\x1bP" + "q" * 5_000_000,
    "a character a billion times": "a\x1b[999999999b",
    "a billion lines": "\x1b[999999999L\x1b[999999999S\x1b[999999999T",
    "a screen of its own size": "\x1b[8;99999;99999t\x1b[99999t",
    "many parameters": "\x1b[" + "1;" * 200_000 + "m",
    "many carriage returns": "x\r" * 200_000,
    "a heap of accents": "e" + "\u0301" * 20_000,
    "lone halves and controls": "\ud800\x00\x7f\x9b\x90\x1b",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_streams_cost_little(what: str) -> None:
    """A stream made to stall an emulator is taken in seconds, and what comes after it is shown."""
    began = time.process_time()
    shown = log(typed((0.0, HOSTILE[what]), (1.0, "\x1b\\\x1bc\x1b[2J\x1b[Hafter")), 80, 24)

    assert "after" in [one.text for one in shown]
    assert 10.0 > time.process_time() - began
