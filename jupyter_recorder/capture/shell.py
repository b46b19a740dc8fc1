"""Commands found in shells: bash and zsh that we start mark them, and the marks become events.

The shell reads the user's own files; hooks of ours (`shells/bash.sh`, `shells/zsh/.zshenv`) come after them. Other
shells run and are recorded as any program is.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ..errors import NoActiveRecording
from .osc import Mark, MarkFilter

if TYPE_CHECKING:
    from ..recorder import Recorder
    from .terminal import TerminalTrack

LABEL_LIMIT: Final = 1000
"""The most characters of a command that a marker in the `.cast` shows; the journal has all of it."""

_SCRIPTS: Final = Path(__file__).with_name("shells")
_NONCE: Final = "JUPYTER_RECORDER_SHELL_NONCE"
_LOGIN: Final = frozenset(("-l", "--login", "-il", "-li"))
_OPTIONS: Final = _LOGIN | {"-i"}
# What the shell that runs the command would leave as it is.
_PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9_./+-]+")


class MarkedShell(NamedTuple):
    """How to start a shell that marks its commands: the command, what it adds to the environment, and the nonce."""

    command: str
    environment: dict[str, str]
    nonce: str


def marked_shell(command: str, environment: Mapping[str, str] = os.environ) -> MarkedShell | None:
    """Tell how to start `command` with marks if it is an interactive bash or zsh and nothing else, else None.

    `environment` is what the command would be run in.
    """
    words = _words(command)
    maker = _MAKERS.get(os.path.basename(words[0])) if words else None
    if maker is None or not set(words[1:]) <= _OPTIONS or shutil.which(words[0], path=environment.get("PATH")) is None:
        return None
    nonce = secrets.token_hex(16)
    line, added = maker(words[0], not _LOGIN.isdisjoint(words), environment)
    return MarkedShell(line, {**added, _NONCE: nonce}, nonce)


def _words(command: str) -> list[str]:
    words = command.split() if "\n" not in command.strip() else []
    return words if all(_PLAIN_WORD.fullmatch(word) for word in words) else []


def _bash(program: str, login: bool, environment: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    script = str(_SCRIPTS / "bash.sh")
    if not login:
        return f"exec {program} --rcfile {shlex.quote(script)} -i", {}
    return f"exec {program} --posix -l -i", {"ENV": script, **_kept("ENV", environment)}


def _zsh(program: str, login: bool, environment: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    options = "-l -i" if login else "-i"
    return f"exec {program} {options}", {"ZDOTDIR": str(_SCRIPTS / "zsh"), **_kept("ZDOTDIR", environment)}


def _kept(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Hand a variable's own value over to the script, which puts it back."""
    return {f"JUPYTER_RECORDER_SHELL_{name}": environment[name]} if name in environment else {}


_MAKERS: Final[dict[str, Callable[[str, bool, Mapping[str, str]], tuple[str, dict[str, str]]]]] = {
    "bash": _bash,
    "zsh": _zsh,
}


class WholeCommand:
    """Records a program as one command, from its start to its end."""

    def __init__(self, recorder: Recorder, track: TerminalTrack) -> None:
        self._recorder, self._track = recorder, track
        self._begun: float | None = None

    def begin(self, command: str, cwd: str | None) -> None:
        """Record that a command begins in the folder `cwd` (None: it is not known)."""
        self._record({"type": "command_start", "track": self._track.name, "command": command, "cwd": cwd})
        self._begun = time.monotonic()  # after it, so that the duration fits between the two events' times

    def output(self, chunk: bytes) -> bytes:
        """Record the next bytes, and return what of them is to be shown."""
        self._track.output(chunk)
        return chunk

    def rest(self) -> bytes:
        """Record what was held back, and return it."""
        return b""

    def end(self, exit_code: int | None) -> None:
        """Record that the command which runs, if one does, has ended; `exit_code` is None if it is not known."""
        if self._begun is None:
            return
        duration, self._begun = round((time.monotonic() - self._begun) * 1000), None
        self._track.flush()
        end = {"type": "command_end", "track": self._track.name, "exit_code": exit_code, "duration_ms": duration}
        self._record(end)

    def _record(self, event: Mapping[str, object]) -> None:
        with contextlib.suppress(NoActiveRecording):  # given up while the program runs: it goes on
            self._recorder.record(event)


class MarkedCommands(WholeCommand):
    """Records the commands that a marked shell tells of, and what it shows without the marks."""

    def __init__(self, recorder: Recorder, track: TerminalTrack, nonce: str) -> None:
        super().__init__(recorder, track)
        self._filter = MarkFilter(nonce)

    def output(self, chunk: bytes) -> bytes:
        """Record the next bytes and the commands in them, and return what of them is to be shown."""
        shown = []
        for piece in self._filter.feed(chunk):
            if isinstance(piece, Mark):
                self._follow(piece)
            else:
                shown.append(super().output(piece))
        return b"".join(shown)

    def rest(self) -> bytes:
        """Record what was held back, and return it."""
        return super().output(self._filter.finish())

    def _follow(self, mark: Mark) -> None:
        # A prompt or a next command tells, too, that the last one has ended, though not how.
        self.end(mark.status if mark.letter == "D" else None)
        if mark.letter == "C":
            command = mark.options.get("cmdline_url", "")
            self._track.mark(command[:LABEL_LIMIT])
            self.begin(command, mark.options.get("cwd_url"))
