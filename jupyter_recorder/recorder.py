"""The open recording: the one way from an event to the disk.

`Recorder.record` is the pipeline, in order: hold the event against the vocabulary, take secrets out, number it and
append it to the journal. Everything that captures (cells, terminals, chats) ends there, or in a terminal's track.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from .asciicast.format import Header
from .asciicast.writer import CastWriter
from .capture.chat import Chat
from .capture.terminal import TerminalTrack
from .clock import RecordingClock
from .errors import NoActiveRecording, PersistFailed, RecError
from .events import check
from .files import SYSTEM, Files, storage_errors
from .heldtext import HeldText
from .interrupts import shielded
from .journal.commit import Committer, Timer, shared_committer
from .journal.room import WAIT_SECONDS
from .journal.writer import Batch, JournalWriter, Recorded
from .library.contents import Contents
from .library.create import DATA, CreatedRecording, is_unbegun
from .library.folders import remove_folder
from .library.library import Library
from .library.manifest import Kind, Manifest, State, read_manifest, write_manifest
from .library.recording import Recording
from .library.salvage import repair_tails
from .library.state import RECOVERY_PATIENCE_SECONDS, RecordingState
from .ownership import PERSIST_SECONDS, Ownership
from .redact import Redactor
from .status import Status, Stopped

STOP_SECONDS: Final = 10.0
ENVIRONMENT_KEPT: Final = ("SHELL", "TERM")


class Recorder:
    """One recording that this process writes; safe to be used from any thread, inert in a forked child."""

    def __init__(
        self,
        created: CreatedRecording,
        *,
        redactor: Redactor | None = None,
        files: Files = SYSTEM,
        committer: Committer | None = None,
        replay: Callable[[Mapping[str, Any]], object] | None = None,
        persist_seconds: float = PERSIST_SECONDS,
        **journal_options: Any,
    ) -> None:
        """Open what was created; with `replay`, what was recorded before, whose events it is called with."""
        self.id: str = created.recording.id
        self.path: Path = created.recording.path
        self._files = files
        self._committer = committer or shared_committer()
        self._ownership = Ownership(
            created,
            committer=self._committer,
            files=files,
            persist_seconds=persist_seconds,
            standing=self._standing,
            safety=lambda: self.status().safety,
            on_lost=self._progressed,
            abandon=self._abandon,
        )
        self._manifest = self._ownership.manifest
        self.name: str = self._manifest["name"]
        self._redactor = redactor or Redactor()
        self._redacted_before = int(self._manifest.get("counts", {}).get("redacted", 0))
        self._wait_seconds = journal_options.get("wait_seconds", WAIT_SECONDS)
        self._lock = threading.RLock()
        self._contents = Contents()
        self._tracks: list[TerminalTrack] = []
        self._held: list[HeldText] = []
        self._failing = False
        self.on_health: Callable[[], object] | None = None  # called from a worker when `error` came or went
        self.on_progress: Callable[[], object] | None = None  # from a worker when more is synced, or `error` changed
        self.on_written: Callable[[], object] | None = None  # from a worker when more is written, synced or not
        if replay is None:
            self._clock = RecordingClock()
            self.started_at = self._clock.start_ms
        else:
            self.started_at = int(self._manifest["started_at"])
            self._clock = RecordingClock(not_before=self._take_in(created.recording, replay))
        is_new = replay is None or is_unbegun(self.path, self._manifest)
        with storage_errors(f"the journal of {self.name!r} can't be opened", self.path):
            self._journal = (JournalWriter.create if is_new else JournalWriter.resume)(
                self.path,
                self._header(),
                committer=self._committer,
                files=files,
                clock=self._clock,
                on_event=self._on_event,
                on_change=lambda _: self._progressed(),
                on_write=lambda _: self._wrote(),
                **journal_options,
            )
        self.chat = Chat(self)
        self._ownership.begin()

    @classmethod
    def start(
        cls,
        library: Library,
        name: str,
        kind: Kind,
        *,
        title: str | None = None,
        tags: tuple[str, ...] = (),
        directory: Path | None = None,
        session_id: str | None = None,
        **options: Any,
    ) -> Recorder:
        """Make a recording's folder in `library` and open it; raises `InvalidName` and `StorageError`."""
        created = library.create(name, kind, title=title, tags=tags, directory=directory, session_id=session_id)
        try:
            return cls(created, files=library.files, **options)
        except BaseException:
            with contextlib.suppress(OSError, RecError):
                created.state.stop()
                remove_folder(library.files, created.recording.path)
            raise

    @classmethod
    def resume(
        cls, library: Library, recording: Recording, *, replay: Callable[[Mapping[str, Any]], object], **options: Any
    ) -> Recorder:
        """Go on recording into a recording that has ended or was left; `replay` is called with all of its events.

        Bytes that stand there do not change, but for a torn tail. Raises `RecordingInProgress` while another process
        records there, `CorruptState` and `StorageError`.
        """
        state = RecordingState(recording.path, files=library.files)
        session = state.start(recording.name, DATA, patience=RECOVERY_PATIENCE_SECONDS)
        try:
            # The lock first, then the manifest: a recovery relies on that order.
            manifest = {**read_manifest(recording.path), "state": "recording", "ended_at": None}
            manifest |= {"writer": session.owner._asdict()}
            manifest.pop("reason", None)
            with storage_errors(f"{recording.id} can't be resumed", recording.path):
                repair_tails(recording.path, library.files)
                write_manifest(recording.path, cast(Manifest, manifest), library.files)
            opened = CreatedRecording(Recording(recording.path), state)
            recorder = cls(opened, files=library.files, replay=replay, **options)
            recorder.record({"type": "resume", "writer": manifest["writer"]}, urgent=True)
        except BaseException:
            with contextlib.suppress(OSError, RecError):
                state.stop()
            raise
        return recorder

    # -- the pipeline

    def record(self, event: Mapping[str, Any], *, urgent: bool = False, redacted: bool = False) -> Recorded | None:
        """Record one event: check it, take secrets out, number it, append it to the journal.

        `redacted` says that its text came out of `held_text()`. Returns as soon as the event has its number (`wait()`
        waits for the disk), or None if the disk has been too slow for too long: then the event is counted in a `gap`.
        Raises `InvalidEvent`, and `NoActiveRecording` once stopped.
        """
        self._check_open()
        check(event)
        with shielded():
            return self._journal.append(event if redacted else self._redactor.value(event), urgent=urgent)

    def batch(self) -> Batch:
        """Record events in one go that were checked and are free of secrets already; see `JournalWriter.batch`."""
        self._check_open()
        return self._journal.batch()

    def mark(self, label: str) -> None:
        """Put a chapter on the timeline."""
        self.record({"type": "marker", "label": label})

    def note(self, text: str) -> None:
        """Put a remark on the timeline."""
        self.record({"type": "note", "text": text})

    def call_later(self, seconds: float, task: Callable[[], object]) -> Timer:
        """Run `task` in a worker after `seconds`."""
        return self._committer.call_later(seconds, task)

    def held_text(self, emit: Callable[[str, bool], None]) -> HeldText:
        """Return a way for text that comes in pieces: secrets are found across their edges."""
        held = HeldText(self._redactor, self._committer, emit)
        with self._lock:
            self._held.append(held)
        return held

    def drop_held_text(self, held: HeldText) -> None:
        """Let go of a way for text that has ended."""
        held.flush()
        with self._lock:
            if held in self._held:
                self._held.remove(held)

    def terminal(self, cols: int, rows: int, *, command: str | None = None) -> TerminalTrack:
        """Begin a terminal's track of `cols` x `rows` characters; raises `StorageError`."""
        self._check_open()
        with shielded(), self._lock:
            number = 1 + sum(known["kind"] == "terminal" for known in self._contents.tracks)
            name = "terminal" if number == 1 else f"terminal-{number}"
            track = TerminalTrack(self, name, cols, rows, command, turns=self._lock)
            self._tracks.append(track)
            self._ownership.save_soon()
            return track

    def cast_writer(self, stem: str, header: Header, on_gap: Callable[[str, int, int], None]) -> CastWriter:
        """Return what writes a terminal's `.cast` beside the journal, in the same way; raises `StorageError`."""
        with storage_errors(f"a terminal of {self.name!r} can't be recorded", self.path):
            return CastWriter(
                self.path,
                stem,
                header,
                committer=self._committer,
                files=self._files,
                wait_seconds=self._wait_seconds,
                on_change=lambda _: self._progressed(),
                on_gap=on_gap,
            )

    def redacted(self, text: str) -> str:
        """Return `text` without its secrets."""
        return self._redactor.text(text)

    @property
    def environment(self) -> dict[str, str]:
        """What of the environment is recorded."""
        return {key: os.environ[key] for key in ENVIRONMENT_KEPT if key in os.environ}

    # -- how it stands

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all that was recorded is on the disk; False after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        files = self._written
        return all(file.wait(timeout=None if deadline is None else deadline - time.monotonic()) for file in files)

    @property
    def active(self) -> bool:
        """Whether this process still records here."""
        return self._ownership.is_ours

    @property
    def is_lost(self) -> bool:
        """Whether another process has taken it over: what becomes safe since then may not be in its journal."""
        return self._ownership.lost is not None

    @property
    def error(self) -> RecError | None:
        """What is wrong at present (None: nothing)."""
        failed = self._ownership.lost or self._journal.error
        return failed or next((track.cast.error for track in self._tracks if track.cast.error), None)

    @property
    def kind(self) -> str:
        """`notebook`, `terminal` or `chat`."""
        return str(self._manifest["kind"])

    @property
    def seq(self) -> int:
        """The number of the last event of the journal."""
        return self._journal.seq

    def safe_seq(self, *, written: bool = False) -> int:
        """Return the number of the last event that is on the disk (or, `written`, that a killed process won't lose)."""
        return self._journal.written_seq if written else self._journal.durable_seq

    def wait_for(self, seq: int, timeout: float | None = None) -> bool:
        """Wait until event `seq` is on the disk; False after `timeout` seconds."""
        return self._journal.wait(seq, timeout)

    def park(self) -> bool:
        """Close the journal's descriptor until the next event; False if one is not durable yet."""
        return self._journal.park()

    def retitle(self, title: str | None) -> None:
        """Give the recording another title (its manifest says so with the next counts)."""
        if title:
            self._manifest["title"] = title

    def belongs_to(self, kernel_id: str) -> None:
        """Note the Jupyter server's id of the kernel that records, so that its notebook can be told."""
        self._manifest["kernel_id"] = kernel_id
        self._ownership.save_soon()

    def status(self) -> Status:
        """Return how the recording stands."""
        files = [track.cast for track in self._tracks]
        return Status(
            id=self.id,
            name=self.name,
            path=self.path,
            elapsed=(self._clock.now() - self.started_at) / 1000,
            counts=self._contents.counts,
            bytes=self._journal.size_bytes + sum(file.size_bytes for file in files),
            seq=self._journal.seq,
            durable_seq=self._journal.durable_seq,
            unsafe=self._journal.seq - self._journal.durable_seq + sum(file.undurable for file in files),
            dropped=self._journal.dropped_events + sum(file.dropped_events for file in files),
            slow_seconds=self._journal.slow_seconds,
            error=self.error,
        )

    # -- the end

    def stop(self, *, reason: str | None = None, timeout: float = STOP_SECONDS, state: State = "completed") -> Stopped:
        """End the recording in order, all of it on the disk; `interrupted` says that it may go on.

        Raises `PersistFailed` if that took over `timeout` seconds, `StorageError` if the disk takes no manifest: the
        recording stays open, nothing is lost, and `stop` may be called again.
        """
        with shielded(), self._lock:
            self._check_open()
            self._flush_held()
            if not self.wait(timeout):
                raise self._unsafe(timeout)
            for track in self._tracks:
                track.end(None)
            if not self._journal.close(state, timeout):
                raise self._unsafe(timeout)
            self._ownership.finish(state, max(self._clock.now(), self._journal.last_at), reason)
            status = self.status()
        return Stopped(status.id, status.name, status.path, status.elapsed, status.counts, status.bytes)

    def _unsafe(self, timeout: float) -> PersistFailed:
        why = f": {self.error}" if self.error else ""
        return PersistFailed(
            f"{self.name!r} is not stopped: after {timeout:.0f} s {self.status().unsafe} events are not yet on the "
            f"disk{why}. They are kept and tried again; %record stop tries to end it once more",
            path=str(self.path),
        )

    # -- inside

    def _check_open(self) -> None:
        if not self.active:
            raise NoActiveRecording(f"{self.name!r} is not being recorded any more")

    def _header(self) -> dict[str, Any]:
        session = {key: self._manifest[key] for key in ("session_id",) if key in self._manifest}
        return {
            "id": self.id,
            **session,
            "name": self.name,
            "kind": self._manifest["kind"],
            "started_at": self.started_at,
            "writer": self._manifest["writer"],
            "env": self.environment,
        }

    def _on_event(self, recorded: Recorded, times: int) -> None:
        self._contents.add(recorded.event, times)
        self._ownership.save_in_time()

    def _take_in(self, recording: Recording, replay: Callable[[Mapping[str, Any]], object]) -> int:
        """Read what was recorded before; return the last event's time in Unix ms."""
        last = self.started_at
        for event in recording.events():
            self._contents.add(event)
            replay(event)
            at = event.get("at")
            last = max(last, at) if type(at) is int else last
        return last

    def _progressed(self) -> None:
        self.tell_health()
        if self.on_progress is not None:
            self.on_progress()

    def _wrote(self) -> None:
        if self.on_written is not None:
            self.on_written()

    def tell_health(self) -> None:
        """Call `on_health` if `error` has come or gone since last told."""
        failing, before = self.error is not None, self._failing
        self._failing = failing
        if failing != before:
            if self.on_health is not None:
                self.call_later(0.0, self.on_health)
            self._ownership.save_soon()  # who looks on from another process reads it there

    def _flush_held(self) -> None:
        for held in list(self._held):
            held.flush()
        for track in self._tracks:
            track.flush()
        self.chat.cut()

    @property
    def _written(self) -> list[JournalWriter | CastWriter]:
        return [self._journal, *(track.cast for track in self._tracks)]

    def _abandon(self) -> bool:
        idle = [file.abandon() for file in self._written]  # all of them: none is to take more
        return all(idle)

    def _standing(self) -> dict[str, Any]:
        """Return what the manifest says of what was recorded."""
        size = self._journal.size_bytes + sum(track.cast.size_bytes for track in self._tracks)
        redacted = self._redacted_before + sum(self._redactor.removed.values())
        counts = {**self._contents.counts.as_dict(), "bytes": size, "redacted": redacted}
        return {"counts": counts, "tracks": self._contents.tracks}
