"""One call of a model, as it is recorded: what is new of the conversation, then the answer, as it comes.

Whatever goes wrong in here stays in here: a program must get its answer whether it can be recorded or not.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ... import active
from ...convert.parts import Part, is_plain, shown
from ...errors import NoActiveRecording
from .growing import Growing
from .known import Known
from .neutral import Form, Outcome, Piece, Reader, Request, Said, plain

if TYPE_CHECKING:
    from ...recorder import Recorder
    from ..chat import Answer

log = logging.getLogger(__name__)

_ERROR_CHARACTERS: Final = 2_000
# A shorter one may be a word of the message, and is no secret.
_KEY_CHARACTERS: Final = 8
_CUT: Final = frozenset({"APIConnectionError", "TransportError", "StreamError", "OSError", "ClientError"})
_CANCELLED: Final = frozenset({"CancelledError", "KeyboardInterrupt"})

# Packages call each other: what is called while a call is being recorded is that call.
_inside: contextvars.ContextVar[bool] = contextvars.ContextVar("jupyter_recorder_call", default=False)
_known: weakref.WeakKeyDictionary[Recorder, Known] = weakref.WeakKeyDictionary()
_lock = threading.RLock()


@contextlib.contextmanager
def inside() -> Iterator[None]:
    """Have what is called in this block be no call of its own."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Keep the recorder's mistakes from the program; the recording says that something is missing."""
    try:
        yield
    except NoActiveRecording:
        pass
    except Exception as error:
        log.exception("a call of a model could not be recorded")
        with contextlib.suppress(Exception):
            if (recorder := active.current()) is not None:
                recorder.note(f"a call of a model could not be recorded whole: {type(error).__name__}")


def begin(form: Form, body: Callable[[], Any], keys: tuple[Any, ...] = ()) -> Call | None:
    """Record what a call asks; None if nothing is recorded, or if this is part of a call that is.

    `body` gives the request in `form`; `keys` are secrets that a service might repeat in an error.
    """
    if _inside.get():
        return None
    recorder = active.current()
    if recorder is None:
        return None
    with guarded():
        secrets = [key for key in keys if isinstance(key, str) and len(key) >= _KEY_CHARACTERS]
        return Call(recorder, form, form.request(plain(body())), secrets)
    return None


class Call:
    """One call; its methods may be called from any thread, and the first that ends it counts."""

    def __init__(self, recorder: Recorder, form: Form, request: Request, secrets: list[str]) -> None:
        self._recorder, self._form, self._request, self._secrets = recorder, form, request, secrets
        self._lock = threading.RLock()
        self._begun = time.monotonic()
        self._first: float | None = None
        self._reader: Reader = form.reader()
        self._growing: dict[int, Growing] = {}
        self._answers: dict[int, Answer] = {}
        self._ended = self._reading = False
        with _lock:
            self._known = _known.setdefault(recorder, Known())
            self._above = self._known.take(request.messages, request.previous, self._say)

    # -- what comes

    def took(self, event: Any) -> None:
        """Record the next event of a streamed answer."""
        with guarded(), self._lock:
            if self._ended:
                return
            for piece in self._reader.take(event if isinstance(event, Mapping) else plain(event)):
                self._first = self._first or time.monotonic()
                self._grow(piece)

    def answered(self, body: Any) -> None:
        """Record a whole answer, in the service's form; what is none of that is kept as text."""
        with guarded():
            found = plain(body)
            if isinstance(found, Mapping):
                self._whole(self._form.whole(found))
            else:
                text = found if isinstance(found, str) else repr(found)
                error = {"type": "UnreadableAnswer", "message": "the service's answer was none that is known"}
                self._whole(Outcome({0: [{"type": "text", "content": text}]}), finish="error", error=error)

    def ended(self) -> None:
        """End a streamed answer that was read to its end; the service may have broken it off."""
        outcome = self._reader.outcome
        self._end(None if outcome.ended else "cut", outcome.error)

    def failed(self, error: BaseException) -> None:
        """End with an error, which goes on to the program."""
        names = _names(error)
        if names & _CANCELLED:
            self._end("cancelled", None)
        else:
            streaming = bool(self._answers)
            self._end("cut" if streaming and names & _CUT else "error", self._described(error))

    def abandoned(self) -> None:
        """End a streamed answer that nobody reads any further."""
        outcome = self._reader.outcome
        self._end(None if outcome.ended else "abandoned", outcome.error)

    def closed(self) -> None:
        """End a stream that was closed: by the program, unless it closes by itself as its last piece is read."""
        if not self._reading:
            self.abandoned()

    @property
    def is_read(self) -> bool:
        """Whether the next piece is just being read."""
        return self._reading

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Say that the next piece is being read."""
        self._reading = True
        try:
            yield
        finally:
            self._reading = False

    # -- inside

    def _say(self, said: Said, parent: str | None) -> str:
        fields: dict[str, Any] = {"parent_id": parent} if parent else {}
        metadata = {} if is_plain(said.parts) else {"parts": said.parts}
        if metadata:
            fields["metadata"] = metadata
        return self._recorder.chat.add(said.role, shown(said.parts), **fields)

    def _grow(self, piece: Piece) -> None:
        growing = self._growing.setdefault(piece.choice, Growing())
        answer = self._answers.get(piece.choice)
        if answer is None:
            answer = self._answers[piece.choice] = self._recorder.chat.begin("assistant", **self._fields())
        for text, part in growing.add(piece):
            answer.feed(text, part)

    def _fields(self) -> dict[str, Any]:
        fields = {"model": self._request.model, "parent_id": self._above.message_id}
        return {key: value for key, value in fields.items() if value}

    def _end(self, finish: str | None, error: dict[str, Any] | None) -> None:
        with guarded(), self._lock:
            if self._ended:
                return
            outcome = self._reader.outcome
            for choice, growing in self._growing.items():
                outcome.choices[choice] = growing.parts()
                for text, part in growing.end():
                    self._answers[choice].feed(text, part)
            self._whole(outcome, finish, error)

    def _whole(self, outcome: Outcome, finish: str | None = None, error: dict[str, Any] | None = None) -> None:
        with self._lock:
            if self._ended:
                return
            self._ended = True
            error = error or (None if outcome.error is None else self._told(outcome.error))
            for choice in outcome.choices or {0: []}:
                self._one(choice, outcome, finish or ("error" if error else None), error)

    def _one(self, choice: int, outcome: Outcome, finish: str | None, error: dict[str, Any] | None) -> None:
        found: list[Part] = outcome.choices.get(choice, [])
        now = time.monotonic()
        metadata = {
            "parts": None if not found or is_plain(found) else found,
            "finish": finish,
            "finish_reason": outcome.finish_reasons.get(choice),
            "error": error,
            "usage": outcome.usage,
            "provider": self._request.provider,
            "response_id": outcome.response_id,
            "response_model": outcome.model if outcome.model != self._request.model else None,
            "duration_ms": round((now - self._begun) * 1000),
            "first_ms": None if self._first is None else round((self._first - self._begun) * 1000),
        }
        metadata = {key: value for key, value in metadata.items() if value is not None}
        answer = self._answers.get(choice)
        if answer is not None:
            answer.end(metadata)
            message_id = answer.message_id
        else:
            message_id = self._recorder.chat.add("assistant", shown(found), metadata=metadata, **self._fields())
        if found:
            with _lock:
                self._known.answered(self._above, found, message_id, outcome.response_id)

    def _described(self, error: BaseException) -> dict[str, Any]:
        status = getattr(error, "status_code", None)
        described = {"type": type(error).__name__, "message": self._scrubbed(str(error))}
        return {**described, "status": status} if isinstance(status, int) else described

    def _told(self, error: Mapping[str, Any]) -> dict[str, Any]:
        """Return an error that stood in an answer."""
        kind = error.get("type") or error.get("code") or "error"
        return {"type": str(kind)[:100], "message": self._scrubbed(str(error.get("message", "")))}

    def _scrubbed(self, message: str) -> str:
        for secret in self._secrets:
            message = message.replace(secret, "[redacted:key]")
        return message if len(message) <= _ERROR_CHARACTERS else message[:_ERROR_CHARACTERS] + "…"


def _names(error: BaseException) -> set[str]:
    """Return the names of an error's classes, and of those of the error that it stands for."""
    origin = getattr(error, "original_exception", None)
    kinds = [*type(error).__mro__, *(type(origin).__mro__ if isinstance(origin, BaseException) else ())]
    return {kind.__name__ for kind in kinds}
