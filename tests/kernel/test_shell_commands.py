"""Commands found in real shells in real terminals, typed into as a person does, and read back from the recording."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kernels import cast_text, environment, lines

from jupyter_recorder.library.recording import Recording
from jupyter_recorder.timeline import Command, fold

pexpect = pytest.importorskip("pexpect")

RECORD = """
import sys
from jupyter_recorder.capture.run import run_program
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder
recorder = Recorder.start(Library(sys.argv[1]), "shell", "terminal")
print(recorder.path, flush=True)
run_program(recorder, sys.argv[2])
recorder.stop()
print("recorded", flush=True)
"""
# The prompt counts itself, so that a test can wait for the next one.
RC = {
    ".bashrc": "prompts=0\nPS1='<$((prompts+=1)):$?> '\nPS2='more> '\n",
    ".zshrc": "prompts=0\nsetopt prompt_subst\nPS1='<$((prompts+=1)):$?> '\nPS2='more> '\nunsetopt prompt_sp\n",
}


class Shell:
    """A shell that is recorded in this process' terminal, with a typist at it."""

    def __init__(self, home: Path, command: str, rc: str = "", **variables: str) -> None:
        for name, text in RC.items():
            (home / name).write_text(text + rc)
        self.home = home
        self.prompts = 0
        variables = {"HISTFILE": str(home / "history"), **variables} if "zsh" in command else variables
        self.process = pexpect.spawn(
            sys.executable,
            ["-c", RECORD, str(home / "recordings"), command],
            env={**clean(home), **variables},
            cwd=str(home),
            dimensions=(24, 200),
            timeout=30,
            encoding="utf-8",
        )
        self.process.expect(r"(/\S+)\r\n")
        self.path = Path(self.process.match[1])

    def prompt(self) -> str:
        """Wait for the next prompt, and return the text that was shown before it."""
        self.prompts += 1
        self.process.expect(rf"<{self.prompts}:(\d+)> ")
        return re.sub(r"\x1b\[[0-?]*[a-zA-Z]|\r(?!\n)", "", str(self.process.before))

    def run(self, line: str) -> str:
        """Type a line and return what was shown until the next prompt."""
        self.process.send(line + "\r")
        return self.prompt()

    def interrupt(self, line: str) -> None:
        """Type a line that shows `ready`, and Ctrl-C once it has."""
        self.process.send(line + "\r")
        self.process.expect_exact("ready\r\n")
        self.process.send("\x03")
        self.prompt()

    def leave(self, keys: str = "\x04") -> list[Command]:
        """End the shell, and return the commands in its recording."""
        self.process.send(keys)
        self.process.expect_exact("recorded\r\n")
        self.process.expect(pexpect.EOF)
        return fold(Recording(self.path).events()).commands

    @property
    def cast(self) -> str:
        """All that the terminal showed."""
        return cast_text(self.path / "terminal.cast")


def clean(home: Path) -> dict[str, str]:
    """Return an environment without this user's shell settings."""
    dropped = ("HIST", "PS", "PROMPT", "ZDOTDIR", "BASH", "ENV")
    found = {key: value for key, value in environment(home).items() if not key.startswith(dropped)}
    return {**found, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Shell]]:
    """Start shells with a home of their own, at their first prompt."""
    home = tmp_path.resolve() / "home"
    home.mkdir()
    shells: list[Shell] = []

    def begin(command: str, rc: str = "", **variables: str) -> Shell:
        if shutil.which(command.split(maxsplit=1)[0]) is None:
            pytest.skip(f"{command.split(maxsplit=1)[0]} is not installed")
        shells.append(Shell(home, command, rc, **variables))
        shells[-1].prompt()
        return shells[-1]

    yield begin
    for shell in shells:
        shell.process.close(force=True)


both = pytest.mark.parametrize("name", ["bash", "zsh"])


@both
def test_ten_commands_come_back_as_ten(start: Callable[..., Shell], name: str) -> None:
    """Each has its text, folder, status and time: a failure, a Ctrl-C, a `cd`, a function, one over lines, and more."""
    before = time.time() * 1000
    shell = start(name)
    here, folder = str(shell.home), shell.home / "a b;é%"
    folder.mkdir()
    loop = "for i in 1 2\rdo echo $i\rdone"
    typed = [
        ("echo one", here, 0),
        ("(exit 3)", here, 3),
        ("sleep 0.3", here, 0),
        (f"cd '{folder}'", here, 0),
        ("printf 're''ady\\n'; sleep 60", str(folder), 130),
        ("twice() { echo $1 $1; return 7; }; twice 'é;%0A\\e[0m'", str(folder), 7),
        (loop, str(folder), 0),
        ("echo one", str(folder), 0),
        ("nosuch-x 2>/dev/null | cat && true; nosuch-x", str(folder), 127),
        ("cd - >/dev/null", str(folder), 0),
    ]
    for line, _, status in typed:
        shell.run("")  # an empty line, and below a Ctrl-C at the prompt, are no commands
        if status == 130:
            shell.interrupt(line)
        else:
            shell.run(line)
    shell.process.send("never run\x03")
    shell.prompt()
    found = shell.leave()
    after = time.time() * 1000

    # bash's history has a command over several lines in one.
    texts = [line.replace("\r", "\n") if name == "zsh" else one_line(line) for line, _, _ in typed]
    assert texts == [command.command for command in found]
    assert [cwd for _, cwd, _ in typed] == [command.cwd for command in found]
    assert [status for _, _, status in typed] == [command.exit_code for command in found]
    assert 290 <= found[2].duration_ms < 5000
    ends = [command.started_at + command.duration_ms for command in found]
    # Times are in whole milliseconds, so that one may seem to end in the millisecond after the next has begun.
    assert [] == [(c, end) for end, c in zip(ends, found[1:], strict=False) if end > c.started_at + 1]
    assert before - 1 <= found[0].started_at <= ends[-1] <= after + 1


def one_line(typed: str) -> str:
    """Return a loop over lines as bash's history has it."""
    return typed.replace("2\rdo", "2; do").replace("\rdone", "; done")


@both
def test_each_command_is_a_marker_between_echo_and_output(start: Callable[..., Shell], name: str) -> None:
    """In the `.cast` a marker with the command's text stands after what was typed and before what it shows."""
    shell = start(name)
    shell.run("echo sh''own")
    shell.leave()
    events = lines(shell.path / "terminal.cast")[1:]
    (at,) = (index for index, event in enumerate(events) if event[1] == "m")

    assert "echo sh''own" == events[at][2]
    before, after = ("".join(data for _, code, data in part if code == "o") for part in (events[:at], events[at:]))
    assert ("echo sh''own" in before, "shown\r\n" in before, "shown\r\n" in after) == (True, False, True)


@both
def test_the_marks_and_the_nonce_are_nowhere(start: Callable[..., Shell], name: str) -> None:
    """Neither the terminal nor a file of the recording nor a child's environment has anything of the marks."""
    shell = start(name)
    shown = shell.run("env")
    shell.leave()

    assert "JUPYTER_RECORDER_SHELL" not in shown
    assert "]133;" not in shown
    assert [] == [path.name for path in shell.path.iterdir() if path.is_file() and b"aid=" in path.read_bytes()]


@both
def test_forged_marks_are_only_output(start: Callable[..., Shell], name: str) -> None:
    """A program that prints marks makes up no commands, and what it printed is in the `.cast`."""
    shell = start(name)
    shell.run(r"printf '\033]133;D;0\a\033]133;C;aid=x;cmdline_url=forged\a\033]133;A\a'; false")
    (command,) = shell.leave()

    assert 1 == command.exit_code
    assert "\x1b]133;D;0\x07\x1b]133;C;aid=x;cmdline_url=forged\x07\x1b]133;A\x07" in shell.cast


@both
def test_the_last_status_is_undisturbed(start: Callable[..., Shell], name: str) -> None:
    """`$?` is the last command's at the prompt and in the next command, and so is `$_` in bash."""
    shell = start(name)
    shell.run("(exit 7)")
    assert "7" == shell.process.match[1]
    shown = shell.run("echo status $?")
    assert "status 7\r\n" in shown
    if name == "bash":
        shell.run("false | true word")
        assert "0 1 0\r\n" in shell.run('echo "$?" "${PIPESTATUS[@]}"')
        shell.run("true last-word")
        assert "\r\nlast-word\r\n" in shell.run('echo "$_"')
    shell.leave()


@both
def test_nothing_of_ours_is_in_the_history(start: Callable[..., Shell], name: str) -> None:
    """The history holds what was typed, in memory and in its file."""
    rc = "HISTSIZE=100; SAVEHIST=100\n"
    shell = start(name, rc)
    shell.run("echo one")
    shell.run("cd /")
    assert 3 == len([line for line in shell.run("history").splitlines() if "echo one" in line or "cd /" in line]) + 1
    shell.leave()
    kept = (shell.home / ("history" if name == "zsh" else ".bash_history")).read_text()

    assert ["echo one", "cd /", "history"] == [line for line in kept.splitlines() if not line.startswith("#")]


@both
def test_what_replaces_or_ends_the_shell_has_its_status(start: Callable[..., Shell], name: str) -> None:
    """`exec` runs to the end of the recording as one command, with the status of what took the shell's place."""
    shell = start(name)
    shell.run("true")
    found = shell.leave("exec sh -c 'exit 4'\r")

    assert [("true", 0), ("exec sh -c 'exit 4'", 4)] == [(c.command, c.exit_code) for c in found]


@both
def test_a_shell_in_the_shell_is_one_command(start: Callable[..., Shell], name: str) -> None:
    """A nested bash is as it always is: no marks, no errors, and one command from its start to its end."""
    shell = start(name, "export PROMPT_COMMAND PS0\n")
    shell.process.send("bash --norc\r")
    shell.process.expect(r"bash-\S+[$#] ")
    shell.process.send("echo inn''er\r")
    shell.process.expect_exact("inner\r\n")
    shell.process.expect(r"(.*)bash-\S+[$#] ")
    assert "__jr" not in shell.process.match[1]
    shell.process.send("exit 5\r")
    shell.prompt()
    (command,) = shell.leave()

    assert ("bash --norc", 5) == (command.command, command.exit_code)


@both
def test_shells_with_strict_options_go_on(start: Callable[..., Shell], name: str) -> None:
    """`set -u`, `set -a`, `noclobber` and word splitting of one's own do no harm, and nothing is exported."""
    shell = start(name, "set -u; set -a; set -C; IFS=';0123456789'\n")
    shell.run("echo one")
    shell.run("(exit 12)")
    shown = shell.run("env")
    found = shell.leave()

    assert [("echo one", 0), ("(exit 12)", 12), ("env", 0)] == [(c.command, c.exit_code) for c in found]
    assert "__jr" not in shown
    assert "unbound" not in shell.cast


@both
def test_output_that_was_sent_elsewhere_takes_no_marks_along(start: Callable[..., Shell], name: str) -> None:
    """After `exec >file` the marks still come, and the file has none."""
    shell = start(name)
    shell.run("exec >out")
    shell.run("echo kept")
    shell.run("exec >/dev/tty")
    found = shell.leave()

    assert ["exec >out", "echo kept", "exec >/dev/tty"] == [command.command for command in found]
    written = (shell.home / "out").read_text()  # zsh's line editor writes there too
    assert ("kept\n" in written, "133" in written) == (True, False)


# -- bash


def test_bashs_own_hooks_keep_working(start: Callable[..., Shell]) -> None:
    """PROMPT_COMMAND, PS0, a DEBUG trap, an ERR trap and an alias of the user's own do what they did."""
    rc = (
        "PROMPT_COMMAND='echo \"prompted $?\" >>hooks;'\nPS0='[begun]'\ntrap 'echo \"$BASH_COMMAND\" >>debug' DEBUG\n"
        "trap 'echo \"$BASH_COMMAND\" >>errors' ERR\nalias printf='echo aliased' local='echo aliased' history=false\n"
    )
    shell = start("bash", rc)
    shown = shell.run("(exit 6)") + shell.run("printf x")
    found = shell.leave()
    hooks, debug, errors = ((shell.home / name).read_text().splitlines() for name in ("hooks", "debug", "errors"))

    assert [("(exit 6)", 6), ("printf x", 0)] == [(c.command, c.exit_code) for c in found]
    assert ["prompted 0", "prompted 6", "prompted 0"] == hooks
    assert 2 == shown.count("[begun]")
    assert "\r\n[begun]aliased x\r\n" in shown
    assert "echo aliased x" in debug
    assert ["( exit 6 )"] == errors


def test_prompt_commands_that_are_set_later_keep_ours(start: Callable[..., Shell]) -> None:
    """Setting PS0 or PROMPT_COMMAND anew, or adding to it, as a sourced file does, loses no later command."""
    shell = start("bash")
    for line in ("PROMPT_COMMAND='x=1'", "false", "PS0=", "(exit 3)", 'PROMPT_COMMAND="y=1; $PROMPT_COMMAND"'):
        shell.run(line)
    shell.run("(exit 4)")
    shell.run("PROMPT_COMMAND+=('z=1')")
    shell.run("(exit 5)")
    assert "1 1 1\r\n" in shell.run("echo $x $y $z")
    found = shell.leave()

    assert [0, 1, 0, 3, 0, 4, 0, 5, 0] == [command.exit_code for command in found]


def test_without_prompt_expansion_there_is_no_mess(start: Callable[..., Shell]) -> None:
    """With `promptvars` off nothing of ours is shown; with it on again, commands are found again."""
    shell = start("bash")
    shell.process.send("shopt -u promptvars; PS1='plain> '\r")
    shell.process.expect("plain> $")
    shell.process.send("echo unse''en\r")
    shell.process.expect(r"unseen\r\n(.*)plain> ")
    shell.process.send("shopt -s promptvars\r")
    shell.process.expect("plain> $")
    shell.process.send("false\r")
    shell.process.expect("plain> $")
    found = shell.leave()

    assert "__jr" not in shell.cast
    assert ("false", 1) == (found[-1].command, found[-1].exit_code)


@pytest.mark.parametrize(
    "control", ["ignoreboth", "ignorespace", "ignoredups", "ignorespace:erasedups", "erasedups", ""]
)
def test_repeated_and_hidden_lines_are_told_apart(start: Callable[..., Shell], control: str) -> None:
    """A repeated line has its text; one that the history does not take has none; the history is as the user set it."""
    shell = start("bash", f"HISTCONTROL={control}\n")
    for line in ("echo a", "echo a", " echo hidden", "echo a", "echo b"):
        shell.run(line)
    found = shell.leave()
    kept = (shell.home / ".bash_history").read_text().splitlines()

    hides = "both" in control or "space" in control
    hidden = "" if hides else " echo hidden"
    expected = ["echo a", "echo a", hidden, "echo a", "echo b"]
    if control == "ignorespace:erasedups":
        expected = [command.command if expected[i] else "" for i, command in enumerate(found)]
    assert expected == [command.command for command in found]
    assert history_of(control) == kept


def history_of(control: str) -> list[str]:
    """Return what a bash keeps of the lines above."""
    return {
        "ignoreboth": ["echo a", "echo b"],
        "ignorespace": ["echo a", "echo a", "echo a", "echo b"],
        "ignoredups": ["echo a", " echo hidden", "echo a", "echo b"],
        "ignorespace:erasedups": ["echo a", "echo b"],
        "erasedups": [" echo hidden", "echo a", "echo b"],
        "": ["echo a", "echo a", " echo hidden", "echo a", "echo b"],
    }[control]


def test_a_bash_without_history_has_commands_without_text(start: Callable[..., Shell]) -> None:
    """Where bash keeps no history, statuses and times are recorded all the same."""
    shell = start("bash", "set +o history\n")
    shell.run("(exit 9)")

    assert [("", 9)] == [(command.command, command.exit_code) for command in shell.leave()]


def test_a_login_bash_reads_what_it_would(start: Callable[..., Shell], tmp_path: Path) -> None:
    """`bash -l` is a login shell with its profile, its logout file and all settings as without a recording."""
    home = tmp_path.resolve() / "home"
    (home / ".bash_profile").write_text("echo profile-read; . ~/.bashrc\n")
    (home / ".bash_logout").write_text("echo bye >logged-out\n")
    settings = "{ shopt; shopt -o; echo $ENV $HISTFILE ${POSIXLY_CORRECT-unset}; }"
    shell = start("bash -l", ENV="my-env")
    assert "profile-read" in shell.process.before
    shell.run(f"{settings} >settings")
    shell.run("false")
    found = shell.leave()

    assert ("false", 1) == (found[-1].command, found[-1].exit_code)
    assert "bye\n" == (home / "logged-out").read_text()
    plain = pexpect.spawn("bash", ["-l", "-i"], env={**clean(home), "ENV": "my-env"}, cwd=str(home), encoding="utf-8")
    plain.expect("<1:0> ")
    plain.send(f"{settings} >plain-settings\r")
    plain.expect("<2:0> ")
    plain.close(force=True)
    assert (home / "plain-settings").read_text() == (home / "settings").read_text()


# -- zsh


def test_zshs_own_hooks_keep_working(start: Callable[..., Shell]) -> None:
    """precmd, preexec and hooks in their lists, of the user's own, do what they did and see the last status."""
    rc = (
        'precmd() { echo precmd $? >>hooks }\npreexec() { echo "preexec $1" >>hooks }\n'
        "autoload -Uz add-zsh-hook; mine() { echo mine $? >>hooks }; add-zsh-hook precmd mine\n"
    )
    shell = start("zsh", rc)
    shell.run("(exit 6)")
    (command,) = shell.leave()

    assert 6 == command.exit_code
    hooks = (shell.home / "hooks").read_text().splitlines()
    assert ["precmd 0", "mine 0", "preexec (exit 6)", "precmd 6", "mine 6"] == hooks


def test_zsh_reads_the_users_files_in_their_folder(start: Callable[..., Shell], tmp_path: Path) -> None:
    """With a ZDOTDIR of the user's own all files there are read, in order, and ZDOTDIR is theirs."""
    dots = tmp_path.resolve() / "dots"
    dots.mkdir()
    for name in (".zshenv", ".zprofile", ".zlogin"):
        (dots / name).write_text(f"files+=({name})\n")
    (dots / ".zshrc").write_text(RC[".zshrc"] + "files+=(.zshrc)\n")
    shell = start("zsh -l", ZDOTDIR=str(dots))

    assert f".zshenv .zprofile .zshrc .zlogin {dots}\r\n" in shell.run("echo $files $ZDOTDIR")
    assert ["echo $files $ZDOTDIR"] == [command.command for command in shell.leave()]


def test_zsh_without_a_folder_of_its_own_has_none(start: Callable[..., Shell]) -> None:
    """Where ZDOTDIR was not set, it is not set."""
    shell = start("zsh")

    assert "unset\r\n" in shell.run("echo ${ZDOTDIR-un''set}")
    shell.leave()


def test_zsh_tells_lines_that_it_keeps_from_its_history(start: Callable[..., Shell]) -> None:
    """zsh names each command, also one that its history does not take."""
    shell = start("zsh", "setopt hist_ignore_space\n")
    shell.run(" echo hidden")

    assert [" echo hidden"] == [command.command for command in shell.leave()]


# -- others


@pytest.mark.parametrize("name", ["sh", "fish"])
def test_other_shells_are_recorded_as_one_program(start: Callable[..., Shell], tmp_path: Path, name: str) -> None:
    """A shell that we have no marks for runs as always; its recording is whole, and the shell is the one command."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    shell = Shell(tmp_path, name, PS1="at> ")
    shell.process.send("echo o''ne; exit 3\r")
    (command,) = shell.leave("")

    assert (name, 3) == (command.command, command.exit_code)
    assert "one\r\n" in shell.cast


def test_the_documented_example_lists_the_commands(start: Callable[..., Shell]) -> None:
    """The program in docs/shells.md prints each command of a recorded shell."""
    shell = start("bash")
    shell.run("(exit 3)")
    shell.leave()
    page = Path(__file__).parents[2] / "docs" / "shells.md"
    (program,) = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment(shell.home), capture_output=True, text=True, check=True
    ).stdout

    assert re.fullmatch(rf"{shell.home}\$ \(exit 3\) -> 3 in \d+ ms\n", told)
