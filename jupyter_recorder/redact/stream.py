"""Redaction of a text that arrives in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .patterns import BUILTIN, layers
from .stage import Stage

if TYPE_CHECKING:
    from .whole import Redactor

HOLD_LIMIT: Final = 4096
"""The most that is ever held back, in bytes of UTF-8."""

PUBLIC_BYTES: Final = 3
"""So much of a token that is known by its spelling is the same for all of its kind (`sk-`, `ghp`, `eyJ`)."""


class StreamRedactor:
    """Redact one stream, holding back what may be the beginning of a secret.

    However the text is cut, all that `feed` and a last `flush` give is what `Redactor.text` makes of the whole, as
    long as no secret is longer than `HOLD_LIMIT`. `redactor`: whose patterns to look for, the built-in ones if None;
    one that is not enabled passes all through.
    """

    def __init__(self, redactor: Redactor | None = None) -> None:
        self._enabled = redactor is None or redactor.enabled
        found = layers(BUILTIN) if redactor is None else redactor.layers
        removed = (lambda _: None) if redactor is None else redactor.count
        self._stages = [Stage(layer, removed) for layer in found] if self._enabled else []

    def feed(self, text: str) -> str:
        """Take the next piece, give what is safe to write now: `text` itself if it passes untouched."""
        if not self._enabled:
            return text
        first, second = self._stages
        taken = text.encode("utf-8", "surrogatepass")
        passed = first.feed(taken, HOLD_LIMIT)
        given = second.feed(passed, HOLD_LIMIT - len(first.held))
        return text if given == taken else given.decode("utf-8", "surrogatepass")

    def flush(self) -> str:
        """Give what is held, redacted as it stands.

        The stream may go on: what directly continues a secret that was begun is still replaced or dropped.
        """
        if not self._enabled:
            return ""
        first, second = self._stages
        given = second.feed(first.flush(), HOLD_LIMIT) + second.flush()
        return given.decode("utf-8", "surrogatepass")

    @property
    def may_go(self) -> bool:
        """Whether what is held back tells nothing: no more than how every token of its kind begins.

        Let go by `flush`, it is followed by what stands in the place of the rest if it was one.
        """
        if not self._enabled:
            return True
        first, second = self._stages
        return not second.held and len(first.held) <= PUBLIC_BYTES

    @property
    def held(self) -> int:
        """How many characters are held back."""
        return sum(len(stage.held.decode("utf-8", "surrogatepass")) for stage in self._stages)

    @property
    def pending(self) -> bool:
        """Whether anything is held back."""
        return any(stage.held for stage in self._stages)
