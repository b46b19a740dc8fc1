"""The library over REST: list, show, label, delete, export, search."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from jupyter_server.auth.decorator import authorized
from tornado import web
from tornado.iostream import StreamClosedError

from ..errors import EmbedTooLarge, InvalidEvent, InvalidName, UnknownFormat
from ..ids import check_name
from ..library.catalog.catalog import LIMIT, MAX_LIMIT
from ..library.manifest import Labels, change_labels
from ..library.recording import Recording
from ..library.recovery import recover_one
from .base import RecorderHandler, Refusal
from .files import FileHandler, harmless

_PAGE: Final = 1000
_DEFAULT_PAGE: Final = 100
# What a saved notebook takes in with one replay; as `RecorderMagics.max_embed_bytes`.
MAX_EMBED_BYTES: Final = 5 << 20
_TITLE_BYTES: Final = 1000
_TAGS: Final = 100
_TAG_BYTES: Final = 200


class RecordingsHandler(RecorderHandler):
    """`GET /recordings`: those that fit the filter, newest first, a page at a time."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """List them."""
        limit = self.number("limit", _PAGE)
        page = await asyncio.to_thread(
            self.recorder.index.page,
            limit=_DEFAULT_PAGE if limit is None else limit,
            after=self.get_query_argument("after", None),
            **{name: self.get_query_argument(name, None) or None for name in ("q", "kind", "state", "tag")},
        )
        safety = await asyncio.to_thread(self.recorder.service.safety)
        self.reply({**page, "recordings": [_as_safe(shown, safety) for shown in page["recordings"]]})


class RecordingHandler(RecorderHandler):
    """`/recordings/{id}`: the manifest with labels; rename, retitle, tag; delete."""

    @web.authenticated
    @authorized
    async def get(self, recording_id: str) -> None:
        """Show it."""
        shown = await asyncio.to_thread(lambda: self.find(recording_id).shown)
        self.reply(_as_safe(shown, await asyncio.to_thread(self.recorder.service.safety)))

    @web.authenticated
    @authorized
    async def patch(self, recording_id: str) -> None:
        """Label it."""
        body = await self.body()
        labels = _labels(body)
        recording = await asyncio.to_thread(self.find, recording_id)
        if labels:
            await asyncio.to_thread(change_labels, recording.path, labels)
        self.recorder.index.touch(recording.path)
        self.reply(await asyncio.to_thread(lambda: self.find(recording_id).shown))

    @web.authenticated
    @authorized
    async def delete(self, recording_id: str) -> None:
        """Delete it with all its files."""
        recording = await asyncio.to_thread(self.find, recording_id)
        await asyncio.to_thread(self.recorder.library.delete, recording)
        self.recorder.index.touch(recording.path)
        self.set_status(204)
        self.finish()


class RecoverHandler(RecorderHandler):
    """`POST /recordings/{id}/recover`: gets back what a dead process left of one recording."""

    @web.authenticated
    @authorized
    async def post(self, recording_id: str) -> None:
        """Recover it; what lives, or ended in order, stays as it is."""
        recording = await asyncio.to_thread(self.find, recording_id)
        info = await asyncio.to_thread(recover_one, self.recorder.library, recording.path)
        self.recorder.index.touch(recording.path)
        if info is not None and info.error is not None:
            raise Refusal("recording_in_progress" if info.holder_pid else "internal", info.error)
        if info is not None and info.removed:
            self.reply({"removed": True})
        else:
            self.reply({"removed": False, "recording": await asyncio.to_thread(lambda: self.find(recording_id).shown)})


class ReplayHandler(RecorderHandler):
    """`GET /recordings/{id}/replay`: the replay as an output of a notebook's cell, embedded."""

    @web.authenticated
    @authorized
    async def get(self, recording_id: str) -> None:
        """Send the MIME bundle, or say that it is too large."""
        recording = await asyncio.to_thread(self.find, recording_id)
        try:
            self.reply(await asyncio.to_thread(_bundle, recording))
        except EmbedTooLarge as error:
            raise Refusal("too_large", str(error)) from error


class ExportHandler(RecorderHandler):
    """`GET /recordings/{id}/export?format=`: a download."""

    @web.authenticated
    @authorized
    async def get(self, recording_id: str) -> None:
        """Export it."""
        from ..convert import exported, find_format

        recording = await asyncio.to_thread(self.find, recording_id)
        try:
            chosen = find_format(self.get_query_argument("format", ""))
        except UnknownFormat as error:
            raise Refusal("invalid_event", str(error)) from error
        pieces = exported(recording, chosen)
        try:
            piece = await asyncio.to_thread(next, pieces, None)  # what does not fit is said before anything is sent
            harmless(self, chosen.mime, f"{recording.id}{chosen.ending}")
            while piece is not None:
                self.write(piece)
                await self.flush()
                piece = await asyncio.to_thread(next, pieces, None)
        except StreamClosedError:  # who wanted it is gone
            return
        finally:
            await asyncio.to_thread(pieces.close)  # it has the recording's files open
        self.finish()


class SearchHandler(RecorderHandler):
    """`GET /search?q=`: where something was said or shown."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Search."""
        query, after = self.get_query_argument("q", ""), self.get_query_argument("after", None)
        limit = self.number("limit", MAX_LIMIT) or LIMIT
        found = await asyncio.to_thread(self.recorder.catalog.search, query, limit, after)
        answer = {"hits": [hit._asdict() for hit in found.hits], "total": found.total}
        self.reply({**answer, "next": found.next} if found.next else answer)


def _bundle(recording: Recording) -> dict[str, Any]:
    from ..replay.bundle import ReplayOptions, mime_bundle
    from ..replay.load import load, summary

    data = load(recording, max_bytes=MAX_EMBED_BYTES)
    return mime_bundle(data, ReplayOptions(), summary=summary(recording), max_embed_bytes=MAX_EMBED_BYTES)


def _as_safe(shown: Mapping[str, Any], safety: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is shown of a recording with its safety as it is now, not as it was last written down."""
    return {**shown, "safe": safety[shown["id"]]} if shown["id"] in safety else shown


def _labels(body: Any) -> Labels:
    """Return what a PATCH says; raises `Refusal`, `InvalidName`."""
    if not isinstance(body, dict):
        raise Refusal("parse_error", "the body is an object with name, title or tags")
    labels: dict[str, Any] = {key: body[key] for key in ("name", "title", "tags") if key in body}
    if "name" in labels:
        if not isinstance(labels["name"], str):
            raise InvalidEvent("name is a string")
        check_name(labels["name"])
    if "title" in labels:
        _check_text("title", labels["title"], _TITLE_BYTES)
    if "tags" in labels:
        if not isinstance(labels["tags"], list) or len(labels["tags"]) > _TAGS:
            raise InvalidEvent(f"tags is a list of at most {_TAGS} strings")
        for tag in labels["tags"]:
            _check_text("a tag", tag, _TAG_BYTES)
        labels["tags"] = list(dict.fromkeys(labels["tags"]))
    return cast(Labels, labels)


def _check_text(what: str, value: Any, most: int) -> None:
    if not isinstance(value, str):
        raise InvalidEvent(f"{what} is a string")
    if len(value.encode("utf-8", "surrogatepass")) > most:
        raise InvalidName(value, f"{what} takes over {most} bytes")


_ID: Final = r"([^/]+)"

ROUTES: Final[list[tuple[str, Any]]] = [
    (r"/recordings", RecordingsHandler),
    (rf"/recordings/{_ID}", RecordingHandler),
    (rf"/recordings/{_ID}/files/(.+)", FileHandler),
    (rf"/recordings/{_ID}/export", ExportHandler),
    (rf"/recordings/{_ID}/recover", RecoverHandler),
    (rf"/recordings/{_ID}/replay", ReplayHandler),
    (r"/search", SearchHandler),
]
