"""Types that values are held against by msgspec, from any thread."""

from __future__ import annotations

from typing import Any

import msgspec


def prepare(*kinds: Any) -> None:
    """Have msgspec learn types now, while their module is imported, which one thread does.

    msgspec 0.22 learns a type when it is first used, and shows what it has learned so far to other threads: where two
    use a type for the first time at once, the process dies (seen: a server of which two threads began with manifests).
    """
    for kind in kinds:
        msgspec.json.Decoder(kind)
