"""Recordings as files of other formats: from a real recording, and from a damaged one."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from kernels import cast_text, lines

import jupyter_recorder
from jupyter_recorder.convert import FORMATS, export, export_recording, find_format
from jupyter_recorder.convert.document import images, output_texts
from jupyter_recorder.convert.input import Input
from jupyter_recorder.errors import RecError, StorageError, UnknownFormat
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder
from jupyter_recorder.replay.bundle import ReplayOptions, mime_bundle
from jupyter_recorder.replay.load import load, summary
from jupyter_recorder.timeline import Cell

PNG = "iVBORw0KGgo" * 10_000


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Return a library of this test's own."""
    return Library(tmp_path / "root")


@pytest.fixture
def make(library: Library) -> Callable[..., jupyter_recorder.Recording]:
    """Make a recording with what a function records into it."""

    def make(fill: Callable[[Recorder], object]) -> jupyter_recorder.Recording:
        recorder = Recorder.start(library, "demo", "notebook")
        fill(recorder)
        recorder.stop()
        return library.find(recorder.id)

    return make


def session(recorder: Recorder) -> None:
    """Record a bit of everything."""
    cell = {"cell_id": "c", "execution_count": 3, "source": "work()"}
    recorder.record({"type": "cell_start", **cell})
    for output in (
        {"output_type": "stream", "name": "stdout", "text": "one "},
        {"output_type": "stream", "name": "stdout", "text": "two\n"},
        {"output_type": "display_data", "data": {"image/png": PNG}, "metadata": {}, "transient": {"display_id": "d"}},
        {"output_type": "execute_result", "data": {"text/plain": "7"}, "metadata": {}, "execution_count": 3},
        {"output_type": "error", "ename": "KeyError", "evalue": "'k'", "traceback": ["tb"]},
    ):
        recorder.record({"type": "output", "cell_id": "c", "output": output})
    recorder.record({"type": "cell_end", "cell_id": "c", "status": "error", "duration_ms": 5})
    recorder.mark("Chapter\none")
    recorder.chat.add("user", "hello")
    track = recorder.terminal(80, 24, command="ls")
    track.output(b"file\r\n")
    track.end(0)


def notebook_of(recording: jupyter_recorder.Recording, target: Path) -> nbformat.NotebookNode:
    """Export a notebook, and read it back as a valid one."""
    export(recording, "notebook", target)
    notebook = nbformat.read(target, as_version=4)
    nbformat.validate(notebook)
    return notebook


def test_a_notebook_holds_all_in_order(make: Callable[..., jupyter_recorder.Recording], tmp_path: Path) -> None:
    """Cells with whole outputs, headings of one line, chats and terminals stand in the order in which they came."""
    notebook = notebook_of(make(session), tmp_path / "x.ipynb")
    code, heading, chat, terminal = notebook.cells

    assert ("work()", 3) == (code.source, code.execution_count)
    assert ["stream", "display_data", "execute_result", "error"] == [output.output_type for output in code.outputs]
    assert "one two\n" == code.outputs[0].text
    assert PNG == code.outputs[1].data["image/png"]
    assert "transient" not in code.outputs[1]
    assert "## Chapter one" == heading.source
    assert "**user**\n\nhello" == chat.source
    assert "%%bash\nls" == terminal.source
    assert {"application/x-asciicast", "text/html", "text/plain"} <= set(terminal.outputs[0].data)


def test_a_lost_payload_costs_its_output_alone(make: Callable[..., jupyter_recorder.Recording], tmp_path: Path) -> None:
    """A blob that is gone leaves a line in its place; the other outputs and the notebook are whole."""
    recording = make(session)
    for blob in (recording.path / "blobs").iterdir():
        blob.unlink()
    outputs = notebook_of(recording, tmp_path / "x.ipynb").cells[0].outputs

    assert ["stream", "stream", "execute_result", "error"] == [output.output_type for output in outputs]
    assert "an output of type display_data is damaged" in outputs[1].text


def test_odd_outputs_make_no_invalid_notebook(make: Callable[..., jupyter_recorder.Recording], tmp_path: Path) -> None:
    """Outputs that fit no schema are named as damaged, and those of unknown kinds left out."""

    def odd(recorder: Recorder) -> None:
        recorder.record({"type": "cell_start", "cell_id": "c", "execution_count": None, "source": {"blob": "0" * 64}})
        for output in (
            {"output_type": "stream", "text": "nameless"},
            {"output_type": "display_data", "data": "text"},
            {"output_type": "display_data", "data": {"text/plain": "bare"}},
            {"output_type": "error", "ename": 7},
            {"output_type": "of_tomorrow"},
            {},
        ):
            recorder.record({"type": "output", "cell_id": "c", "output": output})

    (cell,) = notebook_of(make(odd), tmp_path / "x.ipynb").cells

    assert "" == cell.source
    shown = [output.get("text", output.get("data")) for output in cell.outputs]
    assert [True, True, False, True] == ["is damaged" in str(text) for text in shown]
    assert {"text/plain": "bare"} == shown[2]


def test_a_terminal_too_large_to_embed_is_named(
    make: Callable[..., jupyter_recorder.Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook with a large terminal is exported all the same, saying how to get it."""
    monkeypatch.setattr("jupyter_recorder.convert.exporters.notebook._MAX_EMBED_BYTES", 100)
    terminal = notebook_of(make(session), tmp_path / "x.ipynb").cells[-1]

    assert "▶ ls (too large to replay here; export it with --to asciicast-v2)" == terminal.outputs[0].data["text/plain"]


def test_ndjson_is_one_journal_with_its_payloads(
    make: Callable[..., jupyter_recorder.Recording], tmp_path: Path
) -> None:
    """Header, events and footer, payloads joined in, numbers as they were."""
    recording = make(session)
    export(recording, "ndjson", tmp_path / "x.ndjson")
    found = lines(tmp_path / "x.ndjson")

    assert ("header", "footer") == (found[0]["type"], found[-1]["type"])
    assert [event["seq"] for event in recording.events()] == [event["seq"] for event in found if "seq" in event]
    assert PNG in {event["output"]["data"]["image/png"] for event in found if "image/png" in str(event)}


def test_a_damaged_middle_costs_its_lines_alone(
    make: Callable[..., jupyter_recorder.Recording], library: Library, tmp_path: Path
) -> None:
    """A journal with garbage in the middle and a torn tail is exported, replayed and listed without those lines."""
    recording = make(session)
    path = recording.path / "session.ndjson"
    before = path.read_bytes().split(b"\n")
    path.write_bytes(
        b"\n".join([*before[:2], b"\xff\x00garbage", b"[1]", b'{"seq":"x"}', *before[3:-1], b'{"seq":99,"to'])
    )
    recording = library.find(recording.id)
    whole = [json.loads(line) for line in [*before[:2], *before[3:-1]]]

    export(recording, "ndjson", tmp_path / "x.ndjson")
    assert [event["seq"] for event in whole if "seq" in event] == [
        event["seq"] for event in lines(tmp_path / "x.ndjson") if "seq" in event
    ]
    notebook_of(recording, tmp_path / "x.ipynb")
    bundle = mime_bundle(
        load(recording, max_bytes=5 << 20), ReplayOptions(), summary=summary(recording), max_embed_bytes=5 << 20
    )
    assert "▶ demo (1 cells, 1 messages, 1 terminals, 1 markers)" in bundle["text/plain"]
    assert [recording.id] == [one.id for one in library.recordings()]


def test_a_cast_with_a_torn_tail_is_exported_whole(
    make: Callable[..., jupyter_recorder.Recording], tmp_path: Path
) -> None:
    """What a `.cast` holds up to its last whole line is exported; the torn line is not."""
    recording = make(session)
    with (recording.path / "terminal.cast").open("ab") as file:
        file.write(b'[9.5,"o","tor')
    export(recording, "cast", tmp_path / "x.cast")

    assert "file\r\n" == cast_text(tmp_path / "x.cast")
    assert b"tor" not in (tmp_path / "x.cast").read_bytes()


def test_one_of_several_terminals_is_chosen(make: Callable[..., jupyter_recorder.Recording], tmp_path: Path) -> None:
    """With two terminals a `.cast` needs `track`; a wrong one is refused with its name."""

    def two(recorder: Recorder) -> None:
        for text in (b"first", b"second"):
            track = recorder.terminal(80, 24)
            track.output(text)
            track.end(0)

    recording = make(two)
    export(recording, "cast", tmp_path / "2.cast", track="terminal-2")

    assert "second" == cast_text(tmp_path / "2.cast")
    with pytest.raises(RecError, match=r"several terminals: choose one with --track \(terminal, terminal-2\)"):
        export(recording, "cast", tmp_path / "x.cast")
    with pytest.raises(RecError, match="no terminal called 'nosuch'"):
        export(recording, "cast", tmp_path / "x.cast", track="nosuch")
    assert ["2.cast", "root"] == sorted(os.listdir(tmp_path))


def test_every_format_is_found_by_name_ending_and_alias() -> None:
    """A format answers to its name and its aliases in any case; an ending means the first that has it."""
    for format_ in FORMATS:
        for word in (format_.name, *format_.aliases, format_.name.upper()):
            assert format_ is find_format(word)
        first = next(other for other in FORMATS if other.ending == format_.ending)
        assert first is find_format(format_.ending) is find_format(format_.ending[1:])
    with pytest.raises(UnknownFormat):
        find_format("pdf")


def test_a_file_that_exists_stays(make: Callable[..., jupyter_recorder.Recording], tmp_path: Path) -> None:
    """No export replaces a file, nor follows a link that dangles."""
    recording = make(session)
    (tmp_path / "x.ndjson").write_text("mine")
    (tmp_path / "link.ndjson").symlink_to(tmp_path / "nowhere")
    for name in ("x.ndjson", "link.ndjson"):
        with pytest.raises(StorageError, match="exists; -o chooses another file"):
            export(recording, None, tmp_path / name)

    assert "mine" == (tmp_path / "x.ndjson").read_text()
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_as_target_takes_the_recordings_id(
    make: Callable[..., jupyter_recorder.Recording], tmp_path: Path
) -> None:
    """A path that is a folder gets `<id><ending>` in it."""
    recording = make(session)

    assert tmp_path / f"{recording.id}.ndjson" == export(recording, "ndjson", tmp_path)


def test_a_failure_in_the_middle_leaves_no_file(
    make: Callable[..., jupyter_recorder.Recording], tmp_path: Path
) -> None:
    """When reading fails on the way, neither the target nor a part of it stays."""
    recording = make(session)
    (recording.path / "session.ndjson").unlink()
    (recording.path / "session.ndjson").mkdir()
    with pytest.raises(StorageError):
        export(recording, "ndjson", tmp_path / "x.ndjson")

    assert ["root"] == os.listdir(tmp_path)


def test_a_recording_without_a_readable_manifest_is_exported(
    make: Callable[..., jupyter_recorder.Recording], library: Library, tmp_path: Path
) -> None:
    """What the journal and the terminals hold comes out of a recording whose manifest is garbage."""
    recording = make(session)
    (recording.path / "manifest.json").write_text("garbage")
    damaged = library.find(recording.id)
    for format_ in FORMATS:
        export(damaged, format_.name, tmp_path / f"x{format_.name}")

    assert "hello" in (tmp_path / "xtext").read_text()
    assert "file\r\n" == cast_text(tmp_path / "xasciicast-v2")


def test_a_terminal_that_is_no_file_costs_itself_alone(
    make: Callable[..., jupyter_recorder.Recording], library: Library, tmp_path: Path
) -> None:
    """A `.cast` that is a FIFO, a link or garbage is named in documents and notebooks; the rest is there."""
    recording = make(session)
    cast = recording.path / "terminal.cast"
    spoils = (os.mkfifo, lambda path: path.symlink_to("/etc/passwd"), lambda path: path.write_text("x"))
    for number, spoil in enumerate(spoils):
        cast.unlink()
        spoil(cast)
        for name in ("markdown", "text", "notebook", "otel"):
            export(library.find(recording.id), name, tmp_path / f"{number}{name}")

        assert "hello" in (tmp_path / f"{number}text").read_text()
        assert "root:" not in (tmp_path / f"{number}text").read_text()


def test_a_file_object_takes_the_bytes(make: Callable[..., jupyter_recorder.Recording], tmp_path: Path) -> None:
    """An export goes to any binary file, the same bytes as to a path; without a format there is none to guess."""
    recording = make(session)
    out = io.BytesIO()
    assert None is export_recording(recording, "ndjson", out)

    assert export(recording, "ndjson", tmp_path / "x").read_bytes() == out.getvalue()
    with pytest.raises(TypeError, match="say the format"):
        export_recording(recording, None, out)


def test_outputs_of_every_kind_are_text() -> None:
    """An error without a traceback, text in pieces, what has no text at all; a picture that is none is no picture."""
    png = base64.b64encode(b"\x89PNG and more").decode()
    outputs: list[dict[str, object]] = [
        {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": None},
        {"output_type": "display_data", "data": {"text/plain": ["a", "b"]}},
        {"output_type": "display_data", "data": {"image/png": png}},
        {"output_type": "display_data", "data": {"image/png": "!", "image/jpeg": png}},
        {"output_type": "display_data", "data": None},
        {"output_type": "display_data", "data": {}},
    ]
    cell = Cell("c", 1, "", False, 0, outputs=outputs)
    assert ["KeyError: 'x'", "ab", "[image/png]", "[image/jpeg, image/png]", "[nothing]"] == [
        text.strip() for text in output_texts(cell)
    ]
    assert [("image/png", png)] == list(images(cell))


def test_a_line_beyond_all_bounds_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted and passed over; the lines around it are read under their own numbers."""
    monkeypatch.setattr("jupyter_recorder.convert.input.MAX_LINE", 1000)
    (tmp_path / "file").write_bytes(b"one\n" + b"x" * 3_000_000 + b"\n\nfour\n" + b"y" * 1001)
    assert [(1, b"one"), (2, None), (4, b"four"), (5, None)] == list(Input(tmp_path / "file").lines())
