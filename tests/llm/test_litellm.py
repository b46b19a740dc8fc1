"""The litellm package, its own code against a server that speaks its services' wire formats."""

from __future__ import annotations

import threading
from typing import Any

import litellm
import pytest
from listening import KEY, Listening, run
from litellm import acompletion, completion  # as programs do, before anything is recorded
from model_server import (
    ModelServer,
    Streamed,
    Whole,
    anthropic_text,
    anthropic_whole,
    openai_continued,
    openai_continued_whole,
    openai_text,
    openai_whole,
)

PIECES = ["Hel", "lo, ", "wörld", "!\n", "Bye."]
HELLO: list[Any] = [{"role": "user", "content": "hi"}]
SERVICES = ("openai", "anthropic")


@pytest.fixture(autouse=True)
def quiet() -> None:
    """Have litellm ask nothing of the network but the local server, and print nothing."""
    litellm.suppress_debug_info = True
    litellm.telemetry = False


def asked(model: ModelServer, service: str) -> dict[str, Any]:
    """Return how to ask a service."""
    base = f"{model.url}/v1" if service == "openai" else model.url
    return {"model": f"{service}/small", "messages": HELLO, "api_base": base, "api_key": KEY, "num_retries": 0}


def whole(service: str, text: str) -> Whole:
    """Return a service's answer."""
    return openai_whole({"content": text}) if service == "openai" else anthropic_whole([{"type": "text", "text": text}])


def streamed(service: str, pieces: list[str], *, whole: bool = True, **options: Any) -> Streamed:
    """Return a service's answer as a stream."""
    if service == "openai":
        return Streamed(openai_text(pieces, "stop" if whole else None), **options)
    return Streamed(anthropic_text(pieces, "end_turn" if whole else None), **options)


@pytest.mark.parametrize("service", SERVICES)
def test_a_call_is_recorded_once(model: ModelServer, listening: Listening, service: str) -> None:
    """Though litellm calls the openai package: whole and streamed, one answer a call."""
    model.will(whole(service, "Hello."), streamed(service, PIECES))
    assert "Hello." == completion(**asked(model, service)).choices[0].message.content
    stream = litellm.completion(**asked(model, service), stream=True)
    assert isinstance(stream, litellm.CustomStreamWrapper)
    assert "".join(PIECES) == "".join(one.choices[0].delta.content or "" for one in stream)
    assert [("user", "hi"), ("assistant", "Hello."), ("assistant", "".join(PIECES))] == listening.said()
    assert "stop" == listening.answer().metadata["finish_reason"]
    assert "finish" not in listening.answer().metadata
    assert f"{service}/small" == listening.answer().model


@pytest.mark.parametrize("service", SERVICES)
def test_an_awaited_call_is_recorded_once(model: ModelServer, listening: Listening, service: str) -> None:
    """The same, awaited."""
    model.will(whole(service, "Hello."), streamed(service, PIECES))

    async def ask() -> None:
        assert "Hello." == (await acompletion(**asked(model, service))).choices[0].message.content
        stream = await acompletion(**asked(model, service), stream=True)
        assert "".join(PIECES) == "".join([one.choices[0].delta.content or "" async for one in stream])

    run(ask())
    assert [("user", "hi"), ("assistant", "Hello."), ("assistant", "".join(PIECES))] == listening.said()


@pytest.mark.parametrize("service", SERVICES)
def test_responses_are_recorded_once(model: ModelServer, listening: Listening, service: str) -> None:
    """Whether the service has that interface itself or litellm makes it of another: whole, streamed and awaited."""
    # Of a model that it does not know, litellm asks for no stream, and makes one of the whole answer.
    asked_for = {**asked(model, service), "model": "openai/gpt-4o-mini" if service == "openai" else "anthropic/small"}
    del asked_for["messages"]
    model.will(*(responded(service, number) for number in range(1, 5)))
    litellm.responses(input="hi", instructions="Be short.", **asked_for)
    streamed = [one.type for one in litellm.responses(input="again", stream=True, **asked_for)]
    assert "response.completed" in streamed

    async def ask() -> None:
        await litellm.aresponses(input="and again", **asked_for)
        assert [one async for one in await litellm.aresponses(input="at last", stream=True, **asked_for)]

    run(ask())
    said = [("system", "Be short."), ("user", "hi"), ("assistant", "Answer 1.")]
    said += [("user", "again"), ("assistant", "Answer 2."), ("user", "and again"), ("assistant", "Answer 3.")]
    assert [*said, ("user", "at last"), ("assistant", "Answer 4.")] == listening.said()
    assert asked_for["model"] == listening.answer().model
    assert "finish" not in listening.answer().metadata


@pytest.mark.parametrize("service", SERVICES)
def test_text_completions_are_recorded_once(model: ModelServer, listening: Listening, service: str) -> None:
    """Whether the service has that interface or litellm makes it of a chat: whole, streamed, awaited and both."""
    how = asked(model, service)
    del how["messages"]
    once, pieces = text_answers(service)
    model.will(once, pieces, once, pieces)
    assert " end" == litellm.text_completion("at the", **how).choices[0].text
    stream = litellm.text_completion(prompt="from the", stream=True, **how)
    assert "".join(PIECES) == "".join(one.choices[0].text or "" for one in stream)

    async def ask() -> None:
        assert " end" == (await litellm.atext_completion(prompt="awaited", **how)).choices[0].text
        stream = await litellm.atext_completion(prompt="at last", stream=True, **how)
        assert "".join(PIECES) == "".join([one.choices[0].text or "" async for one in stream])

    run(ask())
    said = [("user", "at the"), ("assistant", " end"), ("user", "from the"), ("assistant", "".join(PIECES))]
    said += [("user", "awaited"), ("assistant", " end"), ("user", "at last"), ("assistant", "".join(PIECES))]
    assert said == listening.said()
    assert "finish" not in listening.answer().metadata
    assert "stop" == listening.answer().metadata["finish_reason"]


def text_answers(service: str) -> tuple[Whole, Streamed]:
    """Return a service's answers to a text completion: of Anthropic's, litellm makes one."""
    if service == "anthropic":
        return whole(service, " end"), streamed(service, PIECES)
    return openai_continued_whole(" end"), Streamed(openai_continued(PIECES))


def test_a_text_completion_that_fails_or_is_left_is_marked(model: ModelServer, listening: Listening) -> None:
    """Refused, with its status and without the key; broken off; and let go of by the program."""
    how = asked(model, "openai")
    del how["messages"]
    model.will(Whole({"error": {"message": f"no such key: {KEY}", "type": "invalid_request_error"}}, status=401))
    with pytest.raises(litellm.AuthenticationError):
        litellm.text_completion(prompt="refused", **how)
    assert ("error", 401) == (listening.answer().metadata["finish"], listening.answer().metadata["error"]["status"])
    model.will(Streamed(openai_continued(["half"])[:1], cut=True))
    with pytest.raises(litellm.InternalServerError):  # so litellm has it
        list(litellm.text_completion(prompt="cut", stream=True, **how))
    assert ("half", "error") == (listening.answer().content, listening.answer().metadata["finish"])
    hold = threading.Event()
    model.will(Streamed(openai_continued(["one"])[:1], hold=hold))
    stream = litellm.text_completion(prompt="left", stream=True, **how)
    assert "one" == next(text for one in stream if (text := one.choices[0].text))
    del stream
    hold.set()
    listening.until(lambda: listening.answer().metadata.get("finish") == "abandoned")
    assert "one" == listening.answer().content


def responded(service: str, number: int) -> Whole | Streamed:
    """Return an answer to a call of `responses`; those of an even number are streamed."""
    text = f"Answer {number}."
    if service == "anthropic":
        return whole(service, text) if number % 2 else streamed(service, [text])
    item = {"type": "message", "id": "m1", "role": "assistant", "status": "completed"}
    item |= {"content": [{"type": "output_text", "text": text, "annotations": []}]}
    form = {"id": f"resp_{number}", "object": "response", "created_at": 1, "model": "small", "status": "completed"}
    form |= {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "output": [item]}
    if number % 2:
        return Whole(form)
    delta = {"type": "response.output_text.delta", "item_id": "m1", "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**form, "status": "in_progress", "output": []}},
        {**delta, "delta": "Answer "},
        {**delta, "delta": f"{number}."},
        {"type": "response.completed", "response": form},
    ]
    return Streamed([(one["type"], one) for one in events])


def test_an_error_is_kept_without_the_key(model: ModelServer, listening: Listening) -> None:
    """litellm's own error, with its status."""
    model.will(Whole({"error": {"message": f"no such key: {KEY}", "type": "invalid_request_error"}}, status=401))
    with pytest.raises(litellm.AuthenticationError):
        completion(**asked(model, "openai"))
    assert ("AuthenticationError", 401) == tuple(
        listening.answer().metadata["error"][key] for key in ("type", "status")
    )


def test_a_stream_that_breaks_off_is_marked(model: ModelServer, listening: Listening) -> None:
    """Cut by the service, or closed by the program."""
    model.will(streamed("openai", ["half"], whole=False, cut=True))
    with pytest.raises(litellm.exceptions.MidStreamFallbackError):
        list(completion(**asked(model, "openai"), stream=True))
    assert ("half", "cut") == (listening.answer().content, listening.answer().metadata["finish"])
    hold = threading.Event()
    model.will(streamed("openai", ["one"], whole=False, hold=hold))
    stream = completion(**asked(model, "openai"), stream=True)
    assert "one" == next(text for one in stream if (text := one.choices[0].delta.content))
    stream.close()
    hold.set()
    assert ("one", "abandoned") == (listening.answer().content, listening.answer().metadata["finish"])


def test_an_awaited_error_is_kept_without_the_key(model: ModelServer, listening: Listening) -> None:
    """The same, awaited: before anything came, and in the midst of a stream."""
    model.will(Whole({"error": {"message": f"no such key: {KEY}", "type": "invalid_request_error"}}, status=401))
    model.will(streamed("openai", PIECES[:2], whole=False, cut=True))

    async def ask() -> None:
        with pytest.raises(litellm.AuthenticationError):
            await acompletion(**asked(model, "openai"))
        stream = await acompletion(**asked(model, "openai"), stream=True)
        with pytest.raises(litellm.exceptions.MidStreamFallbackError):
            async for _ in stream:
                pass

    run(ask())
    first, second = [one for one in listening.messages() if one.role == "assistant"]
    assert ("error", 401) == (first.metadata["finish"], first.metadata["error"]["status"])
    assert ("".join(PIECES[:2]), "cut") == (second.content, second.metadata["finish"])
