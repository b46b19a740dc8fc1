"""What recordings there are, kept in memory and looked after in the background.

A folder of ten thousand recordings takes a second to read: who asks gets what is known by then, newest first. Changes
are found by looking: at the folder's own time for new ones and those that are gone, at a manifest's for the rest, often
at those that are being recorded and seldom at the others.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..errors import CorruptState, StorageError
from .folders import ELSEWHERE
from .library import Library
from .manifest import LABELS, MANIFEST
from .recording import Recording, is_recording_folder

log = logging.getLogger(__name__)

Listener = Callable[[str, str, dict[str, Any]], object]

LIVE_SECONDS: Final = 0.25
IDLE_SECONDS: Final = 2.0
SWEEP_SECONDS: Final = 15.0
# Whether a writer still lives is asked every so many rounds.
_OWNERS_EVERY: Final = 4
# A folder's time may be as coarse as this: what was changed later than so long ago may change again and not show it.
_COARSE_NS: Final = 2_000_000_000


class Entry(NamedTuple):
    """One recording: its place in the order, when its files changed, and what is shown of it (None: unreadable)."""

    path: Path
    stamp: tuple[int, int]
    shown: dict[str, Any] | None


class RecordingsIndex:
    """The recordings of `library`; `start()` begins to look after them, `stop()` ends it.

    `on_change(id, state, counts)` is called from its thread for what is new, changed or gone (state `deleted`).
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._listing = threading.Lock()  # an older list must not take a newer one's place
        self._entries: dict[Path, Entry] = {}
        self._order: list[Path] = []
        self._live: set[Path] = set()
        self._listed: tuple[int, int] | None = None  # the folder's times when it was listed, if they can be relied on
        self.on_change: list[Listener] = []
        self.watched: Callable[[], bool] = lambda: False
        self._awake = threading.Event()
        self._stopped = False
        self._rounds = 0
        self._thread: threading.Thread | None = None
        self._known = threading.Event()

    def start(self) -> None:
        """Look after the recordings from now on."""
        self._thread = threading.Thread(target=self._run, name="jupyter-recorder-index", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        self._awake.set()

    def touch(self, path: Path) -> None:
        """Look at one recording at once: it was just changed, made or deleted."""
        if self._stamp(path) is not None and path not in self._entries:
            self._list()
        self._look(path)
        if self._stamp(path) is None:
            self._list()

    def page(
        self,
        *,
        limit: int,
        after: str | None = None,
        q: str | None = None,
        kind: str | None = None,
        state: str | None = None,
        tag: str | None = None,
    ) -> dict[str, Any]:
        """Return `{recordings, total, next?}` for `GET /recordings`: those that fit, after the id `after`."""
        self.refresh()
        with self._lock:
            entries = [self._entries[path] for path in self._order if path in self._entries]
        fitting = [shown for entry in entries if (shown := entry.shown) and _fits(shown, q, kind, state, tag)]
        begin = next((at + 1 for at, shown in enumerate(fitting) if shown["id"] == after), 0 if after is None else None)
        rest = [] if begin is None else fitting[begin:]
        page: dict[str, Any] = {"recordings": rest[:limit], "total": len(fitting)}
        if len(rest) > limit > 0:
            page["next"] = rest[limit - 1]["id"]
        if not self._known.is_set():
            page["incomplete"] = True
        return page

    def refresh(self) -> None:
        """Look at what is new, gone, or being recorded."""
        self._list()
        deadline = time.monotonic() + 0.05  # the rest is the thread's
        for path in self._new_and_live():
            self._look(path)
            if time.monotonic() > deadline:
                break

    # -- in the thread

    def _run(self) -> None:
        swept = 0.0
        while not self._stopped:
            try:
                now = time.monotonic()
                all_of_them = now - swept > SWEEP_SECONDS
                self._list(again=all_of_them)
                self._rounds += 1
                self._look_at_many(all_of_them)
                if all_of_them:
                    swept = now
                self._known.set()
            except Exception:  # a folder that cannot be read now is looked at again
                log.exception("the recordings can't be listed")
            self._awake.wait(LIVE_SECONDS if self.watched() else IDLE_SECONDS)

    def _look_at_many(self, all_of_them: bool) -> None:
        for path in list(self._order) if all_of_them else self._new_and_live():
            if self._stopped:
                return
            self._look(path, is_owner_asked=all_of_them or self._rounds % _OWNERS_EVERY == 0)

    def _new_and_live(self) -> list[Path]:
        with self._lock:
            is_whole = len(self._order) == len(self._entries)
            new = [] if is_whole else [path for path in self._order if path not in self._entries]
            return [*new, *self._live]

    def _list(self, *, again: bool = False) -> None:
        """List the folder if its time says that something has come or gone; `again`: in any case."""
        with self._listing, contextlib.suppress(StorageError):
            times = self._times()
            if not again and times is not None and times == self._listed:
                return
            found = self._library.folders()
            with self._lock:
                known = set() if again else set(self._order)
            here = {path: key for path, key in found.items() if path in known or is_recording_folder(path)}
            self._take_order(sorted(here, key=here.__getitem__, reverse=True))
            is_settled = times is not None and time.time_ns() - max(times) > _COARSE_NS
            # A folder without its files yet gets them without a change of the root's time.
            self._listed = times if is_settled and len(here) == len(found) else None

    def _take_order(self, order: list[Path]) -> None:
        with self._lock:
            gone = self._entries.keys() - set(order)
            self._order = order
            removed = [self._entries.pop(path) for path in gone]
            self._live -= gone
        for entry in removed:
            self._tell(entry.path.name, "deleted", {})

    def _times(self) -> tuple[int, int] | None:
        """Return when the root and the list of folders elsewhere changed, in ns; None without a root."""
        try:
            root = os.stat(self._library.root).st_mtime_ns
        except OSError:
            return None
        try:
            return root, os.lstat(self._library.root / ELSEWHERE).st_mtime_ns
        except OSError:
            return root, 0

    def _look(self, path: Path, *, is_owner_asked: bool = False) -> None:
        """Read what is shown of one if its files have changed, or its writer may be gone (no file says that)."""
        stamp = self._stamp(path)
        before = self._entries.get(path)
        is_same = before is not None and before.stamp == stamp
        if stamp is None or (is_same and not (is_owner_asked and before is not None and _is_live(before))):
            return
        shown: dict[str, Any] | None = None
        with contextlib.suppress(CorruptState, OSError):
            shown = {**Recording(path).shown}
        with self._lock:
            self._entries[path] = entry = Entry(path, stamp, shown)
            (self._live.add if _is_live(entry) else self._live.discard)(path)
        if shown is not None and (before is None or before.shown != shown):
            self._tell(path.name, shown["state"], shown["counts"])

    @staticmethod
    def _stamp(path: Path) -> tuple[int, int] | None:
        try:
            manifest = os.lstat(path / MANIFEST).st_mtime_ns
        except OSError:
            return None
        try:
            return manifest, os.lstat(path / LABELS).st_mtime_ns
        except OSError:
            return manifest, 0

    def _tell(self, recording_id: str, state: str, counts: dict[str, Any]) -> None:
        for listener in self.on_change:
            try:
                listener(recording_id, state, counts)
            except Exception:  # a listener's mistake must not end the looking
                log.exception("a listener of the index failed")


def _is_live(entry: Entry) -> bool:
    return entry.shown is not None and entry.shown["state"] == "recording"


def _fits(shown: dict[str, Any], q: str | None, kind: str | None, state: str | None, tag: str | None) -> bool:
    if kind is not None and shown["kind"] != kind:
        return False
    if state is not None and shown["state"] != state:
        return False
    if tag is not None and tag not in shown["tags"]:
        return False
    if q is None:
        return True
    texts = (shown["id"], shown["name"], shown.get("title") or "", shown.get("session_id") or "", *shown["tags"])
    return any(q.casefold() in text.casefold() for text in texts)
