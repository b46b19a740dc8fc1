"""The two ways to a server: a WebSocket, and HTTP; what comes back, and what kept it from coming.

No message of an error here holds the token: it travels in a header, and the libraries' own logs of headers are off.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

PATIENCE_SECONDS: Final = 10.0
# A disk can hang for long, and a batch is answered when it is safe.
ANSWER_SECONDS: Final = 60.0
TOO_LARGE: Final = 1009
_ANSWER_BYTES: Final = 2**24
# At level DEBUG websockets logs each header; this logger is nobody's child, so no setting turns it on.
_QUIET: Final = logging.Logger("jupyter_recorder.client.websocket", logging.CRITICAL)


class LinkDown(Exception):
    """The server cannot be reached, or went away; the message says what to do. `refused`: it answered, and said no."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class MessageTooLarge(LinkDown):
    """The server closed, or answered 413, because a message was over its limit."""


class Address:
    """A server's base URL without query, and the token, which is in no text that this object gives."""

    def __init__(self, url: str, token: str | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"a server's address begins with http:// or https://, not {url.partition('?')[0][:80]!r}")
        self.token = token or parse_qs(parts.query).get("token", [""])[0]
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))

    def __repr__(self) -> str:
        return self.url

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, where no proxy stands between."""
        return (urlsplit(self.url).hostname or "") in ("localhost", "127.0.0.1", "::1")

    @property
    def api(self) -> str:
        """Where the recorder's routes begin."""
        return f"{self.url}/api/recording"

    @property
    def headers(self) -> dict[str, str]:
        """What tells the server who asks."""
        return {"Authorization": f"token {self.token}"} if self.token else {}


class Socket:
    """An open WebSocket that the server has greeted."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, data: bytes) -> None:
        """Send one text message."""
        try:
            await self._connection.send(data, text=True)
        except ConnectionClosed as error:
            raise _closed(error) from None

    async def receive(self) -> dict[str, Any]:
        """Return the next message that is an object; raises `LinkDown` when the connection ends."""
        while True:
            try:
                message = msgspec.json.decode(await self._connection.recv(decode=False))
            except ConnectionClosed as error:
                raise _closed(error) from None
            except msgspec.DecodeError:
                continue
            if isinstance(message, dict):
                return message

    async def expect(self, kind: str) -> dict[str, Any]:
        """Return the next message of a type; what comes before is not for a client that has not said hello."""
        while (message := await self.receive()).get("type") != kind:
            if message.get("type") == "error":
                raise LinkDown(f"the server answered {message.get('code')}: {message.get('message')}", refused=True)
        return message


@asynccontextmanager
async def open_socket(address: Address) -> AsyncIterator[Socket]:
    """Open a WebSocket to a server; raises `LinkDown`."""
    connecting = connect(
        address.api.replace("http", "ws", 1) + "/ws",
        additional_headers=address.headers,
        logger=_QUIET,
        open_timeout=PATIENCE_SECONDS,
        ping_interval=PATIENCE_SECONDS,
        ping_timeout=PATIENCE_SECONDS,
        close_timeout=1,
        max_size=_ANSWER_BYTES,
        proxy=None if address.is_here else True,
        compression=None,
    )
    try:
        connection = await connecting
    except InvalidStatus as error:
        raise _status(error.response.status_code) from None
    except (OSError, InvalidHandshake, TimeoutError, EOFError) as error:
        raise LinkDown(f"no connection to {address}: {_reason(error)}") from None
    try:
        yield Socket(connection)
    finally:
        await connection.close()


class Web:
    """The same server by HTTP."""

    def __init__(self, address: Address) -> None:
        self._address = address
        # A login cookie would make this client another user than its token says.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.AsyncClient(
            headers=address.headers, timeout=ANSWER_SECONDS, trust_env=not address.is_here, cookies=no_cookies
        )

    async def post(self, body: bytes) -> list[dict[str, Any]]:
        """Send a body to `/events` and return the answers; raises `LinkDown`."""
        try:
            reply = await self._client.post(
                f"{self._address.api}/events", content=body, headers={"Content-Type": "application/json"}
            )
        except httpx.HTTPError as error:
            raise LinkDown(f"no answer from {self._address}: {_reason(error)}") from None
        if reply.status_code != httpx.codes.OK:
            raise _status(reply.status_code)
        try:
            responses = msgspec.json.decode(reply.content)["responses"]
        except (msgspec.DecodeError, KeyError, TypeError):
            raise LinkDown(f"{self._address} answers, but not as a recorder does") from None
        return [one for one in responses if isinstance(one, dict)]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _status(status: int) -> LinkDown:
    if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        return MessageTooLarge("a message was over the server's limit", refused=True)
    advice = {
        401: "the token is wrong",
        403: "the token is wrong, or this user may not record here",
        404: "there is no recorder at this address: is jupyter-recorder installed there, and is this its base URL?",
    }
    return LinkDown(f"the server answered {status}: {advice.get(status, 'it may be starting')}", refused=True)


def _closed(error: ConnectionClosed) -> LinkDown:
    received = error.rcvd
    if received is not None and received.code == TOO_LARGE:
        return MessageTooLarge("a message was over the server's limit")
    return LinkDown(f"the connection was closed ({received.code if received else 'without a word'})")


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
