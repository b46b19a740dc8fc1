"""The server extension: at its start, what dead processes left is repaired and marked `interrupted`."""

from __future__ import annotations

import asyncio
import threading
from typing import Final

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import Unicode

from ..errors import RecError
from ..library.folders import default_root
from ..library.library import Library
from ..library.recovery import RecoveryInfo, interrupt

# How long a stopping server waits for the recording that is being repaired; cut off, it is repaired at the next start.
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

    _marking: threading.Thread | None = None

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:  # noqa: ARG002  # the hook's own
        self._stopping = threading.Event()
        # A daemon: a disk that hangs must not keep the server from ending.
        self._marking = threading.Thread(target=self._mark_interrupted, name="jupyter-recorder-start", daemon=True)
        self._marking.start()

    async def stop_extension(self) -> None:
        """Begin no further repair, and wait a little for the one that goes on."""
        if self._marking is not None:
            self._stopping.set()
            await asyncio.to_thread(self._marking.join, _PATIENCE_SECONDS)

    def _mark_interrupted(self) -> None:
        try:
            library = Library(default_root(self.root or None))
            infos = interrupt(library, go_on=lambda: not self._stopping.is_set())
        except RecError as error:
            self.log.warning(_line(error))
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
