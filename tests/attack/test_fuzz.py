"""All that reads what others made: the inputs that are kept, and changed ones, the same each time."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from mutate import mutated
from targets import TARGETS, corpus, run

# `make prove` has more, and atheris besides.
EXAMPLES = int(os.environ.get("ATTACK_EXAMPLES", "25"))
SHARE = {"event": 20, "cast": 4, "import": 2, "journal": 1}


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_kept_goes_well(target: str, tmp_path: Path) -> None:
    """Every input in the corpus, among them each that once went wrong."""
    for data in corpus(target):
        run(target, data, tmp_path)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("target", TARGETS)
def test_what_is_nearly_right_goes_well(target: str, tmp_path: Path) -> None:
    """Changed bytes, cut and spliced lines, and any value in any place: an answer or a named error, never a crash."""
    chance, known = random.Random(target), corpus(target)
    for number in range(EXAMPLES * SHARE[target]):
        data = mutated(chance, known)
        try:
            run(target, data, tmp_path)
        except Exception as error:
            error.add_note(f"input {number} of {target}: {data[:3000]!r}")
            raise
