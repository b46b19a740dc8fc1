"""A large recording is exported, and a large file imported, in memory that does not grow with it."""

from __future__ import annotations

import json
from pathlib import Path

import big_recordings as big
import pytest

from jupyter_recorder.convert import export_recording
from jupyter_recorder.errors import RecError
from jupyter_recorder.library.library import Library

MEGABYTES = 24


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a large recording."""
    root = tmp_path_factory.mktemp("big")
    big.make(root, MEGABYTES)
    return root


@pytest.mark.parametrize("name", ["notebook", "html", "otel", "asciicast-v3"])
def test_an_export_takes_no_memory_of_its_own(name: str, root: Path, tmp_path: Path) -> None:
    """A recording of 24 MB is exported within 40 MB beside the program, as one of 300 MB is."""
    peak, _ = big.peak_megabytes(big.EXPORT, root, name, tmp_path / "out")

    assert peak < 40


def test_displays_that_could_be_updated_are_let_go_of(tmp_path: Path) -> None:
    """A recording of 24 MB, most of it displays with ids, is exported within 20 MB beside the program."""
    big.make_displays(tmp_path / "root", MEGABYTES)
    peak, _ = big.peak_megabytes(big.EXPORT, tmp_path / "root", "markdown", tmp_path / "out")

    assert peak < 20


def test_an_export_of_many_conversations_is_read_one_by_one(tmp_path: Path) -> None:
    """A ChatGPT export of 30 MB comes in within 60 MB beside the program."""
    path = tmp_path / "conversations.json"
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for number in range(6):
            nodes = {
                f"n{index}": {"id": f"n{index}", "parent": f"n{index - 1}", "children": [], "message": {
                    "id": f"n{index}", "author": {"role": "user"}, "create_time": 1_770_000_000 + index,
                    "content": {"content_type": "text", "parts": ["word " * 1000]}, "metadata": {}}}
                for index in range(1000)
            }  # fmt: skip
            file.write(("," if number else "") + json.dumps({"title": f"t{number}", "mapping": nodes}))
        file.write("]")
    assert path.stat().st_size > 28 << 20
    peak, _ = big.peak_megabytes(big.IMPORT, tmp_path / "root", path)

    assert peak < 60


def test_a_page_beyond_what_it_can_play_is_refused(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Payloads that no browser could unpack in one piece make no page; the error says what to do."""
    monkeypatch.setattr("jupyter_recorder.convert.exporters.html.LIMIT", 10 << 20)
    monkeypatch.setattr("jupyter_recorder.convert.exporters.html.LARGE", 20 << 20)
    with pytest.raises(RecError, match="has 12 MiB of payloads, and a page can play 10 MiB: trim it"):
        export_recording(Library(root).find("big"), "html", tmp_path / "out.html")

    assert not (tmp_path / "out.html").exists()


def test_progress_goes_up_to_its_total(root: Path, tmp_path: Path) -> None:
    """Progress never goes back, ends at its total, and is told a few hundred times at most."""
    for name in ("otel", "asciicast-v3", "html"):
        told: list[tuple[int, int]] = []
        progress = lambda done, total, told=told: told.append((done, total))  # noqa: E731
        export_recording(Library(root).find("big"), name, tmp_path / name, progress=progress)
        done = [one for one, _ in told]

        assert sorted(done) == done
        assert told[-1][0] == told[-1][1] == max(done)
        assert 50 < len(told) < 450
