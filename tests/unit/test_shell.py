"""Shells that mark their commands: which are started so, and what their marks become."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from jupyter_recorder.capture.shell import LABEL_LIMIT, MarkedCommands, marked_shell
from jupyter_recorder.capture.terminal import TerminalTrack
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.recorder import Recorder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no PTY")

NONCE = "0123456789abcdef"
SECRET = "ghp_" + "a1B2" * 9


# -- which are started so


@pytest.fixture
def path(tmp_path: Path) -> dict[str, str]:
    """An environment with a bash and a zsh to be found."""
    for name in ("bash", "zsh", "fish"):
        (tmp_path / name).touch(0o755)
    return {"PATH": str(tmp_path)}


@pytest.mark.parametrize(
    "command", ["bash", " bash\n", "bash -i", "zsh", "zsh -l", "bash --login", "bash -li", "zsh -i -l"]
)
def test_an_interactive_shell_alone_is_marked(path: dict[str, str], command: str) -> None:
    """A bash or zsh that only reads what is typed is started with marks, each time with a nonce of its own."""
    shells = [marked_shell(command, path) for _ in range(2)]

    assert None not in shells
    assert 2 == len({shell.nonce for shell in shells if shell})


@pytest.mark.parametrize(
    "command",
    [
        "", "ls", "fish", "sh", "bash script.sh", "bash -c ls", "bash -x", "zsh -f", "bash; ls", "bash\nls", "bash &",
        "bash --norc", "exec bash", "bash\n-l", "$SHELL", "ls bash", "bash 'unfinished", "nowhere/bash",
    ],
)  # fmt: skip
def test_any_other_command_is_left_as_it_is(path: dict[str, str], command: str) -> None:
    """What is no interactive bash or zsh, or is asked to be another one, is run as it was typed."""
    assert marked_shell(command, path) is None


def test_a_shell_that_is_not_there_is_left_to_tell_it(tmp_path: Path) -> None:
    """Without a bash on the PATH the command is run as it was typed, and the shell says what is missing."""
    assert marked_shell("bash", {"PATH": str(tmp_path)}) is None


def test_a_shell_may_be_named_by_its_path(path: dict[str, str]) -> None:
    """The very program that was named is started."""
    program = f"{path['PATH']}/bash"
    shell = marked_shell(f"{program} -i", path)

    assert shell is not None
    assert ["exec", program] == shlex.split(shell.command)[:2]


def test_the_nonce_is_in_no_process_list(path: dict[str, str]) -> None:
    """It goes by the environment, not by the command line."""
    for command in ("bash", "bash -l", "zsh"):
        shell = marked_shell(command, path)
        assert shell is not None
        assert shell.nonce not in shell.command
        assert shell.nonce in shell.environment.values()


@pytest.mark.parametrize(("command", "name"), [("bash -l", "ENV"), ("zsh", "ZDOTDIR")])
def test_a_variable_that_is_taken_is_handed_over(path: dict[str, str], command: str, name: str) -> None:
    """The user's own value of what the start needs is kept, also an empty one; one that is not set is not made up."""
    for value in ("/home/ana/x", ""):
        shell = marked_shell(command, {**path, name: value})
        assert shell is not None
        assert value == shell.environment[f"JUPYTER_RECORDER_SHELL_{name}"]
    shell = marked_shell(command, path)
    assert shell is not None
    assert f"JUPYTER_RECORDER_SHELL_{name}" not in shell.environment


def test_the_scripts_are_there(path: dict[str, str]) -> None:
    """What a start names is in the package."""
    bash, login, zsh = (marked_shell(command, path) for command in ("bash", "bash -l", "zsh"))
    assert bash and login and zsh  # noqa: PT018
    names = [
        shlex.split(bash.command)[shlex.split(bash.command).index("--rcfile") + 1],
        login.environment["ENV"],
        os.path.join(zsh.environment["ZDOTDIR"], ".zshenv"),
    ]

    assert [True] * 3 == [os.path.isfile(name) for name in names]


# -- what the marks become


class Shell:
    """A recording of a shell whose output the test gives."""

    def __init__(self, root: Path) -> None:
        self.recorder = Recorder.start(Library(root), "shell", "terminal")
        self.track: TerminalTrack = self.recorder.terminal(80, 24)
        self.commands = MarkedCommands(self.recorder, self.track, NONCE)

    def begins(self, command: str, cwd: str = "/") -> bytes:
        """Give out that a command begins."""
        return self.says(f"C;aid={NONCE};cwd_url={quote(cwd)};cmdline_url={quote(command)}")

    def ends(self, status: int) -> bytes:
        """Give out that a command has ended."""
        return self.says(f"D;{status};aid={NONCE}")

    def prompts(self) -> bytes:
        """Give out that a prompt comes."""
        return self.says(f"A;aid={NONCE}")

    def says(self, mark: str) -> bytes:
        """Give out a mark."""
        return self.commands.output(f"\x1b]133;{mark}\x07".encode())

    def events(self) -> list[dict[str, Any]]:
        """Return the commands' events in the journal."""
        assert self.recorder.wait(10)
        return [e for e in Recording(self.recorder.path).events() if e["type"].startswith("command_")]

    def cast(self) -> list[tuple[str, str]]:
        """Return the code and the data of each event in the `.cast`."""
        assert self.recorder.wait(10)
        lines = (self.recorder.path / "terminal.cast").read_text("utf-8").split("\n")[1:-1]
        return [tuple(json.loads(line)[1:]) for line in lines]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Give a shell that is being recorded."""
    shell = Shell(tmp_path)
    yield shell
    shell.recorder.stop()


def test_a_command_is_in_the_journal_and_a_marker_in_the_cast(shell: Shell) -> None:
    """Begin and end have track, text, folder, status and time; the marker stands where the command began."""
    shown = shell.commands.output(b"$ make\r\n")
    shown += shell.begins("make é; ls", "/home/ana/a b") + shell.commands.output(b"done\r\n") + shell.ends(2)
    start, end = shell.events()

    assert ("terminal", "make é; ls", "/home/ana/a b") == (start["track"], start["command"], start["cwd"])
    assert ("terminal", 2) == (end["track"], end["exit_code"])
    assert 0 <= end["duration_ms"] <= end["at"] - start["at"] + 1
    assert b"$ make\r\ndone\r\n" == shown
    assert [("o", "$ make\r\n"), ("m", "make é; ls"), ("o", "done\r\n")] == shell.cast()


def test_prompts_without_a_command_record_nothing(shell: Shell) -> None:
    """The first prompt, an empty line and Ctrl-C at the prompt are no commands."""
    for status in (0, 0, 130):
        shell.ends(status)
        shell.prompts()

    assert [] == shell.events()
    assert [] == shell.cast()


@pytest.mark.parametrize("sign", ["a prompt", "the next command"])
def test_an_end_that_was_not_told_is_one_without_a_status(shell: Shell, sign: str) -> None:
    """If a command's end is missing (its hook was removed), what follows ends it, and no status is made up."""
    shell.begins("unset PROMPT_COMMAND")
    _ = shell.prompts() if sign == "a prompt" else shell.begins("ls")
    end = shell.events()[1]

    assert ("command_end", None) == (end["type"], end["exit_code"])


def test_a_command_that_ends_the_shell_has_the_shells_status(shell: Shell) -> None:
    """`exit 3` and `exec` have no end of their own: the program's is theirs."""
    shell.begins("exit 3")
    shell.commands.end(3)

    assert [3] == [event["exit_code"] for event in shell.events() if event["type"] == "command_end"]


def test_a_programs_own_marks_are_output(shell: Shell) -> None:
    """OSC 133 without the nonce is shown and recorded as it is, and is no command."""
    forged = b"\x1b]133;C\x07\x1b]133;C;aid=guess;cmdline_url=rm%20-rf\x07\x1b]133;D;0\x07"

    assert forged == shell.commands.output(forged)
    assert [("o", forged.decode())] == shell.cast()
    assert [] == shell.events()


def test_what_is_held_at_the_end_is_recorded(shell: Shell) -> None:
    """A stream that ends inside the beginning of a mark loses nothing."""
    shown = shell.commands.output(b"x\x1b]133;") + shell.commands.rest()

    assert b"x\x1b]133;" == shown
    shell.track.flush()
    assert "x\x1b]133;" == "".join(data for _, data in shell.cast())


def test_a_commands_secret_is_redacted_in_both_files(shell: Shell) -> None:
    """A token on a command line is in neither file, though the mark carried it."""
    shell.begins(f"export TOKEN={SECRET}")
    shell.events()

    assert [] == [p.name for p in shell.recorder.path.iterdir() if p.is_file() and SECRET.encode() in p.read_bytes()]
    assert "redacted" in shell.cast()[0][1]


def test_a_long_commands_marker_is_cut(shell: Shell) -> None:
    """The marker shows the beginning; the journal has all of it."""
    shell.begins("x" * 5000)

    assert "x" * 5000 == shell.events()[0]["command"]
    assert [("m", "x" * LABEL_LIMIT)] == shell.cast()


def test_a_recording_that_was_given_up_does_not_disturb_the_shell(tmp_path: Path) -> None:
    """Once nothing is recorded any more, what the shell shows still passes."""
    shell = Shell(tmp_path)
    shell.recorder.stop()

    assert b"ab" == shell.begins("ls") + shell.commands.output(b"ab") + shell.ends(0)
