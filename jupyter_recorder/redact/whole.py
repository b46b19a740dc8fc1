"""Redaction of whole texts and JSON values."""

from __future__ import annotations

import threading
from collections import Counter
from functools import lru_cache
from typing import Any, Final

from .grammar import Pattern
from .patterns import BUILTIN, Layer, layers, replacement
from .stream import StreamRedactor

_SLICE: Final = 100_000
"""The characters scanned at once, so that memory stays bounded whatever the length."""
_BINARY: Final = ("image/", "audio/", "video/", "application/pdf")
_DEEPEST: Final = 200


class Redactor:
    """Redact whole texts and JSON values.

    `patterns`: what to look for. `enabled`: False gives everything back as it is. `removed` counts what was taken out,
    here and in the streams of this redactor, by kind.
    """

    def __init__(self, patterns: tuple[Pattern, ...] = BUILTIN, enabled: bool = True) -> None:
        self.enabled = enabled
        self.patterns = patterns
        self.layers = layers(patterns)
        self.removed: Counter[str] = Counter()
        self._counting = threading.Lock()
        # Of keys alone, so asked for every member of every event: kept, or hashing and searching would cost more than
        # the text itself.
        self._tells = lru_cache(maxsize=1024)(self._names_secret)

    def count(self, kind: str) -> None:
        """Count a secret that was taken out."""
        with self._counting:
            self.removed[kind] += 1

    def text(self, text: str) -> str:
        """Give `text` with its secrets replaced, or the same object if there are none."""
        if not self.enabled:
            return text
        return self._long(text) if len(text) > _SLICE else self._short(text)

    def value(self, value: Any) -> Any:
        """Give a JSON value with the secrets in its strings replaced, or the same object if there are none.

        A string under a key that names a secret (`{"password": …}`) goes as a whole. Values under binary MIME types
        are left alone. Keys stay. Nesting deeper than 200 is replaced, since nothing could be said about it.
        """
        return self._walk(value, 0) if self.enabled else value

    def _short(self, text: str) -> str:
        taken = data = text.encode("utf-8", "surrogatepass")
        for layer in self.layers:
            data = self._replaced(layer, data)
        return text if data is taken else data.decode("utf-8", "surrogatepass")

    def _long(self, text: str) -> str:
        stream = StreamRedactor(self)
        pieces = [stream.feed(text[i : i + _SLICE]) for i in range(0, len(text), _SLICE)]
        found = "".join(pieces) + stream.flush()
        return text if found == text else found

    def _walk(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, (dict, list)):
            return value
        if depth >= _DEEPEST:
            return "[redacted:too-deep]"
        if isinstance(value, list):
            found = [self._walk(item, depth + 1) for item in value]
            return found if any(new is not old for new, old in zip(found, value, strict=True)) else value
        named = {key: self._member(key, item, depth) for key, item in value.items()}
        return named if any(named[key] is not value[key] for key in value) else value

    def _member(self, key: str, item: Any, depth: int) -> Any:
        if isinstance(key, str):
            if key.startswith(_BINARY):
                return item
            if isinstance(item, str) and self._tells(key):
                return self._named(key, item)
        return self._walk(item, depth + 1)

    def _named(self, key: str, text: str) -> str:
        kind = self._kind(key, text[:4096])
        if kind is None:
            return self.text(text)
        self.count(kind)
        return replacement(kind).decode("ascii")

    def _names_secret(self, key: str) -> bool:
        return len(key) <= 256 and self._kind(key, "Aa1#Aa1#Aa1#Aa1#Aa1#") is not None

    def _kind(self, key: str, text: str) -> str | None:
        """Tell the kind of a value by its key, as if they stood in a JSON text."""
        opened = f'"{key}":"'.encode("utf-8", "surrogatepass")
        hit = self.layers[1].find(opened + text.encode("utf-8", "surrogatepass"), 0)
        return hit.pattern.kind if hit and hit.secret == len(opened) else None

    def _replaced(self, layer: Layer, data: bytes) -> bytes:
        pieces: list[bytes] = []
        done = 0
        while hit := layer.find(data, done):
            pieces += (data[done : hit.secret], replacement(hit.pattern.kind))
            self.count(hit.pattern.kind)
            done = hit.end
        return b"".join((*pieces, data[done:])) if pieces else data
