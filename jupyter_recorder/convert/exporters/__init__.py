"""The formats that a recording can be written in.

A format's module offers `export(source) -> Iterator[bytes]`; what it yields is the file, in order.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Protocol

from ...errors import UnknownFormat
from ..source import Source


class Format(NamedTuple):
    """A format's name, the ending of its files, its module below `convert`, other words for it, and its MIME type."""

    name: str
    ending: str
    module: str
    aliases: tuple[str, ...] = ()
    mime: str = "text/plain; charset=utf-8"
    about: str = ""


FORMATS: Final = (
    Format("notebook", ".ipynb", "exporters.notebook", ("ipynb",), "application/x-ipynb+json",
           "a notebook: cells with their outputs, commands, chats as text, terminals as replays"),
    Format("asciicast-v2", ".cast", "exporters.cast", ("cast", "asciicast"), "application/x-asciicast",
           "one terminal, for asciinema and every player"),
    Format("asciicast-v3", ".cast", "exporters.cast3", ("cast3",), "application/x-asciicast",
           "one terminal, for asciinema 3 and later"),
    Format("html", ".html", "exporters.html", ("htm", "page"), "text/html; charset=utf-8",
           "a page that replays the recording, offline"),
    Format("markdown", ".md", "exporters.markdown", ("md",), "text/markdown; charset=utf-8",
           "a document: cells, outputs, chats, and what the terminals showed"),
    Format("text", ".txt", "exporters.text", ("txt", "plain"), "text/plain; charset=utf-8",
           "the same as plain text"),
    Format("bash", ".sh", "exporters.bash", ("sh", "script"), "text/x-shellscript; charset=utf-8",
           "the commands, as a script"),
    Format("otel", ".json", "exporters.otel", ("json", "genai"), "application/json",
           "the chat as JSON, in OpenTelemetry's GenAI form"),
    Format("chat", ".chat", "exporters.chat", ("jupyterlab-chat",), "application/json",
           "the chat for jupyterlab-chat"),
    Format("ndjson", ".ndjson", "exporters.ndjson", ("journal",), "application/x-ndjson",
           "the journal as one file, payloads joined in"),
)  # fmt: skip


class Exporter(Protocol):
    """What a format's module offers."""

    def export(self, source: Source) -> Iterator[bytes]:
        """Yield the file; raises `RecError` for a recording that does not fit the format."""


def find_format(word: str) -> Format:
    """Return the format of this name or ending; raises `UnknownFormat`."""
    wanted = word.lower().lstrip(".")
    for format_ in FORMATS:
        if wanted in (format_.name, format_.ending[1:], *format_.aliases):
            return format_
    raise UnknownFormat(word, tuple(format_.name for format_ in FORMATS))


def load_exporter(format_: Format) -> Exporter:
    """Return a format's module; imported late, since few are wanted at once."""
    module: Any = importlib.import_module(f"..{format_.module}", __name__)
    exporter: Exporter = module
    return exporter
