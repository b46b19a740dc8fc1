"""How fast a killed recording with a journal of 1 GB is recovered, beside reading the same file.

python tests/benchmarks/recovery.py [--rounds N] [--megabytes N] [--json FILE]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Figures, arguments, finish, note, ratio

from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recovery import recover

# Outputs and notes of a usual size, until the journal is so long; then it waits to be killed.
RECORD = """
import sys
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder
recorder = Recorder.start(Library(sys.argv[1]), "bench", "notebook")
text = "a line of output, as programs print them\\n" * 24
recorder.record({"type": "cell_start", "cell_id": "c", "execution_count": 1, "source": "run()"})
for number in range(int(float(sys.argv[2]) * 1e6 / 1150)):
    output = {"output_type": "stream", "name": "stdout", "text": f"{number} {text}"}
    while recorder.record({"type": "output", "cell_id": "c", "output": output}, redacted=True) is None:
        pass
    if number % 2000 == 0:
        recorder.wait(60)
assert recorder.wait(60)
print(recorder.path, flush=True)
sys.stdin.read()
"""


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--megabytes", type=float, default=1000, help="of the journal (default: 1000)")
    options = parser.parse_args()
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / "made"
        command = [sys.executable, "-c", RECORD, str(made), str(options.megabytes)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            path = Path(program.stdout.readline().strip())
            program.kill()
        size = (path / "session.ndjson").stat().st_size / 1e6
        os.truncate(path / "session.ndjson", int(size * 1e6) - 7)
        for _ in range(options.rounds):
            root = Path(name) / "root"
            shutil.copytree(made, root)
            begun = time.perf_counter()
            with (root / path.name / "session.ndjson").open("rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass
            note(figures, "reading the file (MB/s)", size / (time.perf_counter() - begun))
            begun, worked = time.perf_counter(), time.process_time()
            (info,) = recover(Library(root))
            note(figures, "recovery (MB/s)", size / (time.perf_counter() - begun))
            note(figures, "recovery, by processor time (MB/s)", size / (time.process_time() - worked))
            assert info.error is None
            assert info.cut_bytes > 0
            shutil.rmtree(root)
    share = ratio(figures, "recovery (MB/s)", "reading the file (MB/s)")
    finish(figures, [("journal (MB)", f"{size:,.0f}"), ("recovery / reading", f"{share:.2f}")], options.json)


if __name__ == "__main__":
    main()
