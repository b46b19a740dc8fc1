"""`rec` and `play` in a real terminal: keys, sizes, signals, and that the terminal is itself again afterwards."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from conftest import Cli

from jupyter_recorder.asciicast.format import Header
from jupyter_recorder.asciicast.harmless import RESET, HarmlessStream
from jupyter_recorder.asciicast.reader import read
from jupyter_recorder.convert.draft import Draft
from jupyter_recorder.library.recovery import recover
from jupyter_recorder.redact import Redactor

START = 1_795_216_501_000


@pytest.fixture
def terminals() -> Iterator[list[pexpect.spawn]]:
    """Terminals that a test opens; whatever runs in them ends with it."""
    opened: list[pexpect.spawn] = []
    yield opened
    for terminal in opened:
        terminal.close(force=True)


@pytest.fixture
def begin(cli: Cli, terminals: list[pexpect.spawn]):
    """Run the command line in a terminal of 90x25."""

    def begin(*words: str, program: str | None = None) -> pexpect.spawn:
        command = [program, "-c", " ".join(words)] if program else cli.command(*words)
        terminal = pexpect.spawn(
            command[0],
            command[1:],
            env=cli.environment,
            cwd=str(cli.folder),
            dimensions=(25, 90),
            timeout=20,
            # As in a terminal, even if these tests run where nobody interrupts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        terminals.append(terminal)
        return terminal

    return begin


def cast(cli: Cli, name: str) -> tuple[Header, list[tuple[str, str]]]:
    """Return a recording's terminal: its header, and the codes and data of its events."""
    found = read(cli.library.find(name).cast_lines("terminal.cast"))
    return found.header, [(event.code, event.data) for event in found.events]


def test_a_shell_is_recorded_until_one_leaves_it(cli: Cli, begin) -> None:
    """Typed commands run and become chapters, the size is this terminal's, and its resizes are followed."""
    cli.environment["SHELL"] = "/bin/bash"
    (cli.folder / ".bashrc").write_text("PS1='> '\n")
    terminal = begin("rec", "--name", "work")
    terminal.expect("recording 'work'")
    terminal.expect("> ")
    terminal.sendline("echo he''llo; stty size")
    terminal.expect("hello\r\n25 90\r\n")
    terminal.setwinsize(30, 100)
    terminal.sendline("stty size")
    terminal.expect("30 100")
    terminal.sendline("exit 3")
    terminal.expect("work")
    terminal.expect(pexpect.EOF)
    terminal.wait()

    assert 3 == terminal.exitstatus
    header, events = cast(cli, "work")
    assert (90, 25) == (header.width, header.height)
    assert [("r", "100x30")] == [event for event in events if event[0] == "r"]
    assert "i" not in {code for code, _ in events}
    commands = [e["command"] for e in cli.library.find("work").events() if e["type"] == "command_start"]
    assert ["echo he''llo; stty size", "stty size", "exit 3"] == commands
    assert "completed" == cli.library.find("work").state


def test_keys_go_through_raw_and_the_terminal_is_itself_again(cli: Cli, begin) -> None:
    """Ctrl-C is a byte for the program, typed text is recorded with --input, and echo is on afterwards."""
    before = "stty -a | tr ';' '\\n' | grep -c . >before; stty -g >>before"
    rec = " ".join(
        cli.command("rec", "--input", "--name", "keys", "--", "'stty raw -echo; echo go; head -c 3 | od -c'")
    )
    terminal = begin(f"{before}; {rec}; stty -g >after; echo done", program="/bin/sh")
    terminal.expect("go")
    terminal.send("a\x03b")
    terminal.expect(r"a +003 +b")
    terminal.expect("done")

    assert (cli.folder / "before").read_text().split("\n")[1] == (cli.folder / "after").read_text().strip()
    assert "a\x03b" == "".join(data for code, data in cast(cli, "keys")[1] if code == "i")


def test_ctrl_c_ends_the_program_with_130(cli: Cli, begin) -> None:
    """As in a shell: the program gets the signal, rec passes its end on."""
    terminal = begin("rec", "--name", "loop", "--", "echo on; exec sleep 60")
    terminal.expect("on")
    terminal.send("\x03")
    terminal.expect(pexpect.EOF)
    terminal.wait()

    assert 130 == terminal.exitstatus
    assert "completed" == cli.library.find("loop").state


def test_a_terminal_that_goes_away_ends_it_in_order(cli: Cli, begin) -> None:
    """When the window is closed the program is hung up, and the recording is whole."""
    terminal = begin("rec", "--name", "window", "--", "echo on; exec sleep 60")
    terminal.expect("on")
    terminal.close(force=False)
    deadline = time.monotonic() + 20
    while cli.library.find("window").state == "recording":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "completed" == cli.library.find("window").state


def test_a_killed_rec_is_recovered(cli: Cli, begin) -> None:
    """After kill -9 the program is hung up; what was shown by then is recovered, and found."""
    terminal = begin("rec", "--name", "killed", "--", "echo before the $((40 + 2)); echo $$ >pid; exec sleep 60")
    terminal.expect("before the 42")
    folder = cli.library.find("killed").path
    deadline = time.monotonic() + 20
    while b"before the 42" not in (folder / "terminal.cast").read_bytes() or not (cli.folder / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.wait()
    (info,) = recover(cli.library)

    assert (None, "recovered") == (info.error, info.state)
    assert "before the 42" in json.loads(cli("search", "before", "--json").stdout)["hits"][0]["snippet"]
    program = int((cli.folder / "pid").read_text())
    deadline = time.monotonic() + 20
    while Path(f"/proc/{program}/stat").exists() and ") Z" not in Path(f"/proc/{program}/stat").read_text():
        assert time.monotonic() < deadline, "the program lives on"
        time.sleep(0.02)


def record(cli: Cli, *events: tuple[float, str, str]) -> None:
    """Make a recording called film."""
    off = Redactor(enabled=False)
    source = {"format": "test", "file": "test"}
    draft = Draft.begin(cli.library, "film", "terminal", START, title=None, redactor=off, imported=source)
    terminal = draft.terminal(Header(width=80, height=24), START)
    for event in events:
        terminal.event(*event)
    terminal.end()
    draft.publish()


def test_play_takes_the_recordings_time(cli: Cli, begin) -> None:
    """Speed divides it, idle bounds its pauses, start skips it."""
    record(cli, (0.0, "o", "zero "), (3.0, "o", "three "), (1000.0, "o", "end"))
    began = time.monotonic()
    terminal = begin("play", "film", "--speed", "10", "--idle", "5")
    terminal.expect("zero ")
    terminal.expect("three ")
    at_three = time.monotonic()
    terminal.expect("end")

    assert 0.3 <= at_three - began
    assert 0.45 <= time.monotonic() - at_three
    terminal.expect(pexpect.EOF)
    terminal = begin("play", "film", "--start", "1000")
    began = time.monotonic()
    terminal.expect("zero three end")
    terminal.expect(pexpect.EOF)
    assert 10 > time.monotonic() - began


def test_play_heeds_keys(cli: Cli, begin) -> None:
    """Space holds it, a dot steps, a bracket runs to the next marker, q ends it; the terminal is put back."""
    events = [
        (0.0, "o", "A"),
        (0.2, "o", "B"),
        (500.0, "o", "C"),
        (900.0, "m", "here"),
        (901.0, "o", "D"),
        (9999.0, "o", "E"),
    ]
    record(cli, *events)
    terminal = begin("play", "film")
    terminal.expect("A")
    terminal.expect("B")
    terminal.send(".")
    terminal.expect("C")
    terminal.send("]")
    with pytest.raises(pexpect.TIMEOUT):
        terminal.expect("D", timeout=0.5)
    terminal.send(".")
    terminal.expect("D")
    terminal.send("q")
    terminal.expect_exact(RESET)
    terminal.expect(pexpect.EOF)
    assert b"E" not in terminal.before


def test_play_is_held_sped_up_and_slowed_down(cli: Cli, begin) -> None:
    """Space holds it and lets it go on, plus doubles its speed and minus halves it; a resize is not printed."""
    record(cli, (0.0, "o", "A"), (0.1, "r", "70x20"), (0.2, "o", "B"), (6400.0, "o", "C"), (6400.5, "o", "D"))
    terminal = begin("play", "film")
    terminal.expect("B")
    assert b"70x20" not in terminal.before
    terminal.send(" ")
    terminal.send("+" * 14)  # at most 1000 times as fast
    with pytest.raises(pexpect.TIMEOUT):
        terminal.expect("C", timeout=0.3)
    terminal.send(" ")
    began = time.monotonic()
    terminal.expect("C", timeout=15)  # 6.4 s at full speed
    assert 4 < time.monotonic() - began
    terminal.expect("D")
    terminal.expect(pexpect.EOF)
    record(cli, (0.0, "o", "A"), (0.2, "o", "B"), (9000.0, "o", "C"))
    terminal = begin("play", "film", "--speed", "1000")
    terminal.expect("B")
    terminal.send("-" * 10)
    with pytest.raises(pexpect.TIMEOUT):
        terminal.expect("C", timeout=2)  # 9 s at full speed
    terminal.send("q")
    terminal.expect(pexpect.EOF)


def test_play_says_when_the_terminal_is_too_small(cli: Cli, begin) -> None:
    """A recording of a larger terminal says so first: what it shows may be in the wrong places."""
    record(cli, (0.0, "o", "A"))
    play = " ".join(cli.command("play", "film"))
    # pexpect sets its own size once more after the program has begun: what sets another waits for that.
    terminal = begin(f"read go; stty cols 60 rows 20; {play}; stty cols 80 rows 24; {play}", program="/bin/sh")
    terminal.sendline("go")
    terminal.expect("recorded at 80x24, and this terminal is 60x20")
    terminal.expect(pexpect.EOF)
    assert b"recorded at" not in terminal.before


def test_what_takes_long_shows_how_far_it_is(cli: Cli, begin) -> None:
    """In a terminal there is a bar, which is wiped out at the end; what is quick shows none."""
    code = (
        "'import sys, time; from jupyter_recorder.cli.output import progress_bar\n"
        'with progress_bar("importing x") as progress:\n'
        ' progress(1, 4)\n time.sleep(float(sys.argv[1]))\n progress(2, 4)\n progress(4, 4)\nprint("done")\''
    )
    python = cli.command()[0]
    terminal = begin(f"{python} -c {code} 0.4", program="/bin/sh")
    terminal.expect_exact(f"importing x {'━' * 15}{'─' * 15}  50%".encode())
    terminal.expect_exact(f"{'━' * 30} 100%".encode())
    terminal.expect_exact("\r\x1b[Kdone")
    terminal = begin(f"{python} -c {code} 0", program="/bin/sh")
    terminal.expect(pexpect.EOF)
    assert b"done\r\n" == terminal.before


def test_line_feeds_are_played_as_they_were_shown(cli: Cli, begin) -> None:
    """A full-screen program's bare line feeds get no carriage return from the terminal."""
    record(cli, (0.0, "o", "one\ntwo\r\nthree"))
    terminal = begin("play", "film")
    terminal.expect(pexpect.EOF)
    assert b"one\ntwo\r\nthree" == terminal.before.split(RESET.encode())[0]


def test_play_ends_with_ctrl_c(cli: Cli, begin) -> None:
    """Ctrl-C ends it as q does, with the terminal put back."""
    record(cli, (0.0, "o", "A\x1b[?25l"), (999.0, "o", "B"))
    terminal = begin("play", "film")
    terminal.expect("A")
    terminal.send("\x03")
    terminal.expect_exact(RESET)
    terminal.expect(pexpect.EOF)


def test_what_is_played_cannot_reach_the_terminal(cli: Cli, begin) -> None:
    """Titles, the clipboard, questions and mouse modes in a recording are not sent."""
    evil = "\x1b]52;c;ZXZpbA==\x07\x1b]0;evil\x1b\\\x1b[c\x1b[6n\x1b[?1000h\x1bPq\x1b\\ok"
    record(cli, *((number / 1000, "o", char) for number, char in enumerate(evil)))
    terminal = begin("play", "film")
    terminal.expect(pexpect.EOF)
    assert b"ok" == terminal.before.split(RESET.encode())[0]


@pytest.mark.parametrize(
    ("stream", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m\x1b[2J\x1b[10;5H", None), ("\x1b[?25l\x1b[?1049h\x1b[5 q\x1b[3;10r", None),
        ("\x1b[?1000;25h", "\x1b[?25h"), ("\x1b[?2004h\x1b[>c\x1b[0c\x1b[5n\x1b[18t\x1b[>4;2m\x1b[=1u", ""),
        ("a\x05b\x1bZc", "abc"), ("\x9b6nx", "x"), ("\x1b[5i\x1b[4i\x1b[!p", ""), ("é字\t\r\n\b\x07", None),
        ("\x1b(0lqk\x1b(B\x1b7\x1b8\x1bM", None), ("\x1b]8;;javascript:x\x07link\x1b]8;;\x07", "link"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_only_what_shows_is_sent(stream: str, shown: str | None, size: int) -> None:
    """Text, colours and cursor moves pass; what asks, sets or reports does not, however it is cut."""
    harmless = HarmlessStream()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert (stream if shown is None else shown) == "".join(map(harmless.feed, pieces))


def record_talk(cli: Cli) -> None:
    """Make a recording called talk: a cell, and a chat that speaks to the terminal."""
    off = Redactor(enabled=False)
    source = {"format": "test", "file": "test"}
    draft = Draft.begin(cli.library, "talk", "notebook", START, title=None, redactor=off, imported=source)
    draft.event({"type": "cell_start", "cell_id": "c1", "execution_count": 1, "source": "f()"}, START)
    said = {"type": "message_add", "message_id": "m1", "role": "user"}
    draft.event({**said, "content": "\x1b]52;c;ZXZpbA==\x07\x1b]0;evil\x1b\\\x1b[2Jhello\x9b6n\n"}, START + 3000)
    draft.event({"type": "marker", "label": "chapter"}, START + 500_000)
    draft.event({**said, "message_id": "m2", "content": "end"}, START + 900_000)
    draft.publish()


def test_a_chat_and_cells_are_played_as_text(cli: Cli, begin) -> None:
    """They are printed at their pace, heed the keys, and what is said reaches no part of the terminal but its text."""
    record_talk(cli)
    began = time.monotonic()
    terminal = begin("play", "talk", "--speed", "10")
    terminal.expect_exact("\x1b[1mIn [1]: \x1b[0mf()\r\n")
    terminal.expect_exact("\r\n\x1b[1muser\x1b[0m:\r\n")
    assert 0.3 <= time.monotonic() - began
    terminal.expect_exact("hello 6n\r\n")
    assert b"\x1b" not in terminal.before
    terminal.send("]")
    terminal.expect_exact("--- marker: chapter")
    terminal.send(".")
    terminal.expect_exact("  end")
    terminal.expect_exact(RESET)
    terminal.expect(pexpect.EOF)


def test_one_of_them_is_chosen(cli: Cli) -> None:
    """`--track` plays chat or cells alone; in a pipe there are no colours; a track that is not there is named."""
    record_talk(cli)
    quick = ("--speed", "1000", "--idle", "0")

    assert (
        "user:\n  hello 6n\n\n--- marker: chapter\n\nuser:\n  end\n"
        == cli("play", "talk", "--track", "chat", *quick).stdout
    )
    assert "In [1]: f()\n\n--- marker: chapter\n" == cli("play", "talk", "--track", "cells", *quick).stdout
    (cli.library.find("talk").path / "manifest.json").write_text("garbage")  # then only the id and the journal are left
    (talk,) = cli.library.recordings()
    assert "In [1]: f()\n\nuser:\n  hello" in cli("play", talk.id, *quick).stdout
    assert "there is cells, chat" in cli("play", talk.id, "--track", "terminal", code=1).stderr


def test_a_recording_of_nothing_is_told(cli: Cli) -> None:
    """Where there is neither a terminal nor a word, `play` says so."""
    off = Redactor(enabled=False)
    source = {"format": "test", "file": "test"}
    Draft.begin(cli.library, "void", "notebook", START, title=None, redactor=off, imported=source).publish()

    assert "'void' holds nothing that could be played" in cli("play", "void", code=1).stderr
