"""Section 1: every event, its answer, and that nothing is lost quietly."""

from __future__ import annotations

import pytest
from plain import (
    Json,
    Plain,
    acked,
    add,
    append,
    change,
    delete,
    end,
    heartbeat,
    message,
    new_id,
    refused,
    snapshot,
    start,
    update,
)


def state(server: Plain, sid: str) -> str:
    """Return the state of a session's recording."""
    return str(server.session(sid)["state"])


# -- the nine events and their acks


def test_session_start_is_acked(server: Plain) -> None:
    """`session_start` makes a session: `session_started`."""
    session_id = new_id()
    acked(server.one(start(session_id, title="A title", workspace_id="w")), "session_started", session_id)


def test_session_end_is_acked(server: Plain, sid: str) -> None:
    """`session_end` is answered `session_ended`."""
    acked(server.one(end(sid)), "session_ended", sid)


def test_message_add_is_acked(server: Plain, sid: str) -> None:
    """`message_add` is answered `message_added`, and the message is there."""
    acked(server.one(add(sid, "m1", "hello")), "message_added", sid)
    assert {"m1": "hello"} == server.contents(sid)


def test_message_update_is_acked(server: Plain, sid: str, mid: str) -> None:
    """`message_update` is answered `message_updated`, and replaces the content."""
    acked(server.one(update(sid, mid, "other")), "message_updated", sid)
    assert {mid: "other"} == server.contents(sid)


def test_message_append_is_acked(server: Plain, sid: str, mid: str) -> None:
    """`message_append` is answered `message_appended`, and the message grows."""
    acked(server.one(append(sid, mid, " world")), "message_appended", sid)
    assert {mid: "hello world"} == server.contents(sid)


def test_message_delete_is_acked(server: Plain, sid: str, mid: str) -> None:
    """`message_delete` is answered `message_deleted`, and the message is shown no more."""
    acked(server.one(delete(sid, mid)), "message_deleted", sid)
    assert mid not in server.contents(sid)


def test_session_update_is_acked(server: Plain, sid: str) -> None:
    """`session_update` is answered `session_updated`, and title and model change."""
    acked(server.one(change(sid, title="New", model="m-2")), "session_updated", sid)
    session = server.session(sid)
    assert ("New", "m-2") == (session["title"], session["model"])


def test_heartbeat_is_acked(server: Plain, sid: str) -> None:
    """`heartbeat` is answered `heartbeat` with its session."""
    acked(server.one(heartbeat(session_id=sid)), "heartbeat", sid)


def test_session_snapshot_is_acked(server: Plain) -> None:
    """`session_snapshot` makes its session: `snapshot_received`."""
    session_id = new_id()
    acked(server.one(snapshot(session_id, message("a", "one"))), "snapshot_received", session_id)
    assert {"a": "one"} == server.contents(session_id)


# -- ids and fields


@pytest.mark.parametrize(
    "session_id", ["x", "é" * 128, "../x", "a/b", "%2e%2e%2f", "CON", " ", "\u202egnp", "a\u0000b"]
)
def test_any_id_up_to_256_bytes_is_good(server: Plain, session_id: str) -> None:
    """An id of 1 to 256 bytes of UTF-8 is accepted whatever is in it, and is found again by GET."""
    assert "ack" == server.one(start(session_id))["type"]
    assert session_id == server.session(session_id)["session_id"]


@pytest.mark.parametrize("session_id", ["", "x" * 257, "é" * 129])
def test_an_id_of_another_size_is_invalid(server: Plain, session_id: str) -> None:
    """An empty id, and one of over 256 bytes (not characters), is `invalid_event`."""
    refused(server.one(start(session_id)), "invalid_event")


def test_a_message_id_has_the_same_bounds(server: Plain, sid: str) -> None:
    """A message's id of 257 bytes is `invalid_event`, one of 256 is good."""
    refused(server.one(add(sid, "m" * 257)), "invalid_event")
    acked(server.one(add(sid, "m" * 256)), "message_added", sid)


@pytest.mark.parametrize("field", ["session_id", "message_id", "role", "content"])
def test_a_missing_field_is_invalid(server: Plain, sid: str, field: str) -> None:
    """A `message_add` without one of its fields is `invalid_event`."""
    event = add(sid, "m1")
    del event[field]
    refused(server.one(event), "invalid_event")


def test_an_unknown_type_is_invalid(server: Plain, sid: str) -> None:
    """A type that is none of the nine is `invalid_event`, also one that a journal may hold."""
    refused(server.one({"type": "nosuch", "session_id": sid}), "invalid_event")
    refused(server.one({"type": "marker", "session_id": sid, "label": "x"}), "invalid_event")


def test_unknown_fields_are_kept(server: Plain, sid: str) -> None:
    """A field that the protocol does not know stands in the journal."""
    server.one(add(sid, "m1", colour={"deep": ["blue"]}))
    assert {"deep": ["blue"]} == server.journal(sid)[-1]["colour"]


def test_the_servers_fields_are_the_servers(server: Plain, sid: str) -> None:
    """`seq`, `at` and `by` from a client are ignored."""
    before = server.journal(sid)[-1]
    server.one(add(sid, "m1", seq=77, at=1, by="mallory"))
    line = server.journal(sid)[-1]
    assert before["seq"] + 1 == line["seq"]
    assert before["at"] <= line["at"]
    assert "mallory" != line["by"]  # without a cookie, a token is another anonymous user each time


def test_any_role_is_accepted(server: Plain, sid: str) -> None:
    """The four roles are accepted, and so is any other."""
    for role in ("user", "assistant", "system", "tool", "narrator"):
        acked(server.one(add(sid, role, role=role)), "message_added", sid)
    assert ["user", "assistant", "system", "tool", "narrator"] == [m["role"] for m in server.session(sid)["messages"]]


def test_a_message_has_all_its_fields(server: Plain, sid: str) -> None:
    """A message is given back with id, role, content, model, parent, metadata, and `created_at`: its event's `at`."""
    server.one(add(sid, "m1", "hi", role="tool", model="m", parent_id="p", metadata={"k": [1]}))
    (got,) = server.session(sid)["messages"]
    at = server.journal(sid)[-1]["at"]
    wanted = {"message_id": "m1", "role": "tool", "content": "hi", "created_at": at, "model": "m", "parent_id": "p"}
    assert {**wanted, "metadata": {"k": [1]}}.items() <= got.items()


# -- nothing is lost quietly


def test_metadata_merges_key_by_key(server: Plain) -> None:
    """`session_update` merges metadata into what `session_start` gave."""
    session_id = new_id()
    server.one(start(session_id, metadata={"a": 1, "b": 1}))
    server.one(change(session_id, metadata={"b": 2, "c": 3}))
    assert {"a": 1, "b": 2, "c": 3} == server.session(session_id)["metadata"]


def test_an_ended_session_is_kept(server: Plain, sid: str, mid: str) -> None:
    """After `session_end` the session is `completed` and its messages are there."""
    server.one(end(sid))
    assert ("completed", {mid: "hello"}) == (state(server, sid), server.contents(sid))


@pytest.mark.parametrize("kind", ["add", "append", "change", "start"])
def test_a_later_event_resumes(server: Plain, sid: str, mid: str, kind: str) -> None:
    """Any later event of a completed session resumes it, with a line `resume` before."""
    server.one(end(sid))
    event = {
        "add": add(sid, "m2"),
        "append": append(sid, mid, "!"),
        "change": change(sid, title="t"),
        "start": start(sid),
    }
    assert "ack" == server.one(event[kind])["type"]
    assert "recording" == state(server, sid)
    assert "resume" in [line["type"] for line in server.journal(sid)]


def test_a_heartbeat_resumes_nothing(server: Plain, sid: str) -> None:
    """A heartbeat for a completed session is acked, and the session stays completed."""
    server.one(end(sid))
    acked(server.one(heartbeat(session_id=sid)), "heartbeat", sid)
    assert "completed" == state(server, sid)


def test_a_repeated_end_resumes_nothing(server: Plain, sid: str) -> None:
    """A second `session_end` is acked, and the session stays completed without a `resume`."""
    server.one(end(sid))
    acked(server.one(end(sid)), "session_ended", sid)
    assert "completed" == state(server, sid)
    assert "resume" not in [line["type"] for line in server.journal(sid)]


def test_a_second_start_updates(server: Plain, sid: str, mid: str) -> None:
    """`session_start` for a session that exists is acked, updates title and model, and keeps the messages."""
    acked(server.one(start(sid, title="Second", model="m-2")), "session_started", sid)
    session = server.session(sid)
    assert ("Second", "m-2", [mid]) == (
        session["title"],
        session["model"],
        [m["message_id"] for m in session["messages"]],
    )


def test_a_snapshot_merges(server: Plain, sid: str) -> None:
    """By message id a snapshot's content wins, what it adds is added, and what it lacks stays."""
    server.post(add(sid, "a", "old a"), add(sid, "b", "old b"))
    server.one(snapshot(sid, message("b", "new b"), message("c", "new c")))
    assert {"a": "old a", "b": "new b", "c": "new c"} == server.contents(sid)


def test_a_snapshot_keeps_the_first_start(server: Plain, sid: str) -> None:
    """A snapshot of a session that exists leaves `started_at` as it was."""
    before = server.session(sid)["started_at"]
    server.one(snapshot(sid, message("a", "x")))
    assert before == server.session(sid)["started_at"]


def test_a_snapshots_messages_keep_their_time(server: Plain) -> None:
    """`created_at` of a snapshot's message stays its own."""
    session_id = new_id()
    server.one(snapshot(session_id, message("a", "x", created_at=1_600_000_000_123)))
    assert 1_600_000_000_123 == server.session(session_id)["messages"][0]["created_at"]


@pytest.mark.parametrize("make", [end, change, lambda s: add(s, "m"), lambda s: append(s, "m", "x")])
def test_an_unknown_session_is_no_ack(server: Plain, make: object) -> None:
    """An event that needs a session which is not there is `session_not_found`, and makes none."""
    session_id = new_id()
    assert callable(make)
    refused(server.one(make(session_id)), "session_not_found")
    refused(server.get(f"/session/{session_id}", 404), "session_not_found")


@pytest.mark.parametrize("kind", ["update", "append", "delete"])
def test_an_unknown_message_is_no_ack(server: Plain, sid: str, kind: str) -> None:
    """An event that needs a message which is not there is `message_not_found`."""
    event = {
        "update": update(sid, "nosuch", "x"),
        "append": append(sid, "nosuch", "x"),
        "delete": delete(sid, "nosuch"),
    }
    refused(server.one(event[kind]), "message_not_found")


def test_a_message_of_another_session_is_unknown(server: Plain, sid: str, mid: str) -> None:
    """Message ids belong to their session."""
    other = new_id()
    server.one(start(other))
    refused(server.one(append(other, mid, "x")), "message_not_found")
    assert {mid: "hello"} == server.contents(sid)


def test_a_deleted_message_is_unknown(server: Plain, sid: str, mid: str) -> None:
    """A message that was deleted is not there any more to be appended to."""
    server.one(delete(sid, mid))
    refused(server.one(append(sid, mid, "x")), "message_not_found")


def test_a_heartbeat_for_an_unknown_session_is_acked(server: Plain) -> None:
    """A heartbeat is acked for any session."""
    session_id = new_id()
    acked(server.one(heartbeat(session_id=session_id)), "heartbeat", session_id)


def test_a_heartbeat_without_a_session_is_acked(server: Plain) -> None:
    """A heartbeat without an id is acked with an empty one."""
    acked(server.one(heartbeat()), "heartbeat", "")


def test_the_same_message_again_is_a_duplicate(server: Plain, sid: str, mid: str) -> None:
    """`message_add` of a message that is there with the same content is an ack, and adds nothing."""
    acked(server.one(add(sid, mid)), "message_added", sid)
    assert {mid: "hello"} == server.contents(sid)


def test_another_content_is_a_conflict(server: Plain, sid: str, mid: str) -> None:
    """`message_add` of a message that is there with another content is `conflict`, and changes nothing."""
    refused(server.one(add(sid, mid, "other")), "conflict")
    assert {mid: "hello"} == server.contents(sid)


def test_a_completed_message_can_grow(server: Plain, sid: str, mid: str) -> None:
    """An append to a message that was updated as complete is accepted."""
    server.one(update(sid, mid, "done", is_complete=True))
    acked(server.one(append(sid, mid, "!")), "message_appended", sid)
    assert {mid: "done!"} == server.contents(sid)


def test_a_wrong_count_is_a_warning(server: Plain, sid: str, mid: str) -> None:
    """A `final_message_count` that differs gets its ack with a warning, and a note in the journal."""
    answer = acked(server.one(end(sid, final_message_count=7)), "session_ended", sid)
    assert isinstance(answer["warning"], str)
    assert "note" in [line["type"] for line in server.journal(sid)]


def test_a_right_count_is_no_warning(server: Plain, sid: str, mid: str) -> None:
    """A `final_message_count` that is right gets a plain ack."""
    assert "warning" not in acked(server.one(end(sid, final_message_count=1)), "session_ended", sid)


def test_recovery_tells_where_a_session_stands(server: Plain, sid: str, mid: str) -> None:
    """`recovery` names the last message and how many there are."""
    server.one(add(sid, "m2"))
    got = server.get(f"/session/{sid}/recovery")
    wanted: Json = {"type": "recovery", "session_id": sid, "last_message_id": "m2", "message_count": 2}
    assert wanted == got


def test_recovery_of_an_empty_session(server: Plain, sid: str) -> None:
    """A session without messages has no last one."""
    got = server.get(f"/session/{sid}/recovery")
    assert (None, 0) == (got.get("last_message_id"), got["message_count"])
