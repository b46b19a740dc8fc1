"""Foreign titles, ids and times, made fit for a recording; pure."""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from datetime import UTC, datetime
from typing import Any, Final

from ..events import ID_BYTES
from ..ids import NAME_BYTES
from ..journal.codec import clean_text
from ..library.manifest import TIME_LIMIT_MS

_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_TITLE_BYTES: Final = 100


def as_name(text: str) -> str:
    """Return a recording's name that resembles `text`: one line, no path, nothing invisible."""
    shown = "".join(" " if char in "/\\" or unicodedata.category(char) in _UNSHOWN else char for char in text[:1000])
    short = _cut(" ".join(shown.split()), min(_TITLE_BYTES, NAME_BYTES)).lstrip(".- ").rstrip()
    return short or "imported"


def as_id(value: Any) -> str:
    """Return an id of 1 to 256 bytes: the text of `value`, or what tells it from others if that is longer."""
    text = clean_text(value if isinstance(value, str) else str(value))
    if 0 < len(text.encode()) <= ID_BYTES:
        return text
    return hashlib.sha256(text.encode()).hexdigest()


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode("utf-8", "ignore")


def millis(value: Any) -> int | None:
    """Return a time in Unix ms: of RFC 3339 text, or a number in seconds or milliseconds; None for what is none."""
    found: float | None = None
    if isinstance(value, str):
        found = _parsed(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = _scaled(value)
    return round(found) if found is not None and 0 <= found < TIME_LIMIT_MS else None


def _scaled(value: float) -> float | None:
    """Tell seconds from milliseconds: as seconds, 10^11 would be the year 5138."""
    if not -1e18 < value < 1e18 or not math.isfinite(value):
        return None
    return value * 1000 if value < 1e11 else value


def _parsed(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.strip()[:64])
    except ValueError:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
    except (OverflowError, ValueError, OSError):
        return None


def as_json(value: Any) -> str:
    """Return a value as JSON text; empty for what nests too deeply for that."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):
        return ""
