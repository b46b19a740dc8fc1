"""Exports are read and run by the programs that they are for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import golden_convert as golden
import nbformat
import pytest
from kernels import cast_text
from nbclient import NotebookClient

from jupyter_recorder.convert import ExportOptions


def test_asciinema_reads_version_2(tmp_path: Path) -> None:
    """asciinema 2.4 prints exactly what the terminal printed."""
    path = tmp_path / "x.cast"
    options = ExportOptions(track="terminal-2")
    path.write_bytes(golden.exported(golden.everything(tmp_path), "asciicast-v2", tmp_path, options=options))
    environment = {**os.environ, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "asciinema", "cat", path]
    shown = subprocess.run(command, capture_output=True, check=True, env=environment).stdout

    assert cast_text(path) == shown.decode()


def test_an_exported_notebook_runs(tmp_path: Path) -> None:
    """A valid notebook: its cells run in a kernel again, commands as `%%bash`, and print what they printed."""
    data = golden.exported(golden.everything(tmp_path), "notebook", tmp_path)
    notebook = nbformat.reads(data.decode(), as_version=4)
    nbformat.validate(notebook)
    notebook.cells = [cell for cell in notebook.cells if "1/0" not in cell.source and "make test" not in cell.source]
    (tmp_path / "cart.py").touch()
    client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env={**os.environ, "HOME": str(tmp_path)})
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    printed = {cell.source: "".join(output.get("text", "") for output in cell.outputs) for cell in code}

    assert "3.141592653589793" in printed["import math\nprint(math.pi)"]
    assert "cart.py\n" == printed["%%bash\nls *.py"]
    assert f"{tmp_path}\n" == printed['%%bash\necho "$HOME"']
    assert printed["%%bash\necho from bash\nls | wc -l"].startswith("from bash\n")


def test_an_exported_script_runs(tmp_path: Path) -> None:
    """bash runs the commands, and prints what they print."""
    script = tmp_path / "x.sh"
    script.write_bytes(golden.exported(golden.everything(tmp_path), "bash", tmp_path).replace(b"make test", b"true"))
    home = {**os.environ, "HOME": "/h"}
    ran = subprocess.run(["bash", script], cwd=tmp_path, capture_output=True, env=home, check=True)

    assert "/h\nfrom bash\n" in ran.stdout.decode()


def test_from_a_moment_on(tmp_path: Path) -> None:
    """With a start given, things that began before it are left out, and a running terminal shows its screen at once."""
    options = ExportOptions(track="terminal", start=4.5)
    recording = golden.everything(tmp_path)
    notebook = json.loads(golden.exported(recording, "notebook", tmp_path, options=options))
    _, *events = golden.exported(recording, "asciicast-v2", tmp_path, options=options).decode().splitlines()

    assert "import math" not in "".join(notebook["cells"][0]["source"])
    assert [0.0, 0.0, 0.0, 0.7] == [json.loads(line)[0] for line in events[:4]]
    assert pytest.approx(1.45) == json.loads(events[-1])[0]
