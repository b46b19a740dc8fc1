"""Disks that fail, fill, hang, kill and lose power, in the place of `jupyter_recorder.files.Files`."""

from __future__ import annotations

import copy
import errno
import fnmatch
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from jupyter_recorder.files import Files

T = TypeVar("T")

WRITING_KINDS = ("create", "open_append", "write", "datasync", "close", "rename", "unlink", "mkdir", "sync_folder")


class Call(NamedTuple):
    """One call: its kind, the path, the number of the opening it used (0: none), and when it had returned."""

    kind: str
    path: Path
    opening: int
    returned: float


class CountingFiles(Files):
    """The real files, with every call that returned in `calls`, in order; an opening is numbered, not its fd."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.moved = threading.Condition()
        self._openings: dict[int, tuple[int, Path]] = {}
        self._opened = 0

    def count(self, kind: str, name: str = "*") -> int:
        """Return how many calls of `kind` there were on paths with a name that matches."""
        return len([call for call in self.calls if call.kind == kind and fnmatch.fnmatch(call.path.name, name)])

    def wait_for(self, kind: str, name: str = "*", *, times: int = 1, timeout: float = 20) -> bool:
        """Wait until so many such calls have returned."""
        with self.moved:
            return self.moved.wait_for(lambda: self.count(kind, name) >= times, timeout)

    def before(self, kind: str, path: Path, size: int) -> int:
        """Come before each call: may raise, wait, or return how many of `size` bytes are taken."""
        return size

    def create(self, path: Path) -> int:
        return self._open("create", path, lambda: super(CountingFiles, self).create(path))

    def open_append(self, path: Path) -> int:
        return self._open("open_append", path, lambda: super(CountingFiles, self).open_append(path))

    def write(self, fd: int, data: bytes | memoryview) -> int:
        opening, path = self._openings[fd]
        size = self.before("write", path, len(data))
        return self._note("write", path, opening, super().write(fd, memoryview(data)[:size]))

    def datasync(self, fd: int) -> None:
        opening, path = self._openings[fd]
        self.before("datasync", path, 0)
        super().datasync(fd)
        self._note("datasync", path, opening, None)

    def truncate(self, fd: int, size: int) -> None:
        opening, path = self._openings[fd]
        self.before("truncate", path, 0)
        super().truncate(fd, size)
        self._note("truncate", path, opening, None)

    def close(self, fd: int) -> None:
        opening, path = self._openings[fd]
        self.before("close", path, 0)
        del self._openings[fd]  # before: the number may be another file's as soon as it is closed
        super().close(fd)
        self._note("close", path, opening, None)

    def rename(self, source: Path, target: Path) -> None:
        self._on_path("rename", target, lambda: super(CountingFiles, self).rename(source, target))

    def unlink(self, path: Path) -> None:
        self._on_path("unlink", path, lambda: super(CountingFiles, self).unlink(path))

    def mkdir(self, path: Path) -> None:
        self._on_path("mkdir", path, lambda: super(CountingFiles, self).mkdir(path))

    def rmdir(self, path: Path) -> None:
        self._on_path("rmdir", path, lambda: super(CountingFiles, self).rmdir(path))

    def utime(self, path: Path) -> None:
        self._on_path("utime", path, lambda: super(CountingFiles, self).utime(path))

    def sync_folder(self, path: Path) -> None:
        self._on_path("sync_folder", path, lambda: super(CountingFiles, self).sync_folder(path))

    def _open(self, kind: str, path: Path, make: Callable[[], int]) -> int:
        self.before(kind, path, 0)
        fd = make()
        with self.moved:
            self._opened += 1
            self._openings[fd] = self._opened, path
        return self._note(kind, path, self._opened, fd)

    def _on_path(self, kind: str, path: Path, do: Callable[[], None]) -> None:
        self.before(kind, path, 0)
        do()
        self._note(kind, path, 0, None)

    def _note(self, kind: str, path: Path, opening: int, answer: T) -> T:
        with self.moved:
            self.calls.append(Call(kind, path, opening, time.monotonic()))
            self.moved.notify_all()
        return answer


@dataclass
class Fault:
    """What goes wrong with calls of `kind` on names that match: the `nth` one (from 0), or all while `on`.

    `error` is raised; `keep` bytes of a write are taken before (a short write); a `hang` first waits for `release`.
    """

    kind: str
    name: str = "*"
    error: int | None = None
    nth: int | None = None
    keep: int = 0
    hang: bool = False
    on: bool = True
    seen: int = 0
    hits: int = 0
    struck: threading.Condition = field(default_factory=threading.Condition)
    release: threading.Event = field(default_factory=threading.Event)
    _short: bool = False

    def wait_hit(self, times: int = 1, timeout: float = 20) -> bool:
        """Wait until this fault has met so many calls."""
        with self.struck:
            return self.struck.wait_for(lambda: self.hits >= times, timeout)

    def strikes(self, kind: str, path: Path) -> bool:
        """Count a call, and tell whether it is one that fails."""
        if not self.on or kind != self.kind or not fnmatch.fnmatch(path.name, self.name):
            return False
        self.seen += 1
        return self.nth is None or self.seen == self.nth + 1 or self._short

    def strike(self, size: int) -> int:
        """Do to one call what this fault does; return how many of `size` bytes are taken."""
        with self.struck:
            self.hits += 1
            self.struck.notify_all()
        if self.hang:
            self.release.wait(60)
            if self.error is None:
                return size
        if 0 < self.keep < size and not self._short:
            self._short = True  # the system takes a part, and the rest meets the error
            return self.keep
        self._short = False
        assert self.error is not None
        raise OSError(self.error, os.strerror(self.error))


class FaultyFiles(CountingFiles):
    """The real files, with faults."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__()
        self.faults = list(faults)
        self._striking = threading.Lock()

    def before(self, kind: str, path: Path, size: int) -> int:
        with self._striking:
            fault = next((fault for fault in self.faults if fault.strikes(kind, path)), None)
        return size if fault is None else fault.strike(size)


class KillingFiles(CountingFiles):
    """The real files of a process that is killed (-9) at the n-th call, from 0; a write may be half done then."""

    def __init__(self, nth: int, *, half: bool = False) -> None:
        super().__init__()
        self._left, self._half = nth, half

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if self._left == 0 and self._half:
            os.write(fd, memoryview(data)[: len(data) // 2])
        return super().write(fd, data)

    def before(self, kind: str, path: Path, size: int) -> int:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1
        return size


# -- power loss


class _File:
    """A file's bytes as programs see them, and as far as they are on the disk itself."""

    def __init__(self) -> None:
        self.seen = bytearray()
        self.safe = b""


class _Folder:
    """A folder's names as programs see them; `steps` are the changes that are not on the disk yet."""

    def __init__(self) -> None:
        self.seen: dict[str, _File | _Folder] = {}
        self.safe: dict[str, _File | _Folder] = {}
        self.steps: list[dict[str, _File | _Folder]] = []
        self.syncing: dict[int, tuple[dict[str, _File | _Folder], int]] = {}
        self.forgotten = 0

    def step(self) -> None:
        self.steps.append(dict(self.seen))

    def begin_sync(self, token: int) -> None:
        self.syncing[token] = dict(self.seen), self.forgotten + len(self.steps)

    def end_sync(self, token: int) -> None:
        safe, upto = self.syncing.pop(token)
        if upto >= self.forgotten:  # else a later one has ended before
            self.safe = safe
            del self.steps[: upto - self.forgotten]
            self.forgotten = upto


def _on_disk(path: Path) -> _Folder:
    """Return what stands below a folder, all of it safe."""
    folder = _Folder()
    for entry in path.iterdir() if path.is_dir() else ():
        if entry.is_dir():
            folder.seen[entry.name] = _on_disk(entry)
        else:
            file = folder.seen[entry.name] = _File()
            file.safe = entry.read_bytes()
            file.seen += file.safe
    folder.safe = dict(folder.seen)
    return folder


class PowerLossFiles(CountingFiles):
    """The real files below `root`, with a log of which bytes and names were synced when.

    `materialise()` makes the folder that a machine would find after the power went at any call. Data is safe by
    `datasync` only, names by `sync_folder` only, both as they stood when that began. What was not synced is gone,
    or by a seeded choice partly there: a prefix of a folder's changes, a prefix of a file's bytes, NULs for bytes.
    """

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.begun = _on_disk(root)
        self.steps: list[tuple[Any, ...]] = []
        # Held over a change of names and its step, so that no step comes before one that it rests on.
        self._naming = threading.RLock()

    def create(self, path: Path) -> int:
        with self._naming:
            fd = super().create(path)
            self._step("create", path)
            return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        path = self._openings[fd][1]
        count = super().write(fd, data)
        self._step("write", path, bytes(data[:count]))
        return count

    def datasync(self, fd: int) -> None:
        path, size = self._openings[fd][1], os.fstat(fd).st_size
        super().datasync(fd)
        self._step("datasync", path, size)

    def truncate(self, fd: int, size: int) -> None:
        path = self._openings[fd][1]
        super().truncate(fd, size)
        self._step("truncate", path, size)

    def rename(self, source: Path, target: Path) -> None:
        with self._naming:
            super().rename(source, target)
            self._step("rename", target, source)

    def unlink(self, path: Path) -> None:
        with self._naming:
            super().unlink(path)
            self._step("unlink", path)

    def mkdir(self, path: Path) -> None:
        with self._naming:
            super().mkdir(path)
            self._step("mkdir", path)

    def rmdir(self, path: Path) -> None:
        with self._naming:
            super().rmdir(path)
            self._step("unlink", path)

    def sync_folder(self, path: Path) -> None:
        token = self._step("begin_sync", path)
        super().sync_folder(path)
        self._step("end_sync", path, token)

    def materialise(self, upto: int, folder: Path, seed: int | None = None) -> None:
        """Make in `folder` what the disk under `root` holds if the power goes after the first `upto` steps."""
        root = copy.deepcopy(self.begun)
        for number, step in enumerate(self.steps[:upto]):
            self._replay(root, number, *step)
        _lay_down(root, folder, None if seed is None else random.Random(f"{seed}-{upto}"))

    def _step(self, kind: str, path: Path, *more: Any) -> int:
        with self.moved:
            self.steps.append((kind, path, *more))
            return len(self.steps) - 1

    def _folder(self, root: _Folder, path: Path) -> _Folder:
        for part in path.relative_to(self.root).parts:
            found = root.seen[part]
            assert isinstance(found, _Folder)
            root = found
        return root

    def _replay(self, root: _Folder, number: int, kind: str, path: Path, *more: Any) -> None:
        if kind == "begin_sync":
            self._folder(root, path).begin_sync(number)
            return
        if kind == "end_sync":
            self._folder(root, path).end_sync(more[0])
            return
        parent = self._folder(root, path.parent)
        if kind in ("create", "mkdir"):
            parent.seen[path.name] = _File() if kind == "create" else _Folder()
        elif kind == "rename":
            parent.seen[path.name] = parent.seen.pop(more[0].name)
        elif kind == "unlink":
            del parent.seen[path.name]
        else:
            file = parent.seen[path.name]
            assert isinstance(file, _File)
            _change(file, kind, more[0])
            return
        parent.step()


class FailingPowerLossFiles(PowerLossFiles, FaultyFiles):
    """Files that fail, on a machine that loses power."""

    def __init__(self, root: Path, *faults: Fault) -> None:
        PowerLossFiles.__init__(self, root)
        self.faults = list(faults)
        self._striking = threading.Lock()


def _change(file: _File, kind: str, what: Any) -> None:
    if kind == "write":
        file.seen += what
    elif kind == "truncate":
        del file.seen[what:]
    else:
        file.safe = bytes(file.seen[:what])


def _lay_down(folder: _Folder, path: Path, chance: random.Random | None) -> None:
    path.mkdir()
    states = [folder.safe, *folder.steps]
    for name, found in (chance.choice(states) if chance else folder.safe).items():
        if isinstance(found, _Folder):
            _lay_down(found, path / name, chance)
        else:
            (path / name).write_bytes(_bytes_left(found, chance))


def _bytes_left(file: _File, chance: random.Random | None) -> bytes:
    if chance is None or bytes(file.seen[: len(file.safe)]) != file.safe:
        return file.safe
    lost = bytes(file.seen[len(file.safe) :])
    kept = lost[: chance.randint(0, len(lost))]
    if chance.random() < 0.3:  # the size reached the disk, the bytes did not
        kept = kept[: len(kept) // 2] + bytes(len(kept) - len(kept) // 2)
    return file.safe + kept


NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
