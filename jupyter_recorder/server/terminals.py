"""JupyterLab's terminals over REST: which are recorded; start and stop recording one."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..errors import InvalidEvent, InvalidPattern
from ..redact import pattern_of
from .base import RecorderHandler, Refusal

_PATTERNS: Final = 100
_PATTERN_CHARACTERS: Final = 1000


class TerminalsHandler(RecorderHandler):
    """`GET /terminals`: those that are recorded."""

    @web.authenticated
    @authorized
    def get(self) -> None:
        """List them."""
        recorded = self.recorder.terminals.recorded()
        self.reply({"terminals": [{"terminal": name, "recording_id": one} for name, one in recorded.items()]})


class TerminalHandler(RecorderHandler):
    """`POST` and `DELETE /terminals/{name}`."""

    @web.authenticated
    @authorized
    async def post(self, name: str) -> None:
        """Record the terminal from now on."""
        recording_id = await self.recorder.terminals.start(name, **await self._options())
        self.reply({"terminal": name, "recording_id": recording_id}, 201)

    @web.authenticated
    @authorized
    async def delete(self, name: str) -> None:
        """Record it no more."""
        await self.recorder.terminals.stop(name)
        self.set_status(204)
        self.finish()

    async def _options(self) -> dict[str, Any]:
        if not self.request.body:
            return {}
        body = await self.body()
        if not isinstance(body, dict):
            raise Refusal("parse_error", 'the body is empty, or an object: {"input": true, "redact_patterns": []}')
        wanted, patterns = body.get("input"), body.get("redact_patterns") or []
        if wanted is not None and not isinstance(wanted, bool):
            raise InvalidEvent("input is true or false")
        is_list = isinstance(patterns, list) and len(patterns) <= _PATTERNS
        if not (is_list and all(isinstance(one, str) and len(one) <= _PATTERN_CHARACTERS for one in patterns)):
            raise InvalidEvent(f"redact_patterns is a list of at most {_PATTERNS} regular expressions")
        try:
            await asyncio.to_thread(lambda: [pattern_of(one) for one in patterns])  # long ones take a second
        except InvalidPattern as error:
            raise InvalidEvent(str(error)) from error
        return {"record_input": wanted, "redact_patterns": patterns}


ROUTES: Final[list[tuple[str, Any]]] = [
    (r"/terminals", TerminalsHandler),
    (r"/terminals/([^/]+)", TerminalHandler),
]
