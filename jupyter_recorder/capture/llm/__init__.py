"""The calls that this process makes to chat models, recorded as chat messages: `%record chat on`.

    openai, anthropic ──> clients ─┐
    litellm ──────────────────────┼─> call ──> the running recording's chat
    neutral <── openai, completions, responses, anthropic (a service's form), growing, known: pure

A message's `metadata` holds what there is of: `parts`, unless it is nothing but its text; of an answer
`finish_reason` as the service says it, `finish` if it did not end in order (`abandoned`, `cut`, `cancelled`, `error`;
`cut` also where the recording ended first), `error {type, status, message}`, `usage`, `provider`, `response_id`,
`response_model`, and in milliseconds `first_ms` and `duration_ms`.

A streamed answer grows by `message_append`; the last one has no text and brings the metadata. Of a part that is not the
answer's first text, `part {index, type}` says so; reasoning stands there as a Markdown quotation, a tool's arguments in
a fence. Requests' headers and keys are never looked at, but to take them out of errors.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from .patches import Patches

_lock: Final = threading.RLock()
_patches: Patches | None = None


def on() -> None:
    """Record calls from now on, whenever a recording runs; packages that are imported later count."""
    global _patches  # noqa: PLW0603  # they are in place or not, for the whole process
    with _lock:
        if _patches is not None:
            return
        from . import clients, litellm

        patches = _patches = Patches()

        def patch_clients(module: Any) -> None:
            clients.patch(module, patches)

        for package in ("openai", "anthropic"):
            patches.when_imported(f"{package}._base_client", patch_clients)
        patches.when_imported("litellm.main", lambda module: litellm.patch(module, patches))
        patches.when_imported("litellm.responses.main", lambda module: litellm.patch_responses(module, patches))


def off() -> None:
    """Record no more calls; every place that was changed is as it was."""
    global _patches  # noqa: PLW0603
    with _lock:
        if _patches is not None:
            _patches.undo()
            _patches = None


def is_on() -> bool:
    """Tell whether calls are recorded."""
    return _patches is not None
