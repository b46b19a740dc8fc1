"""The one recording that runs in this process, with what captures for it."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .errors import NoActiveRecording, RecError, RecordingInProgress
from .interrupts import shielded

if TYPE_CHECKING:
    from .library.library import Library
    from .recorder import Recorder
    from .status import Stopped

log = logging.getLogger(__name__)

# A kernel's own patience with its shutdown is about a second more.
_SHUTDOWN_SECONDS = 4.0


class Tap(Protocol):
    """Something that captures from a shell."""

    def attach(self) -> None: ...
    def detach(self) -> None: ...


_running: tuple[Recorder, Tap | None] | None = None


def current() -> Recorder | None:
    """Return the recording that runs in this process, or None (in a forked child always None)."""
    return _running[0] if _running is not None and _running[0].active else None


def given_up() -> Recorder | None:
    """Return the recording that this process had to give up, the first time that it is asked; its capture ends."""
    global _running
    if _running is None or _running[0].active or _running[0].error is None:
        return None
    (recorder, tap), _running = _running, None
    if tap is not None:
        tap.detach()
    return recorder


def keep(recorder: Recorder) -> None:
    """Have `stop` end a recording that could not be ended yet."""
    global _running  # noqa: PLW0603
    _running = (recorder, None)
    atexit.register(_end_of_process)


def start(
    name: str = "notebook",
    *,
    title: str | None = None,
    tags: tuple[str, ...] = (),
    directory: str | os.PathLike[str] | None = None,
    library: Library | None = None,
    redact: bool = True,
    redact_patterns: Iterable[str] = (),
    max_output_bytes: int | None = None,
) -> Recorder:
    """Begin to record in this process: in a kernel or IPython every cell from now on, elsewhere what is called.

    `directory` puts the recording's folder there instead of under the library's root. What `redact_patterns` (regular
    expressions) match is taken out, too. Raises `RecordingInProgress` if one runs already, `InvalidName`,
    `InvalidPattern`, and `StorageError`.
    """
    global _running  # noqa: PLW0603  # one recording a process is the promise that this module keeps
    if (running := current()) is not None:
        raise RecordingInProgress(running.name, pid=os.getpid(), hint="%record stop ends it")
    from .library.library import Library
    from .recorder import Recorder
    from .redact import redactor_with

    with shielded():
        recorder = Recorder.start(
            library or Library(),
            name,
            "notebook",
            title=title,
            tags=tags,
            directory=None if directory is None else Path(directory),
            redactor=redactor_with(redact_patterns, enabled=redact),
        )
        tap = _tap(recorder, max_output_bytes)
        _running = (recorder, tap)
        atexit.register(_end_of_process)
        if tap is not None:
            tap.attach()
            if kernel_id := getattr(tap, "kernel_id", ""):
                recorder.belongs_to(kernel_id)
    return recorder


def stop(*, reason: str | None = None, **options: Any) -> Stopped:
    """End the recording that runs in this process; raises `NoActiveRecording`, and `PersistFailed` (call it again)."""
    global _running  # noqa: PLW0603
    recorder = current()
    if recorder is None or _running is None:
        raise NoActiveRecording
    tap = _running[1]
    if tap is not None:
        tap.detach()
        _running = (recorder, None)
    stopped = recorder.stop(reason=reason, **options)
    _running = None
    atexit.unregister(_end_of_process)
    return stopped


@contextlib.contextmanager
def record(name: str, **options: Any) -> Iterator[Recorder]:
    """Record what runs inside the block."""
    recorder = start(name, **options)
    try:
        yield recorder
    finally:
        if recorder.active:
            stop()


def _tap(recorder: Recorder, max_output_bytes: int | None) -> Tap | None:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return None
    from .capture.cells import MAX_OUTPUT_BYTES, CellRecorder
    from .capture.ipython import ShellTap
    from .capture.kernel import KernelTap

    cells = CellRecorder(recorder, max_output_bytes=max_output_bytes or MAX_OUTPUT_BYTES)
    return KernelTap(shell, cells) if hasattr(shell, "kernel") else ShellTap(shell, cells)


def _end_of_process() -> None:
    if current() is None:
        return
    try:
        stop(reason="kernel_shutdown", timeout=_SHUTDOWN_SECONDS)
    except RecError as error:
        log.error("%s", error)  # noqa: TRY400  # the message is whole; a traceback at the end of a kernel helps nobody
