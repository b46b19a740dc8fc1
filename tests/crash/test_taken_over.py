"""A session that another process takes over: who had it lets go, and has it again once the other is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import Mother, mother
from services import SID, add, append, start

from jupyter_recorder.library.active import RECORD
from jupyter_recorder.library.library import Library


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Mother]:
    """What starts services, each a process of its own."""
    with mother(tmp_path) as one:
        yield one


def test_a_session_goes_to_another_process_and_back(services: Mother, tmp_path: Path) -> None:
    """Its first owner keeps no lock: the second records at once, is alone meanwhile, and what each acked is there.

    The owner's record is taken away as a clean-up does that could not ask it: from another machine, or in a container.
    """
    root = tmp_path / "recordings"
    first, second = services.serve(root), services.serve(root)
    assert first.ask("beat", seconds=0.05)
    sent = [start(), add("m", "one"), append(" two"), append(" three"), append(" four")]
    told = [answer.get("code") or answer["seq"] for answer in first.send(sent[:2])]
    refused = second.send([sent[2]])[0]["code"]
    (Library(root).find_session(SID).path / RECORD).unlink()
    told += [answer.get("code") or answer["seq"] for answer in second.send([sent[2]])]
    told += [answer.get("code") or answer["seq"] for answer in first.send([sent[3]])]
    assert second.ask("close")
    told += [answer.get("code") or answer["seq"] for answer in first.send(sent[3:])]
    assert first.ask("close")

    lines = list(Library(root).find_session(SID).events())
    assert "recording_in_progress" == refused
    # Each that goes on says so in a line of its own.
    assert [1, 2, 4, "recording_in_progress", 6, 7] == told
    assert list(range(1, 8)) == [line["seq"] for line in lines]
    assert ["one", " two", " three", " four"] == [
        line.get("content") or line["content_delta"] for line in lines if line["type"].startswith("message_")
    ]
    assert "interrupted" == Library(root).find_session(SID).state
