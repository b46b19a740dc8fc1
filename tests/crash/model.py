"""Clients, a server, crashes and restarts, step by step against an oracle: the machine that `test_model.py` runs.

A client numbers its events, keeps what is not settled, and sends that again, as the protocol has it. Whatever happens:
every answer is the oracle's, and what is on the disk is what the oracle holds. After a crash, the events that were
not answered are there up to some number, which the service itself tells, and which is never below an ack's.
"""

from __future__ import annotations

import copy
import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from oracle import NOT_USED_UP, Done, Oracle
from served import Answer, Served

from jupyter_recorder.library.library import Library
from jupyter_recorder.timeline import fold

Event = dict[str, Any]
Lane = tuple[str, str]

SESSIONS: Final = ("a", "../b", "c\u202e")
PRODUCERS: Final = ("p", "q")
TEXT: Final = st.text("aé😀\n", min_size=1, max_size=6)
STEP: Final = st.tuples(
    st.sampled_from(["start", "add", "add", "append", "append", "append", "update", "delete", "end", "retitle"]),
    st.sampled_from(["m", "n", "__proto__"]),
    TEXT,
    st.sampled_from([None, "end", "below", "above"]),
)
# What one client sends at once: to one session, or to several.
BATCH: Final = st.lists(
    st.tuples(st.sampled_from(SESSIONS), st.lists(STEP, min_size=1, max_size=6)),
    min_size=1,
    max_size=3,
    unique_by=lambda part: part[0],
)
# Seconds between what is sent and the crash.
WAIT: Final = st.sampled_from([0.0, 0.01, 0.03])
FAULT: Final = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["write", "datasync", "create", "rename", "sync_folder"]),
        "name": st.sampled_from(["*", "*.ndjson", "*.ndjson*"]),
        "error": st.sampled_from([errno.ENOSPC, errno.EIO, errno.EDQUOT]),
        "nth": st.one_of(st.none(), st.integers(0, 3)),
        "keep": st.sampled_from([0, 1, 40]),
    }
)


def made(oracle: Oracle, session: str, producer: str, step: tuple[str, str, str, str | None]) -> Event:
    """Return the event that a step stands for, with its number."""
    kind, message_id, text, offset = step
    event: Event = {"session_id": session, "producer": producer, "producer_seq": oracle.next_number(session, producer)}
    if kind == "start":
        return {**event, "type": "session_start", "provider": "model", "title": text}
    if kind == "retitle":
        return {**event, "type": "session_update", "title": text}
    if kind == "end":
        return {**event, "type": "session_end"}
    event["message_id"] = message_id
    if kind == "add":
        return {**event, "type": "message_add", "role": "user", "content": text}
    if kind == "update":
        return {**event, "type": "message_update", "content": text, "is_complete": False}
    if kind == "delete":
        return {**event, "type": "message_delete"}
    event |= {"type": "message_append", "content_delta": text}
    chat = oracle.chats.get(session)
    message = chat.messages.get(message_id) if chat is not None else None
    size = len(message.content.encode()) if message is not None else 0
    offsets = {"end": size, "below": size // 2, "above": size + 3}
    return event if offset is None else {**event, "offset": offsets[offset]}


class ServiceModel(RuleBasedStateMachine):
    """A client's lanes, a service, and what it must hold; `serve` and `place` are set by who runs it."""

    serve: Callable[[Path], Served]
    place: Callable[[], Path]

    def __init__(self) -> None:
        super().__init__()
        self.root = type(self).place()
        self.server = type(self).serve(self.root)
        self.oracle = Oracle()
        self.pending: dict[Lane, list[Event]] = {}
        self.promised: dict[tuple[Lane, int], int] = {}
        self.faulty = False

    # -- what may come; after each, all is settled, so that what can come next does not rest on how quick a disk was

    @rule(producer=st.sampled_from(PRODUCERS), batch=BATCH, then=st.sampled_from(["go on", "crash", "lose power"]))
    def send(self, producer: str, batch: Any, then: str) -> None:
        """Events are answered as the oracle says; what a failing disk did not take is sent again, or after a crash."""
        events = list(self._events(producer, batch))
        self._settle(events, self.server.send(events))
        if self.pending and then != "go on":
            self._crash(then == "lose power", [])
        self._resend()

    @rule(producer=st.sampled_from(PRODUCERS), batch=BATCH, wait=WAIT, power=st.booleans())
    def crash_under_load(self, producer: str, batch: Any, wait: float, power: bool) -> None:
        """Events are in flight when the process dies, or the machine."""
        events = list(self._events(producer, batch))
        self.server.tell("send", events=events)
        self.server.wait(wait)
        self._crash(power, events)
        self._resend()

    @rule(power=st.booleans())
    def crash(self, power: bool) -> None:
        """The process dies, or the machine, and is started again."""
        self._crash(power, [])

    @rule()
    def stop_and_start(self) -> None:
        """An orderly stop leaves all sessions to go on."""
        self._heal()
        assert self.server.ask("close") is True
        self.server.kill()
        self.server = type(self).serve(self.root)

    @rule(fault=FAULT)
    def fail(self, fault: dict[str, Any]) -> None:
        """The disk fails one call of some kind, or all from now on."""
        self.server.tell("fault", **fault)
        self.faulty = True

    @precondition(lambda self: self.oracle.done)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Anything that was settled may be sent again, three times, and changes nothing."""
        self._heal()
        lane = data.draw(st.sampled_from(sorted(self.oracle.done)))
        done = self.oracle.done[lane][-data.draw(st.integers(1, 8)) :]
        for _ in range(3):
            for one, answer in zip(done, self.server.send([one.event for one in done]), strict=True):
                self._check_again(lane, one, answer)

    @precondition(lambda self: self.oracle.done)
    @rule(data=st.data())
    def stray(self, data: st.DataObject) -> None:
        """A used number with other content is a conflict; one too far on is a gap that names the next."""
        self._heal()
        session, producer = data.draw(st.sampled_from(sorted(self.oracle.done)))
        following = self.oracle.next_number(session, producer)
        used = self.oracle.done[session, producer][data.draw(st.integers(0, following - 2))]
        other = {**used.event, "type": "session_update", "title": "another", "metadata": {"x": 1}}
        ahead = {**other, "producer_seq": following + 1}
        first, second = self.server.send([other, ahead])
        assert first.get("code") in ("conflict", used.outcome), first  # what was refused is not kept to compare
        assert (second["code"], second["expected"]) == ("gap", following)

    # -- what must be so

    @invariant()
    def is_as_the_oracle_says(self) -> None:
        """What is settled is on the disk: every message, every number, once and in order."""
        assert not self.pending
        for session, chat in self.oracle.chats.items():
            recording = Library(self.root).find_session(session)
            lines = list(recording.events())
            assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
            found = fold(lines)
            contents = {key: one.content for key, one in found.messages.items() if not one.deleted}
            assert contents == {key: one.content for key, one in chat.messages.items()}, lines
            assert (recording.manifest["state"] == "completed") is chat.over
            for producer in PRODUCERS:
                numbers = [line["producer_seq"] for line in lines if line.get("producer") == producer]
                done = self.oracle.done.get((session, producer), [])
                assert numbers == list(range(1, len(done) + 1)), (session, producer, done, lines)
        for ((session, producer), number), seq in self.promised.items():
            assert self.oracle.done[session, producer][number - 1].seq == seq

    def teardown(self) -> None:
        """End it."""
        self.server.kill()

    # -- how it is done

    def _events(self, producer: str, batch: Any) -> Iterator[Event]:
        """Yield a batch's events, numbered as if all went as foreseen."""
        foreseen = copy.deepcopy(self.oracle)
        for session, steps in batch:
            for step in steps:
                event = made(foreseen, session, producer, step)
                foreseen.apply(event)
                yield event

    def _settle(self, events: list[Event], answers: list[Answer], *, again: bool = False) -> None:
        """Hold answers against the oracle, lane by lane; from the first that failed on, a lane is pending."""
        for event, answer in zip(events, answers, strict=True):
            lane = event["session_id"], event["producer"]
            if lane in self.pending or answer.get("code") == "persist_failed":
                assert self.faulty or answer["type"] == "ack", answer
                self.pending.setdefault(lane, []).append(event)
                self._note_promise(lane, event, answer)
                continue
            if event["producer_seq"] < self.oracle.next_number(*lane):
                self._check_again(lane, self.oracle.done[lane][event["producer_seq"] - 1], answer)
                continue
            outcome = self.oracle.apply(event)
            if outcome in ("ack", "duplicate"):
                assert answer["type"] == "ack", (outcome, answer)
                # A repeat of an event whose answer was lost, or an event whose effect was there.
                assert again or answer.get("duplicate", False) is (outcome == "duplicate"), (outcome, answer)
            else:
                assert answer.get("code") == outcome, (outcome, answer)
            if outcome not in NOT_USED_UP:
                self.oracle.last(*lane).seq = answer.get("seq")
                self._note_promise(lane, event, answer)

    def _check_again(self, lane: Lane, done: Done, answer: Answer) -> None:
        if done.outcome in ("ack", "duplicate"):
            assert answer["type"] == "ack", (done, answer)
            assert answer["duplicate"] is True, (done, answer)
            done.seq = answer["seq"] if done.seq is None else done.seq
            assert answer["seq"] == done.seq, (done, answer)
        else:
            assert answer.get("code") == done.outcome, (done, answer)

    def _note_promise(self, lane: Lane, event: Event, answer: Answer) -> None:
        if answer["type"] == "ack":
            known = self.promised.setdefault((lane, event["producer_seq"]), answer["seq"])
            assert known == answer["seq"]

    def _crash(self, power: bool, in_flight: list[Event]) -> None:
        if power:
            after = type(self).place()
            after.rmdir()
            self.server.tell("lose_power", to=str(after), seed=None)
            told = self.server.gone()
            self.root = after
        else:
            told = self.server.kill()
        if told:
            self._settle(in_flight, told[0]["answers"])
        else:
            for event in in_flight:
                self.pending.setdefault((event["session_id"], event["producer"]), []).append(event)
        self.server, self.faulty = type(self).serve(self.root), False
        for lane in list(self.pending):
            self._take_committed(lane)

    def _take_committed(self, lane: Lane) -> None:
        """Take in what the service says is safe of what was not answered: no less than it had promised."""
        session, producer = lane
        committed = self.server.committed(producer, [session])[session]
        promised = max((number for (one, number) in self.promised if one == lane), default=0)
        settled = self.oracle.next_number(*lane) - 1
        assert committed >= max(promised, settled)
        kept = []
        for event in self.pending[lane]:
            number = event["producer_seq"]
            if number == settled + 1 <= committed:
                self.oracle.apply(event)
                settled = self.oracle.next_number(*lane) - 1
                if number > settled:  # it had no session; the next one has its number
                    continue
            elif number <= settled and self.oracle.done[lane][number - 1].event is not event:
                continue
            kept.append(event)
        if kept:
            self.pending[lane] = kept
        else:
            del self.pending[lane]
        assert committed == settled

    def _resend(self) -> None:
        """With the disk well again, send what is not settled again: each event is recorded once."""
        if self.pending:
            self._heal()
            events = [event for events in self.pending.values() for event in events]
            self.pending.clear()
            self._settle(events, self.server.send(events), again=True)
        assert not self.pending

    def _heal(self) -> None:
        self.server.tell("heal")
        self.faulty = False
