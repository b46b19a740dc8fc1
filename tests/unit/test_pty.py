"""A program in a terminal of its own, and what of it a cell shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_recorder.capture.pty import PtyProgram
from jupyter_recorder.capture.run import CellView
from jupyter_recorder.errors import RecError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no PTY")


def run(command: str, cols: int = 80, rows: int = 24) -> tuple[bytes, int]:
    """Run a command to its end; return what it showed and its exit code."""
    program = PtyProgram(command, cols, rows)
    try:
        shown = b"".join(program.chunks())
        return shown, program.wait()
    finally:
        program.close()


def test_all_that_a_program_shows_is_read() -> None:
    """A megabyte comes through whole, the last byte included."""
    shown, code = run("head -c 1000000 /dev/zero | tr '\\0' x; echo end")

    assert b"x" * 1_000_000 + b"end\r\n" == shown
    assert 0 == code


@pytest.mark.parametrize(
    ("command", "code"), [("true", 0), ("exit 9", 9), ("kill -KILL $$", 137), ("nosuch-x 2>&1", 127)]
)
def test_the_exit_code_is_the_shells(command: str, code: int) -> None:
    """Codes are the program's own, 128+n after signal n, 127 for one that is missing."""
    assert code == run(command)[1]


def test_the_size_is_seen_and_can_change() -> None:
    """The program sees the size it began with, and is told of a new one."""
    program = PtyProgram("trap 'stty size; exit' WINCH; stty size; while :; do sleep 0.02; done", 71, 13)
    shown = b""
    for chunk in program.chunks():
        shown += chunk
        if shown == b"13 71\r\n":
            program.resize(99, 44)
    program.close()

    assert b"13 71\r\n44 99\r\n" == shown


def test_what_is_typed_reaches_the_program() -> None:
    """Bytes of a descriptor are typed, shown to the listener, and answered by the program."""
    keys, typist = os.pipe()
    os.write(typist, b"ana\r")
    heard: list[bytes] = []
    program = PtyProgram("read x; echo hello $x", 80, 24)
    shown = b"".join(program.chunks(keys, heard.append))
    program.close()
    for end in (keys, typist):
        os.close(end)

    assert b"hello ana\r\n" in shown
    assert [b"ana\r"] == heard


def test_a_paste_and_a_flood_do_not_wait_for_each_other() -> None:
    """What a busy program has no room for is typed later; meanwhile all that it shows is read."""
    keys, typist = os.pipe()
    program = PtyProgram(
        "stty raw -echo; echo ready; head -c 300000 /dev/zero | tr '\\0' x; head -c 60000 | wc -c", 80, 24
    )
    shown = b""
    heard: list[bytes] = []
    for chunk in program.chunks(keys, heard.append):
        if not shown:
            os.write(typist, b"y" * 60_000)
        shown += chunk
    program.close()
    for end in (keys, typist):
        os.close(end)

    assert b"y" * 60_000 == b"".join(heard)
    assert 300_000 == shown.count(b"x")
    assert shown.endswith(b"60000\n")


def test_pieces_from_several_threads_are_not_mixed() -> None:
    """Each is typed whole, though the program reads more slowly than they come."""
    program = PtyProgram("stty raw -echo; echo ready; head -c 400400", 80, 24)
    chunks = program.chunks()
    shown = next(chunks)
    pieces = [bytes([letter]) * 1000 + b"\n" for letter in b"abcd"]
    threads = [
        threading.Thread(target=lambda piece=piece: [program.write(piece) for _ in range(100)]) for piece in pieces
    ]
    for thread in threads:
        thread.start()
    shown += b"".join(chunks)
    for thread in threads:
        thread.join()
    program.close()
    assert sorted(pieces * 100) == sorted(shown.partition(b"ready")[2].lstrip().splitlines(keepends=True))


def test_keys_that_end_do_not_end_the_program() -> None:
    """When nobody types any more, the program goes on to its end."""
    keys, typist = os.pipe()
    os.close(typist)
    program = PtyProgram("sleep 0.1; echo done", 80, 24)
    shown = b"".join(program.chunks(keys))
    program.close()
    os.close(keys)

    assert b"done\r\n" == shown


def test_it_is_no_ones_child_terminal() -> None:
    """The program leads a session of its own, in a terminal that is its controlling one."""
    shown, _ = run("ps -o pid=,sid=,tty= -p $$; tty")
    (pid, session, listed), (name,) = (line.split() for line in shown.decode().splitlines())

    assert pid == session
    assert f"/dev/{listed}" == name


def test_no_size_of_the_parent_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS, LINES and pagers of a kernel do not reach the program; TERM is a real terminal's."""
    for name in ("COLUMNS", "LINES", "PAGER", "GIT_PAGER"):
        monkeypatch.setenv(name, "7")
    shown, _ = run('echo "[$COLUMNS$LINES$PAGER$GIT_PAGER]" $TERM')

    assert b"[] xterm-256color\r\n" == shown


def test_descriptors_are_given_back() -> None:
    """Programs that ran leave no descriptor open."""
    run("true")
    before = len(os.listdir("/dev/fd"))
    for _ in range(5):
        run("true")

    assert before == len(os.listdir("/dev/fd"))


def test_what_cannot_be_started_is_one_error() -> None:
    """A command that the system refuses is a `RecError` that says why, and leaves no descriptor open."""
    before = len(os.listdir("/dev/fd"))
    for command, why in ((f"true {'x' * 300_000}", "too long"), ("a\0b", "null byte")):
        with pytest.raises(RecError, match=why):
            PtyProgram(command, 80, 24)

    assert before == len(os.listdir("/dev/fd"))


def test_closing_ends_a_program_that_runs() -> None:
    """`close` hangs up, so that nothing is left behind."""
    program = PtyProgram("echo ready; sleep 60", 80, 24)
    assert b"ready\r\n" == next(program.chunks())
    program.close()

    assert 129 == program.wait()


def test_nothing_is_read_any_more_when_it_is_closed() -> None:
    """Who fails in the midst of what is shown can close it at once, whatever still holds the iterator."""
    program = PtyProgram("while :; do echo x; done", 80, 24)
    chunks = program.chunks()
    next(chunks)
    program.close()

    assert [] == [thread for thread in threading.enumerate() if thread.name == "jupyter-recorder-read"]
    assert 129 == program.wait()
    del chunks


def test_ctrl_c_of_this_process_is_the_programs() -> None:
    """While a program runs, SIGINT types Ctrl-C to it; afterwards the old handler is back."""
    before = signal.getsignal(signal.SIGINT)
    program = PtyProgram("trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.02; done", 80, 24)
    shown = b""
    with program.taking_interrupts():
        for chunk in program.chunks():
            if b"ready" in chunk:
                signal.raise_signal(signal.SIGINT)
            shown += chunk
    program.close()

    assert b"caught\r\n" in shown
    assert (5, 1) == (program.wait(), program.interrupted)
    assert before is signal.getsignal(signal.SIGINT)


def test_in_another_thread_a_program_runs_too() -> None:
    """Outside the main thread, where no signal comes, a program runs as usual."""
    done: list[Any] = []

    def work() -> None:
        program = PtyProgram("echo hello", 80, 24)
        with program.taking_interrupts():
            done.append(b"".join(program.chunks()))
        program.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)

    assert [b"hello\r\n"] == done


def plain(capsys: pytest.CaptureFixture[str], *chunks: bytes) -> str:
    """Return what a cell shows of some chunks."""
    view = CellView()
    with view.shown():
        for chunk in chunks:
            view.show(chunk)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
        (b"a\x1b[2K\x1b[1Gb", "ab"),
        (b"\x1b]0;title\x07x\x1b]8;;http://e\x1b\\link\x1b]8;;\x1b\\", "xlink"),
        (b"\x1b[?1049h\x1b(Bx\x1b=\x1b>\x1b7\x1b8", "x"),
        (b"line\r\nnext\r\n", "line\nnext\n"),
        (b"50%\r100%", "50%\r100%"),
        (b"bell\x07", "bell"),
        (b"tab\tand\x08", "tab\tand\x08"),
        (b"\x1bP1$r0m\x1b\\x", "x"),
    ],
)
def test_a_cell_shows_text_and_colours_alone(capsys: pytest.CaptureFixture[str], sent: bytes, shown: str) -> None:
    """Of a terminal's sequences a cell keeps colours; what moves the cursor, and the terminal's line ends, go."""
    assert shown == plain(capsys, sent)


@given(
    st.lists(
        st.sampled_from([b"\x1b[31m", b"\x1b[2J", b"\x1b]0;t\x07", b"x", "é".encode(), b"\r\n", b"\r"]), max_size=8
    ),
    st.data(),
)
def test_chunk_edges_change_nothing(pieces: list[bytes], data: st.DataObject) -> None:
    """However a program's output is cut, the cell shows the same."""
    whole = b"".join(pieces)
    cut = data.draw(st.integers(0, len(whole)))

    assert shown_of(whole) == shown_of(whole[:cut], whole[cut:])
    assert shown_of(whole) == shown_of(*(whole[i : i + 1] for i in range(len(whole))))


def shown_of(*chunks: bytes) -> str:
    """Return what a cell shows, without pytest's capture."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as out:
        view = CellView()
        with view.shown():
            for chunk in chunks:
                view.show(chunk)
    return out.getvalue()


def test_an_escape_that_never_ends_is_not_kept_for_ever() -> None:
    """Hostile sequences without an end hold back a few kilobytes at most."""
    view = CellView()
    for start in (b"\x1b[", b"\x1b]0;", b"\x1bP"):
        with view.shown():
            view.show(start)
            for _ in range(50):
                view.show(b"1" * 1000)
                assert len(view._rest) <= 4200


def test_a_program_heeds_signals_that_its_parent_ignores() -> None:
    """Begun by a process that ignores Ctrl-C and hang-ups, as under nohup, a program still ends by them."""
    program = (
        "import signal\n"
        "for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT): signal.signal(number, signal.SIG_IGN)\n"
        "from jupyter_recorder.capture.pty import PtyProgram\n"
        "program = PtyProgram('grep SigIgn /proc/self/status', 80, 24)\n"
        "print(b''.join(program.chunks()).decode().split()[1])\n"
        "print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert (0, "True") == (int(said[0], 16) & 0b111, said[1])
