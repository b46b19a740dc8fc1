"""Payloads over 64 KiB: out of the line, into a file, and back."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import Any

import pytest
from faults import CountingFiles
from journals import journal, note

from jupyter_recorder.files import SYSTEM
from jupyter_recorder.journal.blobs import Blob, join_payloads, read_blob, split_payloads, write_blobs
from jupyter_recorder.journal.codec import BLOB_BYTES
from jupyter_recorder.journal.reader import read_events

LARGE = "é" * BLOB_BYTES


def split(folder: Path, value: Any) -> tuple[Any, list[Blob]]:
    """Split a value, and put its payloads on the disk."""
    blobs: list[Blob] = []
    reference = split_payloads(value, blobs)
    write_blobs(SYSTEM, folder, blobs)
    return reference, blobs


VALUES = {
    "a text": {"text": LARGE},
    "in a list": {"content": ["short", LARGE, ("a", LARGE)]},
    "an image": {"output": {"data": {"image/png": "A" * 100_000, "text/plain": "<img>"}}},
    "a JSON value": {"output": {"data": {"application/json": {"rows": list(range(50_000))}}}},
    "a JSON list": {"output": {"data": {"application/vnd.plotly.v1+json": ["x" * 70_000]}}},
    "a text that looks like JSON": {"output": {"data": {"application/json": '{"a":' + " " * 70_000 + "1}"}}},
    "a text that begins like JSON": {"text": "[" + LARGE},
    "a JSON value of another type": {"output": {"data": {"text/x-tree": {"k": "v" * 70_000}}}},
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_a_large_payload_comes_back_as_it_was(recording: Path, value: dict[str, Any]) -> None:
    """Whatever was split off is joined to an equal value."""
    reference, blobs = split(recording, value)
    assert blobs != []
    assert len(str(reference)) < 1000
    expected = {"content": ["short", LARGE, ["a", LARGE]]} if "content" in value else value
    assert join_payloads(recording, reference) == expected


@pytest.mark.parametrize(("size", "out"), [(BLOB_BYTES, 0), (BLOB_BYTES + 1, 1)])
def test_the_bound_is_64_kib_of_utf8(size: int, out: int) -> None:
    """A payload of exactly 64 KiB stays in the line; one byte more goes out."""
    blobs: list[Blob] = []
    split_payloads({"text": "x" * size}, blobs)
    assert len(blobs) == out


def test_what_is_small_is_the_same_object() -> None:
    """Nothing is copied for an event without large payloads."""
    event = {"type": "output", "output": {"data": {"text/plain": "small"}, "list": [1, "2"]}}
    blobs: list[Blob] = []
    assert split_payloads(event, blobs) is event
    assert blobs == []


def test_an_equal_payload_is_stored_once(recording: Path) -> None:
    """A payload that stands already is not written again, whoever names it."""
    files = CountingFiles()
    with journal(recording, files=files) as writer:
        for _ in range(3):
            writer.append(note(LARGE), urgent=True)
            assert writer.wait(timeout=20)
    name = hashlib.sha256(LARGE.encode()).hexdigest()
    assert [path.name for path in (recording / "blobs").iterdir()] == [name]
    assert files.count("rename", name) == 1
    references = {str(event["text"]) for event in read_events(recording)}
    assert references == {str({"blob": name, "size": 2 * BLOB_BYTES, "mime": "text/plain"})}


def test_blobs_are_private_from_the_start(recording: Path) -> None:
    """The folder is 0700 and each file 0600."""
    split(recording, {"text": LARGE})
    folder = recording / "blobs"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_missing_or_damaged_blob_leaves_its_reference(recording: Path) -> None:
    """A payload that can't be read back is no reason to fail: the reference stays."""
    value = {"output": {"data": {"application/json": {"k": "v" * 70_000}}}}
    reference, blobs = split(recording, value)
    path = recording / "blobs" / blobs[0].sha256
    path.write_bytes(b"{garbage")
    assert join_payloads(recording, reference) == reference
    path.unlink()
    assert join_payloads(recording, reference) == reference


def test_a_blob_that_is_a_symlink_is_refused(recording: Path, tmp_path: Path) -> None:
    """Reading a blob never follows a link out of the recording."""
    (tmp_path / "secret").write_text("secret")
    (recording / "blobs").mkdir()
    (recording / "blobs" / ("0" * 64)).symlink_to(tmp_path / "secret")
    with pytest.raises(OSError):
        read_blob(recording, "0" * 64)


@pytest.mark.parametrize("name", ["", "../secret", "0" * 63, "0" * 64 + "\n", "A" * 64])
def test_only_a_sha256_names_a_blob(recording: Path, name: str) -> None:
    """Any other word is not looked for in the file system."""
    with pytest.raises(FileNotFoundError):
        read_blob(recording, name)


def test_a_lone_surrogate_in_a_large_text_becomes_a_replacement_character(recording: Path) -> None:
    """A payload is valid UTF-8 whatever a kernel sent."""
    reference, _ = split(recording, {"text": "\ud800" + LARGE})
    assert join_payloads(recording, reference) == {"text": "\ufffd" + LARGE}
