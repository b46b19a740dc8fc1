"""`%record sh`: a program in a real terminal, live in the cell and recorded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from kernels import Kernel, Ran, cast_text, lines, of_type, text

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no PTY")


def recorded(kernel: Kernel, code: str, name: str) -> tuple[str, list[dict]]:
    """Run `%record sh` outside a recording; return its cast's output and its journal."""
    kernel.run(code)
    return cast_text(kernel.folder(name) / "terminal.cast"), kernel.events(name)


def test_a_coloured_program_is_shown_and_recorded(kernel: Kernel) -> None:
    """Colours are in the cell and in the `.cast`; cursor moves and titles in the `.cast` alone."""
    ran = kernel.run(r"%record sh --name colours printf '\e[31mred\e[0m\e[2K\e]0;title\a\n'")
    shown = cast_text(kernel.folder("colours") / "terminal.cast")

    assert "\x1b[31mred\x1b[0m\n" in ran.out
    assert "\x1b[31mred\x1b[0m\x1b[2K\x1b]0;title\x07\r\n" == shown


def test_outside_a_recording_it_makes_one_of_its_own(kernel: Kernel) -> None:
    """The recording is of kind `terminal`, is called after the program, and has ended when the cell has."""
    ran = kernel.run("%record sh echo hello")
    folder = kernel.folder("echo")

    manifest = kernel.manifest("echo")
    assert ("terminal", "completed") == (manifest["kind"], manifest["state"])
    assert {"track": "terminal", "kind": "terminal", "file": "terminal.cast", "cols": 100, "rows": 30} == {
        key: value for key, value in manifest["tracks"][0].items() if key != "command"
    }
    assert "hello\r\n" == cast_text(folder / "terminal.cast")
    assert "hello\n■ 'echo' holds 1 terminal" in ran.out
    assert "nothing is being recorded" in kernel.run("%record status").out


def test_inside_a_recording_each_program_is_its_next_terminal(kernel: Kernel) -> None:
    """Two programs are `terminal.cast` and `terminal-2.cast` of the running recording."""
    kernel.run("%record start two")
    kernel.run("%record sh echo one")
    kernel.run("%record sh --name ignored echo two")
    kernel.run("%record stop")
    folder = kernel.folder("two")

    assert "one\r\n" == cast_text(folder / "terminal.cast")
    assert "two\r\n" == cast_text(folder / "terminal-2.cast")
    assert ["terminal", "terminal-2"] == [event["track"] for event in of_type(kernel.events("two"), "terminal_start")]


def test_the_exit_status_is_told_and_recorded(kernel: Kernel) -> None:
    """A program that fails: the cell says its exit code, the journal has it with command, folder and duration."""
    ran = kernel.run("%record sh --name failing exit 3")
    (start,), (end,), (last,) = (
        of_type(kernel.events("failing"), kind) for kind in ("command_start", "command_end", "terminal_end")
    )

    assert "[exit code 3]\n" in ran.out
    assert ("exit 3", str(kernel.home)) == (start["command"], start["cwd"])
    assert 3 == end["exit_code"] == last["exit_code"]
    assert end["duration_ms"] >= 0


def test_a_program_killed_by_a_signal_has_128_and_its_number(kernel: Kernel) -> None:
    """The exit code after a signal n is 128 + n, as in a shell."""
    kernel.run("%record sh --name killed kill -TERM $$")

    assert 143 == of_type(kernel.events("killed"), "command_end")[0]["exit_code"]


def test_a_missing_program_is_told_by_the_shell(kernel: Kernel) -> None:
    """A command that does not exist is exit code 127, and no traceback."""
    ran = kernel.run("%record sh --name missing nosuchprogram-xyz")

    assert [] == ran.tracebacks
    assert "nosuchprogram-xyz" in ran.out
    assert "[exit code 127]" in ran.out


def test_a_script_too_long_is_one_line_and_leaves_a_whole_recording(kernel: Kernel) -> None:
    """What the system does not start is told in a line; the recording has ended in order."""
    ran = kernel.run(f"%%record sh --name toolong\ntrue {'x' * 300_000}")

    assert [] == ran.tracebacks
    assert "%record: the program can't be run: Argument list too long" in ran.err
    assert "completed" == kernel.manifest("toolong")["state"]


def test_ctrl_c_reaches_the_program_and_its_tail_is_kept(kernel: Kernel) -> None:
    """On an interrupt the program gets Ctrl-C, what it prints then is recorded, and KeyboardInterrupt follows."""
    script = "%%record sh --name trapped\ntrap 'echo the-tail; exit 7' INT\necho ready\nwhile :; do sleep 0.05; done"
    ran = kernel.begin(script)
    kernel.shows(ran, "ready")
    kernel.interrupt()
    kernel.finish(ran)
    shown, found = cast_text(kernel.folder("trapped") / "terminal.cast"), kernel.events("trapped")

    assert ["KeyboardInterrupt"] == ran.tracebacks
    assert "the-tail\n" in ran.out
    assert "[exit code 7]\n" in ran.out
    assert "the-tail\r\n" in shown
    assert 7 == of_type(found, "command_end")[0]["exit_code"]
    assert "completed" == kernel.manifest("trapped")["state"]


def test_a_program_without_a_trap_ends_by_ctrl_c(kernel: Kernel) -> None:
    """Ctrl-C ends a program through its terminal: exit code 130."""
    ran = kernel.begin("%record sh --name slept echo ready; exec sleep 60")
    kernel.shows(ran, "ready")
    kernel.interrupt()
    kernel.finish(ran, timeout=20)

    assert 130 == of_type(kernel.events("slept"), "command_end")[0]["exit_code"]


def insist(kernel: Kernel, ran: Ran) -> None:
    """Interrupt a program that says `ready`, then `again` at each Ctrl-C, three times, and wait for its end."""
    kernel.shows(ran, "ready")
    for times in (1, 2):
        kernel.interrupt()
        kernel.follow(ran, lambda _, times=times: ran.out.count("again") >= times)
    kernel.interrupt()
    kernel.finish(ran, timeout=20)


def test_a_program_that_ignores_ctrl_c_is_ended_by_the_third(kernel: Kernel) -> None:
    """After three interrupts the program is hung up, so that the kernel is never lost to it."""
    ran = kernel.begin("%%record sh --name stubborn\ntrap 'echo again' INT\necho ready\nwhile :; do sleep 0.05; done")
    insist(kernel, ran)

    assert 129 == of_type(kernel.events("stubborn"), "command_end")[0]["exit_code"]


def test_a_program_deaf_to_hang_ups_is_killed(kernel: Kernel) -> None:
    """A program that ignores both Ctrl-C and SIGHUP is killed a second after the third interrupt."""
    script = "%%record sh --name deaf\ntrap 'echo again' INT\ntrap '' HUP\necho ready\nwhile :; do sleep 0.05; done"
    ran = kernel.begin(script)
    insist(kernel, ran)

    assert 137 == of_type(kernel.events("deaf"), "command_end")[0]["exit_code"]


def test_the_kernel_goes_on_after_an_interrupt(kernel: Kernel) -> None:
    """After an interrupted program the running recording and the kernel's own Ctrl-C are as before."""
    kernel.run("%record start around-sh")
    ran = kernel.begin("%record sh echo ready; exec sleep 60")
    kernel.shows(ran, "ready")
    kernel.interrupt()
    kernel.finish(ran)
    ran = kernel.begin("print('next', flush=True)\nimport time\ntime.sleep(60)")
    kernel.shows(ran, "next")
    kernel.interrupt()
    kernel.finish(ran, timeout=20)
    kernel.run("%record stop")

    assert ["KeyboardInterrupt"] == ran.tracebacks
    assert "next\n" in text(kernel.events("around-sh"))


def test_the_size_is_the_terminals(kernel: Kernel) -> None:
    """`--size` is what the program sees, and what the `.cast` and the journal say."""
    shown, found = recorded(kernel, "%record sh --name sized --size 87x21 stty size", "sized")
    header = lines(kernel.folder("sized") / "terminal.cast")[0]

    assert "21 87\r\n" == shown
    assert (87, 21) == (header["width"], header["height"])
    assert (87, 21) == tuple(of_type(found, "terminal_start")[0][key] for key in ("cols", "rows"))


def test_the_terminal_is_the_programs_controlling_one(kernel: Kernel) -> None:
    """`tty` names it, `/dev/tty` opens it, `ps` shows it, and job control works in it."""
    code = (
        "%%record sh --name controlling\ntty\necho over > /dev/tty\nps -o tty= -p $$\n"
        "set -m; sleep 0 & fg %1 >/dev/null && echo foreground"
    )
    shown, _ = recorded(kernel, code, "controlling")
    name, over, listed, job = shown.splitlines()

    assert name.startswith("/dev/pts/")
    assert "over" == over
    assert name.removeprefix("/dev/") == listed.strip()
    assert "foreground" == job


def test_the_quotes_of_a_command_are_kept(kernel: Kernel) -> None:
    """The command goes to the shell as it was typed."""
    shown, _ = recorded(kernel, """%record sh --name quoted printf '%s|' "a  b" 'c$d' --size""", "quoted")

    assert "a  b|c$d|--size|" == shown


def test_a_cell_is_run_as_a_script(kernel: Kernel) -> None:
    """`%%record sh` runs all lines of the cell in one shell."""
    shown, _ = recorded(kernel, "%%record sh --name script\nx=1\nfor i in 1 2; do echo $x$i; done", "script")

    assert "11\r\n12\r\n" == shown


def test_a_background_child_does_not_hold_the_cell(kernel: Kernel) -> None:
    """A child that keeps the terminal open, quiet or not, does not hang the cell; what was shown is there."""
    quiet = kernel.begin("%record sh --name quiet-child setsid sleep 20 & echo left")
    kernel.finish(quiet, timeout=10)
    loud = kernel.begin(
        "%%record sh --name loud-child\n"
        "(trap '' HUP; for i in {1..400}; do echo x; sleep 0.01; done) 2>/dev/null &\necho left"
    )
    kernel.finish(loud, timeout=10)

    for name in ("quiet-child", "loud-child"):
        assert "left\r\n" in cast_text(kernel.folder(name) / "terminal.cast")


def test_characters_split_over_reads_are_whole(kernel: Kernel) -> None:
    """A character whose bytes come one by one is one in the cell and in the `.cast`; a wrong byte is U+FFFD."""
    code = (
        r"%%record sh --name split-utf8"
        "\n" + r"for b in '\303' '\251' '\342' '\202' '\254'; do printf $b; sleep 0.05; done; printf '\377'"
    )
    ran = kernel.run(code)

    assert "é€\ufffd" == cast_text(kernel.folder("split-utf8") / "terminal.cast")
    assert "é€\ufffd" in ran.out


def test_output_is_shown_live(kernel: Kernel) -> None:
    """What a program prints is in the cell before the program has ended."""
    fifo = kernel.home / "go"
    subprocess.run(["mkfifo", fifo], check=True)
    ran = kernel.begin(f"%record sh --name live echo early; cat {fifo}")
    kernel.shows(ran, "early", timeout=10)
    fifo.write_text("late\n")
    kernel.finish(ran)

    assert "early\nlate\n" in ran.out


def test_a_cast_is_timed_as_the_program_printed(kernel: Kernel) -> None:
    """Events of a `.cast` are as far apart as the prints, on the journal's clock."""
    kernel.run("%record sh --name paced echo a; sleep 0.5; echo b")
    folder = kernel.folder("paced")
    first, second = (event[0] for event in lines(folder / "terminal.cast")[1:])
    start, end = (of_type(kernel.events("paced"), kind)[0]["at"] for kind in ("terminal_start", "terminal_end"))

    assert second - first >= 0.45
    assert second <= (end - start) / 1000 + 0.001


def test_a_programs_secrets_are_redacted_everywhere(kernel: Kernel) -> None:
    """A token in a command and in what it prints is in no file of the recording."""
    secret = "ghp_" + "a1B2" * 9
    kernel.run(f"%record sh --name secret printf 'x %s' {secret}")
    folder = kernel.folder("secret")

    assert [] == [path.name for path in folder.iterdir() if secret.encode() in path.read_bytes()]
    assert "[redacted:github-token]" in cast_text(folder / "terminal.cast")


def test_asciinema_plays_what_was_recorded(kernel: Kernel, tmp_path: Path) -> None:
    """asciinema's own `cat` reads the `.cast` and prints what the program did."""
    pytest.importorskip("asciinema")
    kernel.run("%record sh --name played printf 'h\\303\\251llo\\n'")
    cast = kernel.folder("played") / "terminal.cast"
    played = subprocess.run(
        [sys.executable, "-m", "asciinema", "cat", str(cast)], capture_output=True, check=True, env=kernel.env
    )

    assert "héllo" in played.stdout.decode()
