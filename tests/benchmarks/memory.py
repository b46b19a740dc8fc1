"""What a service holds in memory with 100 open sessions of 100,000 messages each, over one that is empty.

    python tests/benchmarks/memory.py [--sessions N] [--messages N] [--json FILE]

Ten million messages take their time and 3 GB of disk: one round. `--messages` makes it less.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from pathlib import Path

import psutil
from measure import TESTS, Figures, arguments, finish, note

sys.path.insert(0, str(TESTS))

from services import Service, add, numbered, start

BATCH = 5000


def held() -> float:
    """Return what this process holds, in MB."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--sessions", type=int, default=100, help="that are open (default: 100)")
    parser.add_argument("--messages", type=int, default=100_000, help="of each (default: 100,000)")
    options = parser.parse_args()
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        service = Service(Path(name))
        service.send(start("warm"), add("m", "x", "warm"))
        empty, begun = held(), time.perf_counter()
        for number in range(options.sessions):
            session = f"s{number}"
            service.send(*numbered([start(session)]))
            for first in range(0, options.messages, BATCH):
                some = range(first, min(first + BATCH, options.messages))
                events = [add(f"m{at}", "hello there, how are you", session) for at in some]
                service.send(*numbered(events, first=first + 2))
        note(figures, "messages taken in (/s)", options.sessions * options.messages / (time.perf_counter() - begun))
        note(figures, "empty (MB)", empty)
        note(figures, "over empty (MB)", held() - empty)
        assert service.core.active_count() == options.sessions + 1
        service.core.close(300)
    each = figures["over empty (MB)"][0] * 1e6 / (options.sessions * options.messages)
    finish(figures, [("bytes a message", f"{each:.1f}")], options.json)


if __name__ == "__main__":
    main()
