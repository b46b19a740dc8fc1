"""Mistakes at `%record`: each gets one line that says what to do, no traceback, and costs nothing recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from kernels import Kernel, cast_text, one_line, text


def refused(kernel: Kernel, code: str) -> str:
    """Run a cell that is a mistake, and return the one line that it got."""
    ran = kernel.run(code)
    assert [] == ran.tracebacks
    assert "" == ran.out
    return one_line(ran.err)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("%record", "nothing is no command; there are start, stop,"),
        ("%record begin x", "'begin' is no command; there are start, stop,"),
        ("%record start a b", "unrecognized arguments: b"),
        ("%record start demo --tile x", "unrecognized arguments: --tile x"),
        ("%record start 'half", "No closing quotation"),
        ("%record start ''", "it is empty"),
        ("%record start ../x", "it is a name, not a path; try 'x'"),
        ("%record start .hidden", "it begins with '.'; try 'hidden'"),
        ("%record start 'a\x07b'", "invisible character U+0007; try 'a-b'"),
        (f"%record start {'n' * 4096}", "it takes over 256 bytes"),
        ("%record stop", "nothing is being recorded; %record start NAME begins"),
        ("%record mark now", "nothing is being recorded; %record start NAME begins"),
        ("%record mark", "nothing is being recorded"),
        ("%record note", "nothing is being recorded"),
        ("%record replay nosuch", "no recording is called 'nosuch'; %record list shows what there is"),
        ("%record replay x --speed fast", "argument --speed: invalid float value: 'fast'"),
        ("%record replay x --speed 0", "--speed takes a number from 0.01 on, not 0"),
        ("%record replay x --speed nan", "--speed takes a number from 0.01 on, not nan"),
        ("%record replay x --idle -1", "--idle takes a number from 0 on, not -1"),
        ("%record replay x --start inf", "--start takes a number from 0 on, not inf"),
        ("%record export x", "--to FORMAT or -o PATH says as what (notebook, asciicast-v2, asciicast-v3, html,"),
        ("%record export nosuch --to notebook", "no recording is called 'nosuch'"),
        ("%record sh", "what is to be run? For example: %record sh ls -l"),
        ("%record sh --bogus ls", "'--bogus' is no option; there are --name, --size and --input"),
        ("%record sh --size big ls", "--size takes COLSxROWS, such as 100x30, not 'big'"),
        ("%record sh --name ../x ls", "it is a name, not a path"),
        ("%%record sh --name x ls\necho 1", "the cell is the script"),
        ("%%record a b\n1", "%%record takes one NAME"),
        ("%%record ../x\n1", "it is a name, not a path"),
        ("%record list --every", "unrecognized arguments: --every"),
        ("%record recover now", "unrecognized arguments: now"),
    ],
)
def test_a_mistake_gets_one_line(kernel: Kernel, code: str, said: str) -> None:
    """The line names what is wrong and what to do."""
    assert said in refused(kernel, code)


def test_a_second_start_names_the_one_that_runs(kernel: Kernel) -> None:
    """`start` while one runs names that one, and it goes on."""
    kernel.run("%record start first")
    said = refused(kernel, "%record start second")

    assert f"'first' is being recorded by process {kernel.pid}; %record stop ends it" in said
    assert "● recording 'first'" in kernel.run("%record status").out


def test_a_near_name_is_suggested(kernel: Kernel) -> None:
    """A name with a typo is answered with the one that exists."""
    kernel.run("%record start quickstart\n%record stop")

    assert "did you mean quickstart?" in refused(kernel, "%record replay quickstrat")


def test_an_unknown_format_lists_those_that_exist(kernel: Kernel) -> None:
    """`export --to` something else names the formats."""
    kernel.run("%record start formats\n%record stop")

    assert "'pdf' is no export format; there are notebook, asciicast-v2, asciicast-v3" in refused(
        kernel, "%record export formats --to pdf"
    )


def test_an_export_never_replaces_a_file(kernel: Kernel, tmp_path: Path) -> None:
    """A file that exists is refused and left as it is."""
    kernel.run("%record start kept\n%record stop")
    target = tmp_path / "mine.ipynb"
    target.write_text("mine")

    assert f"{target} exists; -o chooses another file" in refused(kernel, f"%record export kept -o {target}")
    assert "mine" == target.read_text()


def test_an_export_into_a_missing_folder_is_one_line(kernel: Kernel, tmp_path: Path) -> None:
    """A path that cannot be written is named with the reason."""
    kernel.run("%record start lost\n%record stop")

    said = refused(kernel, f"%record export lost -o {tmp_path / 'no' / 'x.ipynb'}")
    assert "'lost' can't be exported: No such file or directory" in said


def test_a_notebook_has_no_terminal_to_export(kernel: Kernel, tmp_path: Path) -> None:
    """`--to cast` for a recording without a terminal says so, and leaves no file."""
    kernel.run("%record start cells-only\n%record stop")

    said = refused(kernel, f"%record export cells-only --to cast -o {tmp_path / 'x.cast'}")
    assert "'cells-only' has no terminal to export as asciicast" in said
    assert [] == list(tmp_path.glob("*.cast*"))


def test_a_replay_over_the_bound_says_what_to_do(kernel: Kernel) -> None:
    """A recording over `max_embed_bytes` is refused with the way round it."""
    kernel.run("%record start large")
    kernel.run("import os; print(os.urandom(30000).hex())")
    kernel.run("%record stop")
    kernel.run("%config RecorderMagics.max_embed_bytes = 10000")
    said = refused(kernel, "%record replay large")
    kernel.run("%config RecorderMagics.max_embed_bytes = 5 << 20")

    assert "over max_embed_bytes (0.0 MiB): use --link, or raise %config RecorderMagics.max_embed_bytes" in said


def test_a_root_below_a_file_is_one_line_for_each_word(new_kernel: Callable[..., Kernel], tmp_path: Path) -> None:
    """A folder of recordings that cannot be is named with the reason by every word, and `%load_ext` still loads."""
    (tmp_path / "file").write_text("in the way")
    kernel = new_kernel(env={"JUPYTER_RECORDER_DIR": str(tmp_path / "file" / "recordings")})

    assert [] == kernel.loaded.tracebacks
    assert "Not a directory" in one_line(kernel.loaded.out)
    for code in ("%record start demo", "%record list", "%record replay", "%record sh ls", "%%record x\nprint(1)"):
        assert kernel.env["JUPYTER_RECORDER_DIR"] in refused(kernel, code)
    assert "1\n" == kernel.run("print(1)").out


def test_a_dir_that_cannot_be_written_is_one_line(kernel: Kernel) -> None:
    """`--dir` on a file system that takes nothing is named with the reason."""
    said = refused(kernel, "%record start demo --dir /proc/recordings")

    assert "/proc/recordings" in said
    assert "nothing is being recorded" in kernel.run("%record status").out


def test_a_mistake_while_recording_loses_nothing(kernel: Kernel) -> None:
    """Mistakes are recorded like any output, and the recording goes on to its end."""
    kernel.run("%record start steady")
    for code in ("%record bogus", "%record start other", "%record replay nosuch", "%record export steady --to pdf"):
        refused(kernel, code)
    kernel.run("print('still here')")
    kernel.run("%record stop")
    found = kernel.events("steady")

    assert "still here\n" in text(found)
    assert "'bogus' is no command" in text(found, "stderr")
    assert "completed" == kernel.manifest("steady")["state"]


def test_a_damaged_journal_is_replayed_and_exported_and_said(kernel: Kernel, tmp_path: Path) -> None:
    """Garbage in the middle of a journal: one line says where, the rest is replayed, exported and listed."""
    kernel.run("%record start damaged\nprint('first')\nprint('last')")
    kernel.run("%record stop")
    path = kernel.folder("damaged") / "session.ndjson"
    head, _, tail = path.read_bytes().partition(b"\n")
    path.write_bytes(head + b"\n\xff garbage\n" + tail)
    before = path.read_bytes()

    ran = kernel.run("%record replay damaged")
    said = f"%record: 10 B of 'damaged' can't be read (session.ndjson from byte {len(head) + 1}: not a JSON object);"
    assert one_line(ran.out).startswith(said)
    assert "▶ damaged (2 cells)" in ran.displays[0]["text/plain"]
    target = tmp_path / "x.ipynb"
    ran = kernel.run(f"%record export damaged -o {target}")
    assert ran.out.startswith(said)
    (shown,) = [
        cell.outputs for cell in nbformat.read(target, as_version=4).cells if cell.source.endswith("print('last')")
    ]
    assert shown[0].text.endswith("first\nlast\n")
    assert "damaged" in kernel.run("%record list --all").out
    assert before == path.read_bytes()


def test_a_damaged_cast_is_replayed_and_exported_up_to_what_is_whole(kernel: Kernel, tmp_path: Path) -> None:
    """A `.cast` with garbage in its middle and a torn tail: the events that are whole are replayed and exported."""
    kernel.run("%record sh --name hurt echo one; sleep 0.2; echo two")
    path = kernel.folder("hurt") / "terminal.cast"
    header, first, *rest = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([header, first, b"\xff garbage", *rest]) + b'[9.5,"o","torn')

    ran = kernel.run("%record replay hurt")
    assert [] == ran.tracebacks
    assert {"text/html", "text/plain"} <= set(ran.displays[0])
    assert "%record: 1 line of 'hurt' can't be read (terminal.cast); the rest is whole" in one_line(ran.out)
    target = tmp_path / "x.cast"
    kernel.run(f"%record export hurt -o {target}")
    assert "one\r\ntwo\r\n" == cast_text(target)


def test_a_folder_whose_manifest_is_garbage_is_named_and_costs_nothing_else(new_kernel: Callable[..., Kernel]) -> None:
    """A recording without a readable manifest is listed as damaged; others are listed, and it gets one line."""
    kernel = new_kernel()
    kernel.run("%record start sound\n%record stop")
    kernel.run("%record start garbled\n%record stop")
    folder = kernel.folder("garbled")
    (folder / "manifest.json").write_bytes(b"\x00{")
    listed = kernel.run("%record list --all").out
    said = refused(kernel, f"%record replay {folder.name}")

    assert f"{folder.name}  damaged" in listed
    assert "sound" in listed
    assert "manifest.json can't be read" in said
