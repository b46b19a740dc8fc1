"""What recording a terminal costs: a 29 MB coloured stream, drained bare, by us, by script(1) and by asciinema 2.4.

    python tests/benchmarks/terminal.py [--rounds N] [--megabytes N] [--json FILE]

Every round runs all of them, one after the other. Of each it is the time by the clock and of the processors, of the
whole process with its children: for the bare drain and for ours that is the same Python with the same modules loaded.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from pathlib import Path

from measure import Figures, arguments, finish, note, python, ratio, run

LOADED = """
import os, subprocess, sys
from jupyter_recorder.capture.pty import PtyProgram
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder
command = f"cat {sys.argv[1]}"
"""
BARE = f"""{LOADED}
master, slave = os.openpty()
program = subprocess.Popen(["bash", "-c", command], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
os.close(slave)
try:
    while os.read(master, 65536): pass
except OSError: pass  # EIO: the program has closed its end
assert program.wait() == 0
"""
OURS = f"""{LOADED}
program = PtyProgram(command, 80, 24)
recorder = Recorder.start(Library(sys.argv[2]), "bench", "terminal")
track = recorder.terminal(80, 24)
for chunk in program.chunks(): track.output(chunk)
assert program.wait() == 0
recorder.stop()
"""


def stream(path: Path, size: int) -> None:
    """Write a coloured stream, such as a build or a test run prints."""
    chance = random.Random(29)
    words = ["compiling", "checking", "passed", "failed", "src/module.py", "tests", "0.03s", "✓", "✗", "größe"]
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            file.writelines(
                " ".join(
                    f"\x1b[{chance.choice((1, 2, 31, 32, 33, 90))}m{word}\x1b[0m" for word in chance.choices(words, k=9)
                )
                + "\n"
                for _ in range(1000)
            )


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--megabytes", type=float, default=29, help="of the stream (default: 29)")
    options = parser.parse_args()
    figures: Figures = {}
    asciinema = shutil.which("asciinema", path=str(Path(sys.executable).parent)) or shutil.which("asciinema")
    script = shutil.which("script")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "stream"
        stream(source, int(options.megabytes * 1e6))
        for number in range(options.rounds):
            took = {"bare drain": python(BARE, source), "ours": python(OURS, source, folder / f"root-{number}")}
            if script is not None:
                typescript = [f"--log-out={folder / 'out'}", f"--log-timing={folder / 'timing'}"]
                took["script(1)"] = run([script, "-q", "-c", f"cat {source}", *typescript])
            if asciinema is not None:
                out = str(folder / "out.cast")
                took["asciinema"] = run([asciinema, "rec", "-q", "--overwrite", "-c", f"cat {source}", out])
            for who, one in took.items():
                note(figures, f"{who}, by the clock (s)", one.wall)
                note(figures, f"{who}, processor (s)", one.cpu)
    rows = [("ours / bare drain, by the clock", _ratio(figures, "bare drain", "by the clock"))]
    rows += [
        (f"ours / {who}, {what}", _ratio(figures, who, what))
        for who in ("script(1)", "asciinema")
        for what in ("by the clock", "processor")
        if f"{who}, processor (s)" in figures
    ]
    finish(figures, rows, options.json)


def _ratio(figures: Figures, who: str, what: str) -> str:
    return f"{ratio(figures, f'ours, {what} (s)', f'{who}, {what} (s)'):.2f}"


if __name__ == "__main__":
    main()
