"""Chats of other programs: the whole tree, names, times, ids, and the older forms of their files."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from jupyter_recorder.convert import ImportSummary, export_recording, import_file
from jupyter_recorder.convert.parts import parts_of
from jupyter_recorder.errors import ImportFailed
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.timeline import Message, fold

LLM = Path(__file__).parents[1] / "golden" / "convert" / "in" / "llm.sql"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Return a library of this test's own."""
    return Library(tmp_path / "root")


def taken_in(library: Library, name: str, *rows: Any) -> tuple[ImportSummary, Recording]:
    """Import a file of JSON lines (of one value: that value)."""
    path = library.root.parent / name
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    summary = import_file(library, path)
    return summary, library.find(summary.recordings[0])


def messages(recording: Recording) -> dict[str, Message]:
    """Return a recording's messages by id."""
    return fold(recording.events()).messages


def claude(uuid: str, parent: str | None, content: Any, role: str = "user", **fields: Any) -> dict[str, Any]:
    """Return a line of Claude Code."""
    message = {"role": role, "content": content}
    return {"type": role, "uuid": uuid, "parentUuid": parent, "sessionId": "s", "message": message, **fields}


def test_the_whole_tree_is_kept(library: Library) -> None:
    """Branches that were left stay, each message naming the one that it answers."""
    _, found = taken_in(library, "s.jsonl", claude("a", None, "q"), claude("b", "a", "one", "assistant"),
                        claude("c", "a", "two", "assistant"))  # fmt: skip

    assert {"a": None, "b": "a", "c": "a"} == {key: one.parent_id for key, one in messages(found).items()}


def test_an_id_that_comes_twice_loses_no_message(library: Library) -> None:
    """A second message of an id gets a number, and both are kept."""
    _, found = taken_in(library, "s.jsonl", claude("a", None, "first"), claude("a", None, "second"))

    assert {"a": "first", "a#2": "second"} == {key: one.content for key, one in messages(found).items()}


def test_a_title_comes_from_a_summary_else_from_what_was_first_said(library: Library) -> None:
    """A summary names the session wherever it stands; without one, the first words do, on one line and cut."""
    _, named = taken_in(library, "s.jsonl", claude("a", None, "hello"), {"type": "summary", "summary": "Greetings"})
    _, unnamed = taken_in(library, "t.jsonl", claude("a", None, "a\nlong " * 40))

    assert "Greetings" == named.title
    assert unnamed.title is not None
    assert unnamed.title.startswith("a long a long")
    assert 80 == len(unnamed.title)


def test_times_are_the_messages_own(library: Library) -> None:
    """`created_at` is as it was, also where time goes backwards; the journal's own never does."""
    _, found = taken_in(library, "s.jsonl", claude("a", None, "1", timestamp="2026-01-01T00:00:10.500Z"),
                        claude("b", "a", "2", timestamp="2026-01-01T00:00:05Z"), claude("c", "b", "3"))  # fmt: skip
    created = [one.created_at for one in messages(found).values()]

    assert [1767225610500, 1767225605000, 1767225610500] == created
    assert sorted(event["at"] for event in found.events()) == [event["at"] for event in found.events()]


def test_a_side_chain_is_marked(library: Library) -> None:
    """What a sub-agent said is told apart."""
    _, found = taken_in(library, "s.jsonl", claude("a", None, "x", isSidechain=True))

    assert True is messages(found)["a"].metadata["sidechain"]


def test_the_first_rollouts_of_codex_are_read(library: Library) -> None:
    """Lines that are the items themselves, after a first line that tells of the session."""
    _, found = taken_in(
        library,
        "rollout-2025-05-01.jsonl",
        {"id": "old", "timestamp": "2025-05-01T10:00:00Z", "instructions": None},
        {"record_type": "state"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "local_shell_call", "call_id": "c", "action": {"command": ["ls"]}},
    )

    assert ["hi", '**→ local_shell**\n\n```json\n{\n "command": [\n  "ls"\n ]\n}\n```'] == [
        one.content for one in messages(found).values()
    ]
    assert "old" == found.manifest["imported"]["session_id"]  # type: ignore[typeddict-item]


def test_codex_without_items_is_read_from_its_events(library: Library) -> None:
    """Where only events tell what was said, they are the transcript."""
    event = lambda kind, text: {"type": "event_msg", "payload": {"type": kind, "message": text}}  # noqa: E731
    meta = {"type": "session_meta", "payload": {"id": "x"}}
    summary, found = taken_in(library, "x.jsonl", meta, event("user_message", "q"), event("agent_message", "a"))

    assert 2 == summary.messages
    assert ["user", "assistant"] == [one.role for one in messages(found).values()]


def test_copilots_flat_form_is_read(library: Library) -> None:
    """The older single object holds the same requests."""
    request = {"requestId": "r", "message": "plain text", "response": [{"value": "A "}, {"value": "B"}], "timestamp": 5}
    _, found = taken_in(library, "c.json", {"version": 3, "responderUsername": "Copilot", "requests": [request]})

    assert ["plain text", "A B"] == [one.content for one in messages(found).values()]


def test_geminis_single_object_is_read(library: Library) -> None:
    """The older `.json` holds all messages in one object, on many lines."""
    path = library.root.parent / "session.json"
    rows = [{"id": "1", "type": "user", "content": "q"}, {"id": "2", "type": "gemini", "content": "a"}]
    path.write_text(json.dumps({"sessionId": "g", "projectHash": "h", "messages": rows}, indent=2))
    summary = import_file(library, path)

    assert ["q", "a"] == [one.content for one in messages(library.find(summary.recordings[0])).values()]


def test_a_second_import_says_that_it_is_one(library: Library) -> None:
    """The same session again is a copy, told as such; the first stays as it is."""
    taken_in(library, "s.jsonl", claude("a", None, "hello", timestamp="2026-01-01T00:00:00Z"))
    summary, _ = taken_in(library, "s.jsonl", claude("a", None, "hello", timestamp="2026-01-01T00:00:00Z"))

    assert ("'hello-20260101-000000' was imported from there before; 'hello-20260101-000000-2' is another copy",) == (
        summary.warnings
    )


def test_another_language_stays_a_notebooks(library: Library) -> None:
    """A notebook of R comes out as one of R."""
    kernel = {"name": "ir", "display_name": "R", "language": "R"}
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "x <- 1", "outputs": [], "execution_count": 1}
    _, found = taken_in(library, "r.ipynb", {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4,
                                             "nbformat_minor": 5})  # fmt: skip
    export_recording(found, "notebook", library.root.parent / "out.ipynb")

    assert kernel == json.loads((library.root.parent / "out.ipynb").read_text())["metadata"]["kernelspec"]


def test_a_long_first_line_hides_no_format(library: Library) -> None:
    """A session that begins with a pasted book is recognised all the same."""
    summary, _ = taken_in(library, "s.jsonl", claude("a", None, "word " * 400_000))

    assert "claude-code" == summary.format


def test_progress_reaches_the_files_size(library: Library, tmp_path: Path) -> None:
    """Progress is told in bytes read, and ends at the file's size."""
    path = tmp_path / "s.jsonl"
    path.write_text("".join(json.dumps(claude(f"u{number}", None, "x" * 500)) + "\n" for number in range(3000)))
    told: list[tuple[int, int]] = []
    import_file(library, path, progress=lambda done, total: told.append((done, total)))

    assert (path.stat().st_size,) * 2 == told[-1]
    assert sorted(told[: told.index(told[-1])]) == told[: told.index(told[-1])]


def test_a_page_carries_no_raw_payloads(library: Library, tmp_path: Path) -> None:
    """What an import keeps beside the messages stays in the recording: a page is half as large without it."""
    import base64
    import gzip
    import re

    lines = [claude("a", None, "hello"), {"type": "martian", "sessionId": "s", "secret": "kept beside"}]
    _, found = taken_in(library, "s.jsonl", *lines)
    export_recording(found, "html", tmp_path / "x.html")
    packed = re.search(r'id="data">([^<]*)<', (tmp_path / "x.html").read_text())
    assert packed is not None
    carried = gzip.decompress(base64.b64decode(packed[1])).decode()

    assert "hello" in carried
    assert "parentUuid" not in carried
    assert "kept beside" not in carried


def test_what_gemini_went_back_from_is_a_branch(library: Library) -> None:
    """A rewind takes the named message with it, an unknown one all; a new context replaces none of what was said."""
    said = lambda name: {"id": name, "type": "user", "content": [name, {"text": "!"}]}  # noqa: E731
    head = {"sessionId": "g", "projectHash": "h"}
    context = {"$set": {"messages": [said("s")]}}
    rows = [
        said("a"),
        said("b"),
        {"$rewindTo": "b"},
        said("c"),
        context,
        said("d"),
        {"$rewindTo": "nothing"},
        said("e"),
    ]
    _, found = taken_in(library, "g.jsonl", head, *rows)
    messages_ = messages(found)

    assert {"a": None, "b": "a", "c": "a", "s": None, "d": "s", "e": None} == {
        key: one.parent_id for key, one in messages_.items()
    }
    assert ["a", "b", "c", "s", "d"] == [key for key, one in messages_.items() if one.metadata.get("left")]
    assert "a\n\n!" == messages_["a"].content


def test_lines_between_messages_break_no_tree(library: Library) -> None:
    """An attachment or notice between two messages of Claude Code is passed over: the answer names the question."""
    between = {"type": "attachment", "uuid": "x", "parentUuid": "a", "sessionId": "s"}
    notice = {"type": "system", "uuid": "y", "parentUuid": "x", "sessionId": "s"}
    _, found = taken_in(library, "s.jsonl", claude("a", None, "q"), between, notice, claude("b", "y", "r", "assistant"))

    assert {"a": None, "b": "a"} == {key: one.parent_id for key, one in messages(found).items()}


def test_claude_ais_root_is_no_message(library: Library) -> None:
    """The parent of all in newer exports names nothing; branches name what they answer."""
    root = "00000000-0000-4000-8000-000000000000"
    rows = [{"uuid": key, "parent_message_uuid": parent, "sender": "human", "text": key}
            for key, parent in (("a", root), ("b", "a"), ("c", "a"))]  # fmt: skip
    _, found = taken_in(library, "conversations.json", [{"uuid": "u", "name": "n", "chat_messages": rows}])

    assert {"a": None, "b": "a", "c": "a"} == {key: one.parent_id for key, one in messages(found).items()}


def test_all_kinds_of_chatgpts_content_are_kept(library: Library) -> None:
    """Thoughts, their recap, code that it ran and what that gave, pictures, and text in an object."""
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://p"}
    contents = [
        {"content_type": "thoughts", "thoughts": [{"content": "hm"}, {"summary": "short"}]},
        {"content_type": "reasoning_recap", "content": "thought for 3 s"},
        {"content_type": "code", "language": "python", "text": "1 + 1"},
        {"content_type": "execution_output", "text": "2"},
        {"content_type": "multimodal_text", "parts": [picture, {"text": "a picture"}, "", 7]},
        {"content_type": "tether_quote", "text": "quoted"},
    ]  # fmt: skip
    nodes: dict[str, Any] = {}
    for number, content in enumerate(contents):
        said = {"id": f"m{number}", "author": {"role": "assistant"}, "create_time": 1_770_000_000 + number}
        above = f"m{number - 1}" if number else None
        nodes[f"m{number}"] = {"id": f"m{number}", "message": {**said, "content": content}, "parent": above}
    _, found = taken_in(library, "conversations.json", [{"id": "c", "title": "All", "mapping": nodes}])
    kinds = [[part["type"] for part in parts_of(one)] for one in messages(found).values()]

    assert ["reasoning", "reasoning"] == kinds[0]
    assert [["reasoning"], ["tool_call"], ["tool_call_response"], ["uri", "text"], ["text"]] == kinds[1:]
    assert ("python", "1 + 1") == tuple(parts_of(messages(found)["m2"])[0][key] for key in ("name", "arguments"))


def test_all_kinds_of_copilots_answers_are_kept(library: Library) -> None:
    """A reference in the text, an edit of a file, Markdown in pieces; a change that adds to a list's end."""
    response = [
        {"value": ["See ", {"value": "this: "}]},
        {"kind": "inlineReference", "name": "sort.py"},
        {"kind": "textEditGroup", "uri": {"path": "/sort.py"}, "edits": [[{"text": "x"}]]},
    ]
    request = {"requestId": "r1", "timestamp": 1_770_000_001_000, "message": {"text": "sort"}, "response": []}
    begin = {"version": 3, "sessionId": "cop", "creationDate": 1_770_000_000_000, "requests": [request]}
    changes = [{"kind": 1, "k": ["requests", 0, "response", at], "v": one} for at, one in enumerate(response)]
    _, found = taken_in(library, "c.jsonl", {"kind": 0, "v": begin}, *changes)
    answer = next(one for one in messages(found).values() if one.role == "assistant")

    assert [("text", "See this: `sort.py`"), ("tool_call", None)] == [
        (part["type"], part.get("content")) for part in parts_of(answer)
    ]


def llm_file(library: Library, *more: str) -> Path:
    """Return a file of llm, with `more` done to it."""
    path = library.root.parent / "logs.db"
    path.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(LLM.read_text("utf-8"))
        for statement in more:
            db.execute(statement)
        db.commit()
    return path


def test_what_llm_wrote_last_is_read_from_beside_its_file(library: Library) -> None:
    """A living llm keeps the last turns in a write-ahead log: they are imported, and both files stay as they are."""
    path = llm_file(library)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("insert into responses(id, prompt, response, conversation_id, datetime_utc)"
                   " values ('r9', 'last', 'words', 'c9', '2026-05-02T10:00:00')")  # fmt: skip
        db.commit()
        log = path.with_name("logs.db-wal")
        before = path.read_bytes(), log.read_bytes()
        assert before[1]
        summary = import_file(library, path)
        assert before == (path.read_bytes(), log.read_bytes())
    said = [one.content for name in summary.recordings for one in messages(library.find(name)).values()]
    assert {"last", "words", "hello"} <= set(said)


def test_a_file_of_llm_that_is_not_whole_loses_nothing_else(library: Library) -> None:
    """A thread without turns, a message that is gone, a payload that is no JSON, an attachment."""
    path = llm_file(
        library,
        "insert into threads values ('t2', 'empty', null, null, '2026-05-03')",
        "delete from messages where hash = 'b2:1'",
        "update parts set payload = '{torn' where id = 4",
        "insert into parts values (9, 'b2:5', 1, 'attachment', null, null, '{\"attachment\": \"a1\"}')",
        "drop table tool_calls",
        "drop table tool_results",
        "drop table part_fragments",
    )
    summary = import_file(library, path)
    threads = [library.find(name) for name in summary.recordings]
    assert 2 == len(threads)
    found = {key: one for thread in threads for key, one in messages(thread).items()}
    assert "b2:1" not in found
    assert [("text", None), ("uri", "llm attachment a1")] == [
        (part["type"], part.get("uri")) for part in parts_of(found["b2:5"])
    ]
    assert "Hi!" in [one.content for one in found.values()]


def test_another_programs_sqlite_file_is_refused(library: Library) -> None:
    """It is said what it is, and nothing is made."""
    path = library.root.parent / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("create table t (x)")
    with pytest.raises(ImportFailed, match="not llm's"):
        import_file(library, path)
    assert [] == list(library.recordings())


def test_a_file_of_llm_that_is_damaged_is_imported_in_part(library: Library) -> None:
    """What SQLite can still read is imported; that it is not all is said."""
    path = llm_file(library, "drop table conversations", "create view conversations as select 1 as id from nowhere")
    summary = import_file(library, path)
    assert 1 == len(summary.recordings)
    assert "only in part" in " ".join(summary.warnings)
