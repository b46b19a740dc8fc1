"""A server extension for tests: a bot in every chat of JupyterLab's, which streams an answer to each person's message.

A message `stream N PAUSE` gets N numbered tokens, PAUSE seconds apart, by the same calls that jupyter-ai makes.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from jupyterlab_chat.models import Message, NewMessage, User

NAME = "bot"
_tasks: set[Any] = set()
_chats: list[Any] = []  # that it is in: a shared document is opened anew with each client


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "streaming_bot"}]


def _load_jupyter_server_extension(server: Any) -> None:
    manager = server.web_app.settings["chat_manager"]

    async def heard(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        if data["action"] == "opened":
            chat = manager.get(data["chat_id"])
            if any(chat is one for one in _chats):
                return
            _chats.append(chat)
            chat.set_user(User(username=NAME, name="Bot", display_name="Bot", initials="B", bot=True))
            chat.observe_messages(lambda event: said(chat, event.message, event.action))

    manager.observe_chats(heard)


def said(chat: Any, message: Message, action: str) -> None:
    """Answer what a person says."""
    words = message.body.split()
    if action.endswith("received") and words[:1] == ["stream"]:
        task = asyncio.get_running_loop().create_task(stream(chat, int(words[1]), float(words[2])))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)


async def stream(chat: Any, count: int, pause: float) -> None:
    """Stream numbered tokens."""
    message_id = chat.add_message(NewMessage(body="", sender=NAME))
    for number in range(count):
        chat.update_message(Message(id=message_id, body=f"token{number} ", time=time.time(), sender=NAME), append=True)
        await asyncio.sleep(pause)
    chat.update_message(Message(id=message_id, body="END", time=time.time(), sender=NAME), append=True)
