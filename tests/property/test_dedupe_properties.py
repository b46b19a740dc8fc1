"""Dedupe against a plain dict that forgets nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from deduping import Recording, message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_recorder.errors import EventConflict, SequenceGap

IDS = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), IDS, st.sampled_from([None, "p", "q"]), st.integers(1, 5), st.sampled_from("xy")),
        st.just(("restart",)),
    ),
    max_size=25,
)


class Oracle:
    """What dedupe must answer, from a list of all that was recorded."""

    def __init__(self) -> None:
        self.names: dict[tuple[Any, ...], tuple[int, str]] = {}
        self.numbers: dict[str, int] = {}

    def answer(self, event: dict[str, Any]) -> object:
        """Return None, a number, or the error's name and what it says."""
        producer, content = event.get("producer"), json.dumps(event["content"])
        if producer and event["producer_seq"] > self.numbers.get(producer, 0) + 1:
            return "gap", self.numbers.get(producer, 0) + 1
        found = [self.names[name] for name in self.of(event) if name in self.names]
        for seq, other in found:
            if other != content:
                return "conflict", seq
        return min(seq for seq, _ in found) if found else None

    def of(self, event: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Return what an event is known by."""
        names: list[tuple[Any, ...]] = [("id", event["event_id"])] if "event_id" in event else []
        return names + ([("p", event["producer"], event["producer_seq"])] if "producer" in event else [])

    def add(self, seq: int, event: dict[str, Any]) -> None:
        """Take in a new event."""
        for name in self.of(event):
            self.names.setdefault(name, (seq, json.dumps(event["content"])))
        if "producer" in event:
            self.numbers[event["producer"]] = event["producer_seq"]


def told(one: Recording, event: dict[str, Any]) -> object:
    """Return dedupe's answer in the oracle's form."""
    try:
        return one.check(event)
    except SequenceGap as error:
        return "gap", error.expected
    except EventConflict as error:
        return "conflict", error.seq


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_it_answers_as_a_dict_over_all_events_would(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    """Over restarts: the same numbers, conflicts and gaps as a dict that forgets nothing."""
    place = tmp_path_factory.mktemp("dedupe")
    one, oracle = Recording(place / "demo"), Oracle()
    for step in steps:
        if step[0] == "event":
            _, event_id, producer, number, text = step
            event = message(text, **({"event_id": event_id} if event_id else {}))
            event |= {"producer": producer, "producer_seq": number} if producer else {}
            expected = oracle.answer(event)
            assert told(one, event) == expected
            if expected is None:
                oracle.add(one.record(event)[1], event)
            continue
        assert one.writer.wait(timeout=20)
        one.stop()
        one.again()
    one.stop()
