"""The words of `%record`: what each prints, and what stands on the disk after it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
from kernels import Kernel, events, lines, of_type, outputs, read_json, text

OURS = "application/vnd.jupyter-recorder.v1+json"


def test_start_says_what_is_recorded_and_where(kernel: Kernel) -> None:
    """`start` names the recording, its folder and how to end it; the folder is there already."""
    ran = kernel.run("%record start begun")
    folder = kernel.folder("begun")

    assert f"● recording 'begun' to {folder}\n  %record stop ends it\n" == ran.out
    assert "recording" == kernel.manifest("begun")["state"]
    assert {"session.ndjson", "recording.lock", "recording.json"} <= {path.name for path in folder.iterdir()}


def test_a_folders_name_tells_name_and_time(kernel: Kernel) -> None:
    """The folder of `My Demo` is `my-demo-` and the UTC time; the manifest keeps the name as it was given."""
    kernel.run('%record start "My Demo"')

    folder = kernel.folder("My Demo")
    assert re.fullmatch(r"my-demo-\d{8}-\d{6}(-\d+)?", folder.name)
    assert "notebook" == kernel.manifest("My Demo")["kind"]


def test_title_and_tags_stand_in_the_manifest(kernel: Kernel) -> None:
    """`--title` and each `--tag` are kept."""
    kernel.run('%record start labelled --title "A title" --tag one --tag two')

    manifest = kernel.manifest("labelled")
    assert ("A title", ["one", "two"]) == (manifest["title"], manifest["tags"])


def test_dir_puts_the_folder_there_and_lists_it(kernel: Kernel, tmp_path: Path) -> None:
    """`--dir` makes the folder elsewhere, and `list` and `replay` still know it."""
    kernel.run(f"%record start elsewhere --dir {tmp_path / 'there'}")
    kernel.run("%record stop")

    (folder,) = (tmp_path / "there").iterdir()
    assert "elsewhere" == read_json(folder / "manifest.json")["name"]
    assert "elsewhere" in kernel.run("%record list").out
    assert kernel.run("%record replay elsewhere --link").displays[0][OURS]["id"] == folder.name


def test_stop_says_what_is_held_and_how_to_see_it(kernel: Kernel) -> None:
    """`stop` tells counts, size, folder, and the command that replays it, which works as it stands."""
    kernel.run('%record start "the end"')
    kernel.run("print(1)")
    kernel.run("1/0")
    ran = kernel.run("%record stop")

    first, where, how = ran.out.splitlines()
    assert re.match(r"■ 'the end' holds 4 cells, 1 error; .* in 0:0\d, all of it on the disk$", first)
    assert str(kernel.folder("the end")) == where.strip()
    assert "▶ the end" in kernel.run(how.strip().removesuffix(" shows it")).displays[0]["text/plain"]


def test_stop_leaves_all_on_the_disk(kernel: Kernel) -> None:
    """When `stop` has answered, the journal has its footer and the manifest its counts."""
    kernel.run("%record start whole")
    kernel.run("print('x')")
    kernel.run("%record stop")
    footer, manifest = lines(kernel.folder("whole") / "session.ndjson")[-1], kernel.manifest("whole")

    assert ("footer", "completed") == (footer["type"], footer["status"])
    assert ("completed", footer["events"]) == (manifest["state"], manifest["counts"]["events"])
    assert footer["at"] <= manifest["ended_at"]


def test_status_tells_how_far_it_is_safe(kernel: Kernel) -> None:
    """`status` names the recording, what it holds, and up to which event it is on the disk."""
    kernel.run("%record start standing")
    kernel.run("print(1)")
    ran = kernel.run("%record status")

    assert "● recording 'standing' for 0:0" in ran.out
    assert re.search(r"on the disk up to event \d+ of \d+", ran.out)
    assert str(kernel.folder("standing")) in ran.out


def test_status_without_a_recording_says_so(kernel: Kernel) -> None:
    """`status` with nothing running is an answer, no error."""
    ran = kernel.run("%record status")

    assert "nothing is being recorded; %record start NAME begins\n" == ran.out
    assert "" == ran.err


def test_list_shows_the_newest_first_with_state_and_size(kernel: Kernel) -> None:
    """`list` is a table of name, state, time, size and contents, the latest take of a name above the others."""
    kernel.run("%record start listed\n%record stop")
    kernel.run("%record start listed")
    rows = [row.split() for row in kernel.run("%record list --all").out.splitlines()]

    mine = [row for row in rows if row[0] == "listed"]
    assert ["recording", "completed"] == [row[1] for row in mine]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d [\d.]+ k?B 1 cell", " ".join(mine[1][2:]))


def test_marks_and_notes_are_on_the_timeline(kernel: Kernel) -> None:
    """`mark` and `note` are events with their text, with or without quotes."""
    kernel.run("%record start marked")
    kernel.run('%record mark "Training begins"')
    kernel.run("%record note rerun with seed 7")
    kernel.run("%record stop")
    found = kernel.events("marked")

    assert ["Training begins"] == [event["label"] for event in of_type(found, "marker")]
    assert ["rerun with seed 7"] == [event["text"] for event in of_type(found, "note")]


def test_an_exported_notebook_holds_the_cells_with_their_outputs(kernel: Kernel, tmp_path: Path) -> None:
    """`export --to notebook` writes a valid notebook with source, count, streams, results and errors."""
    kernel.run("%record start to-notebook")
    kernel.run("print('hello')")
    kernel.run("6 * 7")
    kernel.run("%record mark Chapter")
    kernel.run("{}['k']")
    kernel.run("%record stop")
    target = tmp_path / "out.ipynb"
    ran = kernel.run(f"%record export to-notebook --to notebook -o {target}")

    assert f"written to {target}\n" == ran.out
    notebook = nbformat.read(target, as_version=4)
    nbformat.validate(notebook)
    by_source = {cell.source: cell for cell in notebook.cells}
    assert "hello\n" == by_source["print('hello')"].outputs[0]["text"]
    assert "42" == by_source["6 * 7"].outputs[0]["data"]["text/plain"]
    assert "KeyError" == by_source["{}['k']"].outputs[0]["ename"]
    assert "markdown" == by_source["## Chapter"].cell_type


def test_an_exported_journal_is_the_journal(kernel: Kernel, tmp_path: Path) -> None:
    """`export -o x.ndjson` writes header, events and footer, the ending telling the format."""
    kernel.run("%record start to-ndjson")
    kernel.run("print('hello')")
    kernel.run("%record stop")
    kernel.run(f"%record export to-ndjson -o {tmp_path / 'x.ndjson'}")

    assert lines(kernel.folder("to-ndjson") / "session.ndjson") == lines(tmp_path / "x.ndjson")


def test_an_exported_terminal_is_its_cast(kernel: Kernel, tmp_path: Path) -> None:
    """`export --to cast` writes the terminal's asciicast."""
    kernel.run("%record sh --name to-cast echo hello")
    kernel.run(f"%record export to-cast --to cast -o {tmp_path / 'x.cast'}")

    assert (kernel.folder("to-cast") / "terminal.cast").read_bytes() == (tmp_path / "x.cast").read_bytes()


def test_replay_shows_a_bundle_that_needs_no_kernel(kernel: Kernel) -> None:
    """`replay` displays our type with the data, sandboxed HTML, and plain text that says what it is."""
    kernel.run("%record start shown")
    kernel.run("print('hello')")
    kernel.run("%record stop")
    (bundle,) = kernel.run("%record replay shown --speed 2 --idle 1 --start 3").displays

    assert {OURS, "text/html", "text/plain"} == set(bundle)
    assert 'sandbox="allow-scripts"' in bundle["text/html"]
    assert {"speed": 2.0, "idle": 1.0, "start": 3.0} == bundle[OURS]["options"]
    assert "▶ shown (3 cells), recorded by jupyter-recorder" == bundle["text/plain"]


def test_a_link_holds_the_id_alone(kernel: Kernel) -> None:
    """`replay --link` names the recording by id, and carries neither data, path, token nor host."""
    kernel.run("%record start linked")
    kernel.run("%record stop")
    (bundle,) = kernel.run("%record replay linked --link").displays

    assert kernel.folder("linked").name == bundle[OURS]["id"]
    assert "data" not in bundle[OURS]
    assert str(kernel.home) not in json.dumps(bundle)


def test_replay_without_a_name_shows_the_newest(kernel: Kernel) -> None:
    """`replay` alone replays what was recorded last."""
    kernel.run("%record start the-last")
    kernel.run("%record stop")
    (bundle,) = kernel.run("%record replay --link").displays

    assert kernel.folder("the-last").name == bundle[OURS]["id"]


def test_replay_of_what_is_being_recorded_shows_it_so_far(kernel: Kernel) -> None:
    """A recording can be replayed while it runs."""
    kernel.run("%record start so-far")
    kernel.run("print('hello')")
    (bundle,) = kernel.run("%record replay").displays

    assert bundle["text/plain"].startswith("▶ so-far (3 cells)")


def test_one_cell_is_recorded_by_the_cell_magic(kernel: Kernel) -> None:
    """`%%record NAME` records this cell, and ends."""
    ran = kernel.run("%%record one\nprint('inside')\n6 * 7")
    kernel.run("print('outside')")
    found = kernel.events("one")

    assert "inside\n" in text(found)
    assert "42" == outputs(found, "execute_result")[0]["data"]["text/plain"]
    assert "outside" not in text(found)
    assert "■ 'one' holds 1 cell" in ran.out
    assert "completed" == kernel.manifest("one")["state"]


def test_an_error_in_the_one_cell_is_recorded_and_shown(kernel: Kernel) -> None:
    """`%%record` around a cell that raises: the traceback is shown and recorded, and the recording ends in order."""
    ran = kernel.run("%%record failing\nprint('before')\n1/0")
    found = kernel.events("failing")

    assert ["ZeroDivisionError"] == ran.tracebacks == [output["ename"] for output in outputs(found, "error")]
    assert "■ 'failing' holds 1 cell, 1 error" in ran.out
    assert "completed" == kernel.manifest("failing")["state"]


def test_inside_a_recording_the_cell_magic_adds_nothing(kernel: Kernel) -> None:
    """`%%record` inside a recording is recorded by that one; no other is made."""
    kernel.run("%record start around")
    kernel.run("%%record within\nprint('inside')")
    kernel.run("%record stop")

    assert "inside\n" in text(kernel.events("around"))
    assert not [path for path in kernel.root.iterdir() if path.name.startswith("within-")]


def test_help_shows_examples(kernel: Kernel) -> None:
    """`%record?` teaches by example."""
    ran = kernel.run("%record?")

    shown = ran.reply["payload"][0]["data"]["text/plain"]
    for example in ("%record start demo", "%record sh make test", "%record replay demo --speed 2", "%%record sh"):
        assert example in shown


def test_a_take_of_the_same_second_gets_the_next_name(kernel: Kernel) -> None:
    """Recordings of one name never share a folder, however fast they follow."""
    for _ in range(3):
        kernel.run("%record start twin\n%record stop")

    assert 3 == len([path for path in kernel.root.iterdir() if path.name.startswith("twin-")])


def test_recover_with_nothing_left_says_so(kernel: Kernel) -> None:
    """`recover` with nothing to do is one line, and changes no file."""
    before = {path: path.read_bytes() for path in kernel.root.rglob("*") if path.is_file()}
    ran = kernel.run("%record recover")

    assert "there is nothing to recover\n" == ran.out
    assert before == {path: path.read_bytes() for path in kernel.root.rglob("*") if path.is_file()}


def test_an_orderly_shutdown_ends_the_recording(new_kernel: Callable[..., Kernel]) -> None:
    """A kernel that is shut down ends its recording in order, with the reason `kernel_shutdown`."""
    kernel = new_kernel()
    kernel.run("%record start closing")
    kernel.run("print('kept')")
    kernel.shut_down()

    manifest = kernel.manifest("closing")
    assert ("completed", "kernel_shutdown") == (manifest["state"], manifest["reason"])
    assert "kept\n" in text(events(kernel.folder("closing")))
    assert "footer" == lines(kernel.folder("closing") / "session.ndjson")[-1]["type"]
