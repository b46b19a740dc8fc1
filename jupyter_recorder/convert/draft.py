"""A recording made of another program's file: built under a name that nobody lists, then given its id, finished.

It has the same journal, `.cast` files and blobs as one that was recorded here, with the file's own times in place of
the clock's. All of it is on the disk before it gets its name: a crash leaves nothing that is listed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from ..asciicast.format import Header
from ..errors import InvalidEvent, RecError
from ..events import check
from ..files import Files, storage_errors
from ..ids import take_id
from ..journal.blobs import Blob, split_payloads, write_blobs
from ..journal.codec import FORMAT, LINE_BYTES, VERSION, encode, encode_line, number_line
from ..library.contents import Contents
from ..library.create import DATA, DEDUPE_KEY, publish
from ..library.folders import NEW, remove_folder, usable_folder
from ..library.library import Library
from ..library.manifest import TIME_LIMIT_MS, Kind, Manifest, new_manifest, write_manifest
from ..library.owner import HEARTBEAT_SECONDS
from ..library.state import RecordingState
from ..redact import Redactor
from .appender import Appender
from .castdraft import CastDraft
from .names import as_json

BESIDE: Final = "imported "
"""What the keys of a session's metadata begin with that hold what an import did not understand."""
_LAST: Final = TIME_LIMIT_MS - 1
# With room for its number and time.
_LINE_BYTES: Final = LINE_BYTES - 100


class Draft:
    """A recording that is being made; `event` and `terminal` fill it, `publish` finishes it."""

    def __init__(
        self,
        library: Library,
        folder: Path,
        state: RecordingState,
        manifest: Manifest,
        redactor: Redactor,
    ) -> None:
        self._library, self._folder, self._state = library, folder, state
        self._manifest = manifest
        self._redactor = redactor
        self._contents = Contents()
        self._casts: list[CastDraft] = []
        self._seq = 0
        self._size = 0
        self.session_id = manifest["id"]
        self.last_at = manifest["started_at"]
        self.messages = 0
        self.unknown = 0
        self._beaten = time.monotonic()
        self._journal = Appender(self.files, folder / DATA)
        self._journal.write(encode_line(self._header()))

    @classmethod
    def begin(
        cls,
        library: Library,
        name: str,
        kind: Kind,
        started_ms: int,
        *,
        title: str | None,
        redactor: Redactor,
        imported: Mapping[str, Any],
    ) -> Draft:
        """Make the folder, locked; raises `StorageError`."""
        root, files = usable_folder(library.root, library.files), library.files
        name, title = redactor.text(name), redactor.text(title) if title else title
        started = min(max(0, started_ms), _LAST)
        base = take_id(name, started)
        folder = root / f"{NEW}{base}-{os.urandom(4).hex()}"
        with storage_errors("can't import a recording", root):
            files.mkdir(folder)
            state = RecordingState(folder, files=files)
            try:
                owner = state.start(name, DATA).owner
                manifest = new_manifest(id=base, name=name, kind=kind, started_ms=started, owner=owner, title=title)
                key = Appender(files, folder / DEDUPE_KEY)
                key.write(os.urandom(32))
                key.close()
                whole = cast(Manifest, {**manifest, "imported": redactor.value(dict(imported))})
                return cls(library, folder, state, whole, redactor)
            except BaseException:
                _remove(files, folder, state)
                raise

    @property
    def wanted_id(self) -> str:
        """The id that it gets if that is free."""
        return self._manifest["id"]

    @property
    def imported(self) -> dict[str, Any]:
        """What the manifest says of where it comes from."""
        return dict(cast(dict[str, Any], self._manifest)["imported"])

    @property
    def files(self) -> Files:
        """The file layer."""
        return self._library.files

    # -- filling it

    def event(self, event: Mapping[str, Any], at: int | None = None) -> None:
        """Append one event with its own time in Unix ms (None: that of the event before).

        Secrets are taken out. Times that go backwards count as the time before. Raises `InvalidEvent`,
        `StorageError`.
        """
        check(event)
        self.last_at = min(max(self.last_at, at if at is not None else 0), _LAST)
        clean = self._redactor.value(dict(event))
        blobs: list[Blob] = []
        body = encode(split_payloads(clean, blobs))
        if len(body) > _LINE_BYTES:
            raise InvalidEvent(f"a line of {len(body) >> 20} MiB is longer than a journal's can be")
        self._seq += 1
        with self._writing():
            write_blobs(self.files, self._folder, blobs) if blobs else None
            self._journal.write(number_line(self._seq, self.last_at, body))
        self.beat()
        self._size += sum(len(blob.data) for blob in blobs)
        self._contents.add(clean)

    def message(self, fields: Mapping[str, Any], at: int | None) -> None:
        """Append a `message_add`; `created_at` is `at`, if that is known."""
        event = {"type": "message_add", **fields, **({"created_at": at} if at is not None else {})}
        try:
            self.event(event, at)
        except InvalidEvent:  # it nests too deeply, or has too many members, for one line: as text it stands in a blob
            text = as_json(event.get("metadata"))
            self.event({**event, "metadata": {"json": text} if text else {"unreadable": True}}, at)
            self.unknown += 1
        self.messages += 1

    def keep_unknown(self, place: str, raw: Any, at: int | None = None) -> None:
        """Keep what is not understood, named by its place in the file, and count it."""
        self.unknown += 1
        self.keep(place, raw, at)

    def keep(self, place: str, raw: Any, at: int | None = None) -> None:
        """Keep what has no place in our vocabulary, named by its place in the file."""
        event = {"type": "session_update", "session_id": self.session_id}
        try:
            self.event({**event, "metadata": {f"{BESIDE}{place}": raw}}, at)
        except InvalidEvent:
            text = as_json(raw) or "[nested too deeply to be kept]"
            self.event({**event, "metadata": {f"{BESIDE}{place}": text}}, at)

    def beat(self) -> None:
        """Say that the maker lives, if that was said long ago: others take a silent one for dead."""
        now = time.monotonic()
        if now - self._beaten > HEARTBEAT_SECONDS:
            self._beaten = now
            self._state.heartbeat()

    def terminal(self, header: Header, at: int | None = None) -> CastDraft:
        """Begin a terminal whose zero is at `at` in Unix ms (None: that of the event before)."""
        number = len(self._casts) + 1
        track = "terminal" if number == 1 else f"terminal-{number}"
        start: dict[str, Any] = {"type": "terminal_start", "track": track, "file": f"{track}.cast"}
        start |= {"cols": header.width, "rows": header.height}
        self.event({**start, **({"command": header.command} if header.command else {})}, at)
        with self._writing():
            draft = CastDraft(self, track, header, Appender(self.files, self._folder / f"{track}.cast"), self._redactor)
        self._casts.append(draft)
        return draft

    # -- the end

    def publish(self) -> str:
        """Finish it, all on the disk, and give it its id, which is returned; raises `StorageError`."""
        for draft in self._casts:
            draft.end()
        footer = {"type": "footer", "at": self.last_at, "status": "completed", "events": self._seq}
        with self._writing():
            self._journal.write(encode_line(footer))
            self._journal.close()
            # Killed from here on, it is a recording that recovery finds and finishes.
            path = publish(self._folder, self._manifest, self.files, self._library.announce)
            self._folder = path
            self._state.moved(path)
            write_manifest(path, cast(Manifest, {**self._finished(), "id": path.name}), self.files)
            self._state.stop()
        return path.name

    def abandon(self) -> None:
        """Remove what was made so far."""
        for appender in (self._journal, *(draft.appender for draft in self._casts)):
            appender.drop()
        _remove(self.files, self._folder, self._state)

    # -- inside

    def _writing(self) -> contextlib.AbstractContextManager[None]:
        return storage_errors(f"{self._manifest['name']!r} can't be imported", self._folder)

    def _header(self) -> dict[str, Any]:
        manifest = cast(dict[str, Any], self._manifest)
        fields = {key: manifest[key] for key in ("id", "name", "kind", "started_at", "writer", "imported")}
        head = {"type": "header", "format": FORMAT, "version": VERSION, "segment": 0, "first_seq": 1}
        return {**head, **fields, "env": {}}

    def _finished(self) -> Manifest:
        sizes = self._size + self._journal.size + sum(draft.appender.size for draft in self._casts)
        ended: dict[str, Any] = {"state": "completed", "ended_at": self.last_at, "tracks": self._contents.tracks}
        ended["counts"] = {**self._contents.counts.as_dict(), "bytes": sizes}
        ended["counts"]["redacted"] = sum(self._redactor.removed.values())
        ended["imported"] = {**self.imported, "unknown": self.unknown}
        return cast(Manifest, {**self._manifest, **ended})


def _remove(files: Files, folder: Path, state: RecordingState) -> None:
    with contextlib.suppress(OSError, RecError):
        state.stop()
    with contextlib.suppress(OSError):
        remove_folder(files, folder)
