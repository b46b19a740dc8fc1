"""IPython in a real terminal, without a kernel: cells by its events, programs with the keyboard."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernels import COVERED, LOAD, cast_text, environment, events, lines, newest, of_type, outputs, read_json, text

pexpect = pytest.importorskip("pexpect")


class Terminal:
    """IPython at a prompt in a terminal of 90 x 25 characters."""

    def __init__(self, home: Path) -> None:
        self.root = home / "recordings"
        command = ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=nocolor", "--no-confirm-exit"]
        self.process = pexpect.spawn(
            sys.executable,
            command,
            env=environment(home),
            cwd=str(home),
            dimensions=(25, 90),
            timeout=30,
            encoding="utf-8",
        )
        self.process.expect(r"In \[1\]: ")
        self.run(LOAD)

    def run(self, line: str) -> str:
        """Type a line, and return what was shown until the next prompt."""
        self.process.sendline(line)
        self.process.expect(r"In \[\d+\]: ")
        return str(self.process.before).replace("\r\n", "\n").partition("\n")[2]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """Give an IPython in a terminal of its own."""
    terminal = Terminal(tmp_path)
    yield terminal
    if COVERED:
        terminal.process.sendline("exit")
        terminal.process.expect(pexpect.EOF)
    terminal.process.close(force=True)


def test_cells_are_recorded_with_prints_results_and_errors(terminal: Terminal) -> None:
    """Source, count, prints, result and traceback of each line are in the journal, each once."""
    assert "● recording 'shell'" in terminal.run("%record start shell")
    terminal.run("print('hello')")
    terminal.run("6 * 7")
    terminal.run("{}['missing']")
    assert "■ 'shell' holds 4 cells, 1 error" in terminal.run("%record stop")
    found = events(newest(terminal.root, "shell"))

    assert ["print('hello')", "6 * 7", "{}['missing']", "%record stop"] == [
        event["source"].strip() for event in of_type(found, "cell_start")
    ]
    assert [3, 4, 5, 6] == [event["execution_count"] for event in of_type(found, "cell_start")]
    assert "hello\n" in text(found)
    (result,), (error,) = outputs(found, "execute_result"), outputs(found, "error")
    assert ("42", 4) == (result["data"]["text/plain"], result["execution_count"])
    assert ("KeyError", "'missing'") == (error["ename"], error["evalue"])
    assert "42" not in text(found)
    assert "Traceback" not in text(found) + text(found, "stderr")
    assert ["ok", "ok", "error"] == [event["status"] for event in of_type(found, "cell_end")][:3]


def test_a_cell_inside_a_cell_leaves_both_whole(terminal: Terminal) -> None:
    """Each cell that begins has its own end, also one that runs another, and what follows belongs to the outer one."""
    terminal.run("%record start nested")
    terminal.run("get_ipython().run_cell('print(1)'); print('outer'); 1/0")
    terminal.run("%record stop")
    found = events(newest(terminal.root, "nested"))

    outer, inner = (event["cell_id"] for event in of_type(found, "cell_start")[:2])
    assert "1\n" == text([event for event in found if event.get("cell_id") == inner])
    assert "outer\n" == text([event for event in found if event.get("cell_id") == outer])
    ends = [(event["cell_id"], event["status"]) for event in of_type(found, "cell_end")]
    assert [(inner, "ok"), (outer, "error")] == ends[:2]


def test_a_program_takes_the_terminals_size_and_keys(terminal: Terminal) -> None:
    """`%record sh` has the terminal's size; what is typed reaches the program and is not recorded as input."""
    process = terminal.process
    process.sendline("%record sh --name asks stty size; read -p 'name? ' x; echo hello $x")
    process.expect("90\r\nname\\? ")  # the program's own: the command that was typed is echoed too
    process.send("ana\r")
    process.expect("hello ana")
    process.expect(r"In \[\d+\]: ")
    cast = newest(terminal.root, "asks") / "terminal.cast"

    assert "25 90\r\n" in cast_text(cast)
    assert (90, 25) == (lines(cast)[0]["width"], lines(cast)[0]["height"])
    assert "hello ana\r\n" in cast_text(cast)
    assert "" == cast_text(cast, "i")


def test_what_is_typed_ahead_is_the_programs(terminal: Terminal) -> None:
    """Keys that come before the program has the terminal are not thrown away."""
    process = terminal.process
    process.sendline("%record sh --name ahead read x; echo hello $x")
    process.send("eve\r")
    process.expect("hello eve")
    process.expect(r"In \[\d+\]: ")


def test_input_is_recorded_when_it_is_asked_for(terminal: Terminal) -> None:
    """With `--input` the keys are `i` events of the `.cast`."""
    process = terminal.process
    process.sendline("%record sh --name typed --input read -p 'name? ' x")
    process.expect("\r\nname\\? ")
    process.send("bob\r")
    process.expect(r"In \[\d+\]: ")

    assert "bob\r" == cast_text(newest(terminal.root, "typed") / "terminal.cast", "i")


def test_a_new_size_reaches_program_and_recording(terminal: Terminal) -> None:
    """When the terminal is resized, the program is told, and the `.cast` has an `r` event before what it then shows."""
    process = terminal.process
    process.sendline("%record sh --name resized trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done")
    process.expect("ready\r\n")
    process.setwinsize(31, 111)
    process.expect("31 111")
    process.expect(r"In \[\d+\]: ")
    shown = [(event[1], event[2]) for event in lines(newest(terminal.root, "resized") / "terminal.cast")[1:]]

    assert ("r", "111x31") in shown
    assert shown.index(("r", "111x31")) < next(i for i, (code, data) in enumerate(shown) if "31 111" in data)


def test_ctrl_c_goes_to_the_program(terminal: Terminal) -> None:
    """Ctrl-C typed while a program runs ends the program, not IPython."""
    process = terminal.process
    process.sendline("%record sh --name stopped echo ready; exec sleep 60")
    process.expect("ready\r\n")
    process.send("\x03")
    process.expect(r"\[exit code 130\]")
    process.expect(r"In \[\d+\]: ")

    assert 130 == of_type(events(newest(terminal.root, "stopped")), "command_end")[0]["exit_code"]


def test_the_terminal_is_given_back_as_it_was(terminal: Terminal) -> None:
    """After a program the prompt edits lines as before, and streams are IPython's own after `stop`."""
    terminal.run("%record start given-back")
    terminal.run("%record sh true")
    terminal.run("%record stop")

    assert "TextIOWrapper" in terminal.run("import sys; print(type(sys.stdout).__name__)")
    assert "True" in terminal.run("import termios; print(bool(termios.tcgetattr(0)[3] & termios.ECHO))")


def test_leaving_ipython_ends_the_recording(terminal: Terminal) -> None:
    """`exit` ends what is being recorded in order."""
    terminal.run("%record start leaving")
    terminal.process.sendline("exit")
    terminal.process.expect(pexpect.EOF)

    assert "completed" == read_json(newest(terminal.root, "leaving") / "manifest.json")["state"]


def test_a_mistake_is_one_line(terminal: Terminal) -> None:
    """In a terminal too a mistake is one line and no traceback."""
    said = terminal.run("%record bogus")

    assert "UsageError: %record: 'bogus' is no command" in said
    assert not re.search("Traceback|File ", said)
