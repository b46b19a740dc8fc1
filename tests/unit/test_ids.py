"""Names and ids: anything a person types is either a clear error or a folder inside the root."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_recorder.errors import InvalidName
from jupyter_recorder.ids import (
    check_name,
    is_safe_id,
    recovered_name,
    session_folder_id,
    slug,
    take_id,
    timestamp_of,
)

STARTED = 1_795_216_501_000  # 2026-11-20 23:15:01 UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Demo", "demo"),
        ("Café  crème!", "cafe-creme"),
        ("../x", "x"),
        ("\uff23\uff2f\uff2e", "con"),
        ("講義", "recording"),
        ("", "recording"),
        ("a" * 39 + " b", "a" * 39),
    ],
)
def test_a_slug_is_plain(text: str, expected: str) -> None:
    """A slug keeps the letters and digits that ASCII has, and is never empty."""
    assert slug(text) == expected


def test_a_take_is_named_by_its_start() -> None:
    """An id says the name and the UTC time of the start."""
    assert take_id("Demo", STARTED) == "demo-20261120-231501"


@pytest.mark.parametrize(
    ("recording_id", "expected"),
    [
        ("demo-20261120-231501", STARTED),
        ("demo-20261120-231501-2", STARTED),
        ("a-20200101-000000-20261120-231501", STARTED),
        ("demo-20261399-231501", None),
        ("demo-20261120-231501-0123456789012345", None),
        ("demo", None),
        ("20261120-231501", None),
    ],
)
def test_the_time_of_an_id(recording_id: str, expected: int | None) -> None:
    """The start is read back from a take's id, and from nothing else."""
    assert timestamp_of(recording_id) == expected


def test_a_recovered_name_is_utc() -> None:
    """The name that recovery gives is the time of the last event."""
    assert recovered_name(STARTED + 999) == "recovered-2026-11-20-231501"


@pytest.mark.parametrize(
    "name", ["demo", "Über uns", "講義 3", "a.b", "CON", "x-", "100 %", "it's", "d" * 256, "ß" * 128]
)
def test_ordinary_names_are_taken(name: str) -> None:
    """Any visible text of at most 256 bytes that is no path is a name."""
    assert check_name(name) == name


REFUSED = [
    "",
    "  ",
    ".",
    "..",
    ".hidden",
    "-x",
    "../x",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "a\x1bb",
    "a\x9bb",
    "a\u202eb",
    "a\u2066b",
    "a\u200bb",
    "a\u2028b",
    "\ufeffa",
    "a\ud800b",
    "ß" * 129,
    "x" * 4096,
]


@pytest.mark.parametrize("name", REFUSED, ids=ascii)
def test_other_names_are_refused_in_one_line(name: str) -> None:
    """The refusal is one short line that a terminal can show, whatever the name holds."""
    with pytest.raises(InvalidName) as caught:
        check_name(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


def test_a_path_is_answered_with_a_name() -> None:
    """Whoever types a path is told what would do."""
    with pytest.raises(InvalidName, match="try 'x'"):
        check_name("../x")


@given(st.text(max_size=300))
def test_every_session_id_gets_a_safe_folder(session_id: str) -> None:
    """Any string names a folder that cannot leave the root."""
    assert is_safe_id(session_folder_id(session_id))


@given(st.text(max_size=300), st.integers(0, 4_000_000_000_000))
def test_every_take_gets_a_safe_folder(name: str, started: int) -> None:
    """Whatever it is called, a take's folder is in the root, and its time is read back."""
    recording_id = take_id(name, started)
    assert is_safe_id(recording_id)
    assert timestamp_of(recording_id) == started // 1000 * 1000


def test_twins_stay_apart() -> None:
    """Session ids that differ in case or normal form have folders that differ."""
    ids = ["Case", "case", "caf\u00e9", "cafe\u0301", "cafe", "case ", "case."]
    assert len({session_folder_id(one) for one in ids}) == len(ids)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "../x", "a/b", "a\\b", "A", "a.b", "-a", "a\n", "a" * 82, "é", ".new-x"]
)
def test_what_is_no_id(text: str) -> None:
    """Nothing that could name a place outside the root, or a hidden one, has the form of an id."""
    assert not is_safe_id(text)
