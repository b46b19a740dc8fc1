"""Changes to a finished recording: each makes a new one, and leaves the old one as it is unless told to replace it.

copy.py      a recording read and written again, event by event, through a clock and a redactor
timemap.py   which stretches of time go, and where the rest moves; pure
streams.py   secrets in texts that were recorded in pieces
edit.py      `trim` and `redact`
"""

from __future__ import annotations

from .edit import Edited, redact, trim

__all__ = ["Edited", "redact", "trim"]
