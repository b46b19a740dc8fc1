"""Links, FIFOs and hard links in the place of a recording's files: nobody follows, waits or reads what is not his."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from targets import exports

from jupyter_recorder import timeline
from jupyter_recorder.errors import RecError
from jupyter_recorder.library.catalog import Catalog
from jupyter_recorder.library.checkup import checkup
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.library.recovery import recover
from jupyter_recorder.recorder import Recorder
from jupyter_recorder.replay.load import load

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has neither such links nor FIFOs")

CANARY = "CANARY-of-another"
FILES = ["session.ndjson", "session.1.ndjson", "terminal.cast", "manifest.json", "labels.json", "dedupe.key"]


def link(place: Path, outside: Path) -> None:
    """A symbolic link to a file of somebody else."""
    place.symlink_to(outside)


def fifo(place: Path, outside: Path) -> None:
    """A FIFO, which keeps a naive reader waiting for ever."""
    os.mkfifo(place)


def folder(place: Path, outside: Path) -> None:
    """A folder."""
    place.mkdir()


def device(place: Path, outside: Path) -> None:
    """A link to a device that never ends."""
    place.symlink_to("/dev/zero")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with one recording that has every kind of file."""
    root = tmp_path_factory.mktemp("made")
    recorder = Recorder.start(Library(root), "demo", "notebook")
    recorder.record({"type": "message_add", "message_id": "m", "role": "user", "content": "x" * 70_000})
    track = recorder.terminal(80, 24)
    track.output(b"hello\r\n")
    recorder.stop()
    return root


@pytest.mark.timeout(60)
@pytest.mark.parametrize("trap", [link, fifo, folder, device], ids=lambda trap: trap.__name__)
def test_a_trap_in_a_files_place_is_not_stepped_into(trap: Callable[..., None], made: Path, tmp_path: Path) -> None:
    """In each file's place: listing, reading, exports, search, doctor and recovery end, and nothing of it gets out."""
    outside = tmp_path / "outside"
    outside.write_text(f'{{"seq":1,"at":1,"type":"note","text":"{CANARY}"}}\n[0,"o","{CANARY}"]\n')
    before = outside.read_bytes()
    blob = next(path for path in made.rglob("blobs/*"))
    for number, name in enumerate([*FILES, str(blob.relative_to(blob.parents[1]))]):
        root = tmp_path / str(number)
        shutil.copytree(made, root)
        place = next(root.iterdir()) / name
        place.unlink(missing_ok=True)
        trap(place, outside)
        assert CANARY not in used(root, tmp_path / f"cache-{number}"), name
        assert outside.read_bytes() == before
        assert os.path.lexists(place), f"{name}: what stood there is gone"


def used(root: Path, cache: Path) -> str:
    """Do all with a root's recordings that can be done, and return all that comes of it, as text."""
    library, seen = Library(root), []
    for recording in library.recordings():
        for use in (_fold, _shown, _replay, *exports()):
            with contextlib.suppress(RecError):
                seen.append(str(use(recording)))
    catalog = Catalog(library, cache)
    catalog.update()
    seen += [str(catalog.search("CANARY").hits), *map(str, checkup(library))]
    catalog.close()
    seen += map(str, recover(library, force=True))
    return "\n".join(seen)


def _fold(recording: Recording) -> object:
    return timeline.fold(recording.events())


def _shown(recording: Recording) -> object:
    return recording.shown, recording.size_bytes(), recording.title, recording.tags


def _replay(recording: Recording) -> object:
    return load(recording, max_bytes=1 << 20)
