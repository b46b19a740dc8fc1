"""Large recordings, written straight to files, and the memory that a piece of work takes in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import golden_convert as golden

START: Final = 1_772_359_200_000
_LINE: Final = "The quick brown fox jumps over the lazy dog and then writes another line of its report. "


def make(root: Path, megabytes: int) -> Path:
    """Write a recording: half of it a journal of messages, cells and commands, half a terminal; return its folder."""
    folder = root / "big-20260301-100000"
    folder.mkdir(parents=True)
    half = megabytes << 19
    with (folder / "session.ndjson").open("w", encoding="utf-8") as file:
        size = 0
        for seq, event in enumerate(_events(), 1):
            line = json.dumps({"seq": seq, "at": START + seq, **event}, separators=(",", ":"))
            size += file.write(line + "\n")
            if size > half:
                break
    with (folder / "terminal.cast").open("w", encoding="utf-8") as file:
        size = file.write('{"version":2,"width":120,"height":40}\n')
        number = 0
        while size < half:
            number += 1
            size += file.write(f'[{number / 1000:.6f},"o",{json.dumps(f"{number:9} " + _LINE + chr(13) + chr(10))}]\n')
    _manifest(folder)
    return folder


def make_displays(root: Path, megabytes: int) -> Path:
    """Write a recording of cells that each show something that could be updated, and never is; return its folder."""
    folder = root / "big-20260301-100000"
    folder.mkdir(parents=True)
    with (folder / "session.ndjson").open("w", encoding="utf-8") as file:
        for number in range(1, (megabytes << 20) // 2300):
            shown = {"output_type": "display_data", "data": {"text/plain": _LINE * 23}, "metadata": {}}
            start = {"type": "cell_start", "cell_id": f"c{number}", "execution_count": number, "source": "show()"}
            output = {**shown, "transient": {"display_id": f"d{number}"}}
            for seq, event in enumerate((start, {"type": "output", "cell_id": f"c{number}", "output": output})):
                file.write(json.dumps({"seq": 2 * number + seq, "at": START + number, **event}) + "\n")
    _manifest(folder)
    return folder


def _manifest(folder: Path) -> None:
    manifest = json.loads((golden.EVERYTHING / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "id": folder.name, "name": "big", "title": "Big"}))


def _events() -> Iterator[dict[str, object]]:
    yield {"type": "terminal_start", "track": "terminal", "file": "terminal.cast", "cols": 120, "rows": 40}
    number = 0
    while True:
        number += 1
        yield {"type": "message_add", "message_id": f"m{number}", "role": "user", "content": _LINE * 10}
        yield {"type": "message_append", "message_id": f"m{number}", "content_delta": _LINE}
        yield {"type": "cell_start", "cell_id": f"c{number}", "execution_count": number, "source": f"print({number})"}
        for _ in range(5):
            output = {"output_type": "stream", "name": "stdout", "text": _LINE * 2 + "\n"}
            yield {"type": "output", "cell_id": f"c{number}", "output": output}
        yield {"type": "cell_end", "cell_id": f"c{number}", "status": "ok", "duration_ms": 1}
        yield {"type": "command_start", "track": "terminal", "command": f"make {number}"}
        yield {"type": "command_end", "track": "terminal", "exit_code": 0, "duration_ms": 1}


def peak_megabytes(code: str, *arguments: object) -> tuple[float, float]:
    """Run Python code in a process of its own; return (its peak memory in MB over that of its imports, seconds)."""
    program = f"""
import sys, time
from pathlib import Path
import jupyter_recorder.convert as convert
from jupyter_recorder.convert.exporters import FORMATS, load_exporter
from jupyter_recorder.convert.importers import IMPORT_FORMATS, load_importer
for format_ in FORMATS: load_exporter(format_)
for format_ in IMPORT_FORMATS: load_importer(format_)
from jupyter_recorder.library.library import Library
def peak():  # not getrusage: there a new program begins with the peak of the one that started it
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
before = peak()
begun = time.monotonic()
{code}
print(peak() - before, time.monotonic() - begun)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    kilobytes, seconds = ran.stdout.split()[-2:]
    return float(kilobytes) / 1024, float(seconds)


EXPORT: Final = """
recording = Library(sys.argv[1]).find("big")
convert.export_recording(recording, sys.argv[2], sys.argv[3])
"""
IMPORT: Final = """
convert.import_file(Library(sys.argv[1]), sys.argv[2])
"""


def remove(folder: Path) -> None:
    """Take a large folder away."""
    shutil.rmtree(folder, ignore_errors=True)
