"""Headers and events of an asciicast to bytes and back; pure. The package's docstring is the specification."""

from __future__ import annotations

import codecs
import json
import math
import re
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from ..errors import InvalidCast, InvalidEvent

MAX_TIME: Final = 1e9
"""The latest time of an event, in seconds (31 years): keeps sums finite and times precise to the microsecond."""
MAX_SIDE: Final = 10_000
"""The most columns or rows."""
MAX_CELLS: Final = 4_000_000
"""The most characters on a screen; a player allocates them all."""

_SIZE: Final = re.compile(r"([0-9]{1,5})x([0-9]{1,5})", re.ASCII)
_KNOWN: Final = frozenset(
    ("version", "width", "height", "timestamp", "duration", "idle_time_limit", "command", "title", "env", "theme")
)
_DEEPEST: Final = 100
_json: Final = msgspec.json.Encoder(enc_hook=str)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Header:
    """The first line of an asciicast.

    `width` and `height` in characters, `timestamp` in whole Unix seconds, `duration` and `idle_time_limit` in seconds.
    `extra` holds all other keys (of version 3 also the rest of `term`). `version` is that of the file that was read.
    """

    width: int
    height: int
    timestamp: int | None = None
    duration: float | None = None
    idle_time_limit: float | None = None
    command: str | None = None
    title: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    theme: dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    version: int = 2


class Event(NamedTuple):
    """One event: `time` in seconds since the start, a one-letter `code`, and its `data`."""

    time: float
    code: str
    data: str


class Utf8Decoder:
    """Decode a stream of bytes as UTF-8, however it is cut; what is no UTF-8 becomes U+FFFD."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> str:
        """Take the next bytes, give the characters that are whole."""
        return self._decoder.decode(data)

    def finish(self) -> str:
        """Give U+FFFD for a character that was begun and never finished."""
        rest = self._decoder.decode(b"", True)
        self._decoder.reset()
        return rest


def encode_header(header: Header) -> bytes:
    """Encode a header as a version 2 line with its newline; a size out of bounds is written as 80x24."""
    width, height = (header.width, header.height) if _in_bounds(header.width, header.height) else (80, 24)
    line: dict[str, Any] = {"version": 2, "width": width, "height": height}
    if header.timestamp is not None:
        line["timestamp"] = int(header.timestamp)
    for key in ("duration", "idle_time_limit", "command", "title", "theme"):
        line[key] = getattr(header, key)
    line["env"] = header.env or None
    line |= {key: value for key, value in header.extra.items() if key not in _KNOWN}
    return _strict({key: value for key, value in line.items() if value is not None}) + b"\n"


def encode_event(event: Event) -> bytes:
    """Encode an event as a line with its newline.

    Raises `InvalidEvent` for a time that is negative, not finite or over `MAX_TIME`, or a code that is not one
    character.
    """
    time, code, data = event
    if not 0 <= time <= MAX_TIME:
        raise InvalidEvent(f"an event's time must lie from 0 to {MAX_TIME:.0f} seconds, and {time!r} does not")
    if len(code) != 1:
        raise InvalidEvent(f"an event's code must be one character, and {code[:20]!r} is not")
    try:
        return b"[%.6f,%b,%b]\n" % (time, _json.encode(code), _json.encode(data))
    except UnicodeEncodeError:
        return b"[%.6f,%b,%b]\n" % (time, _json.encode(_paired(code)), _json.encode(_paired(data)))


def read_header(line: bytes) -> Header:
    """Read a header of version 2 or 3; raises `InvalidCast`."""
    found = _decoded(line)
    if not isinstance(found, dict):
        raise InvalidCast("its first line is no JSON object", line=1)
    version = found.get("version")
    if type(version) is not int or version not in (2, 3):
        raise InvalidCast(f"its version is {str(version)[:20]}; 2 and 3 can be read", line=1)
    fields = _flattened(found) if version == 3 else found
    width, height = fields.get("width"), fields.get("height")
    if not _in_bounds(width, height):
        raise InvalidCast(f"its size is {str(width)[:20]}x{str(height)[:20]}", line=1)
    timestamp = _number(fields.get("timestamp"))
    return Header(
        width=fields["width"],
        height=fields["height"],
        timestamp=None if timestamp is None else int(timestamp),
        duration=_seconds(fields.get("duration")),
        idle_time_limit=_seconds(fields.get("idle_time_limit")),
        command=_if_a(str, fields.get("command")),
        title=_if_a(str, fields.get("title")),
        env={k: v for k, v in (_if_a(dict, fields.get("env")) or {}).items() if isinstance(v, str)},
        theme=_if_a(dict, fields.get("theme")),
        extra={key: value for key, value in fields.items() if key not in _KNOWN},
        version=version,
    )


def read_event(line: bytes) -> Event | None:
    """Read one event, its time as it stands in the line; None if the line is no event."""
    found = _decoded(line)
    if not isinstance(found, list) or len(found) < 3:
        return None
    time, code, data = _number(found[0]), found[1], found[2]
    if time is None or abs(time) > MAX_TIME or not isinstance(code, str) or not code:
        return None
    if type(data) is int and code == "x":  # some writers give the exit status as a number
        data = str(data)
    return Event(time, code, data) if isinstance(data, str) else None


def is_whole_line(line: bytes) -> bool:
    """Tell whether a line, without its newline, is an event or a header; a comment of version 3 is neither."""
    if read_event(line) is not None:
        return True
    try:
        read_header(line)
    except InvalidCast:
        return False
    return True


def parse_size(data: str) -> tuple[int, int] | None:
    """Read the data of a resize as (columns, rows); None if it is none, or out of bounds."""
    match = _SIZE.fullmatch(data)
    if match is None:
        return None
    cols, rows = int(match[1]), int(match[2])
    return (cols, rows) if _in_bounds(cols, rows) else None


def _in_bounds(cols: Any, rows: Any) -> bool:
    if type(cols) is not int or type(rows) is not int:
        return False
    return 1 <= cols <= MAX_SIDE and 1 <= rows <= MAX_SIDE and cols * rows <= MAX_CELLS


def _flattened(found: dict[str, Any]) -> dict[str, Any]:
    """Give version 3's header the shape of version 2's."""
    term = dict(_if_a(dict, found.get("term")) or {})
    flat = {key: value for key, value in found.items() if key not in ("term", "width", "height", "theme")}
    flat |= {"width": term.pop("cols", None), "height": term.pop("rows", None), "theme": term.pop("theme", None)}
    return flat | ({"term": term} if term else {})


def _decoded(line: bytes) -> Any:
    """Decode a line of JSON, None if it is none; what is lenient in it (NaN, lone surrogates) is made strict."""
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _cleaned(json.loads(line.decode("utf-8")))
    except (ValueError, RecursionError):
        return None


def _strict(value: Any) -> bytes:
    try:
        return _json.encode(value)
    except (UnicodeEncodeError, TypeError, RecursionError):
        return _json.encode(_cleaned(value))


def _cleaned(value: Any, depth: int = 0) -> Any:
    """Make a value fit for strict JSON: whole characters, finite numbers, string keys, bounded depth."""
    if isinstance(value, str):
        return _paired(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, (dict, list, tuple)) and depth >= _DEEPEST:
        return None
    if isinstance(value, dict):
        return {_paired(str(key)): _cleaned(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item, depth + 1) for item in value]
    return value


def _paired(text: str) -> str:
    """Join surrogates that are pairs, replace those that are alone by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _number(value: Any) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _seconds(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and number >= 0 else None


def _if_a(kind: type[_T], value: Any) -> _T | None:
    return value if isinstance(value, kind) else None
