"""Manifests and labels: kept whole, replaced atomically, and an error that names the file if they are damaged."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from jupyter_recorder.errors import CorruptState
from jupyter_recorder.files import Files
from jupyter_recorder.library.manifest import (
    Manifest,
    change_labels,
    merged,
    new_manifest,
    read_labels,
    read_manifest,
    write_manifest,
)
from jupyter_recorder.library.owner import me


def manifest_of(**changes: Any) -> Manifest:
    """Return a manifest with some keys changed."""
    fresh = new_manifest(
        id="demo-20261120-231501", name="demo", kind="notebook", started_ms=1_795_216_501_000, owner=me()
    )
    return {**fresh, **changes}  # type: ignore[typeddict-item]


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    """What is written comes back equal, keys that are not known here included."""
    manifest = manifest_of(future={"a": [1, None]}, tracks=[{"track": "cells", "kind": "cells", "color": "red"}])
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "torn": b'{"format":"jupyter-recorder"',
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "foreign": b'{"version":1}',
    **{
        key: json.dumps({**manifest_of(), **changes}).encode()
        for key, changes in {
            "newer": {"version": 2},
            "a state that does not exist": {"state": "paused"},
            "time as text": {"started_at": "now"},
            "time as bool": {"started_at": True},
            "negative time": {"started_at": -1},
            "time without end": {"started_at": 10**17},
            "name missing": {"name": None},
            "tags as text": {"tags": "a"},
            "tracks as text": {"tracks": ["cells"]},
            "counts as text": {"counts": {"events": "many"}},
        }.items()
    },
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_manifest_is_an_error_that_names_it(tmp_path: Path, case: str) -> None:
    """What cannot be relied on is `CorruptState`, and stays as it is."""
    (tmp_path / "manifest.json").write_bytes(BROKEN[case])
    with pytest.raises(CorruptState, match=r"manifest\.json"):
        read_manifest(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == BROKEN[case]


def test_a_linked_manifest_is_refused(tmp_path: Path) -> None:
    """A link is not followed, even to a good manifest."""
    write_manifest(tmp_path, manifest_of())
    (tmp_path / "manifest.json").rename(tmp_path / "other.json")
    (tmp_path / "manifest.json").symlink_to(tmp_path / "other.json")
    with pytest.raises(CorruptState):
        read_manifest(tmp_path)


def test_a_failed_write_leaves_the_old_manifest(tmp_path: Path) -> None:
    """A disk that fills while a manifest is replaced takes neither the old one nor leaves a piece of the new."""

    class Full(Files):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            super().write(fd, data[:10])
            raise OSError(28, "No space left on device")

    write_manifest(tmp_path, manifest_of())
    with pytest.raises(OSError, match="No space"):
        write_manifest(tmp_path, manifest_of(name="other"), Full())
    assert (read_manifest(tmp_path)["name"], len(list(tmp_path.iterdir()))) == ("demo", 1)


def test_labels_stand_in_place_of_the_writers_words(tmp_path: Path) -> None:
    """A label that was set is shown; one that was not leaves the manifest's."""
    change_labels(tmp_path, {"title": "A talk"})
    shown = merged(manifest_of(title="x", tags=["a"]), read_labels(tmp_path))
    assert (shown["name"], shown["title"], shown["tags"]) == ("demo", "A talk", ["a"])


def test_labels_changed_at_once_are_all_kept(tmp_path: Path) -> None:
    """Two who change different labels at the same time do not undo each other."""
    changes = [lambda: change_labels(tmp_path, {"name": "n"}), lambda: change_labels(tmp_path, {"tags": ["t"]})]
    threads = [threading.Thread(target=change) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_labels(tmp_path) == {"name": "n", "tags": ["t"]}


def test_no_labels_are_no_error(tmp_path: Path) -> None:
    """A recording that nobody relabelled has none."""
    assert read_labels(tmp_path) == {}


@pytest.mark.parametrize("content", [b"{", b'{"name":1}', b'{"tags":[1]}'])
def test_broken_labels_are_an_error(tmp_path: Path, content: bytes) -> None:
    """Labels that cannot be read are told, and not written over."""
    (tmp_path / "labels.json").write_bytes(content)
    with pytest.raises(CorruptState):
        change_labels(tmp_path, {"name": "n"})
    assert (tmp_path / "labels.json").read_bytes() == content


def test_manifest_and_labels_are_private(tmp_path: Path) -> None:
    """Both files are 0600."""
    write_manifest(tmp_path, manifest_of())
    change_labels(tmp_path, {"name": "n"})
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
