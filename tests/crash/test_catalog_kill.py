"""The catalog's process killed while it indexes: the next one finds every text, each once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from jupyter_recorder.library.catalog import Catalog
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder

KILLS = 25
PROGRAM = (
    "import sys; from pathlib import Path; from jupyter_recorder import Library\n"
    "from jupyter_recorder.library.catalog import Catalog\n"
    "catalog = Catalog(Library(sys.argv[1]), Path(sys.argv[2])); print('on', flush=True)\n"
    "while True:\n catalog.update(0.005)\n catalog.update()\n"
)


def test_a_killed_indexer_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Killed at random moments while recordings grow; afterwards each message and each screen's line is found once."""
    chance = random.Random(7)
    library = Library(tmp_path / "root")
    recorder = Recorder.start(library, "grows", "notebook")
    track = recorder.terminal(80, 10)
    for kill in range(KILLS):
        for number in range(200):
            recorder.chat.add("user", f"said{kill}x{number}")
            track.output(f"shown{kill}x{number}\r\n".encode())
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(library.root), str(tmp_path / "cache")], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert b"on\n" == process.stdout.readline()
            time.sleep(chance.uniform(0, 0.08))  # no order is meant: any moment will do
            process.kill()
    recorder.stop()
    catalog = Catalog(library, tmp_path / "cache")
    assert catalog.update()
    assert catalog.check() is None

    assert KILLS * 200 == catalog.search("said*").total
    assert KILLS * 200 == catalog.search("shown*").total
    for kill, number in ((0, 0), (7, 199), (KILLS - 1, 100)):
        assert 1 == catalog.search(f"said{kill}x{number}").total == catalog.search(f"shown{kill}x{number}").total
