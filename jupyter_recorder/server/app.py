"""The server extension: its settings, its parts, and what it does at a server's start and end."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any, Final

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import Bool, Enum, Float, Int, List, Unicode

from ..capture.labchat import LabChats
from ..capture.labterminal import LabTerminals
from ..hub import Hub
from ..library.catalog import Catalog, CatalogThread
from ..library.folders import default_root
from ..library.index import RecordingsIndex
from ..library.library import Library
from ..library.prunethread import PruneThread
from ..library.recovery import RecoveryInfo, interrupt
from ..library.retention import Retention
from ..protocol import SYNCED, WRITTEN
from ..redact import redactor_with
from ..service import RecordingService, ServiceConfig
from ..service.served import ServedService
from . import documents, recordings, rest, terminals
from .base import SETTING, Limits, RecorderServer
from .events import Emitter
from .ws import RecordingSocket

PREFIX: Final = "/api/recording"
ROUTES: Final = [*rest.ROUTES, *recordings.ROUTES, *terminals.ROUTES, *documents.ROUTES, (r"/ws", RecordingSocket)]
# How long a stopping server waits for the recording that is being repaired (cut off, it is repaired at the next start),
# and for those of terminals that are being begun.
_PATIENCE_SECONDS: Final = 2.0


class RecorderApp(ExtensionApp):
    """The settings of the server's side, for `--RecorderApp.…` and configuration files."""

    name = "jupyter_recorder"
    description = "Records notebooks, terminals and chats to open files."

    root = Unicode(
        "",
        help="The folder of recordings, unless JUPYTER_RECORDER_DIR is set; {user} in it is the user's name; "
        "empty: <jupyter data dir>/recorder.",
    ).tag(config=True)
    persist_interval_secs = Float(
        5.0, help="How often manifests' counts are written, in seconds; no ack waits for it."
    ).tag(config=True)
    max_memory_messages = Int(100, help="Of how many growing messages a session keeps text in memory.").tag(config=True)
    session_timeout_secs = Float(
        3600.0, help="After so many seconds without an event a session is interrupted; its next event resumes it."
    ).tag(config=True)
    durability = Enum(
        (SYNCED, WRITTEN),
        SYNCED,
        help="What an ack means: synced (on the disk), or written (safe from a killed process, not from a power cut).",
    ).tag(config=True)
    record_terminals = Enum(
        ("off", "all"), "off", help="off: JupyterLab's terminals by hand; all: each, from its start."
    ).tag(config=True)
    record_input = Bool(
        False, help="Whether what is typed into a recorded terminal is recorded too; it holds passwords."
    ).tag(config=True)
    record_chats = Bool(
        False, help="Whether JupyterLab's chats (jupyterlab-chat, jupyter-ai) are recorded; each says so in a line."
    ).tag(config=True)
    redact = Bool(True, help="Whether secrets of common kinds are replaced before anything is written.").tag(
        config=True
    )
    redact_patterns = List(
        Unicode(), help="Regular expressions: what they match is replaced too; no anchors, no lookaround."
    ).tag(config=True)
    max_total_bytes = Int(
        0, help="Delete the oldest finished recordings when all take more bytes than this (0: never)."
    ).tag(config=True)
    max_age_days = Float(0.0, help="Delete recordings that ended so many days ago (0: never).").tag(config=True)
    max_message_bytes = Int(10 << 20, help="The most bytes of one WebSocket message or REST body.").tag(config=True)
    max_event_bytes = Int(4 << 20, help="The most bytes of one event.").tag(config=True)
    max_batch_events = Int(10_000, help="The most events of one frame or body.").tag(config=True)
    max_subscriptions = Int(1000, help="The most subscriptions of one connection.").tag(config=True)
    max_sessions = Int(
        1000, help="How many sessions are open at once; beyond, the longest idle one is interrupted."
    ).tag(config=True)

    _marking: threading.Thread | None = None
    _server: RecorderServer | None = None

    def initialize_handlers(self) -> None:
        """Register the routes."""
        self.handlers.extend((PREFIX + path, handler) for path, handler in ROUTES)

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        library = Library(default_root(self.root or None))
        redactor = redactor_with(self.redact_patterns, enabled=self.redact)
        service = ServedService(RecordingService(self._config(), library, redactor=redactor))
        limits = Limits(self.max_message_bytes, self.max_batch_events, self.max_subscriptions)
        hub = Hub(service, max_subscriptions=self.max_subscriptions)
        index = RecordingsIndex(library)
        index.on_change.append(lambda *change: service.calls.put(partial(hub.changed, *change)))
        index.watched = lambda: hub.is_watched
        index.start()
        catalog = Catalog(library)
        settings: dict[str, Any] = serverapp.web_app.settings
        tapped = LabTerminals(settings.get("terminal_manager"), service, record_input=self.record_input)
        if self.record_terminals == "all":
            tapped.record_all()
        self._chats = LabChats(settings, service, redactor.text)
        if self.record_chats and not self._chats.record_all():
            self.log.warning("record_chats is on, but there is no jupyterlab-chat of 0.25 or newer")
        if serverapp.event_logger is not None:
            service.on_change.append(Emitter(serverapp.event_logger).changed)
        settings[SETTING] = self._server = RecorderServer(service, library, index, hub, tapped, limits, catalog)
        self._searching = CatalogThread(catalog)
        self._searching.start()
        self._pruning = PruneThread(library, Retention(self.max_age_days or None, self.max_total_bytes or None))
        self._pruning.start()
        self._stopping = threading.Event()
        # A daemon: a disk that hangs must not keep the server from ending.
        self._marking = threading.Thread(target=self._mark_interrupted, name="jupyter-recorder-start", daemon=True)
        self._marking.start()

    async def stop_extension(self) -> None:
        """Begin no further repair, wait a little for the one that goes on, and end what is recorded in order."""
        if self._marking is not None:
            self._stopping.set()
            await asyncio.to_thread(self._marking.join, _PATIENCE_SECONDS)
        if self._server is not None:
            self._chats.stop()
            self._server.index.stop()
            self._pruning.stop()
            await asyncio.to_thread(self._searching.stop, _PATIENCE_SECONDS)
            await self._server.terminals.close(_PATIENCE_SECONDS)
            await self._server.service.close()
            self._chats.close()

    def _config(self) -> ServiceConfig:
        return ServiceConfig(
            persist_interval_secs=self.persist_interval_secs,
            max_memory_messages=self.max_memory_messages,
            session_timeout_secs=self.session_timeout_secs,
            durability=self.durability,
            redact=self.redact,
            max_sessions=self.max_sessions,
            max_event_bytes=self.max_event_bytes,
        )

    def _mark_interrupted(self) -> None:
        try:
            library = Library(default_root(self.root or None))
            infos = interrupt(library, go_on=lambda: not self._stopping.is_set())
        except Exception as error:  # noqa: BLE001  # a folder that cannot be used must not take the server with it
            self.log.warning(_line(f"can't look for unfinished recordings: {error}"))
        else:
            for info in infos:
                self._tell(info)

    def _tell(self, info: RecoveryInfo) -> None:
        if info.error is not None:
            self.log.warning(_line(f"{info.id}: {info.error}"))
        else:
            self.log.info(_line(_marked(info)))


def _marked(info: RecoveryInfo) -> str:
    kept = f", {info.cut_bytes} bytes of a torn line kept beside it" if info.cut_bytes else ""
    return f"{info.id}, left by a dead process, is {info.state} now: {info.events} events{kept}"


def _line(message: object) -> str:
    """Return a message as one line of a log: what it quotes from a file may hold anything."""
    return "".join(character if character.isprintable() else "�" for character in str(message))
