"""One direction of a terminal, from bytes to text that may be written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ..errors import InvalidEvent
from ..redact import StreamRedactor
from .format import Utf8Decoder

_PIECE: Final = 1 << 16


class TextStream:
    """Decodes a stream of UTF-8 however it is cut and, if `redact`, takes secrets out."""

    def __init__(self, redact: bool) -> None:
        self._decoder = Utf8Decoder()
        self._redactor = StreamRedactor() if redact else None

    @property
    def pending(self) -> bool:
        """Whether redaction holds something back."""
        return self._redactor is not None and self._redactor.pending

    def feed(self, data: bytes) -> str:
        """Take the next bytes, give what may be written now."""
        text = self._decoder.feed(data)
        return text if self._redactor is None else self._redactor.feed(text)

    def release(self) -> str:
        """Give what redaction holds back, as it stands."""
        return "" if self._redactor is None else self._redactor.flush()

    def finish(self) -> str:
        """Give all that is left; a character that was never finished is U+FFFD."""
        rest = self._decoder.finish()
        return rest if self._redactor is None else self._redactor.feed(rest) + self._redactor.flush()


def as_bytes(data: Any) -> bytes:
    """Return what a program gave as a terminal's bytes; of text its UTF-8. Raises `InvalidEvent` for anything else."""
    if isinstance(data, str):
        return data.encode("utf-8", "surrogatepass")
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    raise InvalidEvent(f"a terminal's data must be bytes, and {type(data).__name__} is not")


def pieces(text: str) -> Iterator[str]:
    """Yield `text` in pieces of which each makes a line that readers take."""
    yield from (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))
