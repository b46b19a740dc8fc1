"""What is said to a model and what it answers, whoever makes it; pure.

Parts are those of `convert.parts`. The readers of one service's form (`openai`, `responses`, `anthropic`) turn a
request into a `Request`, a whole answer into an `Outcome`, and a stream's events into pieces of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from ...convert.parts import Part


class Said(NamedTuple):
    """One message of a request."""

    role: str
    parts: list[Part]


@dataclass(frozen=True)
class Request:
    """What a call asks: all that was said before, and whom."""

    provider: str
    model: str | None
    messages: list[Said]
    # The answer on which the service itself goes on from.
    previous: str | None = None


class Piece(NamedTuple):
    """A piece of a streamed answer: of which choice and which part, and its text.

    `key` tells parts of one choice from each other; `name` and `call_id` are a tool call's.
    """

    choice: int
    key: object
    kind: str  # text, reasoning, tool_call
    text: str
    name: str | None = None
    call_id: str | None = None


@dataclass
class Outcome:
    """How an answer ended: by choice its parts and why it ended; usage as the service counts it."""

    choices: dict[int, list[Part]] = field(default_factory=dict)
    finish_reasons: dict[int, str] = field(default_factory=dict)
    model: str | None = None
    response_id: str | None = None
    usage: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether the service said that the answer is whole."""
        return bool(self.finish_reasons)


class Reader(Protocol):
    """Reads the events of one streamed answer."""

    outcome: Outcome

    def take(self, event: Mapping[str, Any]) -> Iterator[Piece]:
        """Yield the pieces of the next event; what it says of the whole goes to `outcome`."""


class Form(NamedTuple):
    """One service's form."""

    request: Callable[[Mapping[str, Any]], Request]
    whole: Callable[[Mapping[str, Any]], Outcome]
    reader: Callable[[], Reader]


def plain(value: Any) -> Any:
    """Return `value` as JSON values: the packages' own objects may stand in what a program passes on."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", warnings=False) if callable(dump) else value


def counts(usage: Any) -> dict[str, Any] | None:
    """Return what was counted, without what was not."""
    found = {key: value for key, value in usage.items() if value is not None} if isinstance(usage, Mapping) else {}
    return found or None
