"""Following live: who wants to know of what, and each at its own pace.

Every subscription reads its track from the file, from where it stands, when it is told that there is more: a late one,
a slow one and a live one are the same, and none can miss a line or have one twice. What this process writes is told by
the service as soon as it is safe; other writers' files are looked at every 250 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from .errors import EventTooLarge, RecordingNotFound
from .ids import session_folder_id
from .journal.codec import encode
from .journal.reader import last_event
from .library.follow import JOURNAL, POLL_SECONDS, READ_BYTES, TailLine, TrackTail
from .library.recording import Recording
from .protocol import error_answer
from .recorder import Recorder
from .service.served import ServedService
from .service.session import Session

log = logging.getLogger(__name__)

Send = Callable[[bytes], Awaitable[object]]
Key = tuple[str, ...]

_READ: Final = READ_BYTES // 4
_GONE: Final = "the recording was deleted while it was followed"


class Hub:
    """Brings what is recorded to who follows it; all of it on the loop of `served`."""

    def __init__(self, served: ServedService, *, max_subscriptions: int = 1000) -> None:
        self.served = served
        self.max_subscriptions = max_subscriptions
        self._followers: set[Follower] = set()
        self._poll: asyncio.TimerHandle | None = None
        self._watch: Callable[[], object] | None = None
        served.core.on_progress.append(self._from_any_thread)
        served.on_change.append(self._changed)

    @property
    def root(self) -> Path:
        """Where the recordings are."""
        return self.served.core.library.root

    def join(self, send: Send) -> Follower:
        """Take in a client to which `send(message)` sends; it is awaited before the next one."""
        follower = Follower(self, send)
        self._followers.add(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """Let a client go."""
        self._followers.discard(follower)

    def changed(self, recording_id: str, state: str, counts: dict[str, Any]) -> None:
        """Tell who watches that a recording is new, or another than before; called on the loop."""
        message = encode({"type": "recording_changed", "id": recording_id, "state": state, "counts": counts})
        for follower in self._followers:
            if follower.watches:
                follower.tell(message)

    @property
    def is_watched(self) -> bool:
        """Whether somebody wants to know of every change."""
        return any(follower.watches for follower in self._followers)

    def poll_soon(self) -> None:
        """Look at other writers' files, as long as somebody follows one."""
        if self._poll is None:
            self._poll = self.served.loop.call_later(POLL_SECONDS, self._look)

    def safe_seq(self, recording_id: str) -> int | None:
        """Return up to where a recording that this process writes is safe; None if it does not write it."""
        for recorder in self.served.core.recorders():
            if recorder.id == recording_id:
                return recorder.safe_seq()
        return None

    def _look(self) -> None:
        self._poll = None
        awake = [follower.wake_foreign() for follower in self._followers]  # all of them, not only up to the first
        if any(awake):
            self.poll_soon()

    def _from_any_thread(self, source: Session | Recorder, safe: int, new: Sequence[tuple[range, object]]) -> None:
        if self._followers:
            self.served.calls.put(partial(self._progressed, source, safe, new))

    def _progressed(self, source: Session | Recorder, safe: int, new: Sequence[tuple[range, object]]) -> None:
        recording_id = source.id if isinstance(source, Recorder) else source.recording_id
        session_id = source.id if isinstance(source, Session) else None
        for follower in self._followers:
            if session_id is not None and new:
                follower.hear(session_id, new)
            follower.wake(recording_id, safe)

    def _changed(self, recording_id: str, what: str, detail: dict[str, Any]) -> None:
        for follower in self._followers:
            follower.wake(recording_id, None)
        if any(follower.watches for follower in self._followers):
            task = self.served.loop.create_task(self._tell_change(recording_id, what, detail))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _tell_change(self, recording_id: str, what: str, detail: dict[str, Any]) -> None:
        shown = await asyncio.to_thread(lambda: Recording(self.root / recording_id).shown)
        counts = dict(shown["counts"])
        state = "failing" if what == "failed" else shown["state"]
        self.changed(recording_id, state, counts if "error" not in detail else {**counts, "error": detail["error"]})


class Follower:
    """One client: its subscriptions, and one task that sends what they bring."""

    def __init__(self, hub: Hub, send: Send) -> None:
        self._hub, self._send = hub, send
        self._cursors: dict[Key, Cursor] = {}
        self._told: list[bytes] = []
        self._more = asyncio.Event()
        self.watches = False
        self.named_only = False  # it said hello: it gets what it subscribed to, and nothing else
        self._task = hub.served.loop.create_task(self._pump())

    def close(self) -> None:
        """Send nothing more."""
        self._hub.leave(self)
        self._task.cancel()

    def tell(self, message: bytes) -> None:
        """Send one message that stands for itself."""
        self._told.append(message)
        self._more.set()

    def hear_no_more(self) -> None:
        """Get what it subscribed to, and nothing else: it said hello."""
        self.named_only = True
        self._drop_heard()

    # -- subscriptions

    async def subscribe_session(self, session_id: str, from_seq: int | None) -> Cursor:
        """Send every line of a session from `from_seq` on, or what comes from now on, even if it begins later.

        Nothing of it is sent before `begin`, to which what this returns is given.
        """
        recording_id = session_folder_id(session_id)
        if from_seq is None:
            theirs = await asyncio.to_thread(self._last_seq, recording_id)
            ours = self._hub.safe_seq(recording_id)  # after the wait: what was heard in it is not to come twice
            from_seq = 1 + (theirs if ours is None else ours)
        return self._add(SessionCursor(self._hub, session_id, recording_id, from_seq))

    async def subscribe_track(self, recording_id: str, track: str, start: int) -> Cursor:
        """Send every line of a recording's track from index `start` on, after `begin`; raises `RecordingNotFound`."""
        recording = await asyncio.to_thread(self._hub.served.core.library.find, recording_id)
        if recording.id != recording_id:
            raise RecordingNotFound(recording_id)
        return self._add(TrackCursor(self._hub, recording.path, track, start))

    def begin(self, cursor: Cursor) -> None:
        """Let a subscription send: its client was told that it has it."""
        cursor.begun = True
        self._more.set()

    def unsubscribe(self, *key: str) -> None:
        """End a subscription: to a session, or to a recording's track."""
        self._cursors.pop(key, None)

    def hear(self, session_id: str, new: Sequence[tuple[range, object]]) -> None:
        """Hear of new events of any session: who subscribed to nothing gets them all, but its own."""
        if self.named_only or any(not cursor.heard for cursor in self._cursors.values()):
            return
        cursor = self._cursors.get((session_id,))
        if cursor is None:
            others = [seqs for seqs, origin in new if origin is not self]
            if not others:
                return
            cursor = SessionCursor(self._hub, session_id, session_folder_id(session_id), others[0][0])
            cursor.heard = cursor.begun = True
            self._cursors[session_id,] = cursor
        cursor.skip.update(seq for seqs, origin in new if origin is self for seq in seqs)

    def wake(self, recording_id: str, safe: int | None) -> None:
        """Hear that a recording has more."""
        for cursor in self._cursors.values():
            if cursor.recording_id == recording_id:
                cursor.safe = safe if safe is not None else cursor.safe
                cursor.due = True
                self._more.set()

    def wake_foreign(self) -> bool:
        """Look at what others write; tell whether there is any such."""
        foreign = [cursor for cursor in self._cursors.values() if not cursor.heard and cursor.is_foreign()]
        for cursor in foreign:
            cursor.due = True
            self._more.set()
        return bool(foreign)

    def _add(self, cursor: Cursor) -> Cursor:
        self._drop_heard()  # here, with no wait before what follows: one that is heard meanwhile must not live on
        if cursor.key not in self._cursors and len(self._cursors) >= self._hub.max_subscriptions:
            limit = self._hub.max_subscriptions
            raise EventTooLarge(f"this connection has {limit:,} subscriptions already", limit)
        self._cursors[cursor.key] = cursor
        self._hub.poll_soon()
        return cursor

    def _drop_heard(self) -> None:
        for cursor in [cursor for cursor in self._cursors.values() if cursor.heard]:
            self._drop(cursor)

    def _drop(self, cursor: Cursor) -> None:
        if self._is_current(cursor):
            del self._cursors[cursor.key]

    def _is_current(self, cursor: Cursor) -> bool:
        """Tell whether it was not ended, or replaced by another of its name, during a wait."""
        return self._cursors.get(cursor.key) is cursor

    def _last_seq(self, recording_id: str) -> int:
        with contextlib.suppress(OSError):
            return int((last_event(self._hub.root / recording_id) or {"seq": 0})["seq"])
        return 0

    # -- sending

    async def _pump(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            told, self._told = self._told, []
            for message in told:
                await self._send(message)
            for cursor in list(self._cursors.values()):
                if cursor.due and cursor.begun:
                    await self._bring(cursor)

    async def _bring(self, cursor: Cursor) -> None:
        """Send what a subscription has now; one that has more gets its turn again after the others."""
        cursor.due = False
        try:
            messages = await asyncio.to_thread(cursor.read)
        except FileNotFoundError:
            if cursor.was_there:
                await self._fail(cursor, RecordingNotFound(cursor.recording_id), _GONE)
            return
        except Exception as error:
            log.exception("%s can't be followed", cursor.recording_id)
            await self._fail(cursor, error, str(error))
            return
        if cursor.has_more:
            cursor.due = True
            self._more.set()
        for message in messages:
            if not self._is_current(cursor):
                return
            await self._send(message)
        if cursor.heard and cursor.is_empty and not cursor.due:
            self._drop(cursor)  # made anew when others have something to tell

    async def _fail(self, cursor: Cursor, error: Exception, why: str) -> None:
        self._drop(cursor)
        await self._send(encode({**cursor.named, "type": "error", "code": error_answer(error).code, "message": why}))


class Cursor:
    """Where a subscription stands in its track.

    `heard`: it is none that the client asked for; `begun`: it may send; `was_there`: its file was read once.
    """

    def __init__(self, hub: Hub, folder: Path, track: str, start: int) -> None:
        self._hub = hub
        self.recording_id = folder.name
        self._folder = folder
        self._tail = TrackTail(folder, track, start)
        self._ready: list[TailLine] = []
        self._bounded = track == JOURNAL
        self.heard = self.begun = self.was_there = False
        self.skip: set[int] = set()
        self.safe: int | None = hub.safe_seq(self.recording_id)
        self.due = True
        self.has_more = False
        self.key: Key = ()
        self.named: dict[str, str] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is read that may not be sent yet."""
        return not self._ready

    def is_foreign(self) -> bool:
        """Whether nobody here tells of its progress."""
        self.safe = self._hub.safe_seq(self.recording_id)
        return self.safe is None

    def read(self) -> list[bytes]:
        """Return the messages for what is new and safe; raises `OSError`. May wait for a disk."""
        safe = self.safe if self._bounded else None
        lines = self._ready + self._tail.read(_READ)
        self.was_there = True
        count = len(lines) if safe is None else sum(line.number <= safe for line in lines)
        self._ready = lines[count:]
        self.has_more = count == len(lines) and sum(len(line.data) for line in lines) >= _READ
        return [self._message(line) for line in lines[:count] if line.number not in self.skip]

    def _message(self, line: TailLine) -> bytes:
        raise NotImplementedError


class SessionCursor(Cursor):
    """A subscription to a session: `event_broadcast`."""

    def __init__(self, hub: Hub, session_id: str, recording_id: str, start: int) -> None:
        super().__init__(hub, hub.root / recording_id, JOURNAL, start)
        self.key = (session_id,)
        self.named = {"session_id": session_id}
        self._head = b'{"type":"event_broadcast","event":{"session_id":%b,' % encode(session_id)

    def _message(self, line: TailLine) -> bytes:
        self.skip.discard(line.number)
        return self._head + line.data[1:] + b',"seq":%d}' % line.number


class TrackCursor(Cursor):
    """A subscription to a track: `track_event`."""

    def __init__(self, hub: Hub, folder: Path, track: str, start: int) -> None:
        super().__init__(hub, folder, track, start)
        self.key = (self.recording_id, track)
        self.named = {"recording_id": self.recording_id, "track": track}
        names = encode(self.named)[1:-1]
        self._head = b'{"type":"track_event",' + names + b',"index":'

    def _message(self, line: TailLine) -> bytes:
        return self._head + b'%d,"event":' % line.number + line.data + b"}"
