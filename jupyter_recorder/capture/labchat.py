"""JupyterLab's chats (jupyterlab-chat, and so jupyter-ai), recorded on the server: each chat is a session.

jupyterlab-chat's chat manager tells which chats are open, and each chat what is said in it: in WebSocket mode by
message observers, with real-time collaboration by the shared document, since the observers tell of new messages alone
there. Its classes are not imported: the package may not be there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from ..errors import SessionNotFound
from ..journal.cache import cache_folder, key_of
from ..protocol import Answer, Error
from ..service.served import ServedService
from .chatdiff import Recorded
from .labclients import from_client, know_users
from .labpending import RETRY_SECONDS, Left, Pending, Said, hand_on
from .labrooms import inserted, new_body, plain, plain_messages, plain_value
from .labwaiting import Changed, Waiting

log = logging.getLogger(__name__)

PROVIDER: Final = "jupyterlab-chat"
# A message that is refused so is refused again: its id may be too long, what it carries too large.
_NEVER_TAKEN: Final = ("invalid_event", "too_large")
NOTICE_SENDER: Final = "jupyter-recorder"
NOTICE: Final = "● This chat is recorded on the server."


class LabChats:
    """Records every chat that is opened on a server; all of it runs on the server's loop."""

    def __init__(self, settings: Mapping[str, Any], service: ServedService, redacted: Callable[[str], str]) -> None:
        self._redacted = redacted
        library = service.core.library
        self._pending = Pending(cache_folder(), key_of(library.root), library.files)
        self._regained: asyncio.Task[None] | None = None
        self._regaining: dict[str, asyncio.Task[None]] = {}  # by the session
        self._manager = settings.get("chat_manager")
        self._live: Mapping[str, Any] = settings.get("chats_by_id", {})
        self._service = service
        self._chats: dict[str, RecordedChat] = {}
        self._undo = contextlib.ExitStack()

    def record_all(self) -> bool:
        """Record each chat that is open, and each that will be; false if jupyterlab-chat is not there."""
        if self._manager is None:
            return False
        if left := self._pending.left():
            self._regain(left)
        self._undo.callback(know_users())
        self._manager.observe_chats(self._heard)
        for chat_id in list(self._live):
            self._open(chat_id)
        return True

    def stop(self) -> None:
        """Hear no more; what was heard is handed on."""
        self._undo.close()
        if self._regained is not None:
            self._regained.cancel()  # and those that it waits for
        for chat in self._chats.values():
            chat.detach()
        self._chats.clear()

    def close(self) -> None:
        """Let go of what was kept, after the service was closed."""
        self._pending.close()

    def _regain(self, left: Sequence[Left]) -> None:
        """Record what killed servers left; a chat that is opened meanwhile waits for that."""
        said: dict[str, list[Said]] = {}
        for one in (one for file in left for one in file.said):
            said.setdefault(str(one.event["session_id"]), []).append(one)
        for session_id, events in said.items():
            start = {"type": "session_start", "session_id": session_id, "provider": PROVIDER}
            task = self._service.loop.create_task(hand_on(self._service, events, start))
            self._regaining[session_id] = task
        self._regained = self._service.loop.create_task(self._let_go(left))

    async def _let_go(self, left: Sequence[Left]) -> None:
        """Let go of what was left when all of it is recorded; what is not is the next server's."""
        is_done = False
        try:
            with _guarded("of a server that was killed"):
                await asyncio.gather(*self._regaining.values())
                is_done = True
        finally:
            for file in left:
                file.let_go(done=is_done)

    async def _heard(self, *, data: Mapping[str, Any], **_: Any) -> None:
        chat_id, action = str(data.get("chat_id")), str(data.get("action"))
        with _guarded(chat_id):
            if action == "opened":
                self._open(chat_id)
            elif action in ("closed", "deleted") and (chat := self._chats.get(chat_id)) is not None:
                chat.end()
                if action == "closed":  # who has a deleted one open can go on talking
                    self._chats.pop(chat_id).detach()

    def _open(self, chat_id: str) -> None:
        model = self._live.get(chat_id)
        known = self._chats.get(chat_id)
        if model is None or (known is not None and known.model is model):
            return
        if known is not None:
            known.detach()
        chat = RecordedChat(model, chat_id, self._service, self._redacted, self._pending)
        chat.before = self._regaining.get(chat.session_id)
        self._chats[chat_id] = chat
        chat.attach()


class RecordedChat:
    """One chat and its session; what `before` does is waited for first."""

    def __init__(
        self, model: Any, chat_id: str, service: ServedService, redacted: Callable[[str], str], pending: Pending
    ) -> None:
        self.model = model
        self.before: asyncio.Task[None] | None = None
        self._pending = pending
        self._redacted = redacted
        self._service = service
        self.session_id = f"{PROVIDER}:{chat_id}"
        self._recorded = Recorded(self.session_id)
        self._path = ""
        self._ready = self._over = False
        self._handle: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = Waiting(service.loop, self.session_id, pending, self._growth, self._hand_on)
        self._refused: dict[str, int] = {}  # how often each message was
        self._shared: Any = getattr(model, "ymessages", None)  # with real-time collaboration
        # Its messages that have changed since one was put in or taken out, by their places: to read one takes as long
        # as all the rest that there is to do about a token.
        self._places: dict[int, Mapping[str, Any]] = {}

    def attach(self) -> None:
        """Hear what is said, after what was said before is recorded."""
        if self._shared is not None:
            self._handle = self._shared.observe_deep(self._shared_changed)
        else:
            self._handle = self.model.observe_messages(self._said)
        self._begin()

    def detach(self) -> None:
        """Hear no more."""
        self._waiting.hand_on()
        self._ready = False
        with contextlib.suppress(Exception):
            if self._shared is not None:
                self._shared.unobserve(self._handle)
            else:
                self.model.unobserve_messages(self._handle)

    def end(self) -> None:
        """End the session: the chat was closed or deleted; opened again, or talked in, it goes on."""
        self._over = True
        if self._ready:
            self._waiting.hand_on()
            self._ready = False
            self._submit([{"type": "session_end", "session_id": self.session_id}], None)

    # -- what is heard

    def _said(self, event: Any) -> None:
        with _guarded(self.session_id):
            # A program of the server's may answer at once, and so in the client's task.
            by = from_client()[1] if str(getattr(event.action, "value", event.action)).startswith("client") else None
            self._changed(vars(event.message), by)

    def _shared_changed(self, events: Any) -> None:
        with _guarded(self.session_id):
            is_client, by = from_client()
            is_taken_out = False
            changed: dict[int, str | None] = {}
            for event in events:
                path = event.path
                if path:
                    place = path[0]
                    changed[place] = None if place in changed else new_body(event)
                else:
                    self._places.clear()
                    changed |= dict.fromkeys(inserted(event.delta))
                    is_taken_out = is_taken_out or any("delete" in change for change in event.delta)
            for place, body in changed.items():
                if (message := self._message(place, body)) is not None:
                    self._changed(message, by)
            if is_taken_out:
                self._taken_out(is_client, by)

    def _message(self, place: int, body: str | None) -> Mapping[str, Any] | None:
        """Return a shared document's message, as it was known if its body alone has changed, to that."""
        known = self._places.pop(place, None)
        message = plain(self._shared[place]) if known is None or body is None else {**known, "body": body}
        if message is not None:
            self._places[place] = message
        return message

    def _taken_out(self, is_client: bool, by: str | None) -> None:
        """Look what is no more in the shared document: deleted by a client, or lost by a file that was read again."""
        if not self._ready:
            return
        self._waiting.hand_on()
        gone = self._recorded.gone({str(message["id"]) for message in self._messages()})
        if is_client:
            self._submit([event for message_id in gone for event in self._recorded.delete(message_id)], by)
        elif gone:
            self._note_lost([{"message_id": message_id, "why": "missing"} for message_id in gone])
            self._service.loop.call_soon(self._tell_participants)  # it can't be written to in here

    def _changed(self, message: Mapping[str, Any], by: str | None) -> None:
        if not self._ready:  # all that is there will be looked at
            if self._over:
                self._over = False
                self._begin()
            return
        self._waiting.changed(message, by)

    def _growth(self, message: Mapping[str, Any]) -> str | None:
        return self._recorded.growth(message)  # of what is recorded now: it is learned anew

    def _hand_on(self, waiting: Sequence[Changed]) -> None:
        with _guarded(self.session_id):
            self._follow_path()
            for message, by, number in waiting:
                growth = self._recorded.growth(message)
                events = self._changes(message)
                if number is not None:
                    if [growth] == [event.get("content_delta") for event in events]:
                        events[0]["event_id"] = self._pending.event_id(number)
                    else:
                        self._pending.drop(number)
                if events:
                    self._submit(events, by)

    # -- the session

    def _begin(self) -> None:
        if self._ready or self._tasks:
            return
        task = self._service.loop.create_task(self._catch_up())
        self._tasks.add(task)
        task.add_done_callback(self._begun)

    def _begun(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("chat %s can't be recorded", self.session_id, exc_info=error)

    async def _catch_up(self) -> None:
        """Record what the chat has and the session has not; note what the chat has lost."""
        if self.before is not None:
            await asyncio.wait([self.before])
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
        for message in now:
            events.extend(self._changes(message))
        self._submit(events, None, keep=False)  # it stands in the chat
        if lost:
            self._note_lost(lost)
        self._ready = True
        if self._over:
            self.end()
        else:
            self._tell_participants()

    def _note_lost(self, lost: list[dict[str, str]]) -> None:
        update = {"type": "session_update", "session_id": self.session_id, "metadata": {"chat_lost": lost}}
        self._submit([update], None)

    def _tell_participants(self) -> None:
        """Say in the chat that it is recorded, once."""
        with _guarded(self.session_id):
            told = [message for message in self._messages() if message.get("sender") == NOTICE_SENDER]
            if self._ready and all(message.get("deleted") for message in told):
                self._tell()

    def _tell(self) -> None:
        models = sys.modules.get("jupyterlab_chat.models")
        if models is None:
            return
        shown: dict[str, Any] = {"name": NOTICE_SENDER, "display_name": "Recorder", "initials": "●", "bot": True}
        self.model.set_user(models.User(username=NOTICE_SENDER, **shown))
        message_id = self.model.add_message(models.NewMessage(body=NOTICE, sender=NOTICE_SENDER))
        if self._shared is not None:
            # A message without this is moved, and lost by that, when jupyterlab-chat 0.25 reads the file again.
            told = self.model.get_message(message_id)
            told.raw_time = False
            self.model.update_message(told)

    def _messages(self) -> list[Mapping[str, Any]]:
        if self._shared is None:
            return [vars(message) for message in self.model.get_messages()]
        return plain_messages(self._shared)

    def _role(self, message: Mapping[str, Any]) -> str:
        sender = str(message.get("sender"))
        if sender == NOTICE_SENDER:
            return "system"
        if self._shared is None:
            bot = getattr(self.model.get_users().get(sender), "bot", False)
        else:
            user = plain_value(self.model.yusers.get(sender))
            bot = isinstance(user, Mapping) and user.get("bot")
        return "assistant" if bot else "user"

    def _about(self) -> dict[str, Any]:
        return {"chat_id": self.session_id.partition(":")[2], "path": self._path}

    def _follow_path(self) -> None:
        path = str(self.model.get_path())
        if self._ready and path != self._path:
            self._path = path
            if self._shared is not None:
                self.model.initial_path = path  # which it falls back to when the file is gone
            update = {"type": "session_update", "session_id": self.session_id, "title": _title(path)}
            self._submit([{**update, "metadata": self._about()}], None)

    def _submit(self, events: list[dict[str, Any]], by: str | None, *, keep: bool = True) -> None:
        if keep:
            events = [self._pending.add(one, by) if _is_said(one) else one for one in events]
        self._service.submit(events, partial(self._answered, events), by=by)

    def _answered(self, events: list[dict[str, Any]], answers: list[Answer]) -> None:
        # Of what is not safe yet the service itself takes care.
        known = [
            (event, answer)
            for event, answer in zip(events, answers, strict=True)
            if not (isinstance(answer, Error) and answer.code == "persist_failed")
        ]
        self._pending.settle(str(event.get("event_id")) for event, _ in known)
        refused = [(str(event.get("message_id")), answer) for event, answer in known if isinstance(answer, Error)]
        for message_id in {message_id for message_id, answer in refused if answer.code in _NEVER_TAKEN}:
            self._refused[message_id] = self._refused.get(message_id, 0) + 1
        if refused and self._ready:
            answer = refused[0][1]
            log.warning("chat %s: an event was refused, all of it is looked at again: %s", self.session_id, answer)
            self._ready = False
            self._service.loop.call_later(RETRY_SECONDS, self._begin)

    def _changes(self, message: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the events for a message; of one that was refused the text alone is tried, and then no more."""
        refusals = self._refused.get(str(message["id"]), 0)
        if refusals > 1:
            return []
        if refusals:
            message = {key: message.get(key) for key in ("id", "body", "deleted", "sender", "time")}
        return list(self._recorded.changes(message, self._role(message)))


@contextlib.contextmanager
def _guarded(chat: str) -> Iterator[None]:
    """Keep the recorder's mistakes from the chat."""
    try:
        yield
    except Exception:
        log.exception("chat %s: what was said could not be recorded", chat)


def _is_said(event: Mapping[str, Any]) -> bool:
    """Tell whether an event is about a message, and not kept yet."""
    return "message_id" in event and "event_id" not in event


def _title(path: str) -> str:
    return PurePosixPath(path).stem or path
