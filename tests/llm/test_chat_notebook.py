"""The notebook 'Record a chat', run in a real kernel with its local model."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from kernels import environment
from nbclient import NotebookClient

import jupyter_recorder
from jupyter_recorder.library.library import Library
from jupyter_recorder.timeline import Message, fold

FOLDER = Path(jupyter_recorder.__file__).parents[1] / "notebooks"
MIME = "application/vnd.jupyter-recorder.v1+json"
KEY = "walrus-key-0123456789"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[Message], Path]:
    """The notebook after its run, the messages that were recorded, and the recordings' folder."""
    home = tmp_path_factory.mktemp("chat")
    shutil.copy(FOLDER / "local_model.py", home)
    notebook = nbformat.read(FOLDER / "04-record-a-chat.ipynb", as_version=4)
    variables = environment(home)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(home)}}).execute(env=variables)
    root = Path(variables["JUPYTER_RECORDER_DIR"])
    (recording,) = Library(root).recordings()
    return notebook, list(fold(recording.events()).messages.values()), root


def outputs(notebook: Any, name: str) -> list[Any]:
    """Return a cell's outputs."""
    (cell,) = [cell for cell in notebook.cells if cell["id"] == name]
    return list(cell["outputs"])


def shown(notebook: Any, name: str) -> str:
    """Return what a cell printed."""
    return "".join(output.get("text", "") for output in outputs(notebook, name))


def test_what_was_said_is_recorded_once(ran: tuple[Any, list[Message], Path]) -> None:
    """Two questions, four answers: whole, whole, left, refused."""
    notebook, messages, _ = ran
    story = shown(notebook, "ask")
    assert ["user", "assistant", "user", "assistant", "assistant", "assistant"] == [one.role for one in messages]
    assert ["Tell me a story.", story, "Another one!"] == [one.content for one in messages[:3]]
    assert [None, None, "abandoned", "error"] == [one.metadata.get("finish") for one in messages if one.role != "user"]
    assert story.startswith(messages[4].content)


def test_it_is_shown(ran: tuple[Any, list[Message], Path]) -> None:
    """The messages are printed, and the replay that is embedded holds the chat."""
    assert "finish: abandoned" in shown(ran[0], "journal")
    (output,) = outputs(ran[0], "replay")
    journal = json.loads(gzip.decompress(base64.b64decode(output["data"][MIME]["data"])))["journal"]
    assert "Another one!" in journal


def test_the_key_is_nowhere(ran: tuple[Any, list[Message], Path]) -> None:
    """The notebook's cell has it, as typed; no message does, though the service repeated it."""
    assert "[redacted:key]" in json.dumps([one.metadata for one in ran[1]])
    assert KEY not in json.dumps([(one.content, one.metadata) for one in ran[1]])
