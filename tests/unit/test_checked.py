"""Types are known to msgspec before threads use them."""

from __future__ import annotations

import subprocess
import sys

# Types with others within them, each used by three threads at once for the first time after it was made.
RACE = """
import sys, threading, typing, msgspec
from jupyter_recorder.checked import prepare
sys.setswitchinterval(1e-6)
for _ in range(400):
    inner = [typing.TypedDict("Inner", {"a": int, "b": "str"}) for _ in range(20)]
    kind = typing.TypedDict("Kind", {f"f{i}": int | inner[i % 20] for i in range(40)}, total=False)
    prepare(kind)
    barrier = threading.Barrier(3)
    def use():
        barrier.wait()
        msgspec.convert({f"f{i}": 1 for i in range(40)}, kind)
    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""

KNOWN = """
from jupyter_recorder.library.manifest import Labels, Manifest
assert all(hasattr(kind, "__msgspec_cache__") for kind in (Manifest, Labels))
"""


def test_threads_may_use_a_prepared_type_at_once() -> None:
    """A type's first use by several threads at once ends the process, unless it was prepared."""
    subprocess.run([sys.executable, "-c", RACE], check=True, timeout=120)


def test_manifests_are_prepared_where_they_are_imported() -> None:
    """Nothing has to be read first."""
    subprocess.run([sys.executable, "-c", KNOWN], check=True, timeout=60)
