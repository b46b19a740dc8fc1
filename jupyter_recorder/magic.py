"""The magic `%record`: words in, one clear line out; what it does stands in `active`, `library` and `replay`."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display
from traitlets import Bool, Int, Unicode

from . import active, magic_text
from .capture.cells import MAX_OUTPUT_BYTES
from .errors import NoActiveRecording, RecError
from .library.library import Library
from .library.recording import Recording
from .library.recovery import recover

LISTED: Final = 20
# How long `%load_ext` may look for recordings of dead processes.
_LOOK_SECONDS: Final = 0.1


@magics_class
class RecorderMagics(Magics):
    """The settings of `%record`, for `%config RecorderMagics.…` and configuration files."""

    root = Unicode("", help="The folder of recordings; empty: JUPYTER_RECORDER_DIR, else <jupyter data dir>/recorder.").tag(config=True)
    redact = Bool(True, help="Take keys, tokens and passwords out before anything is written.").tag(config=True)
    auto_start = Bool(False, help="Record every kernel from %load_ext on.").tag(config=True)
    max_output_bytes = Int(MAX_OUTPUT_BYTES, help="How much of one cell's output is recorded, in bytes.").tag(config=True)
    max_embed_bytes = Int(5 << 20, help="How large an embedded replay may be, in bytes.").tag(config=True)

    def __init__(self, shell: Any, **options: Any) -> None:
        super().__init__(shell, **options)
        self._told: str | None = None

    @line_cell_magic
    def record(self, line: str, cell: str | None = None) -> None:
        """Record this notebook, terminal programs and chats to open files, and replay them.

        %record start demo                 every cell from now on, with its outputs and timing
        %record mark "Training begins"     a chapter on the timeline
        %record note "rerun with seed 7"   a remark
        %record sh make test               a program in a real terminal, live and recorded
        %record stop                       end it; says where the files are
        %record replay                     the newest recording, inline
        %record replay demo --speed 2 --idle 1 --start 30
        %record status                     how it stands, and up to where it is safe on the disk
        %record list                       what there is, newest first
        %record export demo --to notebook -o demo.ipynb      (notebook, asciicast-v2, ndjson)
        %record recover                    get back what a dead kernel left

        %%record demo                      records this one cell
        %%record sh --size 80x24           runs this cell as a shell script in a terminal

        start: --title TEXT, --tag WORD (again for more), --dir FOLDER instead of the recordings' folder.
        sh: --name NAME, --size COLSxROWS, --input (record what is typed too); the rest is the command.
        replay: --link holds the recording's id alone, for one that is too large to embed.
        From Python: jupyter_recorder.current().chat.add("user", "hello") and .chat.stream(tokens).
        """
        word, _, rest = line.strip().partition(" ")
        try:
            if cell is not None:
                self._record_cell(word, rest.strip(), line.strip(), cell)
            else:
                self._command(word)(rest.strip())
        except RecError as error:
            raise UsageError(f"%record: {error}") from None

    # -- the words

    def _command(self, word: str) -> Callable[[str], None]:
        if word not in WORDS:
            raise UsageError(f"%record: {word or 'nothing'!r} is no command; there are {', '.join(WORDS)} (%record? explains)")
        command: Callable[[str], None] = getattr(self, f"_{word}")
        return command

    def _start(self, rest: str) -> None:
        parser = _Parser("start")
        parser.add_argument("name", nargs="?", default="notebook")
        parser.add_argument("--title")
        parser.add_argument("--tag", action="append", default=[])
        parser.add_argument("--dir")
        given = parser.read(rest)
        recorder = active.start(
            given.name,
            title=given.title,
            tags=tuple(given.tag),
            directory=given.dir,
            library=self._library(),
            redact=self.redact,
            max_output_bytes=self.max_output_bytes,
        )
        print(magic_text.started(recorder))

    def _stop(self, rest: str) -> None:
        _Parser("stop").read(rest)
        print(magic_text.stopped(active.stop()))

    def _status(self, rest: str) -> None:
        _Parser("status").read(rest)
        recorder = active.current()
        print(magic_text.status(recorder.status()) if recorder else "nothing is being recorded; %record start NAME begins")

    def _list(self, rest: str) -> None:
        parser = _Parser("list")
        parser.add_argument("--all", action="store_true")
        everything = parser.read(rest).all
        print(magic_text.listing(self._library().recordings(limit=None if everything else LISTED)))

    def _mark(self, rest: str) -> None:
        self._recorder().mark(_text("mark", "LABEL", rest))

    def _note(self, rest: str) -> None:
        self._recorder().note(_text("note", "TEXT", rest))

    def _sh(self, rest: str) -> None:
        name, size, record_input, command = _shell_words(rest)
        if not command.strip():
            raise UsageError("%record sh: what is to be run? For example: %record sh ls -l")
        self._run(name, size, record_input, command)

    def _replay(self, rest: str) -> None:
        parser = _Parser("replay")
        parser.add_argument("name", nargs="?")
        parser.add_argument("--speed", type=float, default=1.0)
        parser.add_argument("--idle", type=float)
        parser.add_argument("--start", type=float, default=0.0)
        parser.add_argument("--link", action="store_true")
        given = parser.read(rest)
        from .replay.bundle import ReplayOptions, link_bundle, mime_bundle  # noqa: PLC0415
        from .replay.load import load, summary  # noqa: PLC0415

        options = ReplayOptions(speed=given.speed, idle=given.idle, start=given.start)
        recording = self._chosen(given.name)
        if given.link:
            bundle = link_bundle(recording.manifest, options, summary=summary(recording))
        else:
            data = load(recording, max_bytes=self.max_embed_bytes)
            bundle = mime_bundle(data, options, summary=summary(recording), max_embed_bytes=self.max_embed_bytes)
        display(bundle, raw=True)

    def _recover(self, rest: str) -> None:
        parser = _Parser("recover")
        parser.add_argument("--force", action="store_true")
        print(magic_text.recovered(recover(self._library(), force=parser.read(rest).force)))

    def _export(self, rest: str) -> None:
        parser = _Parser("export")
        parser.add_argument("name", nargs="?")
        parser.add_argument("--to")
        parser.add_argument("-o", "--output")
        parser.add_argument("--track")
        given = parser.read(rest)
        if given.to is None and given.output is None:
            raise UsageError("%record export: --to FORMAT or -o PATH says as what (notebook, asciicast-v2, ndjson)")
        from .convert import export  # noqa: PLC0415

        path = export(self._chosen(given.name), given.to, given.output, track=given.track)
        print(f"written to {path}")

    # -- what they share

    def _record_cell(self, word: str, rest: str, line: str, cell: str) -> None:
        if word == "sh":
            name, size, record_input, more = _shell_words(rest)
            if more.strip():
                raise UsageError("%%record sh: the cell is the script; what follows `sh` can only be options")
            self._run(name, size, record_input, cell)
            return
        if active.current() is not None:
            self.shell.run_cell(cell)
            return
        given = _one_name(line)
        active.start(given, library=self._library(), redact=self.redact, max_output_bytes=self.max_output_bytes)
        try:
            self.shell.run_cell(cell)
        finally:
            print(magic_text.stopped(active.stop()))

    def _run(self, name: str | None, size: tuple[int, int] | None, record_input: bool, command: str) -> None:
        from .capture.run import run_program  # noqa: PLC0415

        recorder = active.current()
        if recorder is not None:
            self._tell_exit(run_program(recorder, command, size=size, record_input=record_input))
            return
        own = self._own_terminal_recording(name or _first_word(command))
        code = None
        try:
            code = run_program(own, command, size=size, record_input=record_input)
        finally:
            stopped = own.stop()
            self._tell_exit(code)
            print(magic_text.stopped(stopped))

    def _own_terminal_recording(self, name: str) -> Any:
        from .recorder import Recorder  # noqa: PLC0415
        from .redact import Redactor  # noqa: PLC0415

        return Recorder.start(self._library(), name, "terminal", redactor=Redactor(enabled=self.redact))

    @staticmethod
    def _tell_exit(code: int | None) -> None:
        if code:
            print(f"[exit code {code}]")

    def _recorder(self) -> Any:
        recorder = active.current()
        if recorder is None:
            raise NoActiveRecording
        return recorder

    def _library(self) -> Library:
        return Library(self.root or None)

    def _chosen(self, name: str | None) -> Recording:
        """Return the recording called `name`, else the one that runs, else the newest."""
        running, library = active.current(), self._library()
        if running is not None and name in (None, running.id, running.name):
            running.wait(5.0)
            return library.find(running.id)
        if name is not None:
            return library.find(name)
        newest = next(iter(library.recordings(limit=1)), None)
        if newest is None:
            raise NoActiveRecording("nothing is recorded yet; %record start NAME begins")
        return newest

    def tell_health(self, *_: Any) -> None:
        """Say once that a recording is not safe, and once that it is again."""
        recorder = active.current()
        error = recorder.error if recorder is not None else None
        told, self._told = self._told, None if error is None else str(error)
        if error is not None and told is None:
            print(f"%record: NOT SAFE: {error}")
        elif error is None and told is not None and recorder is not None:
            print(f"%record: {recorder.name!r} is safe on the disk again")


WORDS: Final = ("start", "stop", "status", "list", "mark", "note", "sh", "replay", "export", "recover")


class _Parser(argparse.ArgumentParser):
    """Options of one word; a mistake is one line, not an exit."""

    def __init__(self, word: str) -> None:
        super().__init__(prog=f"%record {word}", add_help=False, allow_abbrev=False)

    def read(self, rest: str) -> argparse.Namespace:
        """Return what stands in `rest`."""
        return self.parse_args(_split(self.prog, rest))

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line."""
        raise UsageError(f"{self.prog}: {message} (%record? explains)")


def _split(prog: str, rest: str) -> list[str]:
    try:
        return shlex.split(rest)
    except ValueError as error:
        raise UsageError(f"{prog}: {error}") from None


def _text(word: str, what: str, rest: str) -> str:
    """Return free text, with or without quotes around it."""
    text = rest.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    if not text:
        raise UsageError(f"%record {word}: give it a {what}")
    return text


def _one_name(line: str) -> str:
    words = _split("%%record", line)
    if len(words) > 1:
        raise UsageError("%%record takes one NAME (with quotes if it has spaces)")
    return words[0] if words else "cell"


def _first_word(command: str) -> str:
    words = re.findall(r"[\w.+-]+", command)
    return Path(words[0]).name.lstrip(".-") or "terminal" if words else "terminal"


_OPTION: Final = re.compile(r"\s*(?:--name[= ]\s*(?P<name>'[^']*'|\"[^\"]*\"|\S+)|--size[= ]\s*(?P<size>\S+)|(?P<input>--input))(?=\s|\Z)")


def _shell_words(rest: str) -> tuple[str | None, tuple[int, int] | None, bool, str]:
    """Split the options off a shell command, which stays as it was typed, quotes and all."""
    name, size, record_input = None, None, False
    while match := _OPTION.match(rest):
        if match["name"] is not None:
            name = match["name"].strip("'\"")
        elif match["size"] is not None:
            size = _size(match["size"])
        else:
            record_input = True
        rest = rest[match.end() :]
    rest = rest.lstrip(" ")
    if rest.startswith("--"):
        raise UsageError(f"%record sh: {rest.split()[0]!r} is no option; there are --name, --size and --input")
    return name, size, record_input, rest


def _size(word: str) -> tuple[int, int]:
    from .asciicast.format import parse_size  # noqa: PLC0415

    size = parse_size(word)
    if size is None:
        raise UsageError(f"%record sh: --size takes COLSxROWS, such as 100x30, not {word[:40]!r}")
    return size


def load(shell: Any) -> None:
    """Register the magic, its completion and its word on health; say what dead processes left."""
    magics = RecorderMagics(shell=shell, config=getattr(shell, "config", None))
    shell.register_magics(magics)
    shell.events.register("post_run_cell", magics.tell_health)
    shell.set_hook("complete_command", magics_completer(magics), re_key=r"%{1,2}record\b")
    magics.shell.meta["jupyter_recorder"] = magics
    if left := sum(1 for _ in magics._library().stale(seconds=_LOOK_SECONDS)):
        print(magic_text.stale(left))
    if magics.auto_start and active.current() is None:
        magics.record("start")


def unload(shell: Any) -> None:
    """End what is being recorded."""
    magics = shell.meta.pop("jupyter_recorder", None)
    if magics is not None:
        shell.events.unregister("post_run_cell", magics.tell_health)
    if active.current() is not None:
        print(magic_text.stopped(active.stop(reason="unloaded")))


def magics_completer(magics: RecorderMagics) -> Callable[[Any, Any], list[str]]:
    """Return what completes the words after `%record`: commands, then names and options."""

    def complete(_shell: Any, event: Any) -> list[str]:
        words = event.line.split()
        done = words[1:] if event.line.endswith(" ") else words[1:-1]
        if not done:
            return list(WORDS)
        if event.symbol.startswith("-"):
            return list(OPTIONS.get(done[0], ()))
        if done[-1] == "--to":
            from .convert import FORMATS  # noqa: PLC0415

            return [format_.name for format_ in FORMATS]
        return magics._library().names(event.symbol) if done[0] in ("replay", "export") else []

    return complete


OPTIONS: Final = {
    "start": ("--title", "--tag", "--dir"),
    "sh": ("--name", "--size", "--input"),
    "replay": ("--speed", "--idle", "--start", "--link"),
    "export": ("--to", "-o", "--track"),
    "recover": ("--force",),
    "list": ("--all",),
}
