"""The files of one recorded terminal session: their names, and the `.json` that says who, when and how it went.

    {"session_id":…,"metadata":{…},"started_at":ms,"ended_at":ms|null,"duration":s,"events":{"o":n,"i":n,"r":n},
     "bytes":n,"exit_status":n|null,"error":"…"|null}

Times are Unix milliseconds, `duration` is in seconds, `bytes` is the size of the `.cast`. `error` says in words what
went wrong last and how much could not be recorded; null if all is there.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from ..errors import InvalidEvent
from ..files import Files, write_atomic
from ..ids import file_stem
from ..journal.codec import decode, encode

CAST: Final = ".cast"
SUFFIX: Final = ".json"
METADATA_BYTES: Final = 1 << 20
_MOST_TAKES: Final = 100_000

T = TypeVar("T")


def plain_metadata(metadata: Any) -> Any:
    """Return `metadata` as JSON has it; raises `InvalidEvent` for what nests too deeply or takes over 1 MiB."""
    data = encode({} if metadata is None else metadata)
    if len(data) > METADATA_BYTES:
        raise InvalidEvent(f"the metadata takes {len(data)} bytes, over {METADATA_BYTES}")
    return decode(data)


def claim(folder: Path, session_id: str, make: Callable[[Path], T]) -> T:
    """Return what `make` makes of the session's first free name in `folder`, without an ending.

    A name is free if it has no sidecar and `make` raises no `FileExistsError`; the next ones end in `-2`, `-3`, …
    Raises `OSError`.
    """
    for stem in _takes(folder / file_stem(session_id)):
        if not os.path.lexists(with_ending(stem, SUFFIX)):
            try:
                return make(stem)
            except FileExistsError:  # of two that try at once, one goes on to the next
                continue
    raise FileExistsError(f"{folder} has {_MOST_TAKES} recordings of this session")


def with_ending(stem: Path, ending: str) -> Path:
    """Return the path of one of a session's files; a dot in the session's id is no ending."""
    return stem.with_name(stem.name + ending)


def _takes(stem: Path) -> Iterator[Path]:
    yield stem
    yield from (with_ending(stem, f"-{take}") for take in itertools.islice(itertools.count(2), _MOST_TAKES - 1))


class Sidecar:
    """The `.json` of one session, at `path`; without that, a session with no `.cast` takes a free name in `folder`."""

    def __init__(self, files: Files, folder: Path, session_id: str, path: Path | None = None) -> None:
        self._files, self._folder, self._session_id, self._path = files, folder, session_id, path

    def write(self, data: bytes) -> None:
        """Replace it by `data`; raises `OSError`."""
        if self._path is None:
            self._path = claim(self._folder, self._session_id, self._make)
        write_atomic(self._files, self._path, data)

    def _make(self, stem: Path) -> Path:
        if os.path.lexists(with_ending(stem, CAST)):
            raise FileExistsError
        path = with_ending(stem, SUFFIX)
        self._files.close(self._files.create(path))
        return path
