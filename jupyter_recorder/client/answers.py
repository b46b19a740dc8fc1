"""What an answer means for the event that it answers; pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

# Refused whenever it is sent; the number is used up.
FOR_GOOD: Final = frozenset({"invalid_event", "message_not_found", "conflict", "offset_mismatch", "too_large"})


class Verdict(Enum):
    """What becomes of an event."""

    SAFE = "safe"
    REFUSED = "refused"
    AGAIN = "again"
    MISSING = "missing"
    NO_SESSION = "no session"


def verdict(answer: Mapping[str, Any]) -> Verdict:
    """Return what becomes of the answered event; an answer that is not understood keeps it.

    AGAIN (`persist_failed`, `recording_in_progress`, `forbidden`, others): kept, sent again after a while. MISSING
    (`gap` for the first event that is not acknowledged): the server lacks what it acknowledged before.
    """
    if answer.get("type") == "ack":
        return Verdict.SAFE
    code = answer.get("code")
    if code in FOR_GOOD:
        return Verdict.REFUSED
    return {"gap": Verdict.MISSING, "session_not_found": Verdict.NO_SESSION}.get(str(code), Verdict.AGAIN)
