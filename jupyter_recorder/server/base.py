"""What all handlers share: who is asking, what they may, and errors as the protocol has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import APIHandler
from tornado import web

from ..errors import CorruptState, RecError, RecordingNotFound
from ..protocol import Error, error_answer
from .bodies import PARSED_AT_ONCE, decode_json

if TYPE_CHECKING:
    from ..capture.labterminal import LabTerminals
    from ..hub import Hub
    from ..library.catalog import Catalog
    from ..library.index import RecordingsIndex
    from ..library.library import Library
    from ..library.recording import Recording
    from ..service.served import ServedService

SETTING: Final = "jupyter_recorder"
RESOURCE: Final = "recording"
_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True)
class Limits:
    """The protocol's limits: bytes, events in a batch, subscriptions of one connection."""

    max_message_bytes: int = 10 << 20
    max_batch_events: int = 10_000
    max_subscriptions: int = 1000


@dataclass(frozen=True)
class RecorderServer:
    """What the extension keeps in the server's settings for its handlers."""

    service: ServedService
    library: Library
    index: RecordingsIndex
    hub: Hub
    terminals: LabTerminals
    limits: Limits
    catalog: Catalog


class RecorderMixin:
    """A handler of this extension, over jupyter_server's own."""

    auth_resource = RESOURCE
    settings: dict[str, Any]
    current_user: Any
    cookies: Any
    identity_provider: Any

    @property
    def recorder(self) -> RecorderServer:
        """The extension's parts."""
        found: RecorderServer = self.settings[SETTING]
        return found

    @property
    def limits(self) -> Limits:
        """The protocol's limits, as they are set."""
        return self.recorder.limits

    @property
    def username(self) -> str | None:
        """Who is asking, as the server's identity provider says.

        Who shows the server's token and no cookie is `token`: for such a one, a stock server invents another user with
        each request.
        """
        provider: Any = self.identity_provider
        invents = getattr(type(provider), "generate_anonymous_user", None) is IdentityProvider.generate_anonymous_user
        if invents and provider.is_token_authenticated(self) and provider.get_cookie_name(self) not in self.cookies:
            return "token"
        name = getattr(self.current_user, "username", None)
        return name if isinstance(name, str) else None


class RecorderHandler(RecorderMixin, APIHandler):
    """A REST handler: what it raises becomes the protocol's error, with its status."""

    def find(self, recording_id: str) -> Recording:
        """Return the recording of this id, and of no name; raises `RecordingNotFound`."""
        found = self.recorder.library.find_id(recording_id)
        if found is None:
            raise RecordingNotFound(recording_id)
        return found

    async def body(self) -> Any:
        """Return the request's JSON; raises `web.HTTPError` for what is none, or too large."""
        data = self.request.body
        if len(data) > self.limits.max_message_bytes:
            raise Refusal("too_large", f"the body takes {len(data):,} bytes; send less at once")
        try:
            return await decode_json(data)
        except ValueError as error:
            raise Refusal("parse_error", f"the body is no JSON: {error}") from error

    @property
    def is_large(self) -> bool:
        """Whether the request's body takes longer to look at than others should wait."""
        return len(self.request.body) > PARSED_AT_ONCE

    def reply(self, answer: Any, status: int | None = None) -> None:
        """Send an answer; an error has the status that goes with its code, if no other is given."""
        usual = STATUS_OF.get(answer.code, 503) if isinstance(answer, Error) else 200
        self.set_status(usual if status is None else status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(encode_answer(answer))

    def finish(self, *args: Any, **kwargs: Any) -> Any:
        """Send what was written, as the type that was set: jupyter_server's own handler calls all of it JSON."""
        kwargs.setdefault("set_content_type", self._headers.get("Content-Type", "application/json"))
        return super().finish(*args, **kwargs)

    def number(self, name: str, most: int) -> int | None:
        """Return a query's number from 0 to `most`; None if it is not there."""
        text = self.get_query_argument(name, None)
        if text is None:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise Refusal("invalid_event", f"{name} is a number from 0 on")
        return min(int(text), most)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send what was raised as the protocol's error."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        self.set_header("X-Content-Type-Options", "nosniff")
        if isinstance(error, Refusal):
            answer = Error(code=error.code, message=error.reason or error.code)
        elif isinstance(error, CorruptState):  # asking again would change nothing
            answer = Error(code="recording_not_found", message=error.without_path)
        elif isinstance(error, RecError):
            answer = error_answer(error)
        else:
            code = {403: "forbidden", 401: "forbidden", 404: "recording_not_found"}.get(status_code, "invalid_event")
            said = error.log_message if isinstance(error, web.HTTPError) else None
            answer = Error(code=code if status_code < 500 else "internal", message=said or self._reason)
        self.reply(answer, status_code if isinstance(error, web.HTTPError) else None)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is a mistake of ours; a client's is its own."""
        if not isinstance(value, RecError):
            super().log_exception(typ, value, tb)


class Refusal(web.HTTPError):
    """A request that is refused with a code of the protocol."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(STATUS_OF.get(code, 400), message.replace("%", "%%"), reason=None)
        self.code = code
        self.reason = message


STATUS_OF: Final = {
    "parse_error": 400,
    "invalid_event": 400,
    "forbidden": 403,
    "session_not_found": 404,
    "recording_not_found": 404,
    "terminal_not_found": 404,
    "message_not_found": 404,
    "recording_in_progress": 409,
    "conflict": 409,
    "offset_mismatch": 409,
    "gap": 409,
    "too_large": 413,
    "persist_failed": 503,
    "internal": 500,
}


def encode_answer(answer: Any) -> bytes:
    """Return JSON."""
    return _encoder.encode(answer)
