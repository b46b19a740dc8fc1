"""The calls of the litellm package.

Its `completion`, `text_completion` and `responses`, awaited or not, are wrappers that hold what they call in their
closure: that is replaced, so that names which a program imported before count, too. What litellm calls below (openai,
or HTTP) is the same call.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from . import completions, openai, responses
from .call import Call, begin, guarded, inside
from .neutral import Form
from .patches import Patches
from .streams import reading, when_dropped

_HELD: Final = "original_function"
# litellm goes on from these by `__next__` or `__anext__`; some of them stand for others.
_RESPONSE_STREAMS: Final = (
    "ResponsesAPIStreamingIterator",
    "SyncResponsesAPIStreamingIterator",
    "MockResponsesAPIStreamingIterator",
    "CachedResponsesAPIStreamingIterator",
    "LiteLLMCompletionStreamingIterator",
)


class _Asked(NamedTuple):
    """What a function takes: the first two by their place, and in which form that is."""

    form: Form
    first: tuple[str, str]
    named: tuple[str, ...] = ()


_COMPLETION: Final = _Asked(openai.FORM, ("model", "messages"))
_TEXT: Final = _Asked(completions.FORM, ("prompt", "model"))
_RESPONSES: Final = _Asked(responses.FORM, ("input", "model"), ("instructions", "previous_response_id"))

_calls: weakref.WeakKeyDictionary[Any, Call] = weakref.WeakKeyDictionary()


def patch(module: Any, patches: Patches) -> None:
    """Record litellm's completions; `module` is `litellm.main`."""
    from litellm.litellm_core_utils.streaming_handler import CustomStreamWrapper
    from litellm.text_completions.streaming_iterator import TextCompletionStreamWrapper

    _patch_functions(module, ("completion", "acompletion"), _COMPLETION, patches)
    _patch_functions(module, ("text_completion", "atext_completion"), _TEXT, patches)
    _patch_stream(CustomStreamWrapper, patches)
    _patch_stream(TextCompletionStreamWrapper, patches)


def patch_responses(module: Any, patches: Patches) -> None:
    """Record litellm's responses; `module` is `litellm.responses.main`."""
    from litellm.responses import streaming_iterator
    from litellm.responses.litellm_completion_transformation import streaming_iterator as translated

    _patch_functions(module, ("responses", "aresponses"), _RESPONSES, patches)
    for name in _RESPONSE_STREAMS:
        for place in (streaming_iterator, translated):
            if isinstance(kind := vars(place).get(name), type) and kind.__module__ == place.__name__:
                _patch_stream(kind, patches)


def _patch_functions(module: Any, names: tuple[str, str], asked: _Asked, patches: Patches) -> None:
    for name, make in zip(names, (_sync, _async), strict=True):
        function = getattr(module, name)
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))
        if _HELD in cells:
            patches.cell(cells[_HELD], functools.partial(make, asked))


def _patch_stream(kind: type, patches: Patches) -> None:
    for name, make in (("__next__", _next), ("__anext__", _anext), ("close", _close), ("aclose", _close)):
        if name in vars(kind):
            patches.attribute(kind, name, make)


def _sync(asked: _Asked, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call_it(*args: Any, **kwargs: Any) -> Any:
        call = _begun(asked, args, kwargs)
        if call is None:
            return original(*args, **kwargs)
        try:
            with inside():
                result = original(*args, **kwargs)
        except BaseException as error:
            call.failed(error)
            raise
        return _heard(call, result)

    return call_it


def _async(asked: _Asked, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def call_it(*args: Any, **kwargs: Any) -> Any:
        call = _begun(asked, args, kwargs)
        if call is None:
            return await original(*args, **kwargs)
        try:
            with inside():
                result = await original(*args, **kwargs)
        except BaseException as error:
            call.failed(error)
            raise
        return _heard(call, result)

    return call_it


def _begun(asked: _Asked, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    body: dict[str, Any] = {
        **dict(zip(asked.first, args, strict=False)),
        **{key: kwargs[key] for key in (*asked.first, *asked.named) if key in kwargs},
    }
    return begin(asked.form, lambda: body, (kwargs.get("api_key"),))


def _heard(call: Call, result: Any) -> Any:
    with guarded():
        if hasattr(type(result), "__next__") or hasattr(type(result), "__anext__"):
            _calls[result] = call
            when_dropped(result, call)
        else:
            call.answered(result)
    return result


def _next(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def __next__(self: Any) -> Any:  # noqa: N807  # it replaces that method
        call = _calls.get(self)
        if call is None or call.is_read:  # a kind of stream that goes on from what it is a kind of
            return original(self)
        with reading(call), inside():  # some services are asked only now
            item = original(self)
        call.took(item)
        return item

    return __next__


def _anext(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def __anext__(self: Any) -> Any:  # noqa: N807  # it replaces that method
        call = _calls.get(self)
        if call is None or call.is_read:
            return await original(self)
        with reading(call), inside():
            item = await original(self)
        call.took(item)
        return item

    return __anext__


def _close(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def close(self: Any, *args: Any, **kwargs: Any) -> Any:
        if (call := _calls.get(self)) is not None:
            call.closed()
        return original(self, *args, **kwargs)

    return close
