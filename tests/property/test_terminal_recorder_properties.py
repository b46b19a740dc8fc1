"""What holds for any bytes that a proxy can see, however they are cut, and for any order of calls."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_recorder import RecordingConfig, TerminalRecorder
from jupyter_recorder.asciicast.reader import Cast, read

terminal_bytes = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(
        st.sampled_from([b"\xe2", b"\x82", b"\xac", b"\xf0\x9f", b"\xed\xa0\x80", b"\x1b[2J", b"\r\n", "😀".encode()])
    ).map(b"".join),
)
cuts = st.lists(st.integers(0, 60), max_size=8)


def chunks(data: bytes, where: list[int]) -> list[bytes]:
    """Cut `data` at these places."""
    edges = [0, *sorted(min(cut, len(data)) for cut in where), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def record(folder: str, calls: list[tuple[str, Any]]) -> Path:
    """Record calls, each a method's short name and its argument, and return the `.cast`."""
    recorder = TerminalRecorder(RecordingConfig(output_dir=folder), "s", 80, 24)
    methods = {"o": recorder.record_output, "i": recorder.record_input, "r": lambda size: recorder.record_resize(*size)}
    recorder.start()
    for name, argument in calls:
        methods[name](argument)
    recorder.stop()
    assert recorder.path is not None
    return recorder.path


def strict(path: Path) -> Cast:
    """Read a file as the strictest reader would: whole lines of UTF-8 and JSON, a list of number, code and string."""
    text = path.read_bytes().decode("utf-8")
    assert text.endswith("\n")
    last = 0.0
    for line in text.split("\n")[1:-1]:
        time, code, data = json.loads(line)
        assert (float, str, str) == (type(time), type(code), type(data))
        assert (1, True) == (len(code), time >= last)
        last = time
    return read(path)


@settings(max_examples=60)
@given(terminal_bytes, cuts)
def test_any_bytes_cut_anywhere_are_the_text_of_the_whole(data: bytes, where: list[int]) -> None:
    """Strict readers accept the file, and its text is one decoding of all that was shown."""
    with tempfile.TemporaryDirectory() as folder:
        cast = strict(record(folder, [("o", chunk) for chunk in chunks(data, where)]))
        assert data.decode("utf-8", "replace") == "".join(event.data for event in cast.events)
        assert (0, False) == (cast.damage.lines, cast.damage.torn)


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from("oi"), terminal_bytes),
            st.tuples(st.just("r"), st.tuples(st.integers(), st.integers())),
            st.tuples(st.sampled_from("oi"), st.one_of(st.none(), st.text(), st.integers())),
        ),
        max_size=8,
    )
)
def test_any_calls_give_a_file_that_plays(calls: list[tuple[str, Any]]) -> None:
    """Whatever a program hands over, right or wrong, the file is whole, and each direction has its own text."""
    with tempfile.TemporaryDirectory() as folder:
        found = list(strict(record(folder, calls)).events)
    for code in "oi":
        given_bytes = b"".join(
            data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
            for name, data in calls
            if name == code and isinstance(data, bytes | str)
        )
        assert given_bytes.decode("utf-8", "replace") == "".join(event.data for event in found if event.code == code)


@pytest.mark.parametrize(
    "data",
    [
        "héllo \x1b[1;31m€ 日本語\x1b[0m\r\n".encode(),
        bytes(range(256)),
        b"a\xf0\x9f\x98b\xed\xa0\x80c\r\n",
        "\u2028\u2029\x85\x00".encode(),
    ],
    ids=["text", "every byte", "broken UTF-8", "separators"],
)
def test_asciinema_prints_the_text_of_the_whole(tmp_path: Path, data: bytes) -> None:
    """asciinema 2.4 prints a file of single bytes as one decoding of all of them."""
    path = record(str(tmp_path), [("o", bytes([byte])) for byte in data])
    command = [sys.executable, "-m", "asciinema", "cat", str(path)]
    environment = {**os.environ, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    printed = subprocess.run(command, capture_output=True, check=True, env=environment, timeout=60).stdout
    assert data.decode("utf-8", "replace").encode() == printed
