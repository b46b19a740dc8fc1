"""The notebook 'After the recording', run in a real kernel: it finds, exports, trims and redacts for real."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient

from jupyter_recorder import Library

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "03-after-the-recording.ipynb"
MIME = "application/vnd.jupyter-recorder.v1+json"
NAME = "Ada Lovelace"


class Run(NamedTuple):
    """The executed notebook, and the folder where it ran."""

    notebook: Any
    folder: Path

    def text(self, name: str) -> str:
        """Return what a cell printed."""
        (cell,) = [cell for cell in self.notebook.cells if cell["id"] == name]
        return "".join(output.get("text", "") for output in cell["outputs"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The notebook, executed once."""
    folder = tmp_path_factory.mktemp("after")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    bin_folder = str(Path(sys.executable).parent)
    variables = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)}
    variables |= {"JUPYTER_RECORDER_DIR": str(folder / "root"), "JUPYTER_RECORDER_CACHE": str(folder / "cache")}
    variables |= {"IPYTHONDIR": str(folder / "ipython")}
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute(env=variables)
    return Run(notebook, folder)


def test_what_was_overwritten_is_found(run: Run) -> None:
    """The search prints the recording, its terminal and the line; for programs, the moment."""
    assert "fetching the walrus census" in run.text("search")
    (hit,) = next(cell for cell in run.notebook.cells if cell["id"] == "search-json")["outputs"]
    assert "'track': 'terminal'" in hit["data"]["text/plain"]


def test_everything_is_exported(run: Run) -> None:
    """The four files are there, and are what they say; the text is the screen's."""
    exported = run.folder / "exported"
    assert {"after.html", "after.ipynb", "after.cast", "after.md"} == {path.name for path in exported.iterdir()}
    nbformat.validate(nbformat.read(exported / "after.ipynb", as_version=4))
    assert 3 == json.loads((exported / "after.cast").read_text("utf-8").split("\n")[0])["version"]
    assert "done: 1204 walruses counted" in run.text("text")
    assert "fetching" not in run.text("text").partition("[terminal")[2].partition("\n")[2]


def test_the_new_recordings_are_shorter_and_without_the_name(run: Run) -> None:
    """`short` has no long pause, `public` has the name nowhere, `after` is as it was; the dry run made nothing."""
    library = Library(run.folder / "root")
    names = {one.name: one for one in library.recordings()}
    assert {"after", "short", "public"} == set(names)
    whole = {name: b"".join(p.read_bytes() for p in one.path.rglob("*") if p.is_file()) for name, one in names.items()}
    assert [True, True, False] == [NAME.encode() in whole[name] for name in ("after", "short", "public")]
    assert b"fetching" in whole["public"]
    times = [event["at"] for event in names["short"].events()]
    assert 400 >= max(b - a for a, b in itertools.pairwise(times))
    assert "taken out" in run.text("redact-dry")
    assert "[redacted:custom]" in run.text("redacted-text")


def test_the_replay_is_the_redacted_one(run: Run) -> None:
    """What the notebook embeds is the recording without the name."""
    (cell,) = [cell for cell in run.notebook.cells if cell["id"] == "replay"]
    payload = gzip.decompress(base64.b64decode(cell["outputs"][0]["data"][MIME]["data"]))
    assert b"1204 walruses" in payload
    assert NAME.encode() not in payload


def test_the_house_is_in_order(run: Run) -> None:
    """The list has all that have the tag, the doctor finds nothing in the files, and nothing is old."""
    assert all(name in run.text("keep") for name in ("after", "short", "public"))
    assert "✓ files" in run.text("keep")
    assert "nothing to delete" in run.text("keep")
