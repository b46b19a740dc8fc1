"""The sessions of one process: which there are, who writes them, and how they stand."""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec

from .. import protocol
from ..capture.terminal import TerminalTrack
from ..errors import (
    CorruptState,
    NoActiveRecording,
    PersistFailed,
    RecError,
    RecordingNotFound,
    StorageError,
)
from ..files import SYSTEM, storage_errors
from ..ids import check_name
from ..journal.commit import Committer, Timer, shared_committer
from ..journal.dedupe import Dedupe
from ..journal.reader import segments
from ..journal.segment import sync_file
from ..library.library import Library
from ..library.manifest import SERVER_STOPPED
from ..library.recording import Recording
from ..protocol import Answer
from ..recorder import Recorder
from ..redact import Redactor, with_more
from .admission import Admission
from .answers import Submission, Ticket
from .config import ServiceConfig
from .folded import Folded
from .health import health_of
from .session import EXPIRE, STOP, Session
from .streams import Streams

log = logging.getLogger(__name__)

# So many journals keep a descriptor open; of the others it is closed until their next event.
OPEN_JOURNALS: Final = 256
_STOP_SECONDS: Final = 15.0

Listener = Callable[[Session | Recorder, str, RecError | None], object]
Follower = Callable[[Session | Recorder, int, Sequence[tuple[range, object]]], object]


class Batch(msgspec.Struct, gc=False):
    """What one sender has sent at once; see `RecordingService.submit`."""

    events: Sequence[Any]
    done: Callable[[list[Answer]], object]
    by: str | None = None
    origin: object = None


class RecordingService:
    """Records the sessions that clients name, under `library` (default: the user's own).

    Safe to be called from any thread. `on_change(session, what, error)` is called when a session's recording has
    `started`, `resumed`, `failed`, `healed`, or is `completed`, `interrupted` or `lost`; `on_progress(session, seq,
    new)` when all up to `seq` is safe, `new` being the numbers that became so, with the origin of each. Both are called
    from any thread and must not block.
    """

    def __init__(
        self,
        config: ServiceConfig | None = None,
        library: Library | None = None,
        *,
        committer: Committer | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.config = config or ServiceConfig()
        self.library = library or Library()
        self.on_change: list[Listener] = []
        self.on_progress: list[Follower] = []
        self._committer = committer or shared_committer()
        self._redactor = redactor or Redactor(enabled=self.config.redact)
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._recently_used: OrderedDict[Session, None] = OrderedDict()
        self._others: dict[str, Recorder] = {}
        self._ids = itertools.count(1)
        self._id_prefix = os.urandom(8).hex()
        self._admission = Admission(self.config, self.new_id, self._heard)
        self._last_sync: float | None = None
        self._closed = False
        self._sweep: Timer | None = None

    # -- events in

    def submit(
        self,
        events: Sequence[Any],
        done: Callable[[list[Answer]], object],
        *,
        by: str | None = None,
        origin: object = None,
    ) -> None:
        """Take events as they were sent; `done` is called once, with an answer for each, when all have one.

        `by` is who sent them, `origin` by what they came. `done` may be called at once, or from any thread.
        """
        self.submit_all([Batch(events, done, by, origin)])

    def submit_all(self, batches: Sequence[Batch]) -> None:
        """Take what several have sent, each as `submit` does, so that it is journaled together."""
        queues: dict[str, list[Ticket]] = {}
        for (by, origin), group in groupby(batches, lambda batch: (batch.by, batch.origin)):
            sent = [(batch.events, Submission.of(len(batch.events), batch.done)) for batch in group]
            for ticket in self._admission.tickets(sent, by, origin):
                queues.setdefault(ticket.event["session_id"], []).append(ticket)
        for session_id, tickets in queues.items():
            self._hand_on(session_id, tickets)

    def process_event(self, event: Any, *, by: str | None = None, timeout: float | None = None) -> Answer:
        """Record one event and return its answer, when it is safe; raises `PersistFailed` after `timeout` seconds."""
        answered = threading.Event()
        found: list[Answer] = []

        def done(answers: list[Answer]) -> None:
            found.extend(answers)
            answered.set()

        self.submit([event], done, by=by)
        if not answered.wait(timeout):
            raise PersistFailed(f"no answer within {timeout} s: the event may yet be recorded")
        return found[0]

    def _heard(self, session_id: str) -> None:
        session = self._sessions.get(session_id)
        if session is not None:
            session.last_used = time.monotonic()

    def _hand_on(self, session_id: str, tickets: list[Ticket]) -> None:
        while True:
            with self._lock:
                if self._closed:
                    break
                session = self._sessions.get(session_id)
                if session is None:
                    session = self._sessions[session_id] = Session(self, session_id)
            if session.take(tickets):
                return
        error = PersistFailed("the recorder is stopping; resend it with the same event_id")
        for ticket in tickets:
            ticket.fail(error)

    def committed(self, producer: str, sessions: Sequence[str] | None = None) -> dict[str, int]:
        """Return up to which of its numbers a producer's events are safe in each session; 0 where nothing is known.

        `sessions` None: those that are open and know the producer.
        """
        if sessions is None:
            known = {session.id: session.committed(producer) for session in self.sessions()}
            return {session_id: number for session_id, number in known.items() if number}
        return {session_id: self._committed(producer, session_id) for session_id in sessions}

    def _committed(self, producer: str, session_id: str) -> int:
        session = self.get_session(session_id)
        if session is not None:
            return session.committed(producer)
        try:
            recording = self.library.find_session(session_id)
            self.make_safe(recording)
            folded = Folded(recording.path, b"", session_id)
            for line in recording.events():
                folded.take_in(line)
        except (RecordingNotFound, CorruptState, StorageError):
            return 0
        return folded.dedupe.committed(producer)

    # -- how it stands

    def sessions(self) -> list[Session]:
        """Return the sessions that this process records at present."""
        with self._lock:
            return [session for session in self._sessions.values() if session.recorder is not None]

    def active_count(self) -> int:
        """Return how many sessions are being recorded."""
        return len(self.sessions())

    def get_session(self, session_id: str) -> Session | None:
        """Return an open session; None if it is not being recorded here."""
        session = self._sessions.get(session_id)
        return session if session is not None and session.recorder is not None else None

    def get_dirty_sessions(self) -> list[str]:
        """Return the ids of the sessions with events that are not on the disk yet."""
        return [session.id for session in self.sessions() if session.unsynced]

    def mark_persisted(self, session_id: str, timeout: float | None = None) -> bool:
        """Wait until all of a session is on the disk; False after `timeout` seconds. It hides nothing."""
        session = self.get_session(session_id)
        recorder = None if session is None else session.recorder
        return recorder is None or recorder.wait(timeout)

    def health(self) -> dict[str, Any]:
        """Return how safe things are: what is not on the disk, who is slow, what fails, and the room that is left."""
        recorders = [(session.id, session.recorder) for session in self.sessions()] + list(self._others.items())
        statuses = {name: recorder.status() for name, recorder in recorders if recorder is not None}
        return health_of(statuses, self.library.root, self._last_sync)

    # -- the end

    def close(self, timeout: float = _STOP_SECONDS) -> bool:
        """Take no more and end all recordings in order, to be resumed; False if `timeout` seconds were not enough."""
        with self._lock:
            self._closed = True
            sessions = list(self._sessions.values())
        if self._sweep is not None:
            self._sweep.cancel()
        for session in sessions:
            session.take([self.order(STOP)])
        for recorder in list(self._others.values()):
            self.call(functools.partial(self.stop_other, recorder, SERVER_STOPPED))
        deadline = time.monotonic() + timeout
        while self.sessions() or self._others:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    # -- recordings that are no sessions, such as a terminal's

    def recorders(self) -> list[Recorder]:
        """Return what this process records at present, sessions and others."""
        found = [session.recorder for session in self.sessions()] + list(self._others.values())
        return [recorder for recorder in found if recorder is not None and recorder.active]

    def start_terminal(
        self, name: str, cols: int, rows: int, redact_patterns: Iterable[str] = ()
    ) -> tuple[Recorder, TerminalTrack]:
        """Begin a recording with one terminal of `cols` by `rows` characters, called `name`.

        What `redact_patterns` match is taken out of it, too. It counts for health, and ends with the service. Raises
        `InvalidName`, `InvalidPattern` and `StorageError`.
        """
        if self._closed:
            raise NoActiveRecording("the recorder is stopping")
        # A terminal's output comes on the loop: it is not to wait there, not even for a disk that hangs.
        options = {**self._recorder_options(), "wait_seconds": 0.0}
        options["redactor"] = with_more(self._redactor, redact_patterns)
        recorder = Recorder.start(self.library, check_name(name), "terminal", **options)
        recorder.on_progress = lambda: self._others_progress(recorder)
        recorder.on_health = lambda: self._tell(recorder, "failed" if recorder.error else "healed", recorder.error)
        self._others[recorder.id] = recorder
        try:
            track = recorder.terminal(cols, rows)
        except BaseException:
            self.stop_other(recorder)
            raise
        self._tell(recorder, "started", None)
        return recorder, track

    def stop_other(self, recorder: Recorder, reason: str | None = None) -> None:
        """End a recording that is no session in order; raises `PersistFailed` (it may be called again)."""
        with contextlib.suppress(NoActiveRecording):  # a shell may end as its server stops
            recorder.stop(reason=reason)
        if self._others.pop(recorder.id, None) is not None:
            self._tell(recorder, "completed", None)

    def _others_progress(self, recorder: Recorder) -> None:
        self._last_sync = time.time()
        for follower in self.on_progress:
            follower(recorder, recorder.safe_seq(), ())

    # -- for sessions

    @property
    def is_written_enough(self) -> bool:
        """Whether an ack needs no sync."""
        return self.config.durability == protocol.WRITTEN

    def new_id(self) -> str:
        """Return an id for an event that has none."""
        return f"{self._id_prefix}-{next(self._ids):x}"

    def order(self, kind: str) -> Ticket:
        """Return an order for a session's queue."""
        return Ticket(_NOBODY, 0, {"type": kind}, kind=kind)

    def call(self, task: Callable[[], object]) -> None:
        """Run a task in a worker."""
        self._committer.call_later(0.0, task)

    def call_later(self, seconds: float, task: Callable[[], object]) -> Timer:
        """Run a task in a worker after `seconds`."""
        return self._committer.call_later(seconds, task)

    def create(self, session_id: str, name: str, title: object) -> Recorder:
        """Make the recording of a session."""
        shown = self._redactor.text(title) if isinstance(title, str) else None
        return Recorder.start(
            self.library, name, "chat", title=shown, session_id=session_id, **self._recorder_options()
        )

    def resume(self, recording: Recording, replay: Callable[[Any], object]) -> Recorder:
        """Go on with the recording of a session."""
        return Recorder.resume(self.library, recording, replay=replay, **self._recorder_options())

    def streams(self, dedupe: Dedupe) -> Streams:
        """Return what takes secrets out of a session's events."""
        return Streams(self._redactor, dedupe, self.config.max_memory_messages)

    def make_safe(self, recording: Recording) -> None:
        """Sync what stands of a recording that nobody here writes: its writer may have died before it could."""
        with storage_errors(f"can't sync {recording.id}", recording.path):
            for _, path in segments(recording.path):
                sync_file(SYSTEM, path)

    def make_way(self) -> None:
        """Let the sessions that were idle longest be interrupted if one more would be too many."""
        sessions = sorted(self.sessions(), key=lambda session: session.last_used)
        for session in sessions[: max(0, len(sessions) + 1 - self.config.max_sessions)]:
            session.take([self.order(EXPIRE)])

    def opened(self, session: Session, what: str) -> None:
        """Hear that a session's recording has begun or goes on."""
        self._tell(session, what, None)
        with self._lock:
            if self._sweep is None and not self._closed:
                self._sweep = self.call_later(self._sweep_seconds, self._expire)

    def closed(self, session: Session, recorder: Recorder, state: str) -> None:
        """Hear that a session's recording has ended."""
        with self._lock:
            self._recently_used.pop(session, None)
        self._tell(session, state, recorder.error)

    def let_go(self, session: Session) -> bool:
        """Forget a session that has nothing open and nothing to do."""
        with self._lock:
            self._sessions.pop(session.id, None)
        return True

    def used(self, session: Session) -> None:
        """Hear that a session's journal was written to; the one least recently used may have to close its file."""
        with self._lock:
            self._recently_used[session] = None
            self._recently_used.move_to_end(session)
            idle = next(iter(self._recently_used)) if len(self._recently_used) > OPEN_JOURNALS else None
            if idle is not None:
                del self._recently_used[idle]
        if idle is not None and not idle.park():
            with self._lock:
                self._recently_used[idle] = None

    def progressed(self, session: Session, safe: int, new: Sequence[tuple[range, object]]) -> None:
        """Hear that more is safe."""
        if new:
            self._last_sync = time.time()
        for follower in self.on_progress:
            follower(session, safe, new)

    def health_changed(self, session: Session, error: RecError | None) -> None:
        """Hear that a session's recording can't be written, or can again."""
        self._tell(session, "healed" if error is None else "failed", error)

    def _tell(self, session: Session | Recorder, what: str, error: RecError | None) -> None:
        for listener in self.on_change:
            try:
                listener(session, what, error)
            except Exception:  # a listener's mistake must not cost an event
                log.exception("a listener of the service failed")

    @property
    def _sweep_seconds(self) -> float:
        return min(60.0, max(0.05, self.config.session_timeout_secs / 4))

    def _expire(self) -> None:
        oldest = time.monotonic() - self.config.session_timeout_secs
        for session in self.sessions():
            if session.last_used < oldest:
                session.take([self.order(EXPIRE)])
        with self._lock:
            if not self._closed:
                self._sweep = self.call_later(self._sweep_seconds, self._expire)

    def _recorder_options(self) -> dict[str, Any]:
        return {
            "redactor": self._redactor,
            "committer": self._committer,
            "persist_seconds": self.config.persist_interval_secs,
        }


_NOBODY: Final = Submission.of(1, lambda _: None)
