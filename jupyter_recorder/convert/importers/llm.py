"""The logs of llm: `logs.db`, an SQLite file.

Today: `threads`, `turns`, and the messages that they share, addressed by their content (`messages`, `parts`). Before:
`conversations` and `responses`. A file can hold both.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ...errors import ImportFailed
from .. import parts
from ..chats import Conversation, as_text, conversation, heading
from ..input import Input
from ..parts import Part
from ..sink import Sink

_MAGIC: Final = b"SQLite format 3\0"


def matches(head: bytes, _path: Path) -> bool:
    """Tell an SQLite file; whether it is llm's is said when it is read."""
    return head.startswith(_MAGIC)


def load(file: Input, sink: Sink) -> None:
    """Make a recording of each thread or conversation."""
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.closing(_opened(file, Path(folder))) as db:
            tables = {str(row[0]) for row in db.execute("select name from sqlite_master where type = 'table'")}
            if not {"responses", "turns"} & tables:
                raise ImportFailed("it is an SQLite file, but not llm's")
            if {"threads", "turns", "messages", "parts"} <= tables:
                _load_threads(file, sink, db)
            if "responses" in tables:
                _load_conversations(file, sink, db)
    except sqlite3.Error as error:
        made = len(sink.recordings)
        if not made:
            raise ImportFailed(f"SQLite can't read it: {error}") from error
        sink.warn(f"SQLite could read it only in part ({error}); {made} recordings were made of it")


def _opened(file: Input, folder: Path) -> sqlite3.Connection:
    """Open the file for reading alone: what it says is run as no statement, and nothing is written beside it.

    With a write-ahead log beside it, which holds what came last, both are copied to `folder` first.
    """
    path, log = file.path.resolve(), Path(f"{file.path.resolve()}-wal")
    if log.is_file() and log.stat().st_size:
        shutil.copy(log, folder / "logs.db-wal")
        db = sqlite3.connect(shutil.copy(path, folder / "logs.db"))
    else:
        db = sqlite3.connect(path.as_uri() + "?mode=ro&immutable=1", uri=True)
    db.row_factory = sqlite3.Row
    db.execute("pragma trusted_schema = off")
    db.execute("pragma query_only = on")
    return db


def _rows(db: sqlite3.Connection, statement: str, *values: Any) -> Iterator[dict[str, Any]]:
    for row in db.execute(statement, values):
        yield {key: _readable(row[key]) for key in row.keys()}  # noqa: SIM118  # a Row iterates over its values


def _readable(value: Any) -> Any:
    return f"[{len(value)} bytes]" if isinstance(value, bytes) else value


# -- today


def _load_threads(file: Input, sink: Sink, db: sqlite3.Connection) -> None:
    for thread in list(_rows(db, "select * from threads order by datetime_utc, id")):
        turns = list(_rows(db, "select * from turns where thread_id = ? order by datetime_utc, id", thread["id"]))
        if not turns:
            continue
        with conversation(
            sink,
            "llm",
            session_id=thread["id"],
            started=thread.get("datetime_utc") or turns[0].get("datetime_utc"),
            title=thread.get("name"),
            fallback="llm",
            otherwise_ms=file.modified_ms,
            model=as_text(turns[0].get("model")) or None,
            metadata={"llm": thread},
        ) as chat:
            told: set[str] = set()
            for turn in turns:
                _add_turn(chat, db, turn, told)


def _add_turn(chat: Conversation, db: sqlite3.Connection, turn: dict[str, Any], told: set[str]) -> None:
    """Add the messages of a turn that no turn before it held."""
    for message in _chain(db, turn.get("tip_message_hash"), told):
        told.add(message["hash"])
        found = [part for row in message["parts"] for part in _stored(db, row)]
        assistant = message["role"] == "assistant"
        chat.add(
            as_text(message["role"]),
            found,
            message_id=message["hash"],
            parent=message["parent_hash"],
            at=turn.get("datetime_utc"),
            model=turn.get("model") if assistant else None,
            raw={**message, "turn": turn} if assistant else message,
        )


def _chain(db: sqlite3.Connection, tip: Any, told: set[str]) -> list[dict[str, Any]]:
    """Return the messages that lead to `tip`, the oldest first, up to those that were told already."""
    found: list[dict[str, Any]] = []
    seen: set[Any] = set()
    while tip is not None and tip not in told and tip not in seen:
        seen.add(tip)
        message = next(_rows(db, "select * from messages where hash = ?", tip), None)
        if message is None:
            break
        message["parts"] = list(_rows(db, "select * from parts where message_hash = ? order by position", tip))
        found.append(message)
        tip = message["parent_hash"]
    return found[::-1]


def _stored(db: sqlite3.Connection, row: dict[str, Any]) -> list[Part]:
    payload = _json(row.get("payload"))
    kind = row.get("type")
    said = as_text(row.get("text")) or as_text(payload.get("text")) or _fragments(db, row.get("id"))
    if kind == "text":
        return [parts.text(said)]
    if kind == "reasoning":
        return [parts.reasoning(said)] if said else []
    if kind == "tool_call":
        return [parts.tool_call(row.get("tool_name"), payload.get("arguments"), payload.get("tool_call_id"))]
    if kind == "tool_result":
        return [parts.tool_response(payload.get("output", said), payload.get("tool_call_id"))]
    return [parts.uri(f"llm attachment {payload.get('attachment') or payload.get('id')}")]


def _fragments(db: sqlite3.Connection, part_id: Any) -> str:
    """Return the text that a part borrows."""
    with contextlib.suppress(sqlite3.Error):
        statement = (
            "select f.content from part_fragments p join fragments f on f.id = p.fragment_id"
            ' where p.part_id = ? order by p."order"'
        )
        return "\n".join(as_text(row["content"]) for row in _rows(db, statement, part_id))
    return ""


# -- before


def _load_conversations(file: Input, sink: Sink, db: sqlite3.Connection) -> None:
    known = {one["id"]: one for one in _rows(db, "select * from conversations")} if _has(db, "conversations") else {}
    grouped = "select conversation_id own from responses group by 1 order by min(datetime_utc)"
    ids = [row["own"] for row in _rows(db, grouped)]
    for number, own in enumerate(ids, 1):
        responses = _rows(db, "select * from responses where conversation_id is ? order by datetime_utc, id", own)
        first = next(responses)
        beside = known.get(own, {})
        with conversation(
            sink,
            "llm",
            session_id=own or f"llm-{number}",
            started=first.get("datetime_utc"),
            title=beside.get("name") or heading(as_text(first.get("prompt"))),
            otherwise_ms=file.modified_ms,
            model=as_text(beside.get("model") or first.get("model")) or None,
            metadata={"llm": beside},
        ) as chat:
            _add_response(chat, db, first)
            for response in responses:
                _add_response(chat, db, response)


def _has(db: sqlite3.Connection, table: str) -> bool:
    return bool(db.execute("select 1 from sqlite_master where name = ?", (table,)).fetchone())


def _add_response(chat: Conversation, db: sqlite3.Connection, row: dict[str, Any]) -> None:
    own, at = row.get("id"), row.get("datetime_utc")
    for role in ("system", "prompt"):
        if said := as_text(row.get(role)):
            name = "user" if role == "prompt" else role
            chat.add(name, [parts.text(said)], message_id=f"{own}:{role}", parent=chat.last_id, at=at)
    found = [parts.reasoning(said)] if (said := as_text(row.get("reasoning"))) else []
    found += [parts.text(said)] if (said := as_text(row.get("response"))) else []
    if _has(db, "tool_calls"):
        for call in _rows(db, "select * from tool_calls where response_id = ? order by id", own):
            found.append(parts.tool_call(call.get("name"), call.get("arguments"), call.get("tool_call_id")))
    chat.add("assistant", found, message_id=own, parent=chat.last_id, at=at, model=row.get("model"), raw=_slim(row))
    if _has(db, "tool_results"):
        for result in _rows(db, "select * from tool_results where response_id = ? order by id", own):
            response = parts.tool_response(result.get("output"), result.get("tool_call_id"))
            chat.add("tool", [response], message_id=f"{own}:{result.get('id')}", parent=own, at=at, raw=result)


def _slim(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the JSON in it as values."""
    return {key: _json(value) if key.endswith("_json") else value for key, value in row.items() if value is not None}


def _json(value: Any) -> Any:
    try:
        found = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return {"unreadable": value}
    return found if isinstance(found, dict) else {}
