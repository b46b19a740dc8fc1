"""The quickstart notebook, run in a real kernel: what it records, and what its replay holds."""

from __future__ import annotations

import base64
import gzip
import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
MIME = "application/vnd.jupyter-recorder.v1+json"
# What the player may add to the data that it shows, in bytes.
PLAYER_BYTES = 220_000


class Run(NamedTuple):
    """An executed quickstart: its notebook, and the recording's folder."""

    notebook: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The quickstart, executed once by `notebooks/demo.py` through nbclient."""
    folder = tmp_path_factory.mktemp("quickstart")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; import demo;"
        "demo.check(demo.run(Path(sys.argv[1]) / '01-quickstart.ipynb', Path('quickstart.ipynb')), Path('root'))"
    )
    environment = {**os.environ, "JUPYTER_RECORDER_DIR": str(folder / "root"), "IPYTHONDIR": str(folder / "ipython")}
    done = subprocess.run(
        [sys.executable, "-c", program, NOTEBOOKS],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr if done.returncode else "")
    (recording,) = (folder / "root").iterdir()
    return Run(json.loads((folder / "quickstart.ipynb").read_text("utf-8")), recording)


def bundle(run: Run) -> dict[str, Any]:
    """Return the MIME bundle of the cell that replays."""
    (cell,) = [cell for cell in run.notebook["cells"] if cell["id"] == "replay"]
    data: dict[str, Any] = cell["outputs"][0]["data"]
    # A notebook keeps long text as a list of lines.
    return {kind: "".join(value) if isinstance(value, list) else value for kind, value in data.items()}


def embedded(run: Run) -> dict[str, Any]:
    """Return what the replay carries: manifest, journal, casts and blobs."""
    payload: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(bundle(run)[MIME]["data"])))
    return payload


def events(text: str) -> list[dict[str, Any]]:
    """Return the numbered lines of a journal."""
    return [line for raw in text.split("\n") if raw and "seq" in (line := json.loads(raw))]


def test_the_journal_holds_the_session_in_order(run: Run) -> None:
    """Cells, a terminal, a chat and an error stand in the journal in the order in which they happened."""
    journal = events((run.folder / "session.ndjson").read_text("utf-8"))
    wanted = ["cell_start", "terminal_start", "terminal_end", "message_add", "message_append", "cell_end"]
    first = {kind: next(e["seq"] for e in journal if e["type"] == kind) for kind in wanted}
    assert sorted(wanted[:-1], key=first.__getitem__) == wanted[:-1]
    assert [e["at"] for e in journal] == sorted(e["at"] for e in journal)
    assert ["A terminal program", "A chat"] == [e["label"] for e in journal if e["type"] == "marker"]
    assert ["KeyError"] == [e["output"]["ename"] for e in journal if e["type"] == "output" and "ename" in e["output"]]


def test_asciinema_reads_the_cast(run: Run) -> None:
    """asciinema 2.4 prints the terminal's text, colours included, from the file as it stands."""
    asciinema = [str(Path(sys.executable).with_name("asciinema")), "cat", str(run.folder / "terminal.cast")]
    environment = {**os.environ, "HOME": str(run.folder.parent), "LC_ALL": "C.UTF-8"}
    shown = subprocess.run(asciinema, capture_output=True, env=environment, check=True).stdout.decode()
    assert "\x1b[1;31m████████████████  colour 31\x1b[0m\r\n" in shown
    assert shown.rstrip().endswith("done\x1b[0m")


def test_the_bundle_carries_the_recording(run: Run) -> None:
    """What is embedded is what stands on the disk, and the HTML frame carries the same."""
    payload = embedded(run)
    assert (run.folder / "terminal.cast").read_text("utf-8") == payload["casts"]["terminal.cast"]
    assert events((run.folder / "session.ndjson").read_text("utf-8")) == events(payload["journal"])
    frame = html.unescape(re.search(r'srcdoc="([^"]*)"', bundle(run)["text/html"])[1])  # type: ignore[index]
    assert bundle(run)[MIME]["data"] in frame
    assert bundle(run)["text/plain"].startswith("▶ quickstart")


def test_the_frame_is_closed_off(run: Run) -> None:
    """The HTML is a sandboxed frame under a policy that lets nothing in or out."""
    markup = bundle(run)["text/html"]
    assert ['sandbox="allow-scripts"'] == re.findall(r'sandbox="[^"]*"', markup)
    policy = re.search(r"default-src[^\"]*", html.unescape(markup))
    assert policy is not None
    for rule in ("default-src 'none'", "connect-src 'none'", "form-action 'none'", "base-uri 'none'"):
        assert rule in policy[0]


def test_the_html_costs_little_over_its_data(run: Run) -> None:
    """The player adds at most 220,000 bytes to the data that it shows."""
    payload = embedded(run)
    data = len(payload["journal"].encode()) + sum(len(text.encode()) for text in payload["casts"].values())
    data += sum(map(len, payload["blobs"].values())) + len(json.dumps(payload["manifest"]))
    assert len(bundle(run)["text/html"].encode()) <= PLAYER_BYTES + data


def test_nothing_secret_is_in_the_bundle(run: Run) -> None:
    """The key that hashes what was redacted stays on the disk."""
    key = (run.folder / "dedupe.key").read_bytes()
    assert 32 == len(key)
    assert base64.b64encode(key).decode() not in json.dumps(run.notebook)
    assert key.hex() not in json.dumps(embedded(run))
