"""`jupyter recorder show`."""

from __future__ import annotations

import argparse
from typing import Any

from ..library.library import Library
from .output import add_json, add_name, clock, one_line, print_json

EXAMPLES = """examples:
  jupyter recorder show demo
  jupyter recorder show demo --json | jq .counts"""

_MOST = 200


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_name(parser)
    add_json(parser)


def run(given: argparse.Namespace, library: Library) -> int:
    """Show one recording: what it is, its tracks and its chapters."""
    recording = library.find(given.name)
    manifest: dict[str, Any] = {**recording.shown}  # raises CorruptState, which names the file
    size = recording.size_bytes()
    moments = list(_moments(recording.events(), manifest["started_at"]))
    if given.json:
        print_json({**manifest, "path": str(recording.path), "bytes": size, "moments": moments})
        return 0
    import datetime

    started = datetime.datetime.fromtimestamp(manifest["started_at"] / 1000).strftime("%Y-%m-%d %H:%M:%S")
    ended = manifest.get("ended_at")
    lasted = f", {clock((ended - manifest['started_at']) / 1000)} long" if ended else ""
    print(f"{one_line(recording.title or recording.name)}  [{recording.state}]")
    print(f"  id       {recording.id}\n  kind     {manifest['kind']}, recorded {started}{lasted}")
    counts = {key: value for key, value in manifest.get("counts", {}).items() if value and key != "bytes"}
    print(f"  holds    {', '.join(f'{value} {key}' for key, value in counts.items()) or 'nothing'}")
    print(f"  tracks   {', '.join(one_line(track['track']) for track in manifest['tracks']) or 'none'}")
    if recording.tags:
        print(f"  tags     {', '.join(map(one_line, recording.tags))}")
    print(f"  files    {recording.path}  ({size:,} bytes)")
    for moment in moments[:_MOST]:
        print(f"  {clock(moment['time']):>8}  {moment['kind']:<8} {one_line(moment['label'], 100)}")
    if len(moments) > _MOST:
        print(f"  … and {len(moments) - _MOST} more (--json has all)")
    return 0


_LABELS = {"marker": "label", "note": "text", "gap": "reason", "command_start": "command"}


def _moments(events: Any, started_at: int) -> Any:
    """Yield the markers, remarks, gaps, commands and errors, with their seconds from the start."""
    for event in events:
        kind, output = event.get("type"), event.get("output")
        if kind in _LABELS:
            label = str(event.get(_LABELS[kind]))
        elif kind == "output" and isinstance(output, dict) and output.get("output_type") == "error":
            kind, label = "error", f"{output.get('ename')}: {output.get('evalue')}"
        else:
            continue
        at = event.get("at")
        time = ((at if type(at) is int else started_at) - started_at) / 1000
        yield {"time": time, "kind": kind.removesuffix("_start"), "label": label}
