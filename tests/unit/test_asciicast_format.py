"""Asciicasts are written strictly and read with tolerance."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_recorder.asciicast import reader
from jupyter_recorder.asciicast.format import (
    Event,
    Header,
    Utf8Decoder,
    encode_event,
    encode_header,
    is_whole_line,
    parse_size,
    read_event,
    read_header,
)
from jupyter_recorder.asciicast.reader import read
from jupyter_recorder.errors import InvalidCast, InvalidEvent

GOLDEN = Path(__file__).parent.parent / "golden" / "asciicast"
HEADER = b'{"version":2,"width":80,"height":24}\n'
THEME = {"fg": "#d0d0d0", "bg": "#212121", "palette": "#151515:#ac4142"}
EVENTS = [
    Event(0.25, "o", "$ "),
    Event(0.5, "i", "l"),
    Event(0.5, "o", "\x1b[1;31mHello \x1b[32m😀\x1b[0m\r\n"),
    Event(1.0, "m", 'chapter "one"'),
    Event(1.5, "r", "100x30"),
    Event(2.0, "z", "a code that nobody knows"),
    Event(2.5, "o", "é € done\r\n"),
    Event(3.5, "x", "0"),
]
WRITTEN = Header(
    width=80,
    height=24,
    timestamp=1795216501,
    idle_time_limit=1.5,
    command="sh",
    title="Démo",
    env={"SHELL": "/bin/sh", "TERM": "xterm"},
    theme={"fg": "#d0d0d0"},
    extra={"metadata": {"user": "ana"}, "first_event": 7},
)
WRITTEN_EVENTS = [
    Event(0.0, "o", "$ "),
    Event(0.25, "i", "l"),
    Event(1.0, "o", '\x1b[1;31m"é €😀"\x1b[0m\r\n\x00\u2028\x85\\'),
    Event(1.5, "r", "100x30"),
    Event(99999.999999, "m", "end"),
]


def events(*lines: bytes, header: bytes = HEADER) -> tuple[list[Event], reader.Damage]:
    """Read a file of these lines."""
    cast = read(io.BytesIO(header + b"".join(lines)))
    return list(cast.events), cast.damage


def test_version_2_is_read_whole() -> None:
    """Every field and event of a version 2 file is there; a null variable is dropped, a float timestamp cut."""
    cast = read(GOLDEN / "v2.cast")
    expected = Header(
        width=80,
        height=24,
        timestamp=1504467315,
        duration=3.5,
        idle_time_limit=1.5,
        command="/bin/sh",
        title="Demo",
        env={"TERM": "xterm-256color", "SHELL": "/bin/sh"},
        theme=THEME,
        extra={"metadata": {"user": "ana"}},
    )
    assert (expected, EVENTS, reader.Damage()) == (cast.header, list(cast.events), cast.damage)


def test_version_3_is_read_as_the_same_events() -> None:
    """Intervals become absolute times, comments vanish, and the rest of `term` is kept."""
    cast = read(str(GOLDEN / "v3.cast"))
    expected = Header(
        version=3,
        width=80,
        height=24,
        timestamp=1504467315,
        idle_time_limit=1.5,
        command="/bin/sh",
        title="Demo",
        env={"SHELL": "/bin/sh"},
        theme=THEME,
        extra={"tags": ["demo"], "term": {"type": "xterm-256color", "version": "VTE(7802)"}},
    )
    assert (expected, EVENTS, reader.Damage()) == (cast.header, list(cast.events), cast.damage)


def test_damage_is_skipped_counted_and_told() -> None:
    """Lines that are no events are skipped by number, times never go back, and the torn tail is no event."""
    cast = read(GOLDEN / "damaged.cast")
    expected = [(0.1, "one"), (0.3, "two"), (0.3, "backwards"), (0.3, "negative"), (0.4, "lone \ufffd surrogate")]
    assert expected == [(event.time, event.data) for event in cast.events]
    assert reader.Damage(lines=10, numbers=[*range(3, 13)], torn=True) == cast.damage


def test_what_is_written_is_the_golden_file() -> None:
    """Header and events are encoded byte for byte as the golden file has them."""
    written = encode_header(WRITTEN) + b"".join(map(encode_event, WRITTEN_EVENTS))
    assert (GOLDEN / "written.cast").read_bytes() == written


def test_what_was_written_is_read_back() -> None:
    """Header and events survive writing and reading."""
    cast = read(GOLDEN / "written.cast")
    assert (WRITTEN, WRITTEN_EVENTS) == (cast.header, list(cast.events))


@pytest.mark.parametrize("name", ["v2.cast", "written.cast"])
def test_the_reference_player_prints_the_output(name: str) -> None:
    """`asciinema cat` prints exactly the output events of a file that we read or write."""
    expected = "".join(event.data for event in read(GOLDEN / name).events if event.code == "o")
    run = subprocess.run([sys.executable, "-m", "asciinema", "cat", GOLDEN / name], capture_output=True, check=True)
    assert expected == run.stdout.decode()


def test_a_file_without_events_is_a_recording() -> None:
    """A header alone is read, with no events and no damage."""
    assert ([], reader.Damage()) == events()


@pytest.mark.parametrize("tail", [b"[0.2", b"[0.2\n", b'[0.2,"o","x"', b"[", b"\xff", b"garbage\n"])
def test_a_torn_tail_is_told_and_is_no_event(tail: bytes) -> None:
    """A last line that is no event, with or without its newline, is a torn tail and not damage."""
    assert ([Event(0.1, "o", "a")], reader.Damage(torn=True)) == events(b'[0.1,"o","a"]\n', tail)


def test_a_last_line_without_newline_that_is_whole_is_an_event() -> None:
    """A missing last newline costs nothing."""
    assert ([Event(0.1, "o", "a")], reader.Damage()) == events(b'[0.1,"o","a"]')


def test_lines_end_at_newlines_alone() -> None:
    """U+2028, U+0085 and a raw carriage return before the newline break no line."""
    line = '[0.1,"o","a\u2028b\x85c"]\r\n'.encode()
    assert ([Event(0.1, "o", "a\u2028b\x85c")], reader.Damage()) == events(line)


def test_any_iterable_of_lines_is_read() -> None:
    """Lines may come from anywhere, with or without newlines, empty ones too."""
    cast = read(iter([HEADER, b"", b'[0.1,"o","a"]']))
    assert ([Event(0.1, "o", "a")], reader.Damage()) == (list(cast.events), cast.damage)


def test_intervals_that_add_up_past_the_limit_are_damage() -> None:
    """In version 3 the sum of the intervals stays finite: an event that would end it is skipped."""
    header = b'{"version":3,"term":{"cols":80,"rows":24}}\n'
    lines = (b'[9e8,"o","a"]\n', b'[9e8,"o","b"]\n', b'[-1,"o","c"]\n')
    expected = ([Event(9e8, "o", "a"), Event(9e8, "o", "c")], reader.Damage(lines=1, numbers=[3]))
    assert expected == events(*lines, header=header)


def test_an_over_long_line_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line over the limit is skipped without being kept, and what follows is read."""
    monkeypatch.setattr(reader, "MAX_LINE", 60)
    long = b'[0.1,"o","' + b"x" * 3_000_000 + b'"]\n'
    expected = ([Event(0.2, "o", "a")], reader.Damage(lines=1, numbers=[2]))
    assert expected == events(long, b'[0.2,"o","a"]\n')


def test_only_the_first_numbers_of_damaged_lines_are_kept() -> None:
    """A file of garbage costs a bounded report."""
    found, damage = events(*[b"x\n"] * 1000, b'[0,"o",""]\n')
    assert (1, 1000, 100) == (len(found), damage.lines, len(damage.numbers))


FOREIGN: list[tuple[bytes, str]] = [
    (b"", "empty"),
    (b"\n", "no JSON object"),
    (b"\x7fELF\x02\x01\x01\0\0", "no JSON object"),
    (b'[0.1,"o","a"]\n', "no JSON object"),
    (b"[" * 100_000, "no JSON object"),
    (b'{"version":2,"width":80,"hei', "no JSON object"),
    (b'{"version":1,"width":80,"height":24,"stdout":[]}', "version is 1"),
    (b'{"version":true,"width":80,"height":24}', "version is True"),
    (b'{"version":"2","width":80,"height":24}', "version is 2"),
    (b'{"type":"header"}\n', "version is None"),
    (b'{"version":2,"width":80}', "80xNone"),
    (b'{"version":2,"width":true,"height":24}', "Truex24"),
    (b'{"version":2,"width":NaN,"height":24}', "Nonex24"),
    (b'{"version":2,"width":0,"height":0}', "0x0"),
    (b'{"version":2,"width":99999999,"height":1}', "99999999x1"),
    (b'{"version":2,"width":10000,"height":10000}', "10000x10000"),
    (b'{"version":2,"width":1e308,"height":24}', r"1e\+308x24"),
    (b'{"version":3,"width":80,"height":24}', "NonexNone"),
    (b'{"version":3,"term":[],"width":80}', "NonexNone"),
]


@pytest.mark.parametrize(("content", "why"), FOREIGN)
def test_a_foreign_file_is_refused_in_words(content: bytes, why: str) -> None:
    """A file that is no asciicast is refused with the reason."""
    with pytest.raises(InvalidCast, match=why):
        read(io.BytesIO(content))


def test_an_over_long_first_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first line without end is not loaded."""
    monkeypatch.setattr(reader, "MAX_LINE", 20)
    with pytest.raises(InvalidCast, match="over"):
        read(io.BytesIO(HEADER))


HEADERS: list[tuple[str, str, Any]] = [
    ('"timestamp":NaN', "timestamp", None),
    ('"timestamp":true', "timestamp", None),
    ('"duration":Infinity', "duration", None),
    ('"duration":-1', "duration", None),
    ('"idle_time_limit":1e400', "idle_time_limit", None),
    (f'"duration":1{"0" * 400}', "duration", None),
    ('"title":5', "title", None),
    ('"title":"a \\ud800 b"', "title", "a \ufffd b"),
    ('"title":"one","title":"two"', "title", "two"),
    ('"env":[1]', "env", {}),
    ('"theme":"dark"', "theme", None),
    ('"x":[NaN,1]', "extra", {"x": [None, 1]}),
    ('"__proto__":{"a":1}', "extra", {"__proto__": {"a": 1}}),
]


@pytest.mark.parametrize(("member", "name", "expected"), HEADERS)
def test_odd_members_of_a_header_do_no_harm(member: str, name: str, expected: Any) -> None:
    """What is not of its kind counts as absent, and unknown keys are kept."""
    assert expected == getattr(read_header(f'{{"version":2,"width":80,"height":24,{member}}}'.encode()), name)


def test_a_written_header_is_strict() -> None:
    """Whatever is put into a header, its line is strict JSON: whole timestamp, no NaN, no lone surrogate."""
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    extra = {"a": float("nan"), "b": "\ud800", "c": deep, "d": {1: object}, "version": 9, ("e",): 1}
    line = encode_header(Header(width=80, height=24, timestamp=5, title="\udfff", extra=extra))  # type: ignore[arg-type]

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    found = json.loads(line.decode("utf-8"), parse_constant=refuse)
    assert (2, "\ufffd", "\ufffd", None) == (found["version"], found["title"], found["b"], found["a"])


def test_a_size_that_no_player_takes_is_not_written() -> None:
    """A terminal that reports 0x0 is written with the usual size."""
    assert HEADER == encode_header(Header(width=0, height=0))


@pytest.mark.parametrize("time", [-0.1, float("nan"), float("inf"), 1e308])
def test_a_time_that_no_player_reads_is_refused(time: float) -> None:
    """A time that is negative, not finite or absurd is an error, not a line."""
    with pytest.raises(InvalidEvent, match="seconds"):
        encode_event(Event(time, "o", ""))


@pytest.mark.parametrize("code", ["", "oo"])
def test_a_code_is_one_character(code: str) -> None:
    """Longer codes would lose characters in other readers."""
    with pytest.raises(InvalidEvent, match="one character"):
        encode_event(Event(0, code, ""))


@pytest.mark.parametrize(("time", "shown"), [(0, b"0.000000"), (1e-7, b"0.000000"), (1e9, b"1000000000.000000")])
def test_times_have_microseconds_and_no_exponent(time: float, shown: bytes) -> None:
    """Times are plain decimals that every reader takes."""
    assert b'[%b,"o","a"]\n' % shown == encode_event(Event(time, "o", "a"))


@pytest.mark.parametrize(("data", "kept"), [("a\ud800b", "a\ufffdb"), ("\ud83d\ude00", "😀"), ("\udc80", "\ufffd")])
def test_lone_surrogates_are_never_written(data: str, kept: str) -> None:
    """A surrogate alone becomes U+FFFD, a pair becomes its character."""
    assert Event(0.0, "o", kept) == read_event(encode_event(Event(0, "o", data)))


def test_a_numeric_exit_status_is_read() -> None:
    """Some writers give the exit status as a number."""
    assert Event(1.0, "x", "130") == read_event(b'[1,"x",130]')


@pytest.mark.parametrize(
    ("data", "size"),
    [
        ("80x24", (80, 24)),
        ("1x1", (1, 1)),
        ("10000x400", (10000, 400)),
        ("0x0", None),
        ("80x0", None),
        ("99999999x1", None),
        ("10000x10000", None),
        ("80X24", None),
        ("80x24\n", None),
        (" 80x24", None),
        ("-80x24", None),
        ("\u0668\u0660x\u0662\u0664", None),
        ("", None),
    ],
)
def test_sizes_are_bounded(data: str, size: tuple[int, int] | None) -> None:
    """A resize is COLSxROWS within what a player can allocate."""
    assert size == parse_size(data)


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        (HEADER.rstrip(), True),
        (b'{"version":3,"term":{"cols":80,"rows":24}}', True),
        (b'[0.1,"o","a"]', True),
        (b'[0.1,"o","a"', False),
        (b'[0.1,"o"]', False),
        (b'{"version":2,"width":80', False),
        (b"", False),
        (b"[]", False),
        (b"\0\0\0\0", False),
    ],
)
def test_whole_lines_are_told_from_torn_ones(line: bytes, whole: bool) -> None:
    """An event or a header is whole; all else is torn."""
    assert whole is is_whole_line(line)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_utf_8_split_at_every_byte_loses_no_character(step: int) -> None:
    """However a text is cut into bytes, every character arrives whole and the rest as U+FFFD."""
    data = "aé€😀\u0301z".encode() + b"\xff\xe2\x82" + "é".encode() + b"\xf0\x9f"
    decoder = Utf8Decoder()
    parts = [decoder.feed(data[i : i + step]) for i in range(0, len(data), step)]
    assert "aé€😀\u0301z\ufffd\ufffdé\ufffd" == "".join(parts) + decoder.finish()


def test_a_finished_decoder_begins_anew() -> None:
    """What was left of one stream does not leak into the next."""
    decoder = Utf8Decoder()
    assert ("", "\ufffd", "a") == (decoder.feed(b"\xe2\x82"), decoder.finish(), decoder.feed(b"a"))
