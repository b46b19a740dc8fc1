"""`jupyter recorder export`."""

from __future__ import annotations

import argparse
import sys

from ..library.library import Library
from .output import add_json, add_name, print_json, progress_bar, seconds

EXAMPLES = """examples:
  jupyter recorder export demo --to html                to demo-20261120-231501.html
  jupyter recorder export demo -o demo.ipynb            the ending says the format
  jupyter recorder export demo --to asciicast-v3 --track terminal-2 -o second.cast
  jupyter recorder export demo --to text -o - | less
  jupyter recorder export demo --to notebook --start 5m

A file that exists is never replaced."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    from ..convert import FORMATS

    width = max(len(format_.name) for format_ in FORMATS) + 2
    known = "\n".join(f"  {format_.name:<{width}}{format_.about}" for format_ in FORMATS)
    parser.epilog = f"formats:\n{known}\n\n{EXAMPLES}"
    add_name(parser)
    parser.add_argument("--to", metavar="FORMAT", help="the format; without it, the ending of PATH says it")
    parser.add_argument("-o", "--output", metavar="PATH", help="a file or a folder; - is standard output")
    parser.add_argument("--track", metavar="TRACK", help="one terminal alone (terminal-2, …)")
    parser.add_argument("--start", type=seconds, default=0.0, metavar="TIME", help="from there on (90, 1m30s)")
    add_json(parser)


def run(given: argparse.Namespace, library: Library) -> int:
    """Write a recording in a format."""
    from ..convert import ExportOptions, export_recording

    if given.to is None and given.output in (None, "-"):
        print("jupyter recorder export: say --to FORMAT, or -o PATH with an ending", file=sys.stderr)
        return 2
    recording = library.find(given.name)
    options = ExportOptions(track=given.track, start=given.start)
    if given.output == "-":
        export_recording(recording, given.to, sys.stdout.buffer, options=options)
        return 0
    with progress_bar(f"exporting {recording.name}") as progress:
        path = export_recording(recording, given.to, given.output, options=options, progress=progress)
    print_json({"path": str(path), "recording": recording.id}) if given.json else print(f"written to {path}")
    return 0
