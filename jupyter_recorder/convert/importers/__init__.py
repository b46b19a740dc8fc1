"""The formats that recordings can be made from.

A format's module offers `matches(head, path)`, which tells whether a file is of it by its first MiB, and
`load(file, sink)`, which makes recordings of it.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from ...errors import ImportFailed
from ..input import Input
from ..sink import Sink


class ImportFormat(NamedTuple):
    """A format's name, its module below `convert`, other words for it, and what it is."""

    name: str
    module: str
    aliases: tuple[str, ...] = ()
    about: str = ""


# In the order in which they are tried: the telling ones first.
IMPORT_FORMATS: Final = (
    ImportFormat("asciicast", "importers.asciicast", ("cast", "asciicast-v1", "asciicast-v2", "asciicast-v3"),
                 "a terminal recorded by asciinema, versions 1 to 3"),
    ImportFormat("claude-code", "importers.claude_code", ("claude",), "a session of Claude Code (.jsonl)"),
    ImportFormat("codex", "importers.codex", (), "a session of Codex (rollout-*.jsonl)"),
    ImportFormat("vscode-copilot", "importers.copilot", ("copilot", "vscode"), "a chat of VS Code's Copilot"),
    ImportFormat("gemini-cli", "importers.gemini", ("gemini",), "a session of Gemini CLI"),
    ImportFormat("chatgpt", "importers.chatgpt", ("openai",), "ChatGPT's export (conversations.json)"),
    ImportFormat("claude.ai", "importers.claude_ai", ("claude-ai",), "Claude.ai's export (conversations.json)"),
    ImportFormat("notebook", "importers.notebook", ("ipynb",), "an executed notebook"),
    ImportFormat("llm", "importers.llm", ("logs.db",), "the logs of llm (logs.db)"),
    ImportFormat("aider", "importers.aider", (), "Aider's history (.aider.chat.history.md)"),
    ImportFormat("script", "importers.script", ("typescript", "timing"),
                 "a terminal recorded by script(1): a timing file and its typescript"),
    ImportFormat("chat", "importers.jupyterlab_chat", ("jupyterlab-chat",), "a chat of jupyterlab-chat (.chat)"),
)  # fmt: skip


class Importer(Protocol):
    """What a format's module offers."""

    def matches(self, head: bytes, path: Path, /) -> bool:
        """Tell whether a file that begins so is of this format."""

    def load(self, file: Input, sink: Sink) -> None:
        """Make recordings of a file; raises `ImportFailed` if nothing of it can be read."""


def load_importer(format_: ImportFormat) -> Importer:
    """Return a format's module; imported late, since few are wanted at once."""
    module: Any = importlib.import_module(f"..{format_.module}", __name__)
    importer: Importer = module
    return importer


def find_importer(word: str) -> ImportFormat:
    """Return the format of this name; raises `ImportFailed`, which names those that there are."""
    wanted = word.lower().lstrip(".")
    for format_ in IMPORT_FORMATS:
        if wanted in (format_.name, *format_.aliases):
            return format_
    known = ", ".join(format_.name for format_ in IMPORT_FORMATS)
    raise ImportFailed(f"{word[:60]!r} is no format to import from; there are {known}")


def recognise(file: Input) -> ImportFormat:
    """Return the format of a file by what is in it; raises `ImportFailed` if it is none of them."""
    head = file.head()
    if not head.strip():
        raise ImportFailed("it is empty", path=str(file.path))
    for format_ in IMPORT_FORMATS:
        if load_importer(format_).matches(head, file.path):
            return format_
    known = ", ".join(format_.name for format_ in IMPORT_FORMATS)
    raise ImportFailed(f"its format is not known (--format names one of {known})", path=str(file.path))
