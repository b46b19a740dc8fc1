"""Names to folder names and back; pure.

An id is a folder's name: `demo-20261120-231501` for a take, `<slug>-<16 hex>` for a client's session. What a person
or a client calls a recording stands in its manifest; only ids are ever joined to a path.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, datetime
from typing import Final

from .errors import InvalidName

NAME_BYTES: Final = 256
SLUG_LIMIT: Final = 40
_SAFE_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,80}")
_STAMP: Final = "%Y%m%d-%H%M%S"
_TAKE: Final = re.compile(
    r"(?P<slug>[a-z0-9][a-z0-9-]*)-([0-9]{4})([0-9]{2})([0-9]{2})-([0-9]{2})([0-9]{2})([0-9]{2})(?:-[0-9]{1,6})?"
)
# What Windows refuses in a file's name, or keeps for devices whatever the ending.
_REFUSED: Final = re.compile(r"[<>:\"/\\|?*]")
_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(?:\..*)?", re.IGNORECASE)
# File systems allow 255 bytes; a number, an ending and a temporary file's marks are added to it.
_STEM_BYTES: Final = 200
# Control, format (bidi overrides, joiners), surrogate, line and paragraph separator: a screen cannot show them.
_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def slug(text: str, limit: int = SLUG_LIMIT) -> str:
    """Return a lower-case ASCII form of `text` of at most `limit` characters: letters, digits and single hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:limit].strip("-") or "recording"


def check_name(name: str) -> str:
    """Return `name` if a recording may be called so; raises `InvalidName`, which says what to do."""
    why = _objection(name)
    if why:
        raise InvalidName(name, why)
    return name


def _objection(name: str) -> str | None:
    if not name.strip():
        return "it is empty; give it a word, such as 'demo'"
    unshown = next((char for char in name if unicodedata.category(char) in _UNSHOWN), None)
    if unshown is not None:
        return f"it has the invisible character U+{ord(unshown):04X}; {_try(name)}"
    if len(name.encode()) > NAME_BYTES:
        return f"it takes over {NAME_BYTES} bytes; use a shorter one, and --title for the rest"
    if "/" in name or "\\" in name:
        return f"it is a name, not a path; {_try(name)} (--dir chooses the folder)"
    if name[0] in ".-":
        return f"it begins with {name[0]!r}; {_try(name)}"
    return None


def _try(name: str) -> str:
    return f"try {slug(name)!r}"


def take_id(name: str, started_ms: int) -> str:
    """Return the id of a take of `name` that began at `started_ms` (Unix ms): `demo-20261120-231501`, in UTC."""
    return f"{slug(name)}-{datetime.fromtimestamp(started_ms / 1000, UTC).strftime(_STAMP)}"


def session_folder_id(session_id: str) -> str:
    """Return the id of a client's session: its slug and 64 bits of its sha256, so that twins stay apart."""
    digest = hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{slug(session_id)}-{digest[:16]}"


def file_stem(session_id: str) -> str:
    """Return a session's name for its files: its id, if every system can have that as a file's name.

    Else what `session_folder_id` makes of it: also for one that begins with a dot or a hyphen.
    """
    return session_id if _is_file_stem(session_id) else session_folder_id(session_id)


def _is_file_stem(text: str) -> bool:
    if not text or text[0] in " .-" or text[-1] in " ." or _REFUSED.search(text) or _DEVICE.fullmatch(text):
        return False
    if any(unicodedata.category(char) in _UNSHOWN for char in text):
        return False
    return len(text.encode()) <= _STEM_BYTES


def recovered_name(last_ms: int) -> str:
    """Return the name of a recovered recording whose last event came at `last_ms` (Unix ms), in UTC."""
    return datetime.fromtimestamp(last_ms / 1000, UTC).strftime("recovered-%Y-%m-%d-%H%M%S")


def is_safe_id(text: str) -> bool:
    """Tell whether `text` has the form of an id; such a one names a folder in the root and nothing elsewhere."""
    return _SAFE_ID.fullmatch(text) is not None


def timestamp_of(recording_id: str) -> int | None:
    """Return when the take began, in Unix ms, as its id says; None for an id without a time."""
    match = _TAKE.fullmatch(recording_id)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[1:])
    try:  # a listing asks this of every folder, and strptime takes ten times as long
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        return None


def slug_of_take(recording_id: str) -> str | None:
    """Return the slug that a take's id begins with; None for an id without a time."""
    match = _TAKE.fullmatch(recording_id)
    return match["slug"] if match else None
