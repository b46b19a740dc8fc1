"""A chat recorded by hand: whole messages, and answers that stream."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ..errors import NoActiveRecording
from ..heldtext import HeldText
from ..interrupts import shielded
from ..journal.commit import Timer

if TYPE_CHECKING:
    from ..recorder import Recorder

# Tokens that come within this time share a journal line: a line each would be 27 times the text.
COALESCE_SECONDS: Final = 0.050


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

    def begin(self, role: str, **fields: Any) -> Answer:
        """Record the beginning of a message that grows."""
        answer = Answer(self._recorder, self.add(role, "", **fields), self._open.remove)
        self._open.append(answer)
        return answer

    def stream(self, tokens: Iterable[str], *, role: str = "assistant", **fields: Any) -> Iterator[str]:
        """Pass `tokens` through, recording them as they come, as one message at the pace at which they came."""
        answer = self.begin(role, **fields)
        complete = False
        try:
            for token in tokens:
                answer.feed(token)
                yield token
            complete = True
        finally:
            answer.end()
            if not complete:
                answer.note(f"the answer {answer.message_id} broke off")

    def flush(self) -> None:
        """Hand on what open answers hold back."""
        for answer in list(self._open):
            answer.flush()

    def cut(self) -> None:
        """Record what open answers hold back, and that the recording ended before they did."""
        self.flush()
        for answer in list(self._open):
            answer.cut()


class Answer:
    """One message that grows; pieces that come close together become one event.

    The first piece after a pause is recorded at once, so that pieces which come one by one keep their times.
    """

    def __init__(self, recorder: Recorder, message_id: str, ended: Callable[[Answer], object]) -> None:
        self.message_id = message_id
        self._recorder = recorder
        self._ended = ended
        self._lock = threading.RLock()
        self._pieces: list[str] = []
        self._part: dict[str, Any] | None = None
        self._handed_on = self._due = 0.0
        self._timer: Timer | None = None
        self._held: HeldText = recorder.held_text(self._append)

    def feed(self, piece: str, part: dict[str, Any] | None = None) -> None:
        """Take the next piece; `part` says of which part of the message it is, in a form that holds no secret."""
        with shielded(), self._lock:
            if part != self._part:
                self.flush()
                self._part = part
            now = time.monotonic()
            if self._timer is not None and now >= self._due:  # it is late: what waits has a time of its own
                self._hand_on()
            self._pieces.append(str(piece))
            if self._timer is not None:
                return
            if now - self._handed_on >= COALESCE_SECONDS:
                self._hand_on()
            else:
                self._due = now + COALESCE_SECONDS
                self._timer = self._recorder.call_later(COALESCE_SECONDS, self._hand_on)

    def flush(self) -> None:
        """Record all that came so far."""
        self._hand_on()
        self._held.flush()

    def cut(self) -> None:
        """Record that no more of it will be recorded."""
        self._describe({"finish": "cut"})

    def end(self, metadata: dict[str, Any] | None = None) -> None:
        """Record the rest, and what is known of the message by now."""
        with shielded():
            self._hand_on()
            self._recorder.drop_held_text(self._held)
            if metadata:
                self._describe(metadata)
            self._ended(self)

    def _describe(self, metadata: dict[str, Any]) -> None:
        event = {"type": "message_append", "message_id": self.message_id, "content_delta": ""}
        self._record({**event, "metadata": metadata})

    def note(self, text: str) -> None:
        """Put a remark on the timeline, if there still is one."""
        self._record({"type": "note", "text": text})

    def _hand_on(self) -> None:
        with shielded(), self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            pieces, self._pieces = self._pieces, []
            if pieces:
                self._handed_on = time.monotonic()
                self._held.feed("".join(pieces))

    def _append(self, text: str, urgent: bool) -> None:  # noqa: ARG002  # it has waited to be coalesced: write it now
        event: dict[str, Any] = {"type": "message_append", "message_id": self.message_id, "content_delta": text}
        if self._part is not None:
            event["part"] = self._part
        self._record(event, urgent=True, redacted=True)

    def _record(self, event: dict[str, Any], **how: bool) -> None:
        with contextlib.suppress(NoActiveRecording):  # who reads an answer must get all of it, recorded or not
            self._recorder.record(event, **how)
