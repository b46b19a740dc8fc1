"""Lines: whatever is given becomes one line of JSON that reads back, or is refused."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import pytest

from jupyter_recorder.errors import InvalidEvent
from jupyter_recorder.journal.codec import (
    DEPTH,
    decode,
    decode_object,
    encode,
    encode_flat_lines,
    encode_line,
    is_whole,
    number_line,
)


class Foreign:
    """What a kernel message may hold beside JSON."""

    def __str__(self) -> str:
        return "foreign \ud800"


NORMALISED = [
    ("\ud800", "\ufffd"),
    ("\ud83d\ude00", "😀"),
    ({"\udfff": 1}, {"\ufffd": 1}),
    (math.nan, None),
    (-math.inf, None),
    (b"\xff\x00", "/wA="),
    (memoryview(b"ab"), "YWI="),
    ((1, 2), [1, 2]),
    ({3}, [3]),
    ({1: 2, None: 3}, {"1": 2, "None": 3}),
    (Foreign(), "foreign \ufffd"),
    (datetime(2026, 11, 20, tzinfo=UTC), "2026-11-20T00:00:00Z"),
    (2**64, 2**64),
    (-(10**400), -(10**400)),
    (10**4300, hex(10**4300)),
    (-(10**4299), hex(-(10**4299))),
]


@pytest.mark.parametrize(("value", "expected"), NORMALISED, ids=range(len(NORMALISED)))
def test_what_is_not_json_gets_a_form_in_json(value: object, expected: object) -> None:
    """Surrogates, NaN, bytes, odd keys, foreign objects and huge numbers are written so that they read back."""
    line = encode_line({"value": [value, "beside"]})
    assert decode_object(line[:-1]) == {"value": [expected, "beside"]}


def test_an_object_that_cannot_be_shown_is_an_invalid_event() -> None:
    """A value whose str() fails is refused as an event, not as whatever it raised."""

    class Hopeless:
        def __str__(self) -> str:
            raise ValueError("no")

    with pytest.raises(InvalidEvent):
        encode({"value": Hopeless()})


def nested(depth: int, kind: type) -> Any:
    """Return an event of that depth."""
    value: Any = '"[{' * 100
    for _ in range(depth - 1):
        value = [value] if kind is list else {'"[': value}
    return {"value": value}


@pytest.mark.parametrize("kind", [list, dict])
def test_the_deepest_event_reads_back_and_a_deeper_one_is_refused(kind: type) -> None:
    """The bound counts levels, not brackets in texts."""
    assert decode(encode(nested(DEPTH, kind))) == nested(DEPTH, kind)
    for depth in (DEPTH + 1, 1000, 100_000):
        with pytest.raises(InvalidEvent):
            encode(nested(depth, kind))


def test_a_value_that_contains_itself_is_refused() -> None:
    """A cycle nests for ever."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(InvalidEvent):
        encode({"value": value})


def test_many_brackets_side_by_side_are_not_deep() -> None:
    """A wide event passes the bound on depth."""
    value = {"rows": [{"a": [n]} for n in range(1000)]}
    assert decode(encode(value)) == value


@pytest.mark.parametrize(
    ("body", "line"),
    [(b"{}", b'{"seq":3,"at":5}\n'), (b'{"type":"note"}', b'{"seq":3,"at":5,"type":"note"}\n')],
)
def test_a_number_and_a_time_come_first(body: bytes, line: bytes) -> None:
    """A line begins with seq and at, whatever else it has."""
    assert number_line(3, 5, body) == line


@pytest.mark.parametrize("text", ["a\nb", "\u2028", "\u0085", "\r", "\x00", "\x1b[31m"])
def test_no_text_ends_a_line(text: str) -> None:
    """A line has one newline, its last byte."""
    line = encode_line({"text": text})
    assert line.count(b"\n") == 1
    assert decode_object(line[:-1]) == {"text": text}


@pytest.mark.parametrize(
    "line", [b"", b"1", b"[]", b'"text"', b"{", b"null", b'{"a":\xff}', b"{}{}", b'{"a":NaN}', b"\x00"]
)
def test_only_an_object_is_a_whole_line(line: bytes) -> None:
    """Anything else is torn or damaged."""
    assert is_whole(line) is False


def test_what_a_kernel_holds_beside_json_is_kept_readable() -> None:
    """Bytes are base64, a mapping of its own kind is an object, anything else its text."""
    value = {"b": b"ab", "v": memoryview(b"ab"), "m": MappingProxyType({"x": 1}), "p": PurePosixPath("/a")}
    assert {"b": "YWI=", "v": "YWI=", "m": {"x": 1}, "p": "/a"} == decode(encode(value))


def test_what_flat_lines_cannot_hold_is_left_to_encode() -> None:
    """The quick way says so and gives nothing, the other one gives a line that reads back."""
    assert b'{"a":1}\n{"a":"b"}\n' == encode_flat_lines([{"a": 1}, {"a": "b"}])
    assert encode_flat_lines([{"a": 1}, {"a": "\ud800"}]) is None
    assert is_whole(encode_line({"a": "\ud800"})[:-1])
