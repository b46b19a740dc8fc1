"""S4: what must not be kept is looked for everywhere: in every file, every export, and all that was logged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pexpect
from targets import exports

import jupyter_recorder
from jupyter_recorder.library.library import Library

# One for each way in; those that are to be recognised have the form of a key, and are cut in pieces on the way.
OF_THE_ENVIRONMENT = "canary-env-7f31d0"
TYPED = "canary-typed-52c8aa"
SHOWN = "sk-ant-api03-" + "Qw7" * 31 + "AA"
IN_AN_ADDRESS = "canary-url-9d41ce77"

PROGRAM = """
import sys
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder
typed, shown, address = sys.argv[2:5]
recorder = Recorder.start(Library(sys.argv[1]), "canaries", "notebook")
track = recorder.terminal(80, 24, command=f"curl -H 'Authorization: Bearer {shown}'")
for at in range(0, len(shown), 3):
    track.output(shown[at:at + 3].encode())
track.output(f"\\r\\nCookie: session={shown}\\r\\n".encode())
track.flush()
link = f"https://example.org/?token={address}"
recorder.record({"type": "message_add", "message_id": "m", "role": "user", "content": f"{link} {shown}"})
recorder.record({"type": "cell_start", "cell_id": "c", "execution_count": 1, "source": f"key = '{shown}'"})
recorder.record({"type": "output", "cell_id": "c", "output": {"output_type": "error", "ename": "E", "evalue": shown,
                 "traceback": [f"{link}", shown]}})
recorder.mark(f"with {shown}")
recorder.stop()
"""


def test_no_canary_is_in_any_file_export_or_log(tmp_path: Path) -> None:
    """Neither the environment, nor what is typed into a program, nor a key cut in pieces, is kept anywhere."""
    root = tmp_path / "root"
    root.mkdir()
    variables = {**os.environ, "PYTHONPATH": str(Path(jupyter_recorder.__file__).parents[1])}
    variables |= {"CANARY": OF_THE_ENVIRONMENT, "JUPYTER_TOKEN": OF_THE_ENVIRONMENT}
    command = [sys.executable, "-c", PROGRAM, str(root), TYPED, SHOWN, IN_AN_ADDRESS]
    first = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    command = [
        "-m",
        "jupyter_recorder",
        "rec",
        "--",
        "sh",
        "-c",
        "stty -echo; echo ready; read line; echo got ${#line}",
    ]
    terminal = pexpect.spawn(
        sys.executable, command, env={**variables, "JUPYTER_RECORDER_DIR": str(root)}, encoding="utf-8", timeout=60
    )
    terminal.expect("ready")
    terminal.sendline(TYPED)
    terminal.expect(f"got {len(TYPED)}")
    terminal.expect(pexpect.EOF)
    terminal.close()
    said = first.stdout + first.stderr
    recordings = list(Library(root).recordings())
    assert len(recordings) == 2
    everything = [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    for recording in recordings:
        for export in exports():
            try:
                everything.append(export(recording))
            except jupyter_recorder.RecError:
                continue
    kept = b"\n".join(everything).decode("utf-8", "replace") + said
    for canary in (OF_THE_ENVIRONMENT, TYPED, SHOWN, SHOWN[-40:], IN_AN_ADDRESS):
        assert canary not in kept, canary
    assert f"got {len(TYPED)}" in kept
