"""Inputs that are nearly right: bytes and JSON values of a corpus changed at random, the same ones for a seed."""

from __future__ import annotations

import json
import random
from typing import Any, Final

# What JSON can hold and few expect: the list that all of this project is held against.
VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    0,
    2**70,
    1e308,
    -1e308,
    0.5,
    "",
    "0x0",
    "99999999x1",
    "__proto__",
    "\ud800",
    "../../x",
    "</script><img src=x onerror=alert(1)>",
    "x" * 300,
    [],
    {},
    [[[]]],
    {"__proto__": {"a": 1}},
    {"blob": "a" * 64, "size": 5, "mime": "text/plain"},
    {"blob": "../../dedupe.key", "size": -1},
)
PIECES: Final = (
    b"NaN",
    b"-Infinity",
    b"1e400",
    b'{"a":' * 200,
    b"[" * 3000,
    b"\x00",
    b"\xff\xfe",
    b"\xc3",
    b"\x1b]0;",
    b"\x1b[999999999b",
    b"\\u001b[999999999b",
    b"\\u001b]52;c;?\\u0007",
    b"\xe2\x80\xa8",
    b"\n",
    b'"seq":1,',
)


def mutated(chance: random.Random, corpus: list[bytes]) -> bytes:
    """Return one of the corpus, changed."""
    data = chance.choice(corpus)
    for _ in range(chance.randint(1, 3)):
        data = chance.choice((_cut, _flip, _insert, _splice, _other_value, _other_value))(chance, data, corpus)
    return data


def _cut(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    return data[: chance.randint(0, len(data))]


def _flip(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _insert(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(PIECES) + data[at:]


def _splice(chance: random.Random, data: bytes, corpus: list[bytes]) -> bytes:
    lines, others = data.split(b"\n"), chance.choice(corpus).split(b"\n")
    at = chance.randint(0, len(lines))
    return b"\n".join([*lines[:at], *chance.sample(others, min(3, len(others))), *lines[at:]])


def _other_value(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    """Put another value in the place of one, in a line that is JSON."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    try:
        value = json.loads(lines[at])
    except (ValueError, RecursionError):
        return data
    places = list(_places(value))
    if not places:
        return data
    holder, key = chance.choice(places)
    holder[key] = chance.choice(VALUES)
    lines[at] = json.dumps(value).encode()
    return b"\n".join(lines)


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])
