"""A process that a test kills: `journal_process.py append|repair …` (run by `test_journal.py`).

`append FOLDER SESSIONS THREADS SEED`: begins or resumes a journal in each of SESSIONS folders and appends to them from
THREADS threads for ever; prints `SESSION SEQ` for each event only once it is durable.
`repair FILE NTH HALF`: repairs a torn tail, killed (-9) at the NTH file call, a write half done if HALF is 1.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults import KillingFiles
from journals import HEADER

from jupyter_recorder.journal.codec import is_whole
from jupyter_recorder.journal.reader import segments
from jupyter_recorder.journal.repair import repair_tail
from jupyter_recorder.journal.writer import JournalWriter


class Reporter:
    """Prints what became durable in one journal, each number once and in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told = 0
        self.lock = threading.Lock()

    def __call__(self, writer: JournalWriter) -> None:
        with self.lock:
            durable = writer.durable_seq
            lines = "".join(f"{self.name} {seq}\n" for seq in range(self.told + 1, durable + 1))
            self.told = max(self.told, durable)
            if lines:
                os.write(1, lines.encode())


def open_journal(folder: Path) -> JournalWriter:
    """Begin the journal in `folder`, or go on with it; what it holds by then is reported as durable."""
    reporter = Reporter(folder.name)
    if folder.is_dir() and segments(folder):
        writer = JournalWriter.resume(folder, HEADER, on_change=reporter)
        reporter(writer)
        return writer
    folder.mkdir(mode=0o700, exist_ok=True)
    return JournalWriter.create(folder, HEADER, on_change=reporter)


def append_for_ever(writers: list[JournalWriter], seed: str) -> None:
    """Append events of many sizes to journals by turns; each holds its own content's proof."""
    chance = random.Random(seed)
    for n in range(10**9):
        size = chance.choice((1, 20, 300, 5000)) if chance.random() > 0.002 else 70_000
        text = f"{seed} {n} " + "ü" * size
        chance.choice(writers).append({"type": "note", "text": text, "size": len(text)}, urgent=chance.random() < 0.1)
        if n % 50 == 0:
            chance.choice(writers).wait(timeout=1)


def main() -> None:
    """Do what the arguments say."""
    if sys.argv[1] == "repair":
        files = KillingFiles(int(sys.argv[3]), half=sys.argv[4] == "1")
        repair_tail(files, Path(sys.argv[2]), is_whole)
        return
    folder, sessions, threads, seed = Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
    writers = [open_journal(folder / str(n)) for n in range(sessions)]
    os.write(1, b"ready\n")
    for n in range(threads):
        threading.Thread(target=append_for_ever, args=(writers, f"{seed}-{n}"), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
