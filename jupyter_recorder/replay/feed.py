"""Feeding a player from a kernel: what a recording holds, then what comes while it is recorded.

A feed has a thread of its own and sends messages (a dict and its binary parts) through whatever its owner gives it:

| message | binary part | |
|---|---|---|
| `open {manifest, live, large}` | | first; `large` names files that are not sent but read in ranges |
| `lines {n, file, from}` | whole lines, gzipped | `from`: the first line's index, as `TrackTail` counts |
| `blob {n, sha256}` | text, gzipped | a payload, before the line that names it |
| `grown {file, size}` | | a file of `large` has so many bytes now |
| `ready` | | all that was there at the beginning has been sent |
| `manifest {manifest}`, `notice {text}` | | what has changed; what the reader has to know |
| `end` | | nothing more will come |
| `failed {message}` | | last; it can't be fed any longer, and why |

What has an `n` is acknowledged by the page once it has it. At most `WINDOW` bytes are under way without that: a page
that is slow, or gone, costs no memory, and a server that counts messages is not flooded.
"""

from __future__ import annotations

import gzip
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from ..errors import RecordingNotFound, StorageError
from ..files import open_regular
from ..journal.codec import decode_object, encode
from ..library.follow import JOURNAL, POLL_SECONDS, TailLine, TrackTail
from ..library.recording import Recording

log = logging.getLogger(__name__)

Send = Callable[[dict[str, Any], list[bytes]], object]

WINDOW: Final = 4 << 20
# A file that is larger is not sent whole: a page that holds it takes many times as much.
LARGE_BYTES: Final = 8 << 20
READ_BYTES: Final = 8 << 20

_JOURNAL_FILE: Final = "session.ndjson"
_CHUNK: Final = 256 << 10
_BLOBS_BYTES: Final = 64 << 20
_REFERENCE: Final = re.compile(rb'"blob":\s*"([0-9a-f]{64})"')
_STATE_EVERY: Final = 4  # polls
_DELETED: Final = "This recording was deleted while it was open. What had come by then is still shown here."


class Feed:
    """Sends `recording` by `send(message, binary)`, from `start()` on until `stop()` or its end.

    `send` is called from the feed's thread, one message after the other. `on_failed(error)` hears what ended it.
    """

    def __init__(self, recording: Recording, send: Send, *, on_failed: Callable[[Exception], object]) -> None:
        self._path = recording.path
        self._send_to, self._on_failed = send, on_failed
        self._thread = threading.Thread(target=self._run, name=f"replay of {recording.id}", daemon=True)
        self._turn = threading.Condition()
        self._stopped = False
        self._under_way: dict[int, int] = {}  # the sizes of what is not acknowledged, by number
        self._sent = 0
        self._blobs: set[str] = set()
        self._blob_bytes = 0
        self._tails: dict[str, TrackTail] = {_JOURNAL_FILE: TrackTail(self._path, JOURNAL, 1)}
        self._large: dict[str, int] = {}  # the sizes that the page knows

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more; returns at once."""
        with self._turn:
            self._stopped = True
            self._turn.notify_all()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; tell whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def acknowledge(self, n: int) -> None:
        """Hear that the page has message `n`."""
        with self._turn:
            self._under_way.pop(n, None)
            self._turn.notify_all()

    def read(self, file: str, start: int, end: int) -> bytes:
        """Return bytes `start` to `end` of a terminal's file, less at its end; raises `StorageError`."""
        recording = Recording(self._path)
        if file not in recording.cast_files() or not 0 <= start < end <= start + READ_BYTES:
            raise StorageError(f"{file[:80]!r} can't be read", path=str(self._path))
        try:
            with os.fdopen(open_regular(self._path / file), "rb") as opened:
                opened.seek(start)
                return opened.read(end - start)
        except OSError as error:
            raise StorageError(f"can't read {file}: {error.strerror}", path=str(self._path)) from error

    # -- the thread

    def _run(self) -> None:
        try:
            self._feed()
        except _StoppedError:
            pass
        except Exception as error:  # whatever it is, who looks at the replay must hear of it
            log.exception("the replay of %s can't be fed", self._path.name)
            self._on_failed(error)
            self._tell({"type": "failed", "message": str(error) or type(error).__name__})

    def _feed(self) -> None:
        recording = Recording(self._path)
        if not self._path.is_dir():
            raise RecordingNotFound(recording.id)
        live = recording.state == "recording"
        self._large = {name: size for name, size in self._casts() if size > LARGE_BYTES}
        large = [{"name": name, "size": size} for name, size in self._large.items()]
        self._tell({"type": "open", "manifest": dict(recording.shown), "live": live, "large": large})
        self._send_new()
        self._tell({"type": "ready"})
        if live and not self._follow():
            return
        self._tell({"type": "end"})

    def _follow(self) -> bool:
        """Send what comes until the recording has ended; tell whether it was not deleted meanwhile."""
        for count in self._polls():
            ended = count % _STATE_EVERY == 0 and Recording(self._path).state != "recording"
            try:
                self._send_new()
                if ended:
                    self._tell({"type": "manifest", "manifest": dict(Recording(self._path).shown)})
                    return True
            except (FileNotFoundError, StorageError):
                if self._path.is_dir():
                    raise
                self._tell({"type": "notice", "text": _DELETED})
                return True
        return False

    def _polls(self) -> Iterator[int]:
        count = 0
        while True:
            with self._turn:
                if self._turn.wait_for(lambda: self._stopped, POLL_SECONDS):
                    return
            count += 1
            yield count

    def _send_new(self) -> None:
        """Send the lines that are there and were not sent, the journal's first: it says what a terminal is."""
        for name, size in self._casts():
            if name not in self._large:
                self._tails.setdefault(name, TrackTail(self._path, name.removesuffix(".cast")))
            elif size > self._large[name]:
                self._large[name] = size
                self._tell({"type": "grown", "file": name, "size": size})
        for file, tail in list(self._tails.items()):
            while lines := tail.read(_CHUNK):
                self._send_lines(file, lines)

    def _send_lines(self, file: str, lines: list[TailLine]) -> None:
        texts = [line.data for line in lines]
        if file == _JOURNAL_FILE:
            texts = [_plain(text) for text in texts]
            for text in texts:
                self._send_blobs(text)
        body = b"\n".join([*texts, b""])
        self._tell({"type": "lines", "file": file, "from": lines[0].number}, body)

    def _send_blobs(self, line: bytes) -> None:
        for name in _REFERENCE.findall(line):
            sha256 = name.decode("ascii")
            if sha256 in self._blobs or self._blob_bytes >= _BLOBS_BYTES:
                continue
            self._blobs.add(sha256)
            try:
                blob = Recording(self._path).blob(sha256)
            except StorageError:
                continue  # the line that names it shows what is missing
            self._blob_bytes += len(blob)
            self._tell({"type": "blob", "sha256": sha256}, blob)

    def _casts(self) -> list[tuple[str, int]]:
        return [(name, os.stat(self._path / name).st_size) for name in Recording(self._path).cast_files()]

    def _tell(self, message: dict[str, Any], body: bytes | None = None) -> None:
        if body is None:
            self._check()
            self._send_to(message, [])
            return
        packed = gzip.compress(body, 5, mtime=0)
        with self._turn:
            self._turn.wait_for(lambda: self._stopped or sum(self._under_way.values()) < WINDOW)
            self._sent += 1
            self._under_way[self._sent] = len(packed)
        self._check()
        self._send_to({**message, "n": self._sent}, [packed])

    def _check(self) -> None:
        if self._stopped:
            raise _StoppedError


class _StoppedError(Exception):
    """Nobody wants to have more."""


def _plain(line: bytes) -> bytes:
    """Return a journal's line without what was hashed before redaction."""
    if b'"raw"' in line and (event := decode_object(line)) is not None and "raw" in event:
        del event["raw"]
        return encode(event)
    return line
