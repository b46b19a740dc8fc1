"""Programs that record under load until they are hurt: `python loaded_process.py SUBJECT ROOT SEED [FAULT…]`.

Each records pieces that tell their number, from 1, and prints `TRACK NUMBER` once the piece is as safe as is promised
there: on the disk, or (`cast`) handed to the system. A FAULT is `KIND:NAME:ERRNO:NTH:KEEP` (`faults.Fault`), of which
`NTH` may be empty: from then on, all. Once a fault has struck it prints `struck`.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults import Fault, FaultyFiles

import jupyter_recorder.journal.log
from jupyter_recorder import RecordingConfig, TerminalRecorder
from jupyter_recorder.library.library import Library
from jupyter_recorder.protocol import Ack, Answer
from jupyter_recorder.recorder import Recorder
from jupyter_recorder.service import RecordingService, ServiceConfig

# Of the pieces a `chat` has in flight, and the sessions it streams into.
WINDOW: Final = 64
SESSIONS: Final = 5


def tell(track: str, number: int) -> None:
    """Say up to which piece a track is safe."""
    os.write(1, f"{track} {number}\n".encode())


def pieces(seed: str) -> Any:
    """Yield texts of many sizes without end, each with its number in front and at its end."""
    chance = random.Random(seed)
    number = 0
    while True:
        number += 1
        size = chance.choice((0, 10, 100, 1500)) if chance.random() > 0.002 else 70_000
        yield number, f"{number} {'ü' * size} {number}"


def notebook(library: Library, seed: str) -> None:
    """Notes in a journal: `journal N` when the journal says that all up to the line of note N is on the disk."""
    recorder = Recorder.start(library, "load", "notebook")
    lines: dict[int, int] = {}

    def progressed() -> None:
        safe = recorder.safe_seq()
        for seq in [seq for seq in list(lines) if seq <= safe]:
            number = lines.pop(seq, None)
            if number is not None:
                tell("journal", number)

    recorder.on_progress = progressed
    for number, text in pieces(seed):
        while (recorded := recorder.record({"type": "note", "text": text})) is None:
            pass
        lines[recorded.seq] = number
        if number % 50 == 0:
            recorder.wait(0.5)


def terminal(library: Library, seed: str) -> None:
    """Lines of a terminal beside the journal: `terminal N` after the wait that promises them."""
    recorder = Recorder.start(library, "load", "terminal")
    track = recorder.terminal(80, 24)
    for number, text in pieces(seed):
        track.output(f"{text}\r\n".encode())
        if number % 20 == 0:
            track.flush()
            if recorder.wait(0.5):
                tell("terminal", number)


def cast(library: Library, seed: str) -> None:
    """A proxy's terminal: `cast N` as soon as the call has returned without an error."""
    config = RecordingConfig(output_dir=str(library.root), record_input=False)
    recorder = TerminalRecorder(config, "load", 80, 24, files=library.files)
    recorder.start()
    for number, text in pieces(seed):
        recorder.record_output(f"{text}\r\n".encode())
        if recorder.error is not None:
            return
        tell("cast", number)


def chat(library: Library, seed: str) -> None:
    """Tokens into sessions of a service, each event once and with its number: `SESSION N` for each ack."""
    service = RecordingService(ServiceConfig(), library)
    for at in range(SESSIONS):
        threading.Thread(target=_stream, args=(service, f"s{at}", f"{seed}-{at}"), daemon=True).start()
    threading.Event().wait()


def _stream(service: RecordingService, session: str, seed: str) -> None:
    sent = {"session_id": session, "producer": "p"}
    start = {**sent, "producer_seq": 1, "type": "session_start", "provider": "load"}
    add = {**sent, "producer_seq": 2, "type": "message_add", "message_id": "m", "role": "user", "content": ""}
    for event in (start, add):
        while not isinstance(service.process_event(event), Ack):
            pass
    room = threading.Semaphore(WINDOW)
    for number, text in pieces(seed):
        event = {**sent, "producer_seq": number + 2, "type": "message_append", "message_id": "m"}
        event["content_delta"] = f"{text}\n"
        room.acquire()
        _submit(service, number, event, room)


def _submit(service: RecordingService, number: int, event: dict[str, Any], room: threading.Semaphore) -> None:
    def done(answers: list[Answer]) -> None:
        if isinstance(answers[0], Ack):
            tell(event["session_id"], number)
            room.release()
        else:  # as a client does: the same event again
            service.call_later(0.02, lambda: _submit(service, number, event, room))

    service.submit([event], done)


class TellingFiles(FaultyFiles):
    """Files that say when a fault has struck."""

    def before(self, kind: str, path: Path, size: int) -> int:
        struck = sum(fault.hits for fault in self.faults)
        try:
            return super().before(kind, path, size)
        finally:
            if not struck and any(fault.hits for fault in self.faults):
                os.write(1, b"struck\n")


def fault(text: str) -> Fault:
    """Read a fault."""
    kind, name, error, nth, keep = text.split(":")
    return Fault(kind, name, int(error), nth=int(nth) if nth else None, keep=int(keep))


def main() -> None:
    """Record until the end, which comes from outside."""
    jupyter_recorder.journal.log.RETRY_SECONDS = (0.0, 0.01)
    subject, root, seed, *faults = sys.argv[1:]
    library = Library(root, files=TellingFiles(*map(fault, faults)))
    {"notebook": notebook, "terminal": terminal, "cast": cast, "chat": chat}[subject](library, seed)
    threading.Event().wait()


if __name__ == "__main__":
    main()
