"""Streams that are listened to from inside: the object that the package gave stays, and what it iterates is watched."""

from __future__ import annotations

import _thread
import contextlib
import json
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from .call import Call, guarded


@contextlib.contextmanager
def reading(call: Call | Body) -> Iterator[None]:
    """Read the next piece in this block, and tell a call if that was the end, or failed."""
    with call.reading():
        try:
            yield
        except (StopIteration, StopAsyncIteration):
            call.ended()
            raise
        except BaseException as error:
            call.failed(error)
            raise


class Watched:
    """An iterator that passes its items on, and tells a call of them."""

    def __init__(self, inner: Any, took: Callable[[Any], object], call: Call | Body) -> None:
        self._inner, self._took, self._call = inner, took, call

    def __getattr__(self, name: str) -> Any:
        """Have everything else that the iterator has."""
        return getattr(self._inner, name)

    def __iter__(self) -> Iterator[Any]:
        """Return itself."""
        return self

    def __next__(self) -> Any:
        """Return the next item."""
        with reading(self._call):
            item = next(self._inner)
        self._took(item)
        return item


class AsyncWatched:
    """The same for an asynchronous iterator."""

    def __init__(self, inner: Any, took: Callable[[Any], object], call: Call | Body) -> None:
        self._inner, self._took, self._call = inner, took, call

    def __getattr__(self, name: str) -> Any:
        """Have everything else that the iterator has."""
        return getattr(self._inner, name)

    def __aiter__(self) -> AsyncIterator[Any]:
        """Return itself."""
        return self

    async def __anext__(self) -> Any:
        """Return the next item."""
        with reading(self._call):
            item = await self._inner.__anext__()
        self._took(item)
        return item


def watch_stream(stream: Any, call: Call) -> None:
    """Watch a package's `Stream` or `AsyncStream`, which iterates `_iterator`: to its end, or until it is let go of."""
    inner = stream._iterator
    stream._iterator = (AsyncWatched if hasattr(inner, "__anext__") else Watched)(inner, call.took, call)
    _watch_close(stream, call, "close")
    when_dropped(stream, call)


def watch_body(response: Any, call: Call, *, stream: bool) -> None:
    """Watch the bytes of an HTTP response that is read in whatever way; all ways of reading it go through these two."""
    body, kind, holder = Body(call, stream=stream), type(response), weakref.ref(response)

    def iter_bytes(*args: Any, **options: Any) -> Iterator[bytes]:
        yield from Watched(kind.iter_bytes(holder(), *args, **options), body.took, body)

    async def aiter_bytes(*args: Any, **options: Any) -> AsyncIterator[bytes]:
        async for data in AsyncWatched(kind.aiter_bytes(holder(), *args, **options), body.took, body):
            yield data

    response.iter_bytes, response.aiter_bytes = iter_bytes, aiter_bytes
    for name in ("close", "aclose"):
        _watch_close(response, body, name)
    when_dropped(response, body)


def when_dropped(thing: Any, call: Call | Body) -> None:
    """Tell a call when nobody holds `thing` any more.

    In a thread of its own: the collector may run anywhere, also where a lock of the recorder's is held.
    """

    def dropped() -> None:
        with contextlib.suppress(RuntimeError):  # the interpreter ends
            _thread.start_new_thread(call.abandoned, ())

    weakref.finalize(thing, dropped).atexit = False


def _watch_close(thing: Any, call: Call | Body, name: str) -> None:
    """Tell a call when a stream is closed; what is kept with it does not keep it alive."""
    holder, close = weakref.ref(thing), getattr(type(thing), name)

    def watched_close(*args: Any, **options: Any) -> Any:
        call.closed()
        return close(holder(), *args, **options)

    setattr(thing, name, watched_close)


class Body:
    """The bytes of an answer: events of a stream, or one JSON value."""

    def __init__(self, call: Call, *, stream: bool) -> None:
        self._call, self._stream = call, stream
        self._rest = b""
        self._pieces: list[bytes] = []
        self._complete = False

    def took(self, data: bytes) -> None:
        """Take the next bytes."""
        with guarded():
            if not self._stream:
                self._pieces.append(data)
                return
            self._rest = (self._rest + data).replace(b"\r\n", b"\n")
            *events, self._rest = self._rest.split(b"\n\n")
            for event in events:
                self._event(event)

    def ended(self) -> None:
        """The body was read to its end."""
        if self._stream:
            self.took(b"\n\n")
            self._call.ended()
        else:
            self._call.answered(json_or_text(b"".join(self._pieces)))

    def failed(self, error: BaseException) -> None:
        """Reading the body failed."""
        self._call.failed(error)

    def abandoned(self) -> None:
        """Nobody reads any further."""
        self._call.abandoned()

    def closed(self) -> None:
        """The response is closed."""
        self._call.closed()

    def reading(self) -> AbstractContextManager[None]:
        """Say that something is being read."""
        return self._call.reading()

    def _event(self, event: bytes) -> None:
        lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
        value = json_or_text(b"\n".join(lines))
        if isinstance(value, dict):
            self._call.took(value)


def json_or_text(data: bytes) -> Any:
    """Return a JSON value, else the text."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")
