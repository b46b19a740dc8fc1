"""One layer over a stream of bytes: decides what is settled, and holds back what is not.

The buffer keeps, before what is held, as much of what was already given out as a match may rest on (`KEEP_WIDTH`), so
that a name may be written at once and its value be recognised when it comes.
"""

from __future__ import annotations

from collections.abc import Callable

from .patterns import KEEP_WIDTH, Hit, Layer, continued, replacement

# Two bytes more, so that the byte before a search's start is always known (word boundaries).
_CONTEXT = KEEP_WIDTH + 2


class Stage:
    """Redact a stream of UTF-8 bytes, fed in whole characters, by one layer; `removed` is told each secret's kind."""

    def __init__(self, layer: Layer, removed: Callable[[str], None] = lambda _: None) -> None:
        self._layer = layer
        self._removed = removed
        self._buffer = b""
        self._searched = 0  # matches begin here or later
        self._given = 0  # the bytes before were given out, redacted or as they are
        self._tail = ""  # the class of bytes that continue the last replaced secret

    @property
    def held(self) -> bytes:
        """What was fed and not yet given out."""
        return self._buffer[self._given :]

    def feed(self, data: bytes, limit: int) -> bytes:
        """Take `data`, give what is safe now; an unfinished match over `limit` bytes is settled as it stands."""
        if self._passes(data):
            return data
        rest = self._without_tail(data) if self._tail else data
        self._buffer += rest
        given: list[bytes] = []
        live = self._settle(given)
        if live and len(self._buffer) - live[1] > limit:
            live = self._give_up(len(self._buffer) - limit, given)
        self._give(live[1] if live else len(self._buffer), given)
        self._forget(live)
        return b"".join(given)

    def _passes(self, data: bytes) -> bool:
        """Take `data` if nothing is held and nothing in it has to be, as of most text; one search tells."""
        if self._tail or self._given < len(self._buffer):
            return False
        whole = self._buffer + data
        if not self._layer.is_clean(whole, self._searched):
            return False
        self._buffer, self._given = whole, len(whole)
        self._forget(None)
        return True

    def flush(self) -> bytes:
        """Give what is held, redacted as it stands; what follows may still continue a match that had begun."""
        given: list[bytes] = []
        last: Hit | None = None
        while hit := self._layer.find(self._buffer, self._searched):
            self._replace(hit, given)
            last = hit
        self._give(len(self._buffer), given)
        if last and last.end == len(self._buffer):
            self._tail = last.pattern.tail
        self._forget(self._layer.unfinished(self._buffer, self._searched))
        return b"".join(given)

    def _settle(self, given: list[bytes]) -> tuple[int, int] | None:
        """Replace all that no later text can change; tell what is unfinished."""
        live = self._layer.unfinished(self._buffer, self._searched)
        while (hit := self._layer.find(self._buffer, self._searched)) and not (live and live[0] <= hit.start):
            self._replace(hit, given)
            live = self._layer.unfinished(self._buffer, self._searched)
        return live

    def _give_up(self, oldest: int, given: list[bytes]) -> tuple[int, int] | None:
        """Settle as it stands what began before `oldest`; tell what began later and is unfinished."""
        while (hit := self._layer.find(self._buffer, self._searched)) and hit.secret < oldest:
            self._replace(hit, given)
            if hit.end == len(self._buffer):
                self._tail = hit.pattern.tail
        self._searched = max(self._searched, oldest - KEEP_WIDTH)
        while (live := self._settle(given)) and live[1] < oldest:
            self._searched = live[0] + 1
        return live

    def _replace(self, hit: Hit, given: list[bytes]) -> None:
        # Before `_given` lies what a flush let go: of a match that began there, the rest can still be kept back.
        if hit.end > self._given:
            self._give(hit.secret, given)
            given.append(replacement(hit.pattern.kind))
            self._removed(hit.pattern.kind)
            self._given = hit.end
        self._searched = hit.end

    def _give(self, end: int, given: list[bytes]) -> None:
        if end > self._given:
            given.append(self._buffer[self._given : end])
            self._given = end

    def _forget(self, live: tuple[int, int] | None) -> None:
        needed = self._given if live is None else min(self._given, live[1])
        cut = needed - _CONTEXT
        if cut > 0:
            self._buffer = self._buffer[cut:]
            self._given -= cut
            self._searched = max(self._searched - cut, 2)

    def _without_tail(self, data: bytes) -> bytes:
        end = continued(self._tail).match(data).end()
        if end < len(data):
            self._tail = ""
        # The last dropped bytes stay as context, so that a word boundary is judged as in the whole text.
        self._buffer += data[max(0, end - 2) : end]
        self._given = self._searched = len(self._buffer)
        return data[end:]
