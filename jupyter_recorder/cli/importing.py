"""`jupyter recorder import`."""

from __future__ import annotations

import argparse
import sys

from ..errors import RecError
from ..library.library import Library
from .output import add_json, one_line, print_json, progress_bar

EXAMPLES = """examples:
  jupyter recorder import session.cast
  jupyter recorder import ~/.claude/projects/*/*.jsonl
  jupyter recorder import conversations.json --format chatgpt
  jupyter recorder import timing.log --companion typescript

Secrets are taken out, as when recording. What a file holds that is not known here is kept with the recording, and
counted. A file that can't be read stops no other; the exit code is then 1."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    from ..convert import IMPORT_FORMATS

    width = max(len(format_.name) for format_ in IMPORT_FORMATS) + 2
    known = "\n".join(f"  {format_.name:<{width}}{format_.about}" for format_ in IMPORT_FORMATS)
    parser.epilog = f"formats:\n{known}\n\n{EXAMPLES}"
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--format", metavar="FORMAT", help="the format; without it, what is in the file says it")
    parser.add_argument("--companion", metavar="FILE", help="the second file of a format that has two (script)")
    parser.add_argument(
        "--pattern", action="append", default=[], metavar="REGEX", help="take out what this matches, too"
    )
    parser.add_argument("--no-redact", action="store_true", help="leave secrets in")
    add_json(parser)


def run(given: argparse.Namespace, library: Library) -> int:
    """Make recordings of files."""
    from ..convert import import_file
    from ..redact import redactor_with

    made: list[str] = []
    messages = unknown = failed = 0
    warnings: list[str] = []
    for file in given.files:
        try:
            with progress_bar(f"importing {file}") as progress:
                summary = import_file(
                    library,
                    file,
                    format=given.format,
                    progress=progress,
                    redactor=redactor_with(given.pattern, enabled=not given.no_redact),
                    companion=given.companion,
                )
        except RecError as error:
            failed += 1
            made += getattr(error, "made", ())
            print(f"jupyter recorder: {error}", file=sys.stderr)
            continue
        made += summary.recordings
        messages += summary.messages
        unknown += summary.unknown
        warnings += (f"{file}: {warning}" for warning in summary.warnings)
        if not given.json:
            _tell(file, summary.format, summary.recordings, summary.messages)
    if given.json:
        print_json({"recordings": made, "messages": messages, "unknown": unknown, "warnings": warnings})
    else:
        for warning in warnings:
            print(f"  ! {one_line(warning, 500)}", file=sys.stderr)
        if unknown:
            print(f"{unknown} things in them are not known here; they were kept as they came")
    return 1 if failed else 0


def _tell(file: str, format_: str, recordings: tuple[str, ...], messages: int) -> None:
    held = f", {messages} messages" if messages else ""
    print(f"{file} ({format_}): {len(recordings)} recording{'s' if len(recordings) > 1 else ''}{held}")
    for one in recordings[:10]:
        print(f"  {one}")
    if len(recordings) > 10:
        print(f"  … and {len(recordings) - 10} more")
