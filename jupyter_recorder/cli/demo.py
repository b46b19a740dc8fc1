"""`jupyter recorder demo`."""

from __future__ import annotations

import argparse
import sys

from ..library.library import Library

EXAMPLES = """examples:
  jupyter recorder demo
  jupyter recorder --root /tmp/try demo         somewhere else"""

_PROGRAM = r"""printf '\033[1mtraining\033[0m\n'
for step in 1 2 3 4 5; do
  printf '\r\033[32m%s\033[0m %s0 %%' "$(printf '━%.0s' $(seq $((step * 6))))" $((step * 2)); sleep 0.25
done
printf '\nloss 0.031   \033[33mtoken=%s\033[0m   done\n' "$DEMO_TOKEN"
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--name", default="demo", help="what to call it (default: demo)")


def run(given: argparse.Namespace, library: Library) -> int:
    """Record a small program in a terminal and a chat about it, and say what to try."""
    import os

    from .. import text
    from ..capture.run import run_program
    from ..recorder import Recorder

    # A made-up secret, put together so that it stands nowhere: the recording shows that it was taken out.
    os.environ["DEMO_TOKEN"] = "ghp" + "_" + "DemoDemoDemo" * 3
    recorder = Recorder.start(library, given.name, "terminal", title="A demonstration", tags=("demo",))
    try:
        recorder.mark("A terminal program")
        code = run_program(recorder, _PROGRAM, size=(80, 24)).code
        recorder.mark("A chat about it")
        recorder.chat.add("user", "What is the loss, and where did the token go?")
        answer = "The loss is **0.031**. The token was taken out before anything was written."
        for _ in recorder.chat.stream(answer[at : at + 8] for at in range(0, len(answer), 8)):
            pass
    finally:
        stopped = recorder.stop()
    name = stopped.name
    print(text.stopped(stopped).partition("\n  %record")[0])
    sys.stdout.write(
        f"try:\n  jupyter recorder play {name}\n  jupyter recorder show {name}\n  jupyter recorder search loss\n"
        f"  jupyter recorder export {name} --to html -o {name}.html\n"
    )
    return code
