"""`%load_ext jupyter_recorder`: the magic, its completion, and its word on what is not safe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from . import active, text
from .errors import RecError
from .magic import WORDS, RecorderMagics

_META: Final = "jupyter_recorder"
# How long `%load_ext` may look for recordings of dead processes, in seconds.
_LOOK_SECONDS: Final = 0.1

_OPTIONS: Final = {
    "start": ("--title", "--tag", "--dir"),
    "sh": ("--name", "--size", "--input"),
    "replay": ("--speed", "--idle", "--start", "--link"),
    "export": ("--to", "-o", "--track"),
    "recover": ("--force",),
    "list": ("--all",),
}


def load(shell: Any) -> None:
    """Register the magic with a shell; say what dead processes left."""
    magics = RecorderMagics(shell=shell, config=getattr(shell, "config", None))
    shell.register_magics(magics)
    for event, tell in _cell_events(magics):
        shell.events.register(event, tell)
    shell.set_hook("complete_command", Completer(magics), re_key=r"%{1,2}record\b")
    shell.meta[_META] = magics
    _say(shell, lambda: _tell_stale(magics))
    if magics.auto_start and active.current() is None:
        _auto_start(shell, magics)


def unload(shell: Any) -> None:
    """End what is being recorded."""
    magics = shell.meta.pop(_META, None)
    if magics is not None:
        for event, tell in _cell_events(magics):
            shell.events.unregister(event, tell)
    if (llm := sys.modules.get(f"{__package__}.capture.llm")) is not None:
        llm.off()
    if active.current() is not None:
        print(text.stopped(active.stop(reason="unloaded")))


def _cell_events(magics: RecorderMagics) -> list[tuple[str, Callable[..., None]]]:
    return [("pre_run_cell", magics.health.before_cell), ("post_run_cell", magics.health.after_cell)]


def _tell_stale(magics: RecorderMagics) -> None:
    try:
        left = len(magics.library().stale(budget=_LOOK_SECONDS))
    except RecError as error:
        print(f"%record: {error}")
        return
    if left:
        print(text.stale(left))


def _auto_start(shell: Any, magics: RecorderMagics) -> None:
    try:
        said = text.started(magics.begin("notebook"))
    except RecError as error:
        said = f"%record: NOT RECORDING: {error}"
    _say(shell, lambda: print(said))


def _say(shell: Any, say: Callable[[], None]) -> None:
    """Say something where a person sees it: a kernel that runs no cell yet has no such place before its first one."""
    if not hasattr(shell, "kernel") or shell.kernel.get_parent():
        say()
        return

    def at_first_cell(*_: object) -> None:
        shell.events.unregister("pre_run_cell", at_first_cell)
        say()

    shell.events.register("pre_run_cell", at_first_cell)


class Completer:
    """Completes the words after `%record`: commands, then options, formats and names."""

    def __init__(self, magics: RecorderMagics) -> None:
        self._magics = magics

    def __call__(self, _shell: Any, event: Any) -> list[str]:
        """Return what may stand where the cursor is."""
        words = event.line.split()
        done = words[1:] if event.line.endswith(" ") else words[1:-1]
        if not done:
            return list(WORDS)
        if event.symbol.startswith("-"):
            return list(_OPTIONS.get(done[0], ()))
        if done == ["chat"]:
            return ["on", "off"]
        if done[-1] == "--to":
            from .convert import FORMATS  # seldom wanted

            return [format_.name for format_ in FORMATS]
        return self._magics.library().names(event.symbol) if done[0] in ("replay", "export") else []
