"""Which messages of a call are new: pure, by example."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_recorder.capture.llm.known import Known, fingerprint
from jupyter_recorder.capture.llm.neutral import Said
from jupyter_recorder.convert import parts


def said(text: str) -> Said:
    """Return a message: `u:text`, `a:text` or `s:text`."""
    role = {"u": "user", "a": "assistant", "s": "system"}[text[0]]
    return Said(role, [parts.text(text[2:])])


class Recording:
    """Keeps what was recorded."""

    def __init__(self) -> None:
        self.known = Known()
        self.lines: list[str] = []

    def call(self, *messages: str, answer: str | None = None) -> list[str]:
        """Make a call; return what was recorded of its messages."""
        before = len(self.lines)

        def record(one: Said, _: str | None) -> str:
            self.lines.append(one.parts[0]["content"])
            return str(len(self.lines))

        above = self.known.take([said(one) for one in messages], None, record)
        new = self.lines[before:]
        if answer:
            self.lines.append(answer[2:])
            self.known.answered(above, said(answer).parts, str(len(self.lines)), None)
        return new


CASES: list[tuple[str, list[tuple[list[str], str, list[str]]]]] = [
    ("a conversation that grows", [
        (["u:a"], "a:1", ["a"]),
        (["u:a", "a:1", "u:b"], "a:2", ["b"]),
        (["u:a", "a:1", "u:b", "a:2", "u:b"], "a:3", ["b"]),
    ]),
    ("the same word again", [
        (["u:yes"], "a:1", ["yes"]),
        (["u:yes", "a:1", "u:yes"], "a:1", ["yes"]),
        (["u:yes", "a:1", "u:yes", "a:1", "u:yes"], "a:1", ["yes"]),
    ]),
    ("old messages cut off", [
        (["u:a"], "a:1", ["a"]),
        (["u:a", "a:1", "u:b"], "a:2", ["b"]),
        (["u:b", "a:2", "u:c"], "a:3", ["c"]),
        (["a:3", "u:d"], "a:4", ["d"]),
    ]),
    ("a system prompt with the time", [
        (["s:it is 1", "u:a"], "a:1", ["it is 1", "a"]),
        (["s:it is 2", "u:a", "a:1", "u:b"], "a:2", ["it is 2", "b"]),
    ]),
    ("a summary in place of what was said", [
        (["u:a"], "a:1", ["a"]),
        (["u:a", "a:1", "u:b"], "a:2", ["b"]),
        (["u:summary", "a:2", "u:c"], "a:3", ["summary", "c"]),
    ]),
    ("asked again after an error", [
        (["u:a"], "", ["a"]),
        (["u:a"], "a:1", []),
    ]),
    ("another branch from an earlier place", [
        (["u:a"], "a:1", ["a"]),
        (["u:a", "a:1", "u:b"], "a:2", ["b"]),
        (["u:a", "a:1", "u:c"], "a:3", ["c"]),
        (["u:a", "a:1", "u:b", "a:2", "u:c"], "a:4", ["c"]),
    ]),
    ("a history from elsewhere", [
        (["u:a", "a:1", "u:b"], "a:2", ["a", "1", "b"]),
        (["u:a", "a:1", "u:b", "a:2", "u:c"], "a:3", ["c"]),
    ]),
    ("white space at the ends", [
        (["u:a"], "a:1 ", ["a"]),
        (["u:a", "a:1", "u:b"], "a:2", ["b"]),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("calls"), [calls for _, calls in CASES], ids=[name for name, _ in CASES])
def test_what_is_new_is_recorded_once(calls: list[tuple[list[str], str, list[str]]]) -> None:
    """Each call adds what the recording has not got, and nothing else."""
    recording = Recording()
    for messages, answer, new in calls:
        assert new == recording.call(*messages, answer=answer or None)


def test_a_message_is_the_same_in_another_form() -> None:
    """Reasoning that is not passed on, and text in pieces, make no other message; other arguments do."""
    call: Any = parts.tool_call("f", '{"b": 1, "a": 2}', "c1")
    one = Said("assistant", [parts.reasoning("hm"), parts.text("a"), parts.text("b"), call])
    same = Said("assistant", [parts.text("ab"), parts.tool_call("f", {"a": 2, "b": 1}, "c1")])
    other = Said("assistant", [parts.text("ab"), parts.tool_call("f", {"a": 3, "b": 1}, "c1")])
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)
