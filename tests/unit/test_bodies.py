"""Bodies that come in: read as JSON, and refused for holding too much to be read in one go."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_recorder.errors import EventTooLarge
from jupyter_recorder.journal import codec
from jupyter_recorder.server import bodies

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\[{,:\u00e9', max_size=12),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text('a"\\[,', max_size=4), inner, max_size=5),
    max_leaves=30,
)


def padded(value: bytes) -> bytes:
    """Return JSON that is large enough to be looked at before it is read."""
    return value + b" " * bodies.PARSED_AT_ONCE


def crowd(value: Any) -> tuple[int, int]:
    """Return how many objects and lists a value holds, and how many commas its JSON has outside of strings."""
    if not isinstance(value, dict | list):
        return 0, 0
    inner = [crowd(item) for item in (value.values() if isinstance(value, dict) else value)]
    return 1 + sum(one for one, _ in inner), max(0, len(value) - 1) + sum(commas for _, commas in inner)


@given(JSON, st.integers(1, 7))
def test_what_stands_in_strings_does_not_count(value: Any, piece: int) -> None:
    """However the body is cut for counting, exactly what is over a limit is refused."""
    containers, commas = crowd(value)
    data = padded(json.dumps(value).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "_PIECE", piece)
        patch.setattr(bodies, "PARSED_AT_ONCE", 0)
        patch.setattr(bodies, "MOST_CONTAINERS", containers)
        patch.setattr(bodies, "MOST_VALUES", commas)
        assert value == bodies.decode(data.rstrip())
        for name, least in (("MOST_CONTAINERS", containers - 1), ("MOST_VALUES", commas - 1)):
            if least >= 0:
                with pytest.MonkeyPatch.context() as less:
                    less.setattr(bodies, name, least)
                    with pytest.raises(EventTooLarge):
                        bodies.decode(data.rstrip())


@pytest.mark.parametrize("item", [b"[]", b'{"a":{}}', b"{}"])
def test_a_crowd_of_values_is_refused_before_it_is_read(item: bytes) -> None:
    """A large body of tiny values is too large, and says how many it may hold."""
    data = padded(b"[" + (item + b",") * (bodies.MOST_CONTAINERS + 1) + b"1]")
    with pytest.raises(EventTooLarge, match="100,000"):
        bodies.decode(data)


def test_a_long_text_full_of_brackets_is_read() -> None:
    """Code and JSON in a message are no crowd."""
    text = '{"a": [1, 2, "\\\\"]},' * 200_000
    assert {"content": text} == asyncio.run(bodies.decode_json(json.dumps({"content": text})))


@pytest.mark.parametrize("data", [b"", b"NaN", b'{"a":Infinity}', b'"\\ud800"', b"\xff", b"[" * 10_000 + b"]" * 10_000])
def test_what_is_no_json_is_a_value_error(data: bytes) -> None:
    """Also numbers that JSON has not, half a surrogate pair, and what nests too deeply; small or large."""
    for body in (data, padded(data)):
        with pytest.raises(ValueError):
            bodies.decode(body)
