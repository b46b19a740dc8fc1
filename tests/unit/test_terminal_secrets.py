"""Secrets in what a terminal is told: titles and links, however the bytes are cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_recorder.asciicast.reader import read
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder
from jupyter_recorder.redact import redactor_with

KEY = "ghp" + "_0123456789abcdefghijABCDEFGHIJ"


@pytest.mark.parametrize("size", [1, 3, 7, 64])
def test_titles_and_links_are_redacted(tmp_path: Path, size: int) -> None:
    """A secret in a title, a link or an icon name is taken out and counted, the sequence stays whole."""
    recorder = Recorder.start(Library(tmp_path), "demo", "terminal", redactor=redactor_with([r"host-\d+"]))
    track = recorder.terminal(80, 24)
    stream = f"\x1b]0;ana@host-17: {KEY}\x07\x1b]8;;https://u:hunter2@x/\x1b\\link\x1b]8;;\x07".encode()
    for at in range(0, len(stream), size):
        track.output(stream[at : at + size])
    recorder.stop()
    (recording,) = Library(tmp_path).recordings()
    shown = "".join(event.data for event in read(recording.cast_lines("terminal.cast")).events)

    title = "\x1b]0;ana@[redacted:custom]: [redacted:github-token]\x07"
    assert f"{title}\x1b]8;;https://u:[redacted:url-password]@x/\x1b\\link\x1b]8;;\x07" == shown
    assert 3 == recording.manifest["counts"]["redacted"]
