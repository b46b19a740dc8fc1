"""Terminals recorded by script(1): a timing file and its typescript.

The classic timing file has `delay bytes` a line; the one with several streams has `O delay bytes` (output), `I`
(input), `S delay SIGNAL …` and `H 0 NAME value` (what began and how it ended). Bytes are counted in the typescript
after its first line, which says when it began.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from ...asciicast.format import Header, Utf8Decoder
from ...errors import ImportFailed
from ...files import open_regular
from ..castdraft import CastDraft
from ..input import Input
from ..names import millis
from ..sink import Sink

_CLASSIC: Final = re.compile(rb"([0-9]+(?:\.[0-9]+)?) ([0-9]+)")
_STREAM: Final = re.compile(rb"([IO]) ([0-9]+(?:\.[0-9]+)?) ([0-9]+)")
_SIGNAL: Final = re.compile(rb"S ([0-9]+(?:\.[0-9]+)?) (SIG[A-Z]+)(.*)")
_INFO: Final = re.compile(rb"H ([0-9]+(?:\.[0-9]+)?) ([A-Z_]+)(?: (.*))?")
_SIZE: Final = re.compile(r'(COLUMNS|LINES)="([0-9]{1,5})"')
_STARTED: Final = re.compile(r"^Script started on (.{10,40}?)(?: \[|$)")
_WINDOW: Final = re.compile(rb"ROWS=([0-9]{1,5}) COLS=([0-9]{1,5})")
_PIECE: Final = 1 << 20
_ENDINGS: Final = (".timing", ".tm", ".time", ".timings")


class _Step(NamedTuple):
    kind: str
    delay: float
    size: int = 0
    text: bytes = b""


def matches(head: bytes, _path: Path) -> bool:
    """Tell either of the two files by its first line."""
    first = head.split(b"\n", 1)[0].rstrip(b"\r")
    if first.startswith(b"Script started on "):
        return True
    return any(pattern.fullmatch(first) for pattern in (_CLASSIC, _STREAM, _INFO))


def load(file: Input, sink: Sink) -> None:
    """Make one recording of a timing file, or of the typescript that lies beside one."""
    timing, typescript = _pair(file)
    info = _info(timing)
    with ExitStack() as stack:
        output = stack.enter_context(_open(typescript))
        first = output.readline(4096).decode("utf-8", "replace").rstrip("\r\n")
        if not first.startswith("Script started on "):
            output.seek(0)
        header = _header(first, info)
        started = millis(info.get("START_TIME")) or _began(first)
        with sink.recording(
            "", "terminal", timing.modified_ms if started is None else started, fallback=typescript.stem
        ) as draft:
            terminal = draft.terminal(header, draft.last_at)
            streams = {"O": output, "I": _input(timing, info, typescript, stack)}
            _fill(timing, sink, terminal, streams)
            exit_code = info.get("EXIT_CODE", "")
            terminal.exit_code = int(exit_code) if exit_code.isdigit() and len(exit_code) < 4 else None
            terminal.end()


def _fill(timing: Input, sink: Sink, terminal: CastDraft, streams: dict[str, BinaryIO | None]) -> None:
    decoders = {kind: Utf8Decoder() for kind in streams}
    time = 0.0
    for number, step in _steps(timing, sink):
        time += step.delay
        if step.kind == "S":
            _signal(terminal, time, step.text)
        elif (stream := streams.get(step.kind)) is not None:
            missing = _copy(stream, step, terminal, time, decoders[step.kind])
            if missing:
                sink.warn(f"the typescript ends {missing} bytes before what line {number} of the timing asks for")
                return
    for kind, decoder in decoders.items():
        if rest := decoder.finish():
            terminal.event(time, "o" if kind == "O" else "i", rest)


def _copy(stream: BinaryIO, step: _Step, terminal: CastDraft, time: float, decoder: Utf8Decoder) -> int:
    """Write the bytes of one step; return how many the typescript lacks."""
    left = step.size
    while left and (data := stream.read(min(left, _PIECE))):
        left -= len(data)
        if text := decoder.feed(data):
            terminal.event(time, "o" if step.kind == "O" else "i", text)
    return left


def _signal(terminal: CastDraft, time: float, text: bytes) -> None:
    found = _WINDOW.search(text)
    if found is not None:
        terminal.event(time, "r", f"{int(found[2])}x{int(found[1])}")


def _steps(timing: Input, sink: Sink) -> Iterator[tuple[int, _Step]]:
    for number, line in timing.lines():
        step = _step(line or b"")
        if step is not None:
            yield number, step
        else:
            sink.unknown += 1
            sink.warn(f"line {number} of the timing is no step and was left out")


def _step(line: bytes) -> _Step | None:
    line = line.rstrip()
    if found := _CLASSIC.fullmatch(line):
        return _Step("O", _seconds(found[1]), int(found[2][:15]))
    if found := _STREAM.fullmatch(line):
        return _Step(found[1].decode(), _seconds(found[2]), int(found[3][:15]))
    if found := _SIGNAL.fullmatch(line):
        return _Step("S", _seconds(found[1]), text=found[3])
    return _Step("H", 0.0) if _INFO.fullmatch(line) else None


def _seconds(text: bytes) -> float:
    return min(float(text[:40]), 1e9)


def _info(timing: Input) -> dict[str, str]:
    """Return what the lines `H` tell."""
    found: dict[str, str] = {}
    for _, line in timing.lines():
        if line is not None and (match := _INFO.fullmatch(line.rstrip())):
            found[match[2].decode()] = (match[3] or b"").decode("utf-8", "replace")
    return found


def _header(first: str, info: dict[str, str]) -> Header:
    sizes = {name: int(value) for name, value in _SIZE.findall(first)}
    width, height = sizes.get("COLUMNS") or 80, sizes.get("LINES") or 24
    env = {"SHELL": info["SHELL"]} if info.get("SHELL") else {}
    return Header(min(width, 2000), min(height, 2000), command=info.get("COMMAND") or None, env=env)


def _began(first: str) -> int | None:
    found = _STARTED.match(first)
    return millis(found[1]) if found else None


# -- which file is which


def _pair(file: Input) -> tuple[Input, Path]:
    """Return the timing file and the typescript; raises `ImportFailed` if one of them is missing."""
    is_typescript = file.head().startswith(b"Script started on ")
    if file.companion is not None:
        pair = (file.companion, file.path) if is_typescript else (file.path, file.companion)
    elif is_typescript:
        pair = _beside(_timings(file.path), "timing file"), file.path
    else:
        pair = file.path, _beside(_typescripts(file.path), "typescript")
    return (file if pair[0] == file.path else Input(pair[0])), pair[1]


def _timings(path: Path) -> list[Path]:
    names = [path.name + ending for ending in _ENDINGS] + [path.stem + ending for ending in _ENDINGS]
    return [path.with_name(name) for name in (*names, "timing", "timing.txt", "timingfile")]


def _typescripts(path: Path) -> list[Path]:
    stem = path.name
    for ending in _ENDINGS:
        stem = stem.removesuffix(ending)
    names = [f"{stem}{ending}" for ending in ("", ".script", ".typescript", ".log", ".txt", ".out")]
    return [path.with_name(name) for name in (*names, "typescript") if name != path.name]


def _beside(paths: list[Path], what: str) -> Path:
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        looked = ", ".join(path.name for path in paths[:3])
        raise ImportFailed(f"its {what} is not beside it (such as {looked}); name it with --companion")
    return found


def _open(path: Path) -> BinaryIO:
    import os

    return os.fdopen(open_regular(path.resolve()), "rb")


def _input(timing: Input, info: dict[str, str], typescript: Path, stack: ExitStack) -> BinaryIO | None:
    """Return where input was recorded, if that is a file of its own beside the timing; never another folder's."""
    name = Path(info.get("INPUT_LOG", "")).name
    if not name or name == Path(info.get("OUTPUT_LOG", "")).name:
        return None
    path = timing.path.with_name(name)
    if path == typescript or not path.is_file():
        return None
    opened = stack.enter_context(_open(path))
    if not opened.readline(4096).startswith(b"Script started on "):
        opened.seek(0)
    return opened
