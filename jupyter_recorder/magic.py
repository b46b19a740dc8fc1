"""The magic `%record`: words in, one clear line out; what it does stands in `active`, `library` and `replay`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display
from traitlets import Bool, Int, List, TraitError, Unicode, validate

from . import active, text
from .capture.cells import MAX_OUTPUT_BYTES
from .errors import NoActiveRecording, RecError, StorageError
from .journal.reader import Report
from .library.folders import default_root
from .library.library import Library
from .library.recording import Recording
from .library.recovery import recover
from .magic_health import Health
from .magic_words import Parser, ShellWords, check_replay, free_text, name_of_command, one_name, shell_words
from .reading import unread_lines
from .recorder import Recorder

if TYPE_CHECKING:
    from .capture.run import Ended

LISTED: Final = 20
_SAME_SECOND: Final = 8


@magics_class
class RecorderMagics(Magics):
    """The settings of `%record`, for `%config RecorderMagics.…` and configuration files."""

    root = Unicode(
        "", help="The folder of recordings, unless JUPYTER_RECORDER_DIR is set; empty: <jupyter data dir>/recorder."
    ).tag(config=True)
    redact = Bool(True, help="Take keys, tokens and passwords out before anything is written.").tag(config=True)
    redact_patterns = List(
        Unicode(), help="Regular expressions: what they match is taken out too; no anchors, no lookaround."
    ).tag(config=True)
    auto_start = Bool(False, help="Record every kernel from %load_ext on.").tag(config=True)
    max_output_bytes = Int(MAX_OUTPUT_BYTES, help="How much of one cell's output is recorded, in bytes.").tag(
        config=True
    )
    max_embed_bytes = Int(5 << 20, help="How large an embedded replay may be, in bytes.").tag(config=True)

    shell: Any  # a kernel's, or a terminal's

    def __init__(self, shell: Any, **options: Any) -> None:
        super().__init__(shell, **options)
        self.health = Health()

    @validate("redact_patterns")
    def _usable_patterns(self, proposal: Any) -> Any:
        from .redact import pattern_of

        try:
            for expression in proposal["value"]:
                pattern_of(expression)
        except RecError as error:
            raise TraitError(str(error)) from None
        return proposal["value"]

    @line_cell_magic
    def record(self, line: str, cell: str | None = None) -> None:
        """Record this notebook, terminal programs and chats to open files, and replay them.

        %record start demo                 every cell from now on, with its outputs and timing
        %record mark "Training begins"     a chapter on the timeline
        %record note "rerun with seed 7"   a remark
        %record sh make test               a program in a real terminal, live and recorded
        %record chat on                    this kernel's calls to chat models (openai, anthropic, litellm); or: off
        %record stop                       end it; says where the files are
        %record replay                     the newest recording, inline
        %record replay demo --speed 2 --idle 1 --start 30
        %record status                     how it stands, and up to where it is safe on the disk
        %record list                       what there is, newest first
        %record export demo --to notebook -o demo.ipynb
        %record recover                    get back what a dead kernel left

        %%record demo                      records this one cell
        %%record sh --size 80x24           runs this cell as a shell script in a terminal

        start: --title TEXT, --tag WORD (again for more), --dir FOLDER instead of the recordings' folder.
        sh: --name NAME, --size COLSxROWS, --input (record what is typed too); the rest is the command.
        replay: --link holds the recording's id alone, for one that is too large to embed.
        export: --to notebook, html, markdown, text, asciicast-v2, asciicast-v3, bash, otel, chat or ndjson;
        --track NAME of several terminals; --start SECONDS to begin later. list: --all, not the newest 20 alone.
        recover: --force, also what another host left and nobody there will end.
        From Python: jupyter_recorder.current().chat.add("user", "hello") and .chat.stream(tokens).
        """
        self.run(line, cell)

    def run(self, line: str, cell: str | None = None) -> None:
        """Do what the words of `%record` say; every error is one line."""
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
            known = ", ".join(WORDS)
            given = repr(word[:40]) if word else "nothing"
            raise UsageError(f"%record: {given} is no command; there are {known} (%record? explains)")
        command: Callable[[str], None] = getattr(self, f"_{word}")
        return command

    def _start(self, rest: str) -> None:
        parser = Parser("start")
        parser.add_argument("name", nargs="?", default="notebook")
        parser.add_argument("--title")
        parser.add_argument("--tag", action="append", default=[])
        parser.add_argument("--dir")
        given = parser.read(rest)
        recorder = self.begin(given.name, title=given.title, tags=tuple(given.tag), directory=given.dir)
        print(text.started(recorder, calls=_calls_are_recorded()))

    def _stop(self, rest: str) -> None:
        Parser("stop").read(rest)
        print(text.stopped(active.stop()))

    def _status(self, rest: str) -> None:
        Parser("status").read(rest)
        recorder = active.current()
        calls = _calls_are_recorded()
        print(text.status(recorder.status(), calls=calls) if recorder else str(NoActiveRecording()))

    def _list(self, rest: str) -> None:
        parser = Parser("list")
        parser.add_argument("--all", action="store_true")
        everything = parser.read(rest).all
        print(text.listing(self.library().recordings(limit=None if everything else LISTED)))

    def _mark(self, rest: str) -> None:
        self._recorder().mark(free_text("mark", "LABEL", rest))

    def _note(self, rest: str) -> None:
        self._recorder().note(free_text("note", "TEXT", rest))

    def _sh(self, rest: str) -> None:
        words = shell_words(rest)
        if not words.command.strip():
            raise UsageError("%record sh: what is to be run? For example: %record sh ls -l")
        self._run(words)

    def _chat(self, rest: str) -> None:
        parser = Parser("chat")
        parser.add_argument("what", choices=("on", "off"))
        wanted = parser.read(rest).what == "on"
        from .capture import llm

        (llm.on if wanted else llm.off)()
        print(text.chat(wanted, active.current()))

    def _replay(self, rest: str) -> None:
        parser = Parser("replay")
        parser.add_argument("name", nargs="?")
        parser.add_argument("--speed", type=float, default=1.0)
        parser.add_argument("--idle", type=float)
        parser.add_argument("--start", type=float, default=0.0)
        parser.add_argument("--link", action="store_true")
        given = parser.read(rest)
        check_replay(given.speed, given.idle, given.start)
        from .replay.bundle import ReplayOptions, link_bundle, mime_bundle
        from .replay.load import load, summary

        options = ReplayOptions(speed=given.speed, idle=given.idle, start=given.start)
        recording = self._chosen(given.name)
        report = Report()
        if given.link:
            bundle = link_bundle(recording.shown, options, summary=summary(recording, report))
        else:
            limit = self.max_embed_bytes
            data = load(recording, max_bytes=limit)
            bundle = mime_bundle(data, options, summary=summary(recording, report), max_embed_bytes=limit)
        self._tell_damage(recording, report)
        display(bundle, raw=True)

    def _recover(self, rest: str) -> None:
        parser = Parser("recover")
        parser.add_argument("--force", action="store_true")
        print(text.recovered(recover(self.library(), force=parser.read(rest).force)))

    def _export(self, rest: str) -> None:
        parser = Parser("export")
        parser.add_argument("name", nargs="?")
        parser.add_argument("--to")
        parser.add_argument("-o", "--output")
        parser.add_argument("--track")
        parser.add_argument("--start", type=float, default=0.0)
        given = parser.read(rest)
        from .convert import FORMATS, ExportOptions, export_recording

        if given.to is None and given.output is None:
            names = ", ".join(format_.name for format_ in FORMATS)
            raise UsageError(f"%record export: --to FORMAT or -o PATH says as what ({names})")
        recording = self._chosen(given.name)
        options = ExportOptions(track=given.track, start=given.start)
        path = export_recording(recording, given.to, given.output, options=options)
        report = Report()
        for _ in recording.events(report):
            pass
        self._tell_damage(recording, report)
        print(f"written to {path}")

    # -- what they share

    def _record_cell(self, word: str, rest: str, line: str, cell: str) -> None:
        if word == "sh":
            words = shell_words(rest)
            if words.command.strip():
                raise UsageError("%%record sh: the cell is the script; what follows `sh` can only be options")
            self._run(words._replace(command=cell))
            return
        if active.current() is not None:
            self.shell.run_cell(cell)
            return
        self.begin(one_name(line) or "cell")
        try:
            self.shell.run_cell(cell)
        finally:
            print(text.stopped(active.stop()))

    def begin(self, name: str, **options: Any) -> Recorder:
        """Begin a recording of this shell with the settings' values."""
        recorder = active.start(
            name,
            library=self.library(),
            redact=self.redact,
            redact_patterns=self.redact_patterns,
            max_output_bytes=self.max_output_bytes,
            **options,
        )
        recorder.on_health = self.health.changed
        return recorder

    def _run(self, words: ShellWords) -> None:
        from .capture.run import run_program
        from .redact import redactor_with

        size, record_input = words.size, words.record_input
        running = active.current()
        if running is not None:
            self._tell_end(run_program(running, words.command, size=size, record_input=record_input))
            return
        name = words.name or name_of_command(words.command)
        own = Recorder.start(
            self.library(), name, "terminal", redactor=redactor_with(self.redact_patterns, enabled=self.redact)
        )
        try:
            self._tell_end(run_program(own, words.command, size=size, record_input=record_input))
        finally:
            self._end_own(own)

    @staticmethod
    def _end_own(own: Recorder) -> None:
        try:
            stopped = own.stop()
        except StorageError:  # %record stop can end it later
            active.keep(own)
            raise
        print(text.stopped(stopped))

    @staticmethod
    def _tell_end(ended: Ended) -> None:
        if ended.code:
            print(f"[exit code {ended.code}]")
        if ended.interrupted:
            raise KeyboardInterrupt

    @staticmethod
    def _tell_damage(recording: Recording, report: Report) -> None:
        if report.damage:
            print(text.damaged(recording, report))
        for file in recording.cast_files():
            if unread := unread_lines(recording.read_cast(file)):
                print(text.damaged_cast(recording, file, unread))

    def _recorder(self) -> Recorder:
        recorder = active.current()
        if recorder is None:
            raise NoActiveRecording
        return recorder

    def library(self) -> Library:
        """Return the recordings that the settings name."""
        return Library(default_root(self.root or None))

    def _chosen(self, name: str | None) -> Recording:
        """Return the recording called `name`, else the one that runs, else the newest."""
        running, library = active.current(), self.library()
        if running is not None and name in (None, running.id, running.name):
            running.wait(5.0)
            return library.find(running.id)
        if name is not None:
            return library.find(name)
        # An id tells the second alone: of those that began in one, the manifest knows the last.
        newest = max(library.recordings(limit=_SAME_SECOND), key=_started_at, default=None)
        if newest is None:
            raise NoActiveRecording("nothing is recorded yet; %record start NAME begins")
        return newest


def _calls_are_recorded() -> bool:
    llm = sys.modules.get(f"{__package__}.capture.llm")
    return llm is not None and llm.is_on()


def _started_at(recording: Recording) -> int:
    return 0 if recording.error else recording.manifest["started_at"]


WORDS: Final = ("start", "stop", "status", "list", "mark", "note", "sh", "chat", "replay", "export", "recover")
