"""What is said to a person: plain lines, the same in a notebook and in a shell."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Collection, Iterable
from typing import Final

from .journal.reader import Report
from .library.recording import Recording
from .library.recovery import RecoveryInfo
from .recorder import Recorder
from .status import Status, Stopped
from .timeline import Counts

_REST: Final = "the rest is whole, and no file was changed"


_CALLS: Final = "  calls to chat models are recorded; %record chat off ends that"


def started(recorder: Recorder, *, calls: bool = False) -> str:
    """Say that a recording runs, and where."""
    lines = [f"● recording {recorder.name!r} to {recorder.path}", "  %record stop ends it"]
    return "\n".join([*lines, *([_CALLS] if calls else [])])


def chat(wanted: bool, recorder: Recorder | None) -> str:
    """Say whether calls to chat models are recorded."""
    if not wanted:
        return "calls to chat models are not recorded any more"
    where = f"to {recorder.name!r}" if recorder else "once a recording runs (%record start begins one)"
    return f"● calls to chat models are recorded {where}\n  %record chat off ends that"


def stopped(result: Stopped) -> str:
    """Say what a recording holds."""
    held = _held(result.counts) or "nothing"
    return (
        f"■ {result.name!r} holds {held}; {_size(result.bytes)} in {_clock(result.elapsed)}, all of it on the disk\n"
        f"  {result.path}\n  %record replay {shlex.quote(result.name)} shows it"
    )


def status(state: Status, *, calls: bool = False) -> str:
    """Say how the open recording stands; `calls`: calls to chat models are recorded."""
    lines = [f"● recording {state.name!r} for {_clock(state.elapsed)}: {_held(state.counts) or 'nothing yet'}"]
    if state.error is not None:
        lines.append(f"  NOT SAFE: {state.error}")
    if state.unsafe:
        lines.append(f"  on the disk up to event {state.durable_seq} of {state.seq}; {state.unsafe} on their way")
    else:
        lines.append(f"  on the disk up to event {state.durable_seq} of {state.seq} ({_size(state.bytes)})")
    if state.slow_seconds > 1:
        lines.append(f"  the disk has not answered for {state.slow_seconds:.0f} s")
    if state.dropped:
        lines.append(f"  {state.dropped} events could not be kept while the disk lagged; the timeline has a gap there")
    if calls:
        lines.append(_CALLS)
    return "\n".join([*lines, f"  {state.path}"])


def listing(recordings: Iterable[Recording]) -> str:
    """Return a table of recordings."""
    rows = [_row(recording) for recording in recordings]
    if not rows:
        return "nothing is recorded yet; %record start NAME begins"
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def recovered(infos: Iterable[RecoveryInfo]) -> str:
    """Say what recovery did."""
    lines = [_recovered_line(info) for info in infos]
    return "\n".join(lines) if lines else "there is nothing to recover"


def recoverable(recordings: Collection[Recording]) -> str:
    """Say which recordings dead processes left."""
    if not recordings:
        return "there is nothing to recover"
    return "\n".join(["left unfinished by dead processes:", *(f"  {one.name}  ({one.path})" for one in recordings)])


def stale(count: int) -> str:
    """Say that dead processes left recordings."""
    what, them = ("is a recording", "it") if count == 1 else (f"are {count} recordings", "them")
    return f"there {what} that a dead process left unfinished: %record recover gets {them} back"


def damaged(recording: Recording, report: Report) -> str:
    """Say that parts of a journal could not be read."""
    size = sum(place.size for place in report.damage)
    first = report.damage[0]
    where = f"{first.file} from byte {first.offset}: {first.why}"
    return f"%record: {_size(size)} of {recording.name!r} can't be read ({where}); {_REST}"


def damaged_cast(recording: Recording, file: str, unread: int) -> str:
    """Say that lines of a terminal's file could not be read."""
    what = "1 line" if unread == 1 else f"{unread} lines"
    return f"%record: {what} of {recording.name!r} can't be read ({file}); {_REST}"


def _recovered_line(info: RecoveryInfo) -> str:
    if info.error is not None:
        return f"✗ {info.id}: {info.error}"
    if info.removed:
        return f"· {info.id} was empty and is gone"
    kept = f", {info.cut_bytes} bytes of a torn line kept beside it" if info.cut_bytes else ""
    return f"✓ {info.previous_name!r} is {info.name!r} now: {info.events} events{kept}"


def _row(recording: Recording) -> tuple[str, ...]:
    if recording.error is not None:
        return (recording.id, "damaged", "", "", recording.error)
    manifest = recording.shown
    counts = manifest.get("counts") or {}
    when = datetime.datetime.fromtimestamp(manifest.get("started_at", 0) / 1000).strftime("%Y-%m-%d %H:%M")
    held = _held(Counts(**{key: value for key, value in counts.items() if key in Counts.__dataclass_fields__}))
    return (recording.name, recording.state, when, _size(recording.size_bytes()), held)


def _held(counts: Counts) -> str:
    parts = [
        (counts.cells, "cell"),
        (counts.messages, "message"),
        (counts.terminals, "terminal"),
        (counts.markers, "marker"),
        (counts.notes, "note"),
        (counts.errors, "error"),
        (counts.gaps, "gap"),
    ]
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in parts if count)


def _size(size: int) -> str:
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
