"""The notebook 'Record from your program', run in a real kernel beside a real server that shares its recordings."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from kernels import environment
from nbclient import NotebookClient
from plain import Json, Plain
from servers import TOKEN, serving

import jupyter_recorder

NOTEBOOK = Path(jupyter_recorder.__file__).parents[1] / "notebooks" / "02-record-from-your-program.ipynb"
MIME = "application/vnd.jupyter-recorder.v1+json"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Plain]:
    """The notebook after its run, and what the server then has (it has ended by then: look at the disk)."""
    folder = tmp_path_factory.mktemp("program")
    home, root = folder / "home", folder / "home" / "recordings"
    with serving(home, root) as process:
        plain = Plain(process.url, TOKEN, root)
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
        client.execute(env=environment(home))
    return notebook, plain


def shown(notebook: Any, name: str) -> str:
    """Return what a cell printed."""
    (cell,) = [cell for cell in notebook.cells if cell["id"] == name]
    return "".join(output.get("text", "") for output in cell["outputs"])


def session_of(plain: Plain) -> str:
    """Return the id of the one session that was recorded."""
    (path,) = plain.root.glob("*/manifest.json")
    return str(json.loads(path.read_text("utf-8"))["session_id"])


def answer(text: str) -> Json:
    """Return the one answer that curl printed."""
    (one,) = json.loads(text)["responses"]
    return dict(one)


def test_everything_is_in_the_journal_once(ran: tuple[Any, Plain]) -> None:
    """Python's messages, curl's and the one that was kept are in the journal once, each, and the session ended."""
    journal = ran[1].journal(session_of(ran[1]))
    added = [line["content"] for line in journal if line["type"] == "message_add"]
    assert ["Are you safe?", "", "Hello from curl", "Written while the server was away"] == added
    text = "".join(line["content_delta"] for line in journal if line["type"] == "message_append")
    assert "Yes. Every word was on a disk before it was counted as safe. " == text
    assert "session_end" == journal[-1]["type"]


def test_acks_are_shown(ran: tuple[Any, Plain]) -> None:
    """The notebook shows that all is safe, and that curl's second try was a duplicate of the first."""
    assert "not yet: 0" in shown(ran[0], "acks")
    first, second = answer(shown(ran[0], "curl")), answer(shown(ran[0], "repeat"))
    assert ("ack", True, first["seq"]) == (first["type"], second["duplicate"], second["seq"])


def test_resuming_is_shown(ran: tuple[Any, Plain]) -> None:
    """What was kept while the server was away is safe after the next client's `flush`."""
    assert "safe: 0 - kept in the outbox: 1" in shown(ran[0], "away")
    assert "safe: 1 - kept in the outbox: 0" in shown(ran[0], "back")
    stands = json.loads(shown(ran[0], "recovery"))
    assert ("kept", 4) == (stands["last_message_id"], stands["message_count"])


def test_the_files_and_the_replay_are_shown(ran: tuple[Any, Plain]) -> None:
    """The journal's lines are printed, and the replay that is embedded holds the journal of the disk."""
    sid = session_of(ran[1])
    printed = shown(ran[0], "files")
    assert '"type":"message_add"' in printed
    # Its number depends on how many pieces the client made of the answer.
    assert re.search(r"^ *\d+  message_add     Written while the server was away", printed, re.MULTILINE)
    (cell,) = [cell for cell in ran[0].cells if cell["id"] == "replay"]
    bundle = next(output["data"] for output in cell["outputs"] if MIME in output.get("data", {}))
    payload = json.loads(gzip.decompress(base64.b64decode(bundle[MIME]["data"])))
    assert len(ran[1].journal(sid)) == sum('"seq"' in line for line in payload["journal"].splitlines())


def test_the_token_is_not_shown(ran: tuple[Any, Plain]) -> None:
    """The executed notebook can be given away: the token is nowhere in it."""
    assert TOKEN not in json.dumps(ran[0])
