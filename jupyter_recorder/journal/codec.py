"""Journal lines to bytes and back; pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ..errors import InvalidEvent

FORMAT: Final = "jupyter-recorder"
VERSION: Final = 1
BLOB_BYTES: Final = 64 * 1024

# RecursionError and UnicodeDecodeError come from hostile lines; msgspec names the rest.
NOT_JSON: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def _foreign(value: object) -> object:
    """Give a JSON form to what a kernel message may hold beside JSON."""
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


_encoder: Final = msgspec.json.Encoder(enc_hook=_foreign)
_decoder: Final = msgspec.json.Decoder()


def encode(value: Any) -> bytes:
    """Return compact JSON; lone surrogates become U+FFFD, NaN and infinities null, foreign values their text.

    Raises `InvalidEvent` for what nests too deeply to be read again.
    """
    try:
        return _encoder.encode(value)
    except RecursionError as error:
        raise InvalidEvent("the event nests too deeply") from error
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError):
        return _encoder.encode(_clean(value))


def encode_line(value: Mapping[str, Any]) -> bytes:
    """Return `value` as one journal line with its newline."""
    return encode(value) + b"\n"


def number_line(seq: int, at: int, body: bytes) -> bytes:
    """Return the line of an event whose other fields are encoded in `body` (a JSON object)."""
    head = b'{"seq":%d,"at":%d' % (seq, at)
    return head + (b"," + body[1:] if len(body) > 2 else b"}") + b"\n"


def decode(line: bytes) -> Any:
    """Return the value of one line; raises one of `NOT_JSON`."""
    return _decoder.decode(line)


def decode_object(line: bytes) -> dict[str, Any] | None:
    """Return the line's JSON object, or None for anything else."""
    try:
        value = _decoder.decode(line)
    except NOT_JSON:
        return None
    return value if isinstance(value, dict) else None


def is_whole(line: bytes) -> bool:
    """Tell whether a line (without its newline) is a whole journal line."""
    return decode_object(line) is not None


def clean_text(text: str) -> str:
    """Return `text` with surrogate pairs joined and lone surrogates as U+FFFD, so that it is UTF-8."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _clean(value: Any, depth: int = 0) -> Any:
    if depth > 500:
        raise InvalidEvent("the event nests too deeply")
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value) if abs(value) < 2**1000 else str(value)
    return value
