"""`Replay`: the player as a Jupyter widget, steered and followed from Python.

It stands in the same sandboxed frame as every replay. The recording comes from the kernel by custom messages, to each
view that asks for it (`feed` says which); none of it is a trait, so none of it is saved with the notebook. The page's
half is `labextension/src/replay/anywidget.ts`.

| from the page | |
|---|---|
| `code {}` | wants the player's script, gzipped: once a page, however many widgets |
| `begin {view, before}` | a frame has started and has nothing yet; `before` is the view that it was |
| `ack {view, n}`, `end {view}` | has message `n`; wants no more |
| `read {view, id, file, start, end}` | wants a range of a large file: `bytes {id}`, with `error` if it can't be had |
| trait `_told` | how playback stands |

| to the page | |
|---|---|
| what `feed` says | with the `view` that it is for |
| `ready {view, asked, steps}` | what Python has asked so far, to begin with |
| `control {asked, action, value}` | what Python asks of all views; `asked` numbers it |

What a page told before it had heard of a command (`asked`) is not taken: `replay.playing` does not flicker.
"""

from __future__ import annotations

import functools
import hashlib
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import traitlets

try:
    from anywidget import AnyWidget
except ImportError as error:
    raise ImportError(
        "Replay is a Jupyter widget and needs anywidget: pip install anywidget; %record replay does without"
    ) from error

from ..errors import RecError, StorageError
from ..library.library import Library
from ..library.recording import Recording
from .feed import Feed
from .static_files import read_static

MAX_VIEWS: Final = 16
SLOWEST, FASTEST = 0.1, 100.0
_STEERED: Final = ("current_time", "playing", "speed")
# In the order in which they are told: a seek ends following, and to play may begin it.
_ORDER: Final = ("speed", "where", "plays")
_KINDS: Final = {"speed": "speed", "seek": "where", "follow": "where", "play": "plays", "pause": "plays"}


class Replay(AnyWidget):
    """A replay in the notebook that Python steers and follows: `Replay("demo")`, then `play()`, `pause()`, `seek(t)`.

    `name` is a recording's id or name (the newest take), or a `Recording`; one that is still being recorded is
    followed. `speed` is a factor (0.1 to 100), `idle` the longest pause that is played, in seconds (None: all of it),
    `start` where it begins, in seconds, `height` in CSS pixels. What is asked before the replay is on a page, or while
    it loads, happens once it is there. Raises `RecordingNotFound`.

    Traits: `current_time` (seconds), `playing` and `speed` are set and follow both ways; `duration` (seconds),
    `following` (the newest is shown, as it comes) and `error` (why it can't be fed; empty) are to be read.
    """

    current_time = traitlets.Float(0.0, min=0.0, help="Where it stands, in seconds of the recording.").tag(sync=True)
    playing = traitlets.Bool(False, help="Whether it plays, or follows what is being recorded.").tag(sync=True)
    speed = traitlets.Float(1.0, min=SLOWEST, max=FASTEST, help="How fast it plays, as a factor.").tag(sync=True)
    duration = traitlets.Float(0.0, help="How long the recording is so far, in seconds.").tag(sync=True)
    following = traitlets.Bool(False, help="Whether the newest is shown, as it comes.").tag(sync=True)
    height = traitlets.Int(560, min=160, max=4000, help="In CSS pixels.").tag(sync=True)
    error = traitlets.Unicode("", help="Why it can't be fed; empty as long as it can.")

    _told = traitlets.Dict().tag(sync=True, echo_update=False)
    _title = traitlets.Unicode().tag(sync=True)
    _player = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        name: str | Recording,
        *,
        speed: float = 1.0,
        idle: float | None = None,
        start: float = 0.0,
        height: int = 560,
    ) -> None:
        self._feeds: dict[str, Feed] = {}
        self._steps: dict[str, dict[str, Any]] = {}  # what a view that begins has to be told, by kind
        self._asked = 0
        self._sending = threading.RLock()
        self._taking = threading.local()
        self._recording = name if isinstance(name, Recording) else Library().find(name)
        self._options = {"speed": speed, "idle": idle, "start": start}
        shown = self._recording.title or self._recording.name
        super().__init__(height=height, speed=speed, _title=f"Replay of {shown}", _player=_version())
        self._steps, self._asked = {}, 0  # a speed given here is an option
        self.on_msg(self._hear)

    # anywidget makes it a trait that the page has.
    @property
    def _esm(self) -> str:
        return read_static("widget.js").decode("utf-8")

    def __repr__(self) -> str:
        """Return what stands where no widget shows."""
        return f"Replay({self._recording.id!r})"

    def play(self) -> None:
        """Play from where it stands; at the end, from the start; at the newest of a live recording, follow it."""
        self._ask("play", playing=True)

    def pause(self) -> None:
        """Stand still."""
        self._ask("pause", playing=False, following=False)

    def seek(self, t: float) -> None:
        """Go to a moment, in seconds; what lies beyond the end is the end."""
        if not math.isfinite(t):
            raise ValueError(f"can't seek to {t}: seconds are needed")
        t = max(0.0, float(t))
        self._ask("seek", t, current_time=t, following=False)

    def follow(self) -> None:
        """Catch up: show the newest, and what comes; of a finished recording, the end."""
        self._ask("follow", following=True)

    def close(self) -> None:
        """Take it off the page, and send nothing more."""
        for feed in self._feeds.values():
            feed.stop()
        self._feeds.clear()
        super().close()

    # -- steering

    @traitlets.validate("current_time", "speed")
    def _finite(self, proposal: Any) -> float:
        if not math.isfinite(proposal["value"]):
            raise traitlets.TraitError(f"{proposal['trait'].name} can't be {proposal['value']}")
        return float(proposal["value"])

    @traitlets.observe(*_STEERED)
    def _steered(self, change: Any) -> None:
        """Ask of the page what Python has set."""
        if self._is_taking:
            return
        if change["name"] == "playing":
            self._ask("play" if change["new"] else "pause")
        else:
            self._ask("seek" if change["name"] == "current_time" else "speed", change["new"])

    def _ask(self, action: str, value: float | None = None, **state: Any) -> None:
        with self._sending:
            self._asked += 1
            step = {"action": action} if value is None else {"action": action, "value": value}
            self._remember(step)
            self.send({"type": "control", "asked": self._asked, **step})
        with self._taken():
            for name, new in state.items():
                setattr(self, name, new)

    def _remember(self, step: dict[str, Any]) -> None:
        """Keep a step for views that begin later, in place of an earlier one of its kind."""
        kind = _KINDS[step["action"]]
        if step["action"] == "follow":
            self._steps.pop("plays", None)
        self._steps[kind] = step

    @traitlets.observe("_told")
    def _take_state(self, change: Any) -> None:
        """Take how playback stands, as a page tells it."""
        told = _state(change["new"])
        if told is None or told.pop("asked") < self._asked:
            return
        with self._sending:
            self._steps = _steps(told)
        with self._taken():
            for name, new in told.items():
                setattr(self, name, new)

    @property
    def _is_taking(self) -> bool:
        return getattr(self._taking, "on", False)

    @contextmanager
    def _taken(self) -> Iterator[None]:
        """Set traits without asking the page for what it has just told."""
        before, self._taking.on = self._is_taking, True
        try:
            yield
        finally:
            self._taking.on = before

    # -- feeding

    def _hear(self, _widget: object, message: Any, _buffers: object) -> None:
        match message:
            case {"type": "code"}:
                self.send({"type": "code"}, [read_static("player.js.gz")])
            case {"type": "begin", "view": str(view), "before": str(before)}:
                self._end(before)
                self._begin(view)
            case {"type": "end", "view": str(view)}:
                self._end(view)
            case {"type": "ack", "view": str(view), "n": int(n)} if view in self._feeds:
                self._feeds[view].acknowledge(n)
            case {
                "type": "read",
                "view": str(view),
                "id": int(number),
                "file": str(file),
                "start": int(a),
                "end": int(b),
            }:
                self._read(view, number, file, a, b)

    def _begin(self, view: str) -> None:
        while len(self._feeds) >= MAX_VIEWS:  # of pages that were closed without a word
            self._end(next(iter(self._feeds)))
        feed = Feed(self._recording, functools.partial(self._pass_on, view), on_failed=self._failed)
        self._feeds[view] = feed
        feed.start()

    def _end(self, view: str) -> None:
        feed = self._feeds.pop(view, None)
        if feed is not None:
            feed.stop()

    def _pass_on(self, view: str, message: dict[str, Any], binary: list[bytes]) -> None:
        """Send a feed's message; called from its thread."""
        with self._sending:
            if message["type"] == "open":
                message = {**message, "options": self._options}
            elif message["type"] == "ready":
                steps = [self._steps[kind] for kind in _ORDER if kind in self._steps]
                message = {**message, "asked": self._asked, "steps": steps}
            self.send({**message, "view": view}, binary)

    def _failed(self, error: Exception) -> None:
        self.error = str(error) or type(error).__name__

    def _read(self, view: str, number: int, file: str, start: int, end: int) -> None:
        answer = {"type": "bytes", "view": view, "id": number}
        try:
            if view not in self._feeds:
                raise StorageError("this view is not fed any longer")
            self.send(answer, [self._feeds[view].read(file, start, end)])
        except RecError as error:
            self.send({**answer, "error": str(error)})


def _state(told: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a page tells of its state if it is that, else None."""
    match told:
        case {
            "current_time": int() | float() as at,
            "duration": int() | float() as duration,
            "speed": int() | float() as speed,
            "playing": bool(playing),
            "following": bool(following),
            "asked": int(asked),
        } if all(map(math.isfinite, (at, duration, speed))) and at >= 0 and SLOWEST <= speed <= FASTEST:
            state = {"duration": float(duration), "current_time": float(at), "speed": float(speed)}
            return {**state, "following": following, "playing": playing, "asked": asked}
    return None


def _steps(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what brings another view to where the one stands that has told."""
    steps: dict[str, dict[str, Any]] = {"speed": {"action": "speed", "value": told["speed"]}}
    if told["following"]:
        return {**steps, "where": {"action": "follow"}}
    if told["current_time"] > 0 or told["playing"]:
        steps["where"] = {"action": "seek", "value": told["current_time"]}
        steps["plays"] = {"action": "play" if told["playing"] else "pause"}
    return steps


@functools.cache
def _version() -> str:
    """Return what differs where the player's scripts differ."""
    return hashlib.sha256(read_static("player.js.gz")).hexdigest()[:16]
