"""What is fuzzed: all that reads bytes which others made. Each target raises nothing but what its callers expect.

`run(target, data, folder)` is one try; `folder` is a place for files, the same one each time.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from jupyter_recorder import timeline
from jupyter_recorder.asciicast.format import encode_event
from jupyter_recorder.asciicast.reader import read
from jupyter_recorder.asciicast.screen import ScreenLog
from jupyter_recorder.convert import FORMATS, IMPORT_FORMATS, import_file
from jupyter_recorder.convert.exporting import exported
from jupyter_recorder.errors import RecError
from jupyter_recorder.events import check
from jupyter_recorder.journal.codec import decode_object, encode_line
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.library.recovery import recover
from jupyter_recorder.protocol import names_of, parse
from jupyter_recorder.recorder import Recorder
from jupyter_recorder.redact import Redactor
from jupyter_recorder.replay.bundle import ReplayOptions, mime_bundle
from jupyter_recorder.replay.load import load, summary

CORPUS: Final = Path(__file__).parent / "corpus"
TESTS: Final = Path(__file__).parents[1]
GOLDEN: Final = {
    "cast": [*(TESTS / "golden" / "asciicast").glob("*.cast")],
    "journal": [
        *(TESTS / "contract-fixtures").glob("*.ndjson"),
        *(TESTS / "golden" / "convert").rglob("session.ndjson"),
    ],
    "import": [path for path in (TESTS / "golden" / "convert" / "in").iterdir() if path.suffix != ".sql"],
}
MOST_BYTES: Final = 32_000
EMBEDDED: Final = 1 << 20


def event(data: bytes, folder: Path) -> None:
    """Decode an event as it comes from a client, and hold it against the vocabulary."""
    found = decode_object(data)
    if found is None:
        return
    names_of(found)
    with contextlib.suppress(RecError):
        parsed = parse(found)
        line = encode_line(Redactor().value(parsed))
        assert line.count(b"\n") == 1
        assert decode_object(line[:-1]) is not None
    with contextlib.suppress(RecError):
        check(found)


def cast(data: bytes, folder: Path) -> None:
    """Read an asciicast, write its events again, and show it on a screen."""
    with contextlib.suppress(RecError):
        recording = read(io.BytesIO(data))
        screen = ScreenLog(recording.header.width, recording.header.height)
        last = 0.0
        for one in recording.events:
            assert one.time >= last, "time went back"
            last = one.time
            assert encode_event(one).count(b"\n") == 1
            screen.event(one)
        screen.settle()


def journal(data: bytes, folder: Path) -> None:
    """Read a recording's journal in every way that there is: fold, list, export, replay, recover."""
    root = folder / "root"
    recording = _recorded(root)
    (recording.path / "session.ndjson").write_bytes(data)
    for use in (_fold, _replay, *exports()):
        with contextlib.suppress(RecError):
            use(recording)
    recording = _recorded(root, state="recording")
    (recording.path / "session.ndjson").write_bytes(data)
    infos = recover(Library(root))
    assert all(info.error is None for info in infos), infos
    before = [path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()]
    assert [] == recover(Library(root))
    assert before == [path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()]


def imported(data: bytes, folder: Path) -> None:
    """Import a file: its first byte chooses the format (or none), the rest is what is in it."""
    formats = [None, *(one.name for one in IMPORT_FORMATS)]
    shutil.rmtree(folder / "root", ignore_errors=True)
    library = Library(folder / "root")
    path = folder / "input"
    path.write_bytes(data[1:])
    with contextlib.suppress(RecError):
        import_file(library, path, format=formats[data[0] % len(formats)] if data else None)
    assert [] == library.leftovers()
    for recording in library.recordings():
        assert recording.error is None
        assert recording.state == "completed"
        assert all(one["seq"] for one in recording.events())


TARGETS: Final[dict[str, Callable[[bytes, Path], None]]] = {
    "event": event,
    "cast": cast,
    "journal": journal,
    "import": imported,
}


def run(target: str, data: bytes, folder: Path) -> None:
    """Try one input."""
    TARGETS[target](data, folder)


def corpus(target: str) -> list[bytes]:
    """Return where to begin: the inputs that are kept (attacks, and what once went wrong), and the golden files."""
    kept = [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]
    golden = [path.read_bytes() for path in sorted(GOLDEN.get(target, ())) if path.stat().st_size < MOST_BYTES]
    return kept + ([b"\0" + data for data in golden] if target == "import" else golden)


def _recorded(root: Path, state: str = "completed") -> Recording:
    """Return a recording made by the real start path, in place of all that was there."""
    kept = root.with_name("made")
    if not kept.exists():
        recorder = Recorder.start(Library(kept), "fuzzed", "notebook")
        recorder.mark("here")
        recorder.stop()
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(kept, root)
    (recording,) = Library(root).recordings()
    if state != "completed":
        manifest = recording.path / "manifest.json"
        manifest.write_text(manifest.read_text().replace('"completed"', '"interrupted"'))
        (recording,) = Library(root).recordings()
    return recording


def _fold(recording: Recording) -> None:
    timeline.fold(recording.events())
    summary(recording)


def _replay(recording: Recording) -> None:
    mime_bundle(load(recording, max_bytes=EMBEDDED), ReplayOptions(), summary="x", max_embed_bytes=EMBEDDED)


def exports() -> Iterator[Callable[[Recording], bytes]]:
    """Yield an export to each format."""
    for format_ in FORMATS:

        def export(recording: Recording, name: str = format_.name) -> bytes:
            return b"".join(exported(recording, name))

        yield export
