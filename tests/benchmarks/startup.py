"""What a start costs: `import jupyter_recorder`, `%load_ext` in a kernel that runs, and the extension in a server.

python tests/benchmarks/startup.py [--rounds N] [--json FILE]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from measure import TESTS, Figures, arguments, finish, note, python

sys.path[:0] = [str(TESTS / "server"), str(TESTS)]

from kernels import LOAD, Kernel  # noqa: E402  # found by the line above
from servers import serving  # noqa: E402


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__).parse_args()
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        for number in range(options.rounds):
            folder = Path(name) / str(number)
            folder.mkdir()
            bare = python("pass").wall
            note(figures, "bare interpreter (ms)", bare * 1000)
            note(
                figures,
                "import jupyter_recorder, over that (ms)",
                (python("import jupyter_recorder").wall - bare) * 1000,
            )
            (folder / "kernel").mkdir()
            kernel = Kernel(folder / "kernel", load=False)
            try:
                kernel.run("1")
                begun = time.perf_counter()
                assert kernel.run(LOAD).status == "ok"
                note(figures, "%load_ext (ms)", (time.perf_counter() - begun) * 1000)
            finally:
                kernel.kill()
            (folder / "root").mkdir()
            off = "--ServerApp.jpserver_extensions=jupyter_recorder.server=False"
            for what, flags in (("server without it (ms)", [off]), ("server with the extension (ms)", [])):
                begun = time.perf_counter()
                with serving(folder / f"home-{len(flags)}", folder / "root", *flags):
                    note(figures, what, (time.perf_counter() - begun) * 1000)
    finish(figures, [], options.json)


if __name__ == "__main__":
    main()
