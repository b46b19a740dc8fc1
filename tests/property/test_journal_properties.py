"""What holds for any journal: lines read back, segments merge by their rule, repair keeps every byte."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_recorder.errors import InvalidEvent
from jupyter_recorder.files import SYSTEM
from jupyter_recorder.journal.blobs import Blob, join_payloads, split_payloads, write_blobs
from jupyter_recorder.journal.codec import decode_object, encode, encode_line, is_whole
from jupyter_recorder.journal.reader import merge_segments
from jupyter_recorder.journal.repair import broken_path, repair_tail

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
SURROGATES = st.text(st.characters(categories=("Cs", "Lu")))
FOREIGN = st.recursive(
    st.floats() | st.binary() | st.integers() | SURROGATES | st.complex_numbers() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.integers() | st.binary() | SURROGATES, inner) | st.tuples(inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_json_reads_back_as_it_was(event: dict[str, Any]) -> None:
    """Any JSON object is one line, and equal when read."""
    line = encode_line(event)
    assert line.count(b"\n") == 1
    assert decode_object(line[:-1]) == event


@given(st.dictionaries(st.text(), FOREIGN))
def test_anything_else_gets_a_line_that_reads_back(event: dict[str, Any]) -> None:
    """Whatever a program hands over is written so that it can be read, and what is read is itself JSON."""
    read = decode_object(encode(event))
    assert read is not None
    assert decode_object(encode(read)) == read


@given(st.integers(1, 400), st.sampled_from("[{"))
def test_what_is_written_is_read_whatever_its_depth(depth: int, kind: str) -> None:
    """Either an event is refused, or it reads back."""
    value: Any = 1
    for _ in range(depth):
        value = [value] if kind == "[" else {"k": value}
    try:
        line = encode({"value": value})
    except InvalidEvent:
        assert depth >= 128
    else:
        assert decode_object(line) == {"value": value}


@given(st.lists(st.sets(st.integers(1, 30)), max_size=5))
def test_segments_merge_as_a_dict_would(held: list[set[int]]) -> None:
    """The merge is: for each number, the highest segment that has it; in order."""
    expected = {seq: segment for segment, seqs in enumerate(held) for seq in seqs}
    streams = [iter([(seq, segment) for seq in sorted(seqs)]) for segment, seqs in enumerate(held)]
    assert list(merge_segments(streams)) == sorted(expected.items())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=8), st.binary(max_size=40))
def test_a_repair_keeps_every_byte(lines: list[bytes], tail: bytes) -> None:
    """What is left and what is in .broken are together the file as it was, and what is left ends in a whole line."""
    data = b"".join(encode_line({"line": line.hex()}) if len(line) % 2 else line + b"\n" for line in lines) + tail
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "session.ndjson")
        path.write_bytes(data)
        cut = repair_tail(SYSTEM, path, is_whole)
        kept = path.read_bytes()
        broken = broken_path(path).read_bytes() if cut else b""
        assert kept + broken == data
        assert kept == b"" or (kept.endswith(b"\n") and is_whole(kept[:-1].rsplit(b"\n", 1)[-1]))
        assert repair_tail(SYSTEM, path, is_whole) == 0


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(["a/json", "image/png", "text", "application/json"]), JSON), st.integers(0, 3))
def test_payloads_come_back(value: dict[str, Any], which: int) -> None:
    """Splitting and joining is the identity, whatever is large and wherever it stands."""
    large: list[Any] = ["x" * 70_000, "{" + "y" * 70_000, {"k": "z" * 70_000}, ["é" * 40_000]]
    value = {"data": {**value, "application/json": large[which], "text/html": large[(which + 1) % 4]}, "beside": value}
    blobs: list[Blob] = []
    split = split_payloads(value, blobs)
    assert blobs != []
    with tempfile.TemporaryDirectory() as folder:
        write_blobs(SYSTEM, Path(folder), blobs)
        assert join_payloads(Path(folder), split) == value
