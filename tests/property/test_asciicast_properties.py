"""What holds for any bytes that a terminal can produce, and for any file."""

from __future__ import annotations

import io
import itertools
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_recorder.asciicast.format import (
    Event,
    Header,
    Utf8Decoder,
    encode_event,
    encode_header,
    is_whole_line,
    read_event,
    read_header,
)
from jupyter_recorder.asciicast.reader import read
from jupyter_recorder.errors import InvalidCast

bytes_of_terminals = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(st.sampled_from([b"\xe2", b"\x82", b"\xac", b"\xf0\x9f", b"\xed\xa0\x80", b"a", "😀".encode()])).map(
        b"".join
    ),
)
cuts = st.lists(st.integers(0, 60), max_size=8)
any_text = st.text(st.characters(exclude_categories=()), max_size=40)
times = st.floats(0, 1e9, allow_nan=False)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), any_text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(any_text, inner, max_size=3)),
    max_leaves=6,
)


@settings(deadline=None)
@given(bytes_of_terminals, cuts)
def test_bytes_cut_anywhere_are_valid_utf_8_and_lose_no_character(data: bytes, where: list[int]) -> None:
    """Cut at any places, what a terminal printed is in the file as one decoding of the whole gives it."""
    decoder = Utf8Decoder()
    edges = [0, *sorted(min(cut, len(data)) for cut in where), len(data)]
    parts = [decoder.feed(data[a:b]) for a, b in itertools.pairwise(edges)] + [decoder.finish()]
    file = encode_header(Header(80, 24)) + b"".join(encode_event(Event(1, "o", part)) for part in parts)
    file.decode("utf-8")
    assert data.decode("utf-8", "replace") == "".join(event.data for event in read(io.BytesIO(file)).events)


@given(st.lists(st.tuples(times, st.sampled_from("oimrxz"), any_text), max_size=8))
def test_events_survive_to_the_microsecond(found: list[tuple[float, str, str]]) -> None:
    """Events in order come back the same, times to the microsecond, only lone surrogates replaced."""
    events = [Event(*event) for event in sorted(found)]
    file = encode_header(Header(80, 24)) + b"".join(map(encode_event, events))
    cast = read(io.BytesIO(file))
    paired = [event.data.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for event in events]
    expected = [(round(e.time, 6), e.code, text) for e, text in zip(events, paired, strict=True)]
    assert expected == [(round(event.time, 6), event.code, event.data) for event in cast.events]
    assert 0 == cast.damage.lines + cast.damage.torn


@given(any_text, any_text, st.dictionaries(any_text, json_values, max_size=4))
def test_a_header_is_one_line_of_strict_json_that_is_read_back(
    title: str, command: str, extra: dict[str, object]
) -> None:
    """Any header gives one line of valid UTF-8, strict JSON, that reads and writes as itself."""
    line = encode_header(Header(80, 24, title=title, command=command, extra=extra))
    json.loads(line.decode("utf-8"))
    assert (1, line) == (line.count(b"\n"), encode_header(read_header(line)))


@given(st.one_of(st.binary(max_size=200), json_values.map(lambda value: json.dumps(value).encode())))
def test_no_line_makes_the_readers_fail(line: bytes) -> None:
    """Any line is an event, a header, or told to be neither."""
    event = read_event(line)
    try:
        header = read_header(line)
    except InvalidCast:
        header = None
    assert is_whole_line(line) is (event is not None or header is not None)


@given(st.binary(max_size=200), st.integers(2, 3))
def test_any_bytes_after_a_header_are_read(garbage: bytes, version: int) -> None:
    """Whatever follows a header, the events before it stand and times stay in order."""
    head = {"version": version, "width": 80, "height": 24, "term": {"cols": 80, "rows": 24}}
    file = json.dumps(head).encode() + b'\n[1,"o","a"]\n' + garbage
    found = list(read(io.BytesIO(file)).events)
    assert Event(1.0, "o", "a") == found[0]
    assert sorted(found, key=lambda event: event.time) == found


@given(st.integers(0, 400))
def test_a_file_cut_anywhere_gives_its_whole_events(cut: int) -> None:
    """Cut after any byte, a file gives the events that are whole, and tells of a tail that is not."""
    events = [Event(float(i), "o", f"é{i}\r\n") for i in range(12)]
    lines = [encode_header(Header(80, 24)), *map(encode_event, events)]
    file = b"".join(lines)[: len(lines[0]) + cut]
    ends = list(itertools.accumulate(map(len, lines)))[1:]
    whole = sum(end - 1 <= len(file) for end in ends)
    cast = read(io.BytesIO(file))
    assert events[:whole] == list(cast.events)
    assert (len(file) in {len(lines[0]), *ends, *(end - 1 for end in ends)}) is not cast.damage.torn
