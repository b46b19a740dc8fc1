"""A recording as a MIME bundle: for JupyterLab, for any page that shows HTML, and as plain text.

The HTML is an `<iframe sandbox="allow-scripts" srcdoc=…>` that carries the player and the recording, both gzipped, and
needs neither kernel nor network. `labextension/src/replay/srcdoc.ts` fills the same template for the Lab extension.

What the frame carries is the JSON
`{"manifest": {…}, "journal": "…", "casts": {file: text}, "blobs": {sha256: base64}}`. An exported page carries its
journal and its large terminals beside that, in parts.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..errors import EmbedTooLarge
from .static_files import read_static

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORDING_TYPE = "application/vnd.jupyter-recorder.v1+json"
CAST_TYPE = "application/x-asciicast"
VERSION = 1


@dataclass(frozen=True)
class ReplayData:
    """What a replay shows: a recording's files, or a lone terminal's.

    `manifest` has the labels merged in; `journal` is whole NDJSON lines of all segments, empty for a lone `.cast`;
    `casts` maps file names to asciicast text, header first; `blobs` maps sha256 to bytes.
    """

    manifest: dict[str, Any]
    journal: bytes
    casts: dict[str, bytes]
    blobs: dict[str, bytes]


@dataclass(frozen=True)
class ReplayOptions:
    """How a replay begins: `speed` as a factor, `idle` limit in seconds or None, `start` in seconds."""

    speed: float = 1.0
    idle: float | None = None
    start: float = 0.0


def mime_bundle(data: ReplayData, options: ReplayOptions, *, summary: str, max_embed_bytes: int) -> dict[str, Any]:
    """Embed a recording, so that the saved notebook replays it without a kernel.

    `summary` is the plain text beneath. Raises EmbedTooLarge when the embedded data, gzipped and in base64, exceeds
    `max_embed_bytes`, and StorageError when the player was not built.
    """
    embedded = _encode(data)
    if len(embedded) > max_embed_bytes:
        raise EmbedTooLarge(_name(data.manifest), len(embedded), max_embed_bytes)
    height = _height(data)
    recording = {**_identity(data.manifest, options), "height": height, "data": embedded}
    bundle: dict[str, Any] = {
        RECORDING_TYPE: recording,
        "text/html": _html(embedded, options, name=_name(data.manifest), summary=summary, height=height),
        "text/plain": summary,
    }
    if _is_lone_terminal(data):
        bundle[CAST_TYPE] = next(iter(data.casts.values())).decode("utf-8", "replace")
    return bundle


def link_bundle(manifest: Mapping[str, Any], options: ReplayOptions, *, summary: str) -> dict[str, Any]:
    """Name a recording by its id alone: what shows it must have it, and nothing here says where that is."""
    sentence = f"{summary} (a linked replay: it shows where the recording and the Lab extension are)"
    return {
        RECORDING_TYPE: _identity(manifest, options),
        "text/html": f"<p>{html.escape(sentence)}</p>",
        "text/plain": summary,
    }


def _identity(manifest: Mapping[str, Any], options: ReplayOptions) -> dict[str, Any]:
    return {
        "version": VERSION,
        "id": str(manifest.get("id", "")),
        "name": _name(manifest),
        "options": asdict(options),
    }


def _name(manifest: Mapping[str, Any]) -> str:
    return str(manifest.get("title") or manifest.get("name") or manifest.get("id") or "recording")


def _encode(data: ReplayData) -> str:
    payload = {
        "manifest": data.manifest,
        "journal": data.journal.decode("utf-8", "replace"),
        "casts": {name: text.decode("utf-8", "replace") for name, text in data.casts.items()},
        "blobs": {sha256: base64.b64encode(blob).decode("ascii") for sha256, blob in data.blobs.items()},
    }
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    # The same recording gives the same bytes: a notebook run again then differs in nothing.
    return _base64(gzip.compress(text.encode("utf-8", "replace"), 9, mtime=0))


def _html(embedded: str, options: ReplayOptions, *, name: str, summary: str, height: int) -> str:
    title = html.escape(f"Replay of {name}")
    page = _page({"TITLE": title, "OPTIONS": _script_json(asdict(options)), "DATA": embedded})
    # A page that allows no frames drops the tag and keeps the text in it, which browsers never show.
    return (
        f'<div style="height: {height}px; resize: vertical; overflow: hidden;">'
        f'<iframe title="{title}" sandbox="allow-scripts" srcdoc="{html.escape(page)}" '
        f'style="display: block; width: 100%; height: 100%; border: 0;">{html.escape(summary)}</iframe></div>'
    )


def _page(values: Mapping[str, str]) -> str:
    fixed = {"THEME": "auto", "PARTS": "", "CODE": _base64(read_static("player.js.gz"))}
    template = read_static("frame.html").decode("utf-8")
    # In one pass: what is filled in is never searched for places to fill.
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda match: {**fixed, **values}[match[1]], template)


def page_around(name: str, options: ReplayOptions) -> tuple[str, str, str]:
    """Return what stands before, between and after parts and data in a page that is nothing but the replay of `name`.

    A part (`part_of_file`) is a piece of a file that may be too large to be in the data.
    """
    title = html.escape(f"Replay of {name}").replace("\0", "\N{REPLACEMENT CHARACTER}")  # as a browser reads it
    values = {"TITLE": title, "OPTIONS": _script_json(asdict(options))}
    before, between, after = _page({**values, "PARTS": "\0", "DATA": "\0"}).split("\0")
    return before, between, after


def part_of_file(file: str, data: bytes) -> bytes:
    """Return the element that holds the next `data` of a file, whole lines; `carried.ts` reads it."""
    packed = base64.b64encode(gzip.compress(data, 6, mtime=0))
    name = html.escape(file).encode("utf-8", "replace")
    return b'<script type="text/plain" data-file="%s" data-size="%d">%s</script>\n' % (name, len(data), packed)


def _script_json(value: object) -> str:
    """JSON that can stand in a script element: no tag, comment or line separator in it."""
    text = json.dumps(value, separators=(",", ":"))
    return re.sub(r"[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _is_lone_terminal(data: ReplayData) -> bool:
    return len(data.casts) == 1 and _tracks(data) == 1


def _tracks(data: ReplayData) -> int:
    """Count the tracks by the words that make them: a wrong guess costs a few pixels of height, or a second type."""
    cells = b'"cell_start"' in data.journal or b'"output"' in data.journal
    chat = b'"message_add"' in data.journal or b'"session_snapshot"' in data.journal
    return len(data.casts) + cells + chat


def _height(data: ReplayData) -> int:
    """Give the frame's height in CSS pixels: tracks stand side by side, the third below the second."""
    return {0: 440, 1: 500, 2: 500}.get(_tracks(data), 640)
