"""The clients of the openai and anthropic packages, which one generator makes: all calls go through `request`.

So it makes no difference when a client was made, nor whether `create`, `stream`, `parse` or `with_raw_response` is
called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from . import anthropic, completions, openai, responses
from .call import Call, begin, guarded, inside
from .neutral import Form
from .patches import Patches
from .streams import json_or_text, watch_body, watch_stream

_FORMS: Final = (
    ("/chat/completions", openai.FORM),
    ("/completions", completions.FORM),
    ("/responses", responses.FORM),
    ("/v1/messages", anthropic.FORM),
)
# Where a client keeps what it shows to be let in.
_KEYS: Final = ("api_key", "auth_token", "admin_api_key")


def patch(module: Any, patches: Patches) -> None:
    """Record the calls of a package; `module` is its `_base_client`."""
    patches.attribute(module.SyncAPIClient, "request", _sync)
    patches.attribute(module.AsyncAPIClient, "request", _async)


def _sync(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def request(self: Any, cast_to: Any, options: Any, *args: Any, **how: Any) -> Any:
        call = _begun(self, options)
        if call is None:
            return original(self, cast_to, options, *args, **how)
        try:
            with inside():
                result = original(self, cast_to, options, *args, **how)
        except BaseException as error:
            call.failed(error)
            raise
        return _heard(call, result, how)

    return request


def _async(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def request(self: Any, cast_to: Any, options: Any, *args: Any, **how: Any) -> Any:
        call = _begun(self, options)
        if call is None:
            return await original(self, cast_to, options, *args, **how)
        try:
            with inside():
                result = await original(self, cast_to, options, *args, **how)
        except BaseException as error:
            call.failed(error)
            raise
        return _heard(call, result, how)

    return request


def _begun(client: Any, options: Any) -> Call | None:
    with guarded():
        form = _form(str(options.url).partition("?")[0].rstrip("/"))
        if form is not None and str(options.method).lower() == "post":
            keys = tuple(getattr(client, name, None) for name in _KEYS)
            return begin(form, lambda: {**(options.json_data or {}), **(options.extra_json or {})}, keys)
    return None


def _form(path: str) -> Form | None:
    return next((form for ending, form in _FORMS if path.endswith(ending)), None)


def _heard(call: Call, result: Any, how: dict[str, Any]) -> Any:
    """Record what a call gave, and give it on."""
    with guarded():
        response = getattr(result, "http_response", None) or (result if hasattr(result, "iter_bytes") else None)
        if hasattr(type(result), "__stream__"):
            watch_stream(result, call)
        elif response is None:
            call.answered(result)
        elif not response.is_closed:
            watch_body(response, call, stream=bool(how.get("stream")))
        else:
            call.answered(json_or_text(response.content))
    return result
