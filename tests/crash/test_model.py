"""A client, a server, crashes and restarts, in any order that Hypothesis finds, against an oracle in plain Python."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from model import ServiceModel
from served import mother

# The full run has more, and chooses anew each time.
EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "15"))
STEPS = int(os.environ.get("MODEL_STEPS", "12"))
LIMITS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize="MODEL_EXAMPLES" not in os.environ,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def place(tmp_path: Path) -> Callable[[], Path]:
    """Make empty folders, one after the other."""
    numbers = itertools.count(1)

    def make() -> Path:
        folder = tmp_path / f"root-{next(numbers)}"
        folder.mkdir(mode=0o700)
        return folder

    return make


@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_whatever_comes_the_service_holds_what_the_oracle_holds(tmp_path: Path, place: Callable[[], Path]) -> None:
    """Batches, faults of the disk, kills, losses of power, repeats and strays: answers and disk are the oracle's."""
    with mother(tmp_path) as one:

        class Machine(ServiceModel):
            pass

        Machine.serve = staticmethod(one.serve)  # type: ignore[method-assign]
        Machine.place = staticmethod(place)  # type: ignore[method-assign]
        run_state_machine_as_test(Machine, settings=LIMITS)
