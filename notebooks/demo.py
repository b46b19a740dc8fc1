"""`make demo`: runs the quickstart for real, checks what it recorded, and opens the result in JupyterLab."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DEMO = HERE.parent / ".demo"
MIME = "application/vnd.jupyter-recorder.v1+json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="check what was recorded and end, without opening anything"
    )
    check_only = parser.parse_args().check
    shutil.rmtree(DEMO, ignore_errors=True)
    root = DEMO / "recordings"
    root.mkdir(parents=True)
    os.environ["JUPYTER_RECORDER_DIR"] = str(root)
    print("== running notebooks/01-quickstart.ipynb: a notebook, a terminal program and a chat are recorded")
    notebook = run(HERE / "01-quickstart.ipynb", DEMO / "quickstart.ipynb")
    for line in check(notebook, root):
        print("  ✓", line)
    if check_only:
        print("demo: the recording and its replay are right")
        return
    print("== opening JupyterLab on the replay (Ctrl-C ends it)")
    lab = [sys.executable, "-m", "jupyterlab", "--notebook-dir", str(DEMO), str(DEMO / "quickstart.ipynb")]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        lab += ["--allow-root", "--no-browser"]
    subprocess.run(lab, check=False)


def run(source: Path, target: Path) -> Any:
    """Execute the notebook `source` in a fresh kernel and write it, with its outputs, to `target`."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(source, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(target.parent)}}).execute()
    nbformat.write(notebook, target)
    return notebook


def check(notebook: Any, root: Path) -> list[str]:
    """Return what was found right; raises `SystemExit` with the first thing that is not."""
    (folder,) = root.iterdir()
    lines = (folder / "session.ndjson").read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    kinds = [event["type"] for event in events]
    need(kinds[0] == "header" and kinds[-1] == "footer", "the journal has no header or no footer")
    numbers = [event["seq"] for event in events if "seq" in event]
    need(numbers == list(range(1, len(numbers) + 1)), "the journal's numbers have gaps")
    text = "".join(e["output"].get("text", "") for e in events if e["type"] == "output")
    need("step 5 of 5" in text, "the loop's output is not in the journal")
    answer = "".join(e["content_delta"] for e in events if e["type"] == "message_append")
    need("at its pace" in answer, "the chat's answer is not in the journal")
    need(any(e["type"] == "output" and e["output"].get("ename") == "KeyError" for e in events), "the error is missing")
    cast = [json.loads(line) for line in (folder / "terminal.cast").read_text("utf-8").split("\n") if line]
    need(cast[0]["version"] == 2 and (cast[0]["width"], cast[0]["height"]) == (72, 16), "the cast's header is wrong")
    shown = "".join(event[2] for event in cast[1:])
    need("\x1b[1;31m" in shown and "done" in shown, "the terminal's colours are not in the cast")
    bundle = next(o["data"] for c in notebook.cells if c.get("id") == "replay" for o in c.outputs if "data" in o)
    need({MIME, "text/html", "text/plain"} <= set(bundle), "the replay's bundle is not whole")
    need("<iframe" in bundle["text/html"] and 'sandbox="allow-scripts"' in bundle["text/html"], "the frame is wrong")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    need(manifest["state"] == "completed", "the recording did not end in order")
    return [
        f"journal: {len(numbers)} events, numbered without gaps, header and footer in place",
        f"terminal: {len(cast) - 1} events in asciicast v2, colours included",
        "chat: the streamed answer is whole",
        "error: its traceback is recorded",
        f"replay: {', '.join(sorted(bundle))} ({len(bundle['text/html']):,} bytes of HTML)",
    ]


def need(right: bool, wrong: str) -> None:
    """End with what is wrong."""
    if not right:
        raise SystemExit(f"demo: NOT RIGHT: {wrong}")


if __name__ == "__main__":
    main()
