"""Golden files of imports and exports: `UPDATE_GOLDEN=1` writes them anew, to be looked at before a commit."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any, Final

from jupyter_recorder.convert import ImportSummary, export_recording, import_file
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording

FOLDER: Final = Path(__file__).parent / "golden" / "convert"
IN: Final = FOLDER / "in"
OUT: Final = FOLDER / "out"
EVERYTHING: Final = FOLDER / "recording" / "everything-20260301-100000"


def library(tmp_path: Path) -> Library:
    """Return a library that holds the golden recording of everything."""
    root = tmp_path / "root"
    shutil.copytree(EVERYTHING, root / EVERYTHING.name)
    return Library(root)


def everything(tmp_path: Path) -> Recording:
    """Return the golden recording of everything, a copy of it."""
    return library(tmp_path).find(EVERYTHING.name)


def input_file(name: str, tmp_path: Path) -> Path:
    """Return a golden input at a time of its own; a database is made of its statements."""
    path = tmp_path / "in" / name
    path.parent.mkdir(exist_ok=True)
    for other in IN.iterdir():  # companions lie beside it
        shutil.copyfile(other, path.parent / other.name)
    if name.endswith(".sql"):
        statements = path.read_text("utf-8")
        path = path.with_suffix(".db")
        with sqlite3.connect(path) as db:
            db.executescript(statements)
        db.close()
    os.utime(path, (1_770_000_000, 1_770_000_000))
    return path


def account(library: Library, summary: ImportSummary) -> str:
    """Return what an import made, as text: the summary, and each recording's journal and terminals."""
    parts = [_json({"format": summary.format, "recordings": summary.recordings, "messages": summary.messages,
                    "unknown": summary.unknown, "warnings": summary.warnings})]  # fmt: skip
    for name in summary.recordings:
        recording = library.find(name)
        journal = (json.loads(line) for line in (recording.path / "session.ndjson").open("rb"))
        parts += [_json(_portable(line)) for line in journal]
        for file in recording.cast_files():
            parts += [f"-- {file}", recording.read_cast(file).decode().rstrip("\n")]
    return "\n".join(parts) + "\n"


def imported(name: str, tmp_path: Path) -> str:
    """Import a golden input and return the account of it."""
    library = Library(tmp_path / "imported")
    return account(library, import_file(library, input_file(name, tmp_path)))


def exported(recording: Recording, format: str, tmp_path: Path, **options: Any) -> bytes:
    """Export a recording and return the file's bytes."""
    target = tmp_path / f"out-{format}"
    export_recording(recording, format, target, **options)
    data = target.read_bytes()
    target.unlink()
    return data


def held(path: Path, found: bytes) -> bytes:
    """Return the golden file's bytes, after writing `found` to it if that was asked for."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(found)
    return path.read_bytes()


def _portable(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != "writer"}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
