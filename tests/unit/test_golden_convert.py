"""Each importer makes of its golden input, and each exporter of the golden recording, exactly what is written down."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import golden_convert as golden
import pytest

from jupyter_recorder.convert import FORMATS, IMPORT_FORMATS
from jupyter_recorder.convert.source import ExportOptions

INPUTS = sorted(
    path.name
    for path in golden.IN.iterdir()
    if path.name not in ("advanced.log", "advanced.in", "script")  # what lies beside their timing files
)


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Aider tells local times."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", INPUTS)
def test_an_import_is_as_it_was(name: str, tmp_path: Path) -> None:
    """The summary, the journal and the terminals of an import are those of the golden file."""
    found = golden.imported(name, tmp_path).encode()

    assert golden.held(golden.OUT / f"{name}.imported.txt", found).decode() == found.decode()


def test_every_importer_has_a_golden_file() -> None:
    """No format comes without an input that shows what it is."""
    made = {json.loads(path.open().readline())["format"] for path in golden.OUT.glob("*.imported.txt")}

    assert {format_.name for format_ in IMPORT_FORMATS} == made


@pytest.mark.parametrize("name", [format_.name for format_ in FORMATS if format_.name != "html"])
def test_an_export_is_as_it_was(name: str, tmp_path: Path) -> None:
    """The file of an export is the golden one, byte for byte."""
    options = ExportOptions(track="terminal" if name.startswith("asciicast") else None)
    found = golden.exported(golden.everything(tmp_path), name, tmp_path, options=options)
    found = without_player(found) if name == "notebook" else found
    ending = next(format_.ending for format_ in FORMATS if format_.name == name)

    assert golden.held(golden.OUT / f"everything.{name}{ending}", found).decode() == found.decode()


def test_a_page_carries_the_recording_itself(tmp_path: Path) -> None:
    """What the page's player unpacks is the manifest, the journal, the casts and the payloads, as golden."""
    page = golden.exported(golden.everything(tmp_path), "html", tmp_path).decode()
    packed = re.search(r'<script type="text/plain" id="data">([^<]*)</script>', page)
    parts = re.findall(r'<script type="text/plain" data-file="session.ndjson" data-size="(\d+)">([^<]*)</script>', page)
    assert packed is not None
    carried = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    journal = [gzip.decompress(base64.b64decode(data)) for _, data in parts]
    assert [str(len(part)) for part in journal] == [size for size, _ in parts]
    carried = {"manifest": carried.pop("manifest"), "journal": b"".join(journal).decode(), **carried}
    found = json.dumps(carried, indent=1, ensure_ascii=False).encode()

    assert golden.held(golden.OUT / "everything.html.carried.json", found).decode() == found.decode()


def without_player(notebook: bytes) -> bytes:
    """Return a notebook without the built player in it, which changes with each build."""
    found = json.loads(notebook)
    for cell in found["cells"]:
        for output in cell.get("outputs", ()):
            for mime in ("text/html", "application/vnd.jupyter-recorder.v1+json"):
                if "jupyter-recorder" in mime or "srcdoc" in "".join(output.get("data", {}).get(mime, "")):
                    output.get("data", {}).pop(mime, None)
    return json.dumps(found, indent=1, ensure_ascii=False).encode()
