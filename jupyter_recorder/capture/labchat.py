"""JupyterLab's chats (jupyterlab-chat, and so jupyter-ai), recorded on the server: each chat is a session.

jupyterlab-chat's chat manager tells which chats are open, and each chat what is said in it: in WebSocket mode by
message observers, with real-time collaboration by the shared document, since the observers tell of new messages alone
there. Its classes are not imported: the package may not be there.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from ..errors import SessionNotFound
from ..protocol import Answer, Error
from ..service.served import ServedService
from .chatdiff import Recorded

log = logging.getLogger(__name__)

PROVIDER: Final = "jupyterlab-chat"
# Tokens that come within this time share a journal line; what a kill takes of them stands in the chat itself.
COALESCE_SECONDS: Final = 0.090
_RETRY_SECONDS: Final = 1.0
NOTICE_SENDER: Final = "jupyter-recorder"
NOTICE: Final = "● This chat is recorded on the server."
_HANDLER: Final = "jupyterlab_chat.websocket_handler"

# Who is authenticated on the WebSocket from which a message comes: what a client says of its sender may be anything.
_by: contextvars.ContextVar[str | None] = contextvars.ContextVar("jupyter_recorder_chat_user", default=None)


class LabChats:
    """Records every chat that is opened on a server; all of it runs on the server's loop."""

    def __init__(self, settings: Mapping[str, Any], service: ServedService, redacted: Callable[[str], str]) -> None:
        self._redacted = redacted
        self._manager = settings.get("chat_manager")
        self._live: Mapping[str, Any] = settings.get("chats_by_id", {})
        self._service = service
        self._chats: dict[str, RecordedChat] = {}
        self._undo: Callable[[], object] | None = None

    def record_all(self) -> bool:
        """Record each chat that is open, and each that will be; false if jupyterlab-chat is not there."""
        if self._manager is None:
            return False
        self._undo = _know_users()
        self._manager.observe_chats(self._heard)
        for chat_id in list(self._live):
            self._open(chat_id)
        return True

    def stop(self) -> None:
        """Hear no more; what was heard is handed on."""
        if self._undo is not None:
            self._undo()
        for chat in self._chats.values():
            chat.detach()
        self._chats.clear()

    async def _heard(self, *, data: Mapping[str, Any], **_: Any) -> None:
        chat_id, action = str(data.get("chat_id")), str(data.get("action"))
        with _guarded(chat_id):
            if action == "opened":
                self._open(chat_id)
            elif action in ("closed", "deleted") and (chat := self._chats.pop(chat_id, None)) is not None:
                chat.end()

    def _open(self, chat_id: str) -> None:
        model = self._live.get(chat_id)
        known = self._chats.get(chat_id)
        if model is None or (known is not None and known.model is model):
            return
        if known is not None:
            known.detach()
        chat = self._chats[chat_id] = RecordedChat(model, chat_id, self._service, self._redacted)
        chat.attach()


class RecordedChat:
    """One chat and its session."""

    def __init__(self, model: Any, chat_id: str, service: ServedService, redacted: Callable[[str], str]) -> None:
        self.model = model
        self._redacted = redacted
        self._service = service
        self.session_id = f"{PROVIDER}:{chat_id}"
        self._recorded = Recorded(self.session_id)
        self._path = ""
        self._ready = False
        self._handle: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        # Messages that changed since they were last handed on: each with who did it.
        self._waiting: dict[str, tuple[Mapping[str, Any], str | None]] = {}
        self._handed_on = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def attach(self) -> None:
        """Hear what is said, after what was said before is recorded."""
        shared = getattr(self.model, "ymessages", None)
        if shared is not None:
            self._handle = shared.observe_deep(self._shared_changed)
        else:
            self._handle = self.model.observe_messages(self._said)
        self._begin()

    def detach(self) -> None:
        """Hear no more."""
        self._hand_on()
        self._ready = False
        shared = getattr(self.model, "ymessages", None)
        with contextlib.suppress(Exception):
            if shared is not None:
                shared.unobserve(self._handle)
            else:
                self.model.unobserve_messages(self._handle)

    def end(self) -> None:
        """End the session: the chat was closed or deleted; opened again, it goes on."""
        if self._ready:
            self.detach()
            self._submit([{"type": "session_end", "session_id": self.session_id}], None)

    # -- what is heard

    def _said(self, event: Any) -> None:
        with _guarded(self.session_id):
            # What the server's own programs say comes from tasks that may have begun in a person's message.
            by = _by.get() if str(getattr(event.action, "value", event.action)).startswith("client") else None
            self._changed(vars(event.message), by)

    def _shared_changed(self, events: Any) -> None:
        with _guarded(self.session_id):
            for event in events:
                places = [event.path[0]] if event.path else _inserted(event.delta)
                for message in [self.model.ymessages[place] for place in places]:
                    self._changed(_plain(message), None)

    def _changed(self, message: Mapping[str, Any], by: str | None) -> None:
        """Take a message as it is now: one that grows waits a little for more, unless it was quiet before."""
        if not self._ready:  # all that is there will be looked at
            return
        message_id = str(message["id"])
        waiting = self._waiting.get(message_id)
        if waiting is not None and not str(message.get("body")).startswith(str(waiting[0].get("body"))):
            self._hand_on()  # what was shown meanwhile counts, too
        self._waiting[message_id] = (message, by)
        quiet = self._service.loop.time() - self._handed_on >= COALESCE_SECONDS
        if quiet or not self._recorded.grows(message):
            self._hand_on()
        elif self._timer is None:
            self._timer = self._service.loop.call_later(COALESCE_SECONDS, self._hand_on)

    def _hand_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._handed_on = self._service.loop.time()
        waiting, self._waiting = self._waiting, {}
        with _guarded(self.session_id):
            self._follow_path()
            for message, by in waiting.values():
                if events := list(self._recorded.changes(message, self._role(message))):
                    self._submit(events, by)

    # -- the session

    def _begin(self) -> None:
        task = self._service.loop.create_task(self._catch_up())
        self._tasks.add(task)
        task.add_done_callback(self._begun)

    def _begun(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("chat %s can't be recorded", self.session_id, exc_info=error)

    async def _catch_up(self) -> None:
        """Record what the chat has and the session has not; note what the chat has lost."""
        try:
            view = await self._service.session(self.session_id)
        except SessionNotFound:
            view = {"messages": []}
        recorded = Recorded(self.session_id)
        recorded.learn(view["messages"])
        # From here on nothing else runs on the loop: what changes later is heard.
        self._recorded = recorded
        self._path = str(self.model.get_path())
        start = {"type": "session_start", "session_id": self.session_id, "provider": PROVIDER}
        events = [{**start, "title": _title(self._path), "workspace_path": self._path, "metadata": self._about()}]
        now = self._messages()
        grown, lost = recorded.reconcile(now, self._redacted)
        events += grown
        if lost:
            events.append({"type": "session_update", "session_id": self.session_id, "metadata": {"chat_lost": lost}})
        for message in now:
            events.extend(recorded.changes(message, self._role(message)))
        self._submit(events, None)
        self._ready = True
        with _guarded(self.session_id):
            self._tell_participants(now)

    def _tell_participants(self, now: list[Mapping[str, Any]]) -> None:
        """Say in the chat that it is recorded, once."""
        if any(message.get("sender") == NOTICE_SENDER and not message.get("deleted") for message in now):
            return
        models = sys.modules.get("jupyterlab_chat.models")
        if models is None:
            return
        shown: dict[str, Any] = {"name": NOTICE_SENDER, "display_name": "Recorder", "initials": "●", "bot": True}
        self.model.set_user(models.User(username=NOTICE_SENDER, **shown))
        self.model.add_message(models.NewMessage(body=NOTICE, sender=NOTICE_SENDER))

    def _messages(self) -> list[Mapping[str, Any]]:
        return [vars(message) for message in self.model.get_messages()]

    def _role(self, message: Mapping[str, Any]) -> str:
        if message.get("sender") == NOTICE_SENDER:
            return "system"
        user = self.model.get_users().get(str(message.get("sender")))
        return "assistant" if getattr(user, "bot", False) else "user"

    def _about(self) -> dict[str, Any]:
        return {"chat_id": self.session_id.partition(":")[2], "path": self._path}

    def _follow_path(self) -> None:
        path = str(self.model.get_path())
        if self._ready and path != self._path:
            self._path = path
            update = {"type": "session_update", "session_id": self.session_id, "title": _title(path)}
            self._submit([{**update, "metadata": self._about()}], None)

    def _submit(self, events: list[dict[str, Any]], by: str | None) -> None:
        self._service.submit(events, self._answered, by=by)

    def _answered(self, answers: list[Answer]) -> None:
        for answer in answers:
            # Of what is not safe yet the service itself takes care.
            if isinstance(answer, Error) and answer.code != "persist_failed" and self._ready:
                log.warning("chat %s: an event was refused, all of it is looked at again: %s", self.session_id, answer)
                self._ready = False
                self._service.loop.call_later(_RETRY_SECONDS, self._begin)


def _know_users() -> Callable[[], object] | None:
    """Have the authenticated user known where a WebSocket's message is handled; return how to undo that."""
    module = sys.modules.get(_HANDLER)
    handler = getattr(module, "WSChatHandler", None)
    if handler is None:
        return None
    original = handler.on_message

    async def on_message(self: Any, raw: Any) -> Any:
        token = _by.set(getattr(self.current_user, "username", None))
        try:
            return await original(self, raw)
        finally:
            _by.reset(token)

    handler.on_message = on_message
    return lambda: setattr(handler, "on_message", original)


@contextlib.contextmanager
def _guarded(chat: str) -> Iterator[None]:
    """Keep the recorder's mistakes from the chat."""
    try:
        yield
    except Exception:
        log.exception("chat %s: what was said could not be recorded", chat)


def _inserted(delta: Any) -> list[int]:
    """Return the places of what was inserted into a shared array."""
    place = 0
    found: list[int] = []
    for change in delta:
        if "retain" in change:
            place += int(change["retain"])
        elif "insert" in change:
            found += range(place, place + len(change["insert"]))
            place += len(change["insert"])
    return found


def _plain(message: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = message.to_py() if hasattr(message, "to_py") else message
    return found


def _title(path: str) -> str:
    return PurePosixPath(path).stem or path
