"""From a chat's messages to the events that record them: pure."""

from __future__ import annotations

from typing import Any

from jupyter_recorder.capture.chatdiff import Recorded


def message(body: str, message_id: str = "m", **more: Any) -> dict[str, Any]:
    """Return a message as jupyterlab-chat has it."""
    return {"id": message_id, "body": body, "sender": "ana", "time": 1.0, "attachments": None, **more}


def changes(recorded: Recorded, one: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return type and text of the events that a message makes."""
    return [
        (event["type"], event.get("content", event.get("content_delta"))) for event in recorded.changes(one, "user")
    ]


def same(text: str) -> str:
    """Redact nothing."""
    return text


def test_a_body_that_grows_gives_deltas() -> None:
    """The message, then what was added, and nothing for what is the same."""
    recorded = Recorded("s")
    assert [("message_add", "a")] == changes(recorded, message("a"))
    assert [("message_append", "bc")] == changes(recorded, message("abc"))
    assert [] == changes(recorded, message("abc"))


def test_edits_and_deletions_are_events() -> None:
    """Another text is an update; a deletion comes once; one that comes back is said again."""
    recorded = Recorded("s")
    changes(recorded, message("abc"))
    assert [("message_update", "xyz")] == changes(recorded, message("xyz"))
    assert [("message_delete", None)] == changes(recorded, message("", deleted=True))
    assert [] == changes(recorded, message("", deleted=True))
    assert [("message_add", "xyz")] == changes(recorded, message("xyz"))
    assert [] == changes(Recorded("s"), message("", deleted=True))


def test_a_huge_body_goes_in_pieces() -> None:
    """No event is larger than the service takes, and the pieces make the whole."""
    found = changes(Recorded("s"), message("x" * 1_200_000))
    assert ["message_add", "message_append", "message_append"] == [kind for kind, _ in found]
    assert 1_200_000 == sum(len(text) for _, text in found)


def test_after_a_pause_the_tail_is_added_and_losses_are_told() -> None:
    """What grew meanwhile is appended; what the chat lost is told, and its text counts from then on."""
    recorded = Recorded("s")
    recorded.learn([{"message_id": key, "content": text} for key, text in (("a", "one"), ("b", "two"), ("c", "three"))])
    grown, lost = recorded.reconcile([message("one more", "a"), message("t", "b")], same)
    assert [" more"] == [event["content_delta"] for event in grown]
    assert [("b", "shorter"), ("c", "missing")] == [(one["message_id"], one["why"]) for one in lost]
    assert [("message_append", "en")] == changes(recorded, message("ten", "b"))


def test_what_was_redacted_is_the_same() -> None:
    """A recorded text without its secret is compared with the chat's without it."""
    recorded = Recorded("s")
    recorded.learn([{"message_id": "m", "content": "my ***"}])
    grown, lost = recorded.reconcile([message("my key")], lambda text: text.replace("key", "***"))
    assert ([], []) == (grown, lost)
    assert [] == changes(recorded, message("my key"))
    assert [("message_append", "!")] == changes(recorded, message("my key!"))


def test_what_is_taken_out_is_deleted_once() -> None:
    """What is recorded and no more there is found; deleted, it is not found again, and is deleted no second time."""
    recorded = Recorded("s")
    changes(recorded, message("a", "one"))
    changes(recorded, message("b", "two"))
    assert ["one"] == recorded.gone({"two", "three"})
    assert ["message_delete"] == [event["type"] for event in recorded.delete("one")]
    assert [] == recorded.gone({"two"})
    assert [] == [*recorded.delete("one"), *recorded.delete("never there")]
