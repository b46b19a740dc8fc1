"""`jupyter recorder status`."""

from __future__ import annotations

import argparse
import shutil
import time
from typing import Any

from ..library.library import Library
from ..library.recording import Recording
from .output import add_json, clock, one_line, print_json

EXAMPLES = """examples:
  jupyter recorder status
  watch -n 5 jupyter recorder status"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_json(parser)


def run(given: argparse.Namespace, library: Library) -> int:
    """Say what is being recorded, and how much room there is."""
    running = [_about(one) for one in library.recordings(state="recording")]
    stale = len(library.stale(budget=2.0))
    root = library.root
    while not root.exists():
        root = root.parent
    free = shutil.disk_usage(root).free
    if given.json:
        print_json({"root": str(library.root), "recording": running, "unfinished": stale, "free_disk_bytes": free})
        return 0
    for one in running:
        who = f"process {one['pid']} on {one['host']}"
        print(
            f"● {one_line(one['name'])}  {clock(one['elapsed'])}, {one['bytes']:,} bytes, by {who}\n    {one['path']}"
        )
    if not running:
        print("nothing is being recorded")
    if stale:
        print(f"{stale} left unfinished by dead processes: jupyter recorder recover gets them back")
    print(f"{free / 1e9:.1f} GB free in {library.root}")
    return 0


def _about(recording: Recording) -> dict[str, Any]:
    writer = recording.manifest["writer"]
    return {
        "id": recording.id,
        "name": recording.name,
        "path": str(recording.path),
        "elapsed": max(0.0, time.time() - recording.manifest["started_at"] / 1000),
        "bytes": recording.size_bytes(),
        "pid": writer.get("pid"),
        "host": writer.get("host"),
    }
