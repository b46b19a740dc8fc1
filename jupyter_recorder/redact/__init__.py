"""Take secrets out of text before anything is written.

A secret becomes `[redacted:<kind>]`: visible, the same every time, and never matched again, so that redacting twice
changes nothing. Of an assignment, a URL or a header the value alone goes; the name stays readable.

    Redactor         whole texts and JSON values
    StreamRedactor   a text that arrives in pieces, such as a terminal's output; a secret cut in two is still found
    Pattern          one kind of secret; `BUILTIN` holds the common ones
    pattern_of       a user's own regular expression as a `Pattern`
    redactor_with    the built-in kinds and a user's own
    with_more        a redactor, and more of a user's own

Matching is RE2's, linear in the text whatever the text: a backtracking `re` can be stalled by what a program prints.
There are no clocks and no threads here: how long a held piece may wait is the caller's to decide.
"""

from __future__ import annotations

from .custom import pattern_of, redactor_with, with_more
from .grammar import Pattern
from .patterns import BUILTIN
from .stream import HOLD_LIMIT, StreamRedactor
from .whole import Redactor

__all__ = ["BUILTIN", "HOLD_LIMIT", "Pattern", "Redactor", "StreamRedactor", "pattern_of", "redactor_with", "with_more"]
