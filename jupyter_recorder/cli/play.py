"""`jupyter recorder play`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ..errors import RecError
from ..library.library import Library
from ..library.recording import Recording
from .output import add_name, seconds

if TYPE_CHECKING:
    from ..asciicast.format import Event

_TEXTS: Final = ("cells", "chat")
EXAMPLES = """examples:
  jupyter recorder play demo
  jupyter recorder play demo --speed 2 --idle 1
  jupyter recorder play demo --start 1m30s --track terminal-2
  jupyter recorder play demo --pause-on-markers
  jupyter recorder play demo --track chat

A terminal plays as it was; without one, cells and chat are printed as they came, as plain text.

keys: space pauses and goes on; . steps to the next change; ] goes to the next marker; + and - change the speed; q ends.
What is played can't set this terminal's title or clipboard, ask it anything, or change what its keys send."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_name(parser)
    parser.add_argument(
        "--track",
        metavar="TRACK",
        help="a terminal (terminal, terminal-2, …), cells or chat (default: the first terminal, else both)",
    )
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="so many times as fast (default: 1)")
    parser.add_argument("--idle", type=seconds, metavar="TIME", help="cut pauses down to this (1, 0.5)")
    parser.add_argument("--start", type=seconds, default=0.0, metavar="TIME", help="begin there (90, 1m30s)")
    parser.add_argument("--pause-on-markers", action="store_true", help="wait for a key at each marker")


def run(given: argparse.Namespace, library: Library) -> int:
    """Play a terminal of a recording, or its cells and chat as text."""
    from .player import Player

    recording = library.find(given.name)
    track = _track(recording, given.track)
    player = Player(speed=given.speed, idle=given.idle, start=given.start, pause_on_markers=given.pause_on_markers)
    if track in (None, *_TEXTS):
        player.play_events(_printed(recording, track))
    else:
        from ..asciicast.reader import read

        player.play(read(recording.cast_lines(f"{track}.cast")))
    sys.stdout.flush()
    return 0


def _track(recording: Recording, chosen: str | None) -> str | None:
    """Return which track is played; None for cells and chat together."""
    terminals = [file.removesuffix(".cast") for file in recording.cast_files()]
    tracks = [] if recording.error else recording.manifest["tracks"]
    texts = [name for name in _TEXTS if recording.error or name in {track.get("track") for track in tracks}]
    if chosen is not None:
        if chosen not in (*terminals, *texts):
            there = ", ".join([*terminals, *texts]) or "nothing"
            raise RecError(f"{recording.name!r} has no track {chosen[:40]!r}; there is {there}")
        return chosen
    if terminals and len(terminals) + len(texts) > 1:
        print(
            f"playing {terminals[0]}; --track chooses another ({', '.join([*terminals[1:], *texts])})", file=sys.stderr
        )
    return terminals[0] if terminals else None


def _printed(recording: Recording, track: str | None) -> Iterator[Event]:
    """Yield what a terminal prints of the journal."""
    from ..convert.source import ExportOptions, Source
    from .transcript import Transcript

    started_at = None if recording.error else recording.manifest["started_at"]
    is_seen = sys.stdout.isatty()
    end = "\r\n" if is_seen else "\n"  # while keys are heeded the terminal adds no carriage return
    transcript = Transcript(started_at, track, styled=is_seen)
    is_empty = True
    for event in transcript.events(Source(recording, ExportOptions()).events()):
        is_empty = False
        yield event._replace(data=event.data.replace("\n", end))
    if is_empty:
        raise RecError(f"{recording.name!r} holds nothing that could be played")


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no speed; write a number from 0.01 to 1000")
    return value
