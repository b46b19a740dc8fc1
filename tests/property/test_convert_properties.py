"""What goes out of a recording and comes in again is what it was, whatever it was."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import lines
from nbformat import v4

from jupyter_recorder.convert import ExportOptions, export_recording, import_file
from jupyter_recorder.convert.quoting import inert
from jupyter_recorder.convert.surrogates import Paired, repaired
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.redact import Redactor

EVERY = settings(max_examples=40, deadline=None)
UNREDACTED = Redactor(enabled=False)
# Without lone surrogates: a file of UTF-8 can't hold them, and JSON's are tested below.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
WORD = st.text("abcdefgh-0123456789", min_size=1, max_size=12)
MICROSECONDS = st.integers(0, 10**12)


@contextmanager
def workshop() -> Iterator[tuple[Path, Library]]:
    """Give a folder and a library that are gone afterwards."""
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder, Library(folder / "root")
    finally:
        shutil.rmtree(folder)


def taken_in(library: Library, path: Path, content: str) -> Recording:
    """Write a file and import it, nothing redacted."""
    path.write_text(content, encoding="utf-8", newline="")
    (made,) = import_file(library, path, redactor=UNREDACTED).recordings
    return library.find(made)


def given_out(recording: Recording, format: str, path: Path, **options: Any) -> Path:
    """Export a recording."""
    export_recording(recording, format, path, options=ExportOptions(**options))
    return path


def casts() -> st.SearchStrategy[list[Any]]:
    """Lines of asciicasts of version 2, times in whole microseconds."""
    header = st.fixed_dictionaries(
        {"version": st.just(2), "width": st.integers(1, 500), "height": st.integers(1, 200),
         "timestamp": st.integers(0, 4_000_000_000)},
        optional={"title": TEXT, "command": TEXT, "idle_time_limit": st.integers(1, 100).map(float),
                  "env": st.dictionaries(WORD, TEXT, min_size=1, max_size=3),
                  "theme": st.just({"fg": "#fff", "bg": "#000"}),
                  "tags": st.lists(WORD, min_size=1, max_size=3)},
    )  # fmt: skip
    events = st.lists(st.tuples(MICROSECONDS, st.sampled_from("oimrxz"), TEXT), max_size=20)
    timed = events.map(lambda found: [[time / 1e6, code, data] for time, code, data in sorted(found)])
    return st.builds(lambda head, body: [head, *body], header, timed)


@EVERY
@given(casts())
def test_a_cast_is_the_same_after_version_3(cast: list[Any]) -> None:
    """Version 2 to us, to version 3, to us, to version 2: every event, time and header field stands as it was."""
    with workshop() as (folder, library):
        first = taken_in(library, folder / "a.cast", "".join(json.dumps(line) + "\n" for line in cast))
        third = given_out(first, "asciicast-v3", folder / "three.cast")
        assert 3 == lines(third)[0]["version"]
        second = taken_in(library, folder / "b.cast", third.read_text("utf-8"))
        header, *events = lines(given_out(second, "asciicast-v2", folder / "c.cast"))

    assert [line for line in cast[1:] if line[1] not in "oi" or line[2]] == events
    assert cast[0] == {key: header[key] for key in header if key != "term" or "TERM" not in cast[0].get("env", {})}


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 999_983))
def test_a_hundred_thousand_intervals_do_not_drift(step: int) -> None:
    """The last of very many events of version 3 is at its microsecond."""
    with workshop() as (folder, library):
        body = "".join(f'[{number * step / 1e6:.6f}, "o", "x"]\n' for number in range(1, 20_001))
        first = taken_in(library, folder / "a.cast", f'{{"version": 2, "width": 9, "height": 9}}\n{body}')
        third = given_out(first, "asciicast-v3", folder / "three.cast").read_text()
        again = given_out(taken_in(library, folder / "b.cast", third), "asciicast-v2", folder / "c.cast")
        last = lines(again)[-1]

    assert [20_000 * step / 1e6, "o", "x"] == last


def chats() -> st.SearchStrategy[dict[str, Any]]:
    """Chats of jupyterlab-chat, times in milliseconds, each message with an id of its own."""
    message = st.fixed_dictionaries(
        {"type": st.just("msg"), "body": TEXT, "id": WORD, "sender": st.sampled_from(["ana", "bot"]),
         "time": st.integers(1, 4 * 10**12).map(lambda ms: ms / 1000), "mentions": st.lists(WORD, max_size=2)},
        optional={"edited": st.booleans(), "raw_time": st.booleans(),
                  "metadata": st.dictionaries(WORD, TEXT, max_size=2)},
    )  # fmt: skip
    users = {
        name: {"username": name, "name": name, "display_name": name.title(), "initials": name[0], "color": None,
               "avatar_url": None, "bot": name == "bot"} for name in ("ana", "bot")
    }  # fmt: skip
    listed = st.lists(message, min_size=1, max_size=8, unique_by=lambda one: one["id"])
    build = lambda messages, own: {"messages": messages, "users": users, "attachments": {}, "metadata": {"id": own}}  # noqa: E731
    return st.builds(build, listed, WORD)


@EVERY
@given(chats())
def test_a_chat_is_the_same_after_us(chat: dict[str, Any]) -> None:
    """A `.chat` file to us and out again is the same object."""
    with workshop() as (folder, library):
        recording = taken_in(library, folder / "a.chat", json.dumps(chat))
        again = json.loads(given_out(recording, "chat", folder / "b.chat").read_text("utf-8"))

    assert chat == again


SAID = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=30)


@EVERY
@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), SAID), min_size=1, max_size=8))
def test_claude_code_is_text_after_us(said: list[tuple[str, str]]) -> None:
    """All that was said in a session of Claude Code stands in the exported text, in its order."""
    rows = [
        {"type": role, "uuid": f"u{number}", "parentUuid": f"u{number - 1}" if number else None, "sessionId": "s",
         "timestamp": "2026-01-01T00:00:00Z",
         "message": {"role": role, "content": text if role == "user" else [{"type": "text", "text": text}]}}
        for number, (role, text) in enumerate(said)
    ]  # fmt: skip
    assert [text for _, text in said] == spoken("\n".join(map(json.dumps, rows)), "s.jsonl")


@EVERY
@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), SAID), min_size=1, max_size=8))
def test_codex_is_text_after_us(said: list[tuple[str, str]]) -> None:
    """All that was said in a session of Codex stands in the exported text, once, in its order."""
    rows: list[Any] = [{"timestamp": "2026-01-01T00:00:00Z", "type": "session_meta", "payload": {"id": "x"}}]
    for role, text in said:
        content = [{"type": "input_text" if role == "user" else "output_text", "text": text}]
        item = {"type": "message", "role": role, "content": content}
        repeated = {"type": "user_message" if role == "user" else "agent_message", "message": text}
        for kind, payload in (("response_item", item), ("event_msg", repeated)):
            rows.append({"timestamp": "2026-01-01T00:00:01Z", "type": kind, "payload": payload})
    assert [text for _, text in said] == spoken("\n".join(map(json.dumps, rows)), "rollout-x.jsonl")


def spoken(content: str, name: str) -> list[str]:
    """Return what each message of a file says in the exported text."""
    with workshop() as (folder, library):
        text = given_out(taken_in(library, folder / name, content), "text", folder / "out.txt").read_text("utf-8")
    blocks = text.split(" UTC:\n    ")[1:]
    return [block.rsplit("\n\n", 1)[0].rstrip("\n") for block in blocks]


def notebooks() -> st.SearchStrategy[Any]:
    """Executed notebooks of code with outputs, and of text."""
    data = st.fixed_dictionaries(
        {"text/plain": TEXT}, optional={"text/html": TEXT, "application/json": st.just({"a": [1]})}
    )
    output = st.one_of(
        st.builds(lambda text: v4.new_output("stream", name="stdout", text=text), TEXT.filter(bool)),
        st.builds(lambda found: v4.new_output("display_data", data=found), data),
        st.builds(lambda found: v4.new_output("execute_result", data=found, execution_count=1), data),
        st.builds(lambda text: v4.new_output("error", ename="E", evalue=text, traceback=[text]), TEXT),
    )
    code = st.builds(
        lambda source, outputs, count: v4.new_code_cell(source=source, outputs=outputs, execution_count=count),
        TEXT, st.lists(output, max_size=3), st.one_of(st.none(), st.integers(1, 99)),
    )  # fmt: skip
    text = st.builds(lambda source: v4.new_markdown_cell(source=source), TEXT.filter(str.strip))
    return st.lists(st.one_of(code, text), min_size=1, max_size=6).map(lambda cells: v4.new_notebook(cells=cells))


def essence(notebook: Any) -> list[Any]:
    """Return what a notebook holds, streams that follow each other as one, as a kernel's are."""
    found: list[Any] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found.append(inert(cell.source))
            continue
        outputs: list[Any] = []
        for output in map(dict, cell.outputs):
            last = outputs[-1] if outputs else {}
            if output["output_type"] == "stream" == last.get("output_type"):
                last["text"] += output["text"]
            else:
                outputs.append(output)
        found.append((cell.source, cell.execution_count, outputs))
    return found


@EVERY
@given(notebooks())
def test_a_notebook_is_the_same_after_us(notebook: Any) -> None:
    """Code, counts and outputs stand as they were; text too, but for what could be alive in it."""
    with workshop() as (folder, library):
        recording = taken_in(library, folder / "a.ipynb", nbformat.writes(notebook))
        again = nbformat.read(given_out(recording, "notebook", folder / "b.ipynb"), as_version=4)
    nbformat.validate(again)
    found = zip(again.cells, essence(again), strict=True)

    assert essence(notebook) == [cell.source if cell.cell_type == "markdown" else held for cell, held in found]


PIECES = [b"\\", b"\\ud83d", b"\\ude00", b"\\\\", b"ud800", b'"', b"a", b"\\n", b"\\u0041"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES)), st.data())
def test_surrogates_are_repaired_however_a_file_is_cut(pieces: list[bytes], data: st.DataObject) -> None:
    """Lone surrogates become U+FFFD, pairs and everything else stay, whatever the reads are."""
    text = b"".join(pieces)
    padded = text + b" " * 40
    size = data.draw(st.integers(1, 7))

    class Slow:
        at = 0

        def read(self, _size: int) -> bytes:
            """Give a few bytes at a time."""
            piece = padded[self.at : self.at + size]
            self.at += len(piece)
            return piece

    file = Paired(Slow())  # type: ignore[arg-type]
    assert repaired(padded) == b"".join(iter(lambda: file.read(100), b""))
