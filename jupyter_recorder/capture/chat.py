"""A chat recorded by hand: whole messages, and answers that stream."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ..errors import NoActiveRecording
from ..heldtext import HeldText
from ..interrupts import shielded
from ..journal.commit import Timer

if TYPE_CHECKING:
    from ..recorder import Recorder

# Tokens that come within this time share a journal line: a line each would be 27 times the text.
COALESCE_SECONDS: Final = 0.020


class Chat:
    """The chat track of an open recording."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._open: list[Answer] = []

    def add(self, role: str, content: str, *, message_id: str | None = None, **fields: Any) -> str:
        """Record a whole message and return its id.

        `role` is `user`, `assistant`, `system`, `tool` or any other; `fields` may be `model`, `parent_id` and
        `metadata`.
        """
        message_id = message_id or uuid.uuid4().hex
        self._recorder.record(
            {"type": "message_add", "message_id": message_id, "role": role, "content": content, **fields}
        )
        return message_id

    def stream(self, tokens: Iterable[str], *, role: str = "assistant", **fields: Any) -> Iterator[str]:
        """Pass `tokens` through, recording them as they come, as one message at the pace at which they came."""
        answer = Answer(self._recorder, self.add(role, "", **fields))
        self._open.append(answer)
        complete = False
        try:
            for token in tokens:
                answer.feed(token)
                yield token
            complete = True
        finally:
            self._open.remove(answer)
            answer.end(complete)

    def flush(self) -> None:
        """Hand on what open answers hold back."""
        for answer in list(self._open):
            answer.flush()


class Answer:
    """One message that grows; pieces that come close together become one event."""

    def __init__(self, recorder: Recorder, message_id: str) -> None:
        self.message_id = message_id
        self._recorder = recorder
        self._lock = threading.RLock()
        self._pieces: list[str] = []
        self._timer: Timer | None = None
        self._held: HeldText = recorder.held_text(self._append)

    def feed(self, piece: str) -> None:
        """Take the next piece."""
        with shielded(), self._lock:
            self._pieces.append(str(piece))
            if self._timer is None:
                self._timer = self._recorder.call_later(COALESCE_SECONDS, self._hand_on)

    def flush(self) -> None:
        """Record all that came so far."""
        self._hand_on()
        self._held.flush()

    def end(self, complete: bool) -> None:
        """Record the rest; an answer that broke off is marked so."""
        with shielded():
            self._hand_on()
            self._recorder.drop_held_text(self._held)
            if not complete:
                self._record({"type": "note", "text": f"the answer {self.message_id} broke off"})

    def _hand_on(self) -> None:
        with shielded(), self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            pieces, self._pieces = self._pieces, []
            if pieces:
                self._held.feed("".join(pieces))

    def _append(self, text: str, urgent: bool) -> None:  # noqa: ARG002  # it has waited to be coalesced: write it now
        event = {"type": "message_append", "message_id": self.message_id, "content_delta": text}
        self._record(event, urgent=True, redacted=True)

    def _record(self, event: dict[str, Any], **how: bool) -> None:
        with contextlib.suppress(NoActiveRecording):  # who reads an answer must get all of it, recorded or not
            self._recorder.record(event, **how)
