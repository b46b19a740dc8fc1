"""A shell's marks in a stream: found and taken out however it is cut, and nothing else is touched."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_recorder.capture.osc import MARK_LIMIT, Mark, MarkFilter

NONCE = "0123456789abcdef"
AID = f";aid={NONCE}".encode()

MARKS = st.one_of(
    st.just((b"\x1b]133;A" + AID + b"\x07", Mark("A", None, {}))),
    st.integers(0, 255).map(lambda n: (b"\x1b]133;D;%d" % n + AID + b"\x07", Mark("D", n, {}))),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(
        lambda line: (
            b"\x1b]133;C" + AID + b";cmdline_url=" + quote(line).encode() + b"\x07",
            Mark("C", None, {"cmdline_url": line}),
        )
    ),
)
# What a program may print: beginnings of marks, marks without the nonce or with another, and anything.
FOREIGN = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [
            b"\x1b",
            b"\x07",
            b"\x1b]133;",
            b"\x1b]133;C\x07",
            b"\x1b]133;D;1\x07",
            b"\x1b]133;C;aid=",
            b"\x1b]133;C;aid=0123456789abcdeX;cmdline_url=rm\x07",
            b"\x1b]133;C" + AID,
            b"\x1b]133;D;1234" + AID + b"\x07",
            b"\x1b]133;C" + AID + b";cmdline_url=a\x1b\\",
            b"\x1b]0;title\x07",
            "é€".encode(),
        ]
    ),
)
PIECES = st.lists(st.one_of(MARKS, FOREIGN), max_size=8)


def run(*chunks: bytes) -> tuple[bytes, list[tuple[int, Mark]]]:
    """Return what passes, and each mark with the place in it where it stood."""
    passed, marks, filter_ = b"", [], MarkFilter(NONCE)
    for chunk in chunks:
        for piece in filter_.feed(chunk):
            if isinstance(piece, Mark):
                marks.append((len(passed), piece))
            else:
                passed += piece
    return passed + filter_.finish(), marks


def stream(pieces: list[bytes | tuple[bytes, Mark]]) -> bytes:
    """Return the pieces as a shell would send them."""
    return b"".join(piece if isinstance(piece, bytes) else piece[0] for piece in pieces)


@given(PIECES, st.data())
def test_a_cut_changes_nothing(pieces: list[bytes | tuple[bytes, Mark]], data: st.DataObject) -> None:
    """Cut anywhere, or into single bytes, a stream gives the same bytes and the same marks in the same places."""
    whole = stream(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert run(whole) == run(*chunks)
    assert run(whole) == run(*(whole[i : i + 1] for i in range(len(whole))))


@given(st.lists(st.one_of(MARKS, st.binary(max_size=20).filter(lambda text: b"\x1b" not in text)), max_size=8))
def test_every_mark_is_found_and_taken_out(pieces: list[bytes | tuple[bytes, Mark]]) -> None:
    """Marks between other bytes are read as they were meant, and what passes is exactly the other bytes."""
    passed, marks = run(stream(pieces))

    assert b"".join(piece for piece in pieces if isinstance(piece, bytes)) == passed
    assert [piece[1] for piece in pieces if not isinstance(piece, bytes)] == [mark for _, mark in marks]


@given(st.lists(FOREIGN, max_size=8).map(b"".join).filter(lambda text: AID not in text))
def test_without_the_nonce_all_bytes_pass(text: bytes) -> None:
    """Whatever a program prints, without the nonce there is no mark in it and it passes unchanged."""
    assert (text, []) == run(text)


@pytest.mark.parametrize("start", [b"\x1b]133;C;cmdline_url=", b"\x1b]", b"\x1b]133;C;aid=0123"])
def test_a_foreign_sequence_without_an_end_is_not_held(start: bytes) -> None:
    """Of 100 MB after an OSC that never ends, nothing is held back once it can't be a mark."""
    filter_, chunk = MarkFilter(NONCE), b"x" * 1_000_000
    passed = sum(map(len, filter_.feed(start)))  # type: ignore[arg-type]
    for _ in range(100):
        passed += sum(map(len, filter_.feed(chunk)))  # type: ignore[arg-type]
        assert b"" == filter_._held

    assert len(start) + 100_000_000 == passed


def test_a_mark_without_an_end_is_held_up_to_the_limit() -> None:
    """Even with the nonce, no more than the limit is held; then all of it passes."""
    filter_, start = MarkFilter(NONCE), b"\x1b]133;C" + AID + b";cmdline_url="
    assert [] == filter_.feed(start + b"x" * 100_000)
    (passed,) = filter_.feed(b"x" * (MARK_LIMIT - 100_000))

    assert start + b"x" * MARK_LIMIT == passed
    assert b"" == filter_.finish()


def test_what_a_stream_ends_in_is_given() -> None:
    """A beginning of a mark at the very end is not lost."""
    filter_ = MarkFilter(NONCE)

    assert [b"text"] == filter_.feed(b"text\x1b]133;C")
    assert b"\x1b]133;C" == filter_.finish()
