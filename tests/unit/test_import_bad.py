"""Files that are cut, foreign, empty or hostile: a clear error with file and place, or a part that says so."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import golden_convert as golden
import pytest

from jupyter_recorder.convert import IMPORT_FORMATS, ImportSummary, import_file
from jupyter_recorder.errors import ImportFailed, StorageError
from jupyter_recorder.library.library import Library

INPUTS = sorted(path.name for path in golden.IN.iterdir() if path.name not in ("advanced.log", "advanced.in"))
DEEP = "[" * 10_000 + "]" * 10_000
LONE = '"\\ud800 \\udc00 \\ud83d\\ude00"'
HOSTILE = {
    "deep": DEEP,
    "deep objects": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "numbers": "[NaN, Infinity, -Infinity, 1e308, -1e308, 1e400, -5, true, 99999999999999999999999999]",
    "lone surrogates": f"[{LONE}, {{{LONE}: {LONE}}}]",
    "proto": '{"__proto__": {"x": 1}, "constructor": 1, "a": 1, "a": 2}',
    "nothing": "null",
}


def tried(library: Library, path: Path, format: str | None = None) -> ImportSummary | ImportFailed:
    """Import a file; what it left is whole recordings or nothing, whatever came of it."""
    result: ImportSummary | ImportFailed
    try:
        result = import_file(library, path, format=format)
    except ImportFailed as error:
        result = error
    assert isinstance(result, ImportSummary) or str(path) in str(result)
    made = result.recordings if isinstance(result, ImportSummary) else result.made
    assert set(made) == {one.id for one in library.recordings()}
    assert [] == library.leftovers()
    for recording in library.recordings():
        assert recording.error is None
        assert "completed" == recording.state
        assert all(event["seq"] for event in recording.events())
        library.delete(recording)
    return result


@pytest.mark.parametrize("name", INPUTS)
def test_a_file_cut_anywhere_is_told(name: str, tmp_path: Path) -> None:
    """A file that ends early gives what stands before the cut, or an error; never half a recording."""
    path = golden.input_file(name, tmp_path)
    whole = path.read_bytes()
    library = Library(tmp_path / "root")
    for cut in range(0, len(whole), max(1, len(whole) // 24)):
        path.write_bytes(whole[:cut])
        tried(library, path)


@pytest.mark.parametrize("format_", [one.name for one in IMPORT_FORMATS])
def test_a_foreign_file_is_no_crash(format_: str, tmp_path: Path) -> None:
    """An importer that is given any other format's file, or garbage, says so or keeps what it does not know."""
    library = Library(tmp_path / "root")
    paths = [golden.input_file(name, tmp_path) for name in INPUTS]
    garbage = tmp_path / "garbage"
    garbage.write_bytes(bytes(range(256)) * 40)
    for path in (*paths, garbage):
        tried(library, path, format_)


@pytest.mark.parametrize("format_", [one.name for one in IMPORT_FORMATS])
@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_json_is_no_crash(format_: str, name: str, tmp_path: Path) -> None:
    """Depth, odd numbers, lone surrogates and odd names harm nothing, alone or as a line of others."""
    library = Library(tmp_path / "root")
    path = tmp_path / "hostile"
    for text in (HOSTILE[name], f"{HOSTILE[name]}\n" * 3, f"[{HOSTILE[name]}]", f'{{"messages": {HOSTILE[name]}}}'):
        path.write_text(text)
        tried(library, path, format_)


JSON_ENDINGS = (".jsonl", ".json", ".chat", ".ipynb")
VALUES = [None, True, -1, 1e308, "", "x" * 300, [], {}, [[]], {"a": {"b": []}}, "\ud800", json.loads(LONE)]


@pytest.mark.parametrize("name", [name for name in INPUTS if Path(name).suffix in JSON_ENDINGS])
def test_any_value_may_stand_anywhere(name: str, tmp_path: Path) -> None:
    """Each value in a file replaced by one of another type: the rest is imported, or an error names the file."""
    path = golden.input_file(name, tmp_path)
    lines = path.suffix == ".jsonl"
    value = [json.loads(line) for line in path.read_text().splitlines()] if lines else json.loads(path.read_text())
    places = list(_places(value))
    library = Library(tmp_path / "root")
    for number, place in enumerate(places[:: max(1, len(places) // 60)]):
        changed = _with(value, place, VALUES[number % len(VALUES)])
        path.write_text("\n".join(map(json.dumps, changed)) if lines else json.dumps(changed))
        tried(library, path)


def _places(value: object, prefix: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [prefix] if prefix else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += _places(item, (*prefix, key))
    return found


def _with(value: object, place: tuple[object, ...], new: object) -> list[object]:
    copy = json.loads(json.dumps(value))
    holder = copy
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = new
    return copy  # type: ignore[no-any-return]


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_named(content: bytes, tmp_path: Path) -> None:
    """An empty file is an error that says so."""
    path = tmp_path / "empty.jsonl"
    path.write_bytes(content)

    with pytest.raises(ImportFailed, match=r"empty\.jsonl can't be imported: it is empty"):
        import_file(Library(tmp_path / "root"), path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder, a FIFO and a name that nothing has are errors at once; a FIFO is not waited for."""
    library = Library(tmp_path / "root")
    os.mkfifo(tmp_path / "fifo")
    for name in (".", "fifo", "nothing"):
        with pytest.raises(StorageError, match="can't be imported"):
            import_file(library, tmp_path / name)


@pytest.mark.parametrize("format_", ["notebook", "gemini-cli", "copilot"])
def test_what_makes_sense_as_a_whole_alone_is_bounded(format_: str, tmp_path: Path) -> None:
    """A file of 257 MiB is not read into memory: how much it takes is said, and how much can be read."""
    path = tmp_path / "large.json"
    path.write_bytes(b"{")
    os.truncate(path, 257 << 20)
    with pytest.raises(ImportFailed, match="it takes 257 MiB; one of this format can be read up to 256 MiB"):
        import_file(Library(tmp_path / "root"), path, format=format_)


def test_an_unknown_format_is_named(tmp_path: Path) -> None:
    """A word that is no format is an error with those that there are."""
    (tmp_path / "x").write_text("x")
    with pytest.raises(ImportFailed, match="'msn' is no format to import from; there are asciicast, claude-code"):
        import_file(Library(tmp_path / "root"), tmp_path / "x", format="msn")


def test_a_torn_export_gives_the_conversations_before_the_tear(tmp_path: Path) -> None:
    """Of a ChatGPT export that breaks off, the whole conversations are there, and the place is told."""
    path = golden.input_file("chatgpt.json", tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b'"title": null') + 5])
    result = tried(Library(tmp_path / "root"), path)

    assert isinstance(result, ImportSummary)
    assert 1 == len(result.recordings)
    assert result.warnings[-1].startswith("it breaks off or is damaged after 1 values, before byte ")


def test_a_secret_in_a_chat_is_taken_out(tmp_path: Path) -> None:
    """Text, title and raw payload of an import are redacted, in every file of the recording."""
    secret = "ghp_" + "a1B2" * 9
    path = tmp_path / "s.jsonl"
    line = {"type": "user", "uuid": "a", "sessionId": "s", "message": {"role": "user", "content": f"use {secret}"}}
    path.write_text(json.dumps(line) + "\n")
    library = Library(tmp_path / "root")
    import_file(library, path)
    (recording,) = library.recordings()

    for file in recording.path.iterdir():
        assert secret.encode() not in file.read_bytes()
    assert "[redacted:" in next(event["content"] for event in recording.events() if event["type"] == "message_add")


def test_an_archive_gives_its_conversations(tmp_path: Path) -> None:
    """The ZIP file in which an export comes is read as it is, all shards of it; a damaged one is told."""
    library = Library(tmp_path / "root")
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(2):
            archive.writestr(f"x/conversations-00{number}.json", golden.IN.joinpath("chatgpt.json").read_bytes())
        archive.writestr("chat.html", "<script>")
    whole = path.read_bytes()

    assert 6 == len(import_file(library, path).recordings)
    for cut in (100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:cut])
        tried(Library(tmp_path / f"cut{cut}"), path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("chat.html", "<script>")
    with pytest.raises(ImportFailed, match=r"an archive without a conversations\.json; unpack it"):
        import_file(Library(tmp_path / "without"), path)
    path.write_bytes(whole[:200] + b"\0" * 100 + whole[300:])
    with pytest.raises((ImportFailed, StorageError), match="archive"):
        import_file(Library(tmp_path / "damaged"), path)


@pytest.mark.parametrize("depth", [100, 160, 900])
def test_a_payload_too_deep_for_a_line_is_kept_as_text(tmp_path: Path, depth: int) -> None:
    """What nests more deeply than a journal's line may stands there as its JSON text, or says that it could not."""
    path = tmp_path / "s.jsonl"
    deep = '{"x":' * depth + "1" + "}" * depth
    line = {"type": "user", "uuid": "a", "sessionId": "s", "message": {"role": "user", "content": "hi"}}
    path.write_text(f'{json.dumps(line)[:-1]}, "data": {deep}}}\n')
    library = Library(tmp_path / "root")
    summary = import_file(library, path)
    (event,) = [one for one in library.find(summary.recordings[0]).events() if one["type"] == "message_add"]

    assert "hi" == event["content"]
    assert (depth > 120) == (summary.unknown > 0)
    assert (deep in json.dumps(event, separators=(",", ":"))) == (depth < 120)
    assert depth != 160 or '"x"' in event["metadata"]["json"]


def test_an_enormous_payload_is_kept_as_a_blob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object with more members than a line can hold is kept as JSON text, beside the journal."""
    monkeypatch.setattr("jupyter_recorder.convert.draft._LINE_BYTES", 5_000)
    path = tmp_path / "s.jsonl"
    line = {"type": "user", "uuid": "a", "sessionId": "s", "message": {"role": "user", "content": "hi"}}
    path.write_text(json.dumps({**line, "many": {str(number): "x" for number in range(20_000)}}) + "\n")
    library = Library(tmp_path / "root")
    summary = import_file(library, path)
    recording = library.find(summary.recordings[0])
    (event,) = [one for one in recording.events() if one["type"] == "message_add"]

    assert 1 == summary.unknown
    assert 20_000 == len(json.loads(recording.blob(event["metadata"]["json"]["blob"]))["raw"]["many"])
