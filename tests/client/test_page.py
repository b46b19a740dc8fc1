"""The programs of docs/client.md, run as they stand against a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from plain import Plain, new_id
from programs import environment
from servers import TOKEN

import jupyter_recorder

PAGE = Path(jupyter_recorder.__file__).parents[1] / "docs" / "client.md"


def program(language: str, folder: Path, name: str) -> Path:
    """Write the page's one program in a language to a file."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (folder / name).write_text(text, "utf-8")
    return folder / name


def run(folder: Path, *command: object) -> str:
    """Run a program to its end and return what it printed."""
    variables = {**environment(), "JUPYTER_DATA_DIR": str(folder)}
    done = subprocess.run(
        [str(part) for part in command], env=variables, capture_output=True, text=True, check=False, timeout=60
    )
    assert (0, "") == (done.returncode, done.stderr if done.returncode else "")
    return done.stdout


def test_the_python_program_records(server: Plain, tmp_path: Path) -> None:
    """The Python program's chat is at the server, and it printed that all is acknowledged."""
    sid = new_id("page")
    printed = run(tmp_path, sys.executable, program("python", tmp_path, "record.py"), server.url, TOKEN, sid)
    assert "5 acked, 0 not yet\n" == printed
    assert ["Are you safe?", "Yes: on the disk."] == list(server.contents(sid).values())


def test_the_shell_program_records(server: Plain, tmp_path: Path) -> None:
    """The shell program's message is acknowledged, the second time as a duplicate."""
    sid = new_id("page")
    printed = run(tmp_path, "bash", program("bash", tmp_path, "record.sh"), server.url, TOKEN, sid)
    assert 3 == printed.count('"ack"')
    assert re.search(r'"duplicate": ?true', printed)
    assert {"m1": "hello"} == server.contents(sid)


def test_the_javascript_program_records(server: Plain, tmp_path: Path) -> None:
    """The JavaScript program's events are acknowledged, and the session is completed."""
    node = shutil.which("node", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    if node is None:
        pytest.fail("the tests' own Node is missing: make setup")
    sid = new_id("page")
    printed = run(tmp_path, node, program("js", tmp_path, "record.mjs"), server.url, TOKEN, sid)
    assert "ack session_started\nack message_added\nack session_ended\n" == printed
    assert ("completed", {"m1": "hello from JavaScript"}) == (server.session(sid)["state"], server.contents(sid))
