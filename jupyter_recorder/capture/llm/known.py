"""Which messages a recording has: each call repeats the conversation before it; pure.

What was said stands in a tree, since a program may go on from any place of a conversation, or begin anew. A call's
messages are followed down from the root. Where they leave the tree something is new, unless it is history: programs cut
old messages off or put a summary in their place, and what follows is found again further down. The last turn, which is
what a call is made for, has to follow on just what it follows; that it was said elsewhere does not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ...convert.parts import Part
from .neutral import Said

_SYSTEM: Final = ("system", "developer")


@dataclass(eq=False)
class Node:
    """A message that the recording has."""

    message_id: str | None
    parent: Node | None
    number: int
    children: dict[bytes, Node] = field(default_factory=dict)

    def is_below(self, other: Node) -> bool:
        """Tell whether this was said after `other` in one conversation."""
        node: Node | None = self.parent
        while node is not None and node.number >= other.number:
            if node is other:
                return True
            node = node.parent
        return False


class Known:
    """What one recording has of the calls' messages."""

    def __init__(self) -> None:
        self._root = Node(None, None, 0)
        self._count = 0
        self._said: dict[bytes, list[Node]] = {}
        self._systems: set[bytes] = set()
        self._responses: dict[str, Node] = {}

    def take(self, messages: Sequence[Said], previous: str | None, record: Callable[[Said, str | None], str]) -> Node:
        """Find a call's messages; `record(said, parent_id)` is called for each that is new, and returns its id.

        Returns the last message. `previous` is the id of the response on which the service goes on.
        """
        places = [self._responses.get(previous or "", self._root)]
        anchors = places
        turn = 1 + max((at for at, said in enumerate(messages) if said.role == "assistant"), default=-1)
        for at, said in enumerate(messages):
            print_ = fingerprint(said)
            if said.role in _SYSTEM:
                if print_ not in self._systems:
                    self._systems.add(print_)
                    record(said, None)
                continue
            found = [child for place in places if (child := place.children.get(print_)) is not None]
            if not found and at < turn:
                said_before = self._said.get(print_, ())
                found = [node for node in said_before if any(node.is_below(anchor) for anchor in anchors)]
            if found:
                places = anchors = found
            else:
                above = max(places, key=_number)
                places = [self._add(above, print_, record(said, above.message_id))]
        return max(places, key=_number)

    def answered(self, above: Node, parts: list[Part], message_id: str, response_id: str | None) -> None:
        """Learn an answer."""
        node = self._add(above, fingerprint(Said("assistant", parts)), message_id)
        if response_id:
            self._responses[response_id] = node

    def _add(self, above: Node, print_: bytes, message_id: str) -> Node:
        self._count += 1
        node = Node(message_id, above, self._count)
        above.children.setdefault(print_, node)
        self._said.setdefault(print_, []).append(node)
        return node


def _number(node: Node) -> int:
    return node.number


def fingerprint(said: Said) -> bytes:
    """Return what tells a message from others: its role, its text and tools, but not what a model thought.

    Programs pass on answers without their reasoning, and text without white space at its ends.
    """
    text = "".join(part["content"] for part in said.parts if part["type"] == "text").strip()
    others = [_essence(part) for part in said.parts if part["type"] not in ("text", "reasoning")]
    form = json.dumps([said.role, text, others], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(form.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _essence(part: Part) -> Any:
    if part["type"] == "tool_call":
        return [part.get("id"), part.get("name"), part.get("arguments") or {}]
    return part
