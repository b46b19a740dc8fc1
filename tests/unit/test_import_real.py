"""What other programs really write is read: script(1) as it is installed here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from kernels import cast_text, lines

from jupyter_recorder.convert import import_file
from jupyter_recorder.errors import ImportFailed
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording

SAY = r"printf 'one \303\251\n'; sleep 0.3; printf '\033[32mtwo\033[0m\n'; exit 3"


def recorded(folder: Path, *options: str) -> None:
    """Run a program under script(1)."""
    script = shutil.which("script") or "false"
    version = subprocess.run([script, "--version"], capture_output=True, text=True, check=False)
    if "util-linux" not in version.stdout:
        pytest.skip("util-linux' script(1) is not here")
    command = [script, "-q", *options, "-c", SAY]
    subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def taken_in(folder: Path, name: str, **options: object) -> Recording:
    """Import a file and return the one recording made of it."""
    library = Library(folder / "root")
    (made,) = import_file(library, folder / name, **options).recordings  # type: ignore[arg-type]
    return library.find(made)


@pytest.mark.parametrize("which", ["demo.timing", "demo"])
@pytest.mark.parametrize("format_", ["classic", "advanced"])
def test_script_is_read_from_either_of_its_files(tmp_path: Path, format_: str, which: str) -> None:
    """The timing file and the typescript each find the other; text, pace and start are those of the session."""
    recorded(tmp_path, "--logging-format", format_, "--log-timing", "demo.timing", "--log-out", "demo")
    recording = taken_in(tmp_path, which)
    times = [line[0] for line in lines(recording.path / "terminal.cast")[1:]]

    assert "one é\r\n\x1b[32mtwo\x1b[0m\r\n" == cast_text(recording.path / "terminal.cast")
    assert 0.25 < times[-1] - times[0] < 3
    ends = [event.get("exit_code") for event in recording.events() if event["type"] == "terminal_end"]
    assert [3 if format_ == "advanced" else None] == ends


def test_a_typescript_of_another_name_is_given(tmp_path: Path) -> None:
    """Files that don't tell by their names that they belong together are given together; alone, the error says so."""
    recorded(tmp_path, "--log-timing", "when", "--log-out", "what")
    with pytest.raises(ImportFailed, match="its typescript is not beside it"):
        taken_in(tmp_path, "when")

    assert "two" in cast_text(taken_in(tmp_path, "when", companion=tmp_path / "what").path / "terminal.cast")
