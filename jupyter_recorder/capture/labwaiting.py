"""Messages of one chat that have changed since they were last recorded: one that grows waits a little for more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from .chatdiff import body_of
from .labpending import Pending

# Tokens that come within this time share a journal line; what waits is kept meanwhile (`labpending.py`).
COALESCE_SECONDS: Final = 0.090


class Changed(NamedTuple):
    """A message that has changed since it was last handed on, and who did it; its event's number if it only grew."""

    message: Mapping[str, Any]
    by: str | None
    number: int | None


class Waiting:
    """What of a session's messages waits to be handed on.

    `growth` tells what a message has beyond what is recorded of it, None if it has not only become longer. `hand_on`
    is called with what waited, in the order in which it began to, and may be with nothing.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        session_id: str,
        pending: Pending,
        growth: Callable[[Mapping[str, Any]], str | None],
        hand_on: Callable[[Sequence[Changed]], None],
    ) -> None:
        self._loop, self._session_id, self._pending = loop, session_id, pending
        self._growth, self._take = growth, hand_on
        self._messages: dict[str, Changed] = {}
        self._handed_on = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def changed(self, message: Mapping[str, Any], by: str | None) -> None:
        """Take a message as it is now: one that grows waits a little for more, unless it was quiet before."""
        message_id = str(message["id"])
        now = self._loop.time()
        before = self._messages.get(message_id)
        is_more = before is None or (by == before.by and _is_longer(message, before.message))
        # What was shown meanwhile counts, too; where the loop is late, what waits has its own time.
        if not is_more or (self._timer is not None and now >= self._timer.when()):
            self.hand_on()
            before = None
        if before is None:
            text = self._growth(message)
            number = None if text is None else self._pending.number()
        else:
            number, text = before.number, body_of(message)[len(body_of(before.message)) :]
        self._messages[message_id] = Changed(message, by, number)
        # It must not wait if it did more than grow, or isn't kept meanwhile.
        can_wait = (
            number is not None
            and text is not None
            and self._pending.grow(number, self._session_id, message_id, by, text)
        )
        if not can_wait or now - self._handed_on >= COALESCE_SECONDS:
            self.hand_on()
        elif self._timer is None:
            self._timer = self._loop.call_later(COALESCE_SECONDS, self.hand_on)

    def hand_on(self) -> None:
        """Have all that waits handed on now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._handed_on = self._loop.time()
        messages, self._messages = self._messages, {}
        self._take(list(messages.values()))


def _is_longer(message: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Tell whether a message still has all that it had before."""
    return not message.get("deleted") and body_of(message).startswith(body_of(before))
