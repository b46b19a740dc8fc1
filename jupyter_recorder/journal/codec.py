"""Journal lines to bytes and back; pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from ..errors import InvalidEvent

FORMAT: Final = "jupyter-recorder"
VERSION: Final = 1
BLOB_BYTES: Final = 64 * 1024
# A line beyond this is not written and not read.
LINE_BYTES: Final = 1 << 26
# What nests deeper is refused when written: readers recurse, some from deep in a stack of their own.
DEPTH: Final = 128

# RecursionError and UnicodeDecodeError come from hostile lines; msgspec names the rest.
NOT_JSON: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def _foreign(value: object) -> object:
    """Give a JSON form to what a kernel message may hold beside JSON."""
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return dict(value)
    return clean_text(str(value))


_encoder: Final = msgspec.json.Encoder(enc_hook=_foreign)
_decoder: Final = msgspec.json.Decoder()
# Python writes an int of so many digits and doesn't read it again (sys.set_int_max_str_digits).
_DIGITS: Final = 4299
_TEN: Final = b"0123456789"
_STRING: Final = re.compile(rb'"[^"]*"?')
# So much of a text is looked at in one go: no thread gets the interpreter before a search in C is done.
_PIECE: Final = 1 << 16
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_SQUARE: Final = bytes.maketrans(b"{}", b"[]")


def encode(value: Any) -> bytes:
    """Return compact JSON; lone surrogates become U+FFFD, NaN and infinities null, foreign values their text.

    Raises `InvalidEvent` for what nests too deeply to be read again, or has no form in JSON at all.
    """
    try:
        data = _encode(value)
    except RecursionError as error:
        raise InvalidEvent("the event nests too deeply") from error
    if data.count(b"{") + data.count(b"[") > DEPTH and _deeper_than(data, DEPTH):
        raise InvalidEvent(f"the event nests more than {DEPTH} deep")
    return data


def _encode(value: Any) -> bytes:
    try:
        data = _encoder.encode(value)
        if len(data) <= _DIGITS or not _has_long_number(data) or _is_json(data):
            return data
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError):
        pass
    try:
        return _encoder.encode(_clean(value))
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError) as error:
        raise InvalidEvent(f"the event has no form in JSON: {error}") from error


def _has_long_number(data: bytes) -> bool:
    """Tell whether so many digits stand in a row; reading all of a large event again would hold up every thread."""
    row = _DIGITS + 1
    for at in range(_DIGITS, len(data), row):  # a row of so many has one of these places
        if data[at : at + 1].isdigit():
            left, right = data[at - _DIGITS : at], data[at : at + row]
            if len(left) - len(left.rstrip(_TEN)) + len(right) - len(right.lstrip(_TEN)) >= row:
                return True
    return False


def _is_json(data: bytes) -> bool:
    try:
        _decoder.decode(data)
    except NOT_JSON:
        return False
    return True


def _deeper_than(data: bytes, depth: int) -> bool:
    rest = b"".join([piece.translate(_SQUARE, _NO_BRACKETS) for piece in outside_strings(data)])
    for _ in range(depth):  # each round takes the innermost level off
        rest = rest.replace(b"[]", b"")
    return bool(rest)


def pieces(data: bytes) -> Iterator[bytes]:
    """Yield JSON in pieces; an escape stays in one."""
    begin = 0
    while begin < len(data):
        end = begin + _PIECE
        while data[end - 1 : end] == b"\\":
            end += 1
        yield data[begin:end]
        begin = end


def outside_strings(data: bytes) -> Iterator[bytes]:
    """Yield what stands outside of JSON's strings, a piece at a time."""
    is_inside = False
    for piece in pieces(data):
        plain = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
        if is_inside:
            plain = b'"' + plain
        is_inside = plain.count(b'"') % 2 == 1
        yield _STRING.sub(b"", plain)


def encode_line(value: Mapping[str, Any]) -> bytes:
    """Return `value` as one journal line with its newline."""
    return encode(value) + b"\n"


def encode_flat_lines(values: Sequence[Any]) -> bytes | None:
    """Return values of no more than texts and numbers of 64 bits as journal lines; None if that takes `encode`."""
    try:
        return _encoder.encode_lines(values)
    except (UnicodeEncodeError, TypeError, ValueError, OverflowError):
        return None


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
    if depth > DEPTH:
        raise InvalidEvent(f"the event nests more than {DEPTH} deep")
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value) if abs(value) < 2**1000 else hex(value)
    return value
