"""The anthropic package, its own code against a server that speaks its wire format."""

from __future__ import annotations

import threading
from typing import Any

import anthropic
import pytest
from listening import KEY, Listening, run
from model_server import ModelServer, Streamed, Whole, anthropic_events, anthropic_text, anthropic_whole

PIECES = ["Hel", "lo, ", "wörld", "!\n", "Bye."]
HELLO: list[Any] = [{"role": "user", "content": "hi"}]
ASKED: dict[str, Any] = {"model": "tall", "max_tokens": 99}


def client(model: ModelServer) -> anthropic.Anthropic:
    """Return a client."""
    return anthropic.Anthropic(base_url=model.url, api_key=KEY, max_retries=0)


def async_client(model: ModelServer) -> anthropic.AsyncAnthropic:
    """Return an asynchronous client."""
    return anthropic.AsyncAnthropic(base_url=model.url, api_key=KEY, max_retries=0)


def test_a_conversation_with_a_tool_is_recorded_once(model: ModelServer, listening: Listening) -> None:
    """System, user, a call of a tool, its answer with a picture: each once, with its role and parts."""
    call = {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sky"}}
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    model.will(anthropic_whole([thought, call], "tool_use"))
    messages = list(HELLO)
    first = client(model).messages.create(messages=messages, system="Be short.", **ASKED)
    messages.append({"role": "assistant", "content": first.content})
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "a bird"}, image]}
    messages.append({"role": "user", "content": [result, {"type": "text", "text": "And?"}]})
    model.will(anthropic_whole([{"type": "text", "text": "A bird."}]))
    client(model).messages.create(messages=messages, system="Be short.", **ASKED)

    roles = [message.role for message in listening.messages()]
    assert ["system", "user", "assistant", "tool", "user", "assistant"] == roles
    answer, tool = listening.messages()[2:4]
    assert [{"type": "reasoning", "content": "Hm."}] == answer.metadata["parts"][:1]
    assert ("tool_use", {"input_tokens": 3, "output_tokens": 5}) == (
        answer.metadata["finish_reason"],
        answer.metadata["usage"],
    )
    assert "aGVsbG8=" == tool.metadata["parts"][1]["content"]


@pytest.mark.parametrize("helper", [False, True])
def test_a_stream_is_recorded(model: ModelServer, listening: Listening, helper: bool) -> None:
    """By `create` or by the `stream` helper: the journal has what came, in its pieces, once."""
    model.will(Streamed(anthropic_text(PIECES)))
    if helper:
        with client(model).messages.stream(messages=HELLO, **ASKED) as stream:
            assert PIECES == list(stream.text_stream)
    else:
        raw = client(model).messages.create(messages=HELLO, stream=True, **ASKED)
        assert isinstance(raw, anthropic.Stream)
        assert 9 <= len(list(raw))
    assert [("user", "hi"), ("assistant", "".join(PIECES))] == listening.said()
    metadata = listening.answer().metadata
    assert ("end_turn", 5, "tall-2026") == (
        metadata["finish_reason"],
        metadata["usage"]["output_tokens"],
        metadata["response_model"],
    )


def test_asynchronous_streams_are_recorded(model: ModelServer, listening: Listening) -> None:
    """Awaited, by `create`, by the helper and raw."""

    async def read() -> None:
        messages = async_client(model).messages
        model.will(*(Streamed(anthropic_text([text])) for text in ("one", "two", "three")))
        raw = await messages.create(messages=HELLO, stream=True, **ASKED)
        assert isinstance(raw, anthropic.AsyncStream)
        assert [] != [event async for event in raw]
        async with messages.stream(messages=HELLO, **ASKED) as stream:
            assert "two" == await stream.get_final_text()
        response = await messages.with_raw_response.create(messages=HELLO, stream=True, **ASKED)
        assert [] != [event async for event in await response.parse()]

    run(read())
    assert ["one", "two", "three"] == [text for role, text in listening.said() if role == "assistant"]


def test_tools_and_thoughts_stream_as_parts(model: ModelServer, listening: Listening) -> None:
    """Deltas of thoughts, text and a tool's arguments say what they belong to; parts hold them whole."""
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
        ({"type": "thinking", "thinking": "", "signature": ""}, [{"type": "thinking_delta", "thinking": "Hm,\nyes."}]),
        ({"type": "text", "text": ""}, [{"type": "text_delta", "text": "Look: "}]),
        (
            {"type": "tool_use", "id": "t1", "name": "look", "input": {}},
            [{"type": "input_json_delta", "partial_json": text} for text in ('{"at"', ': "sky"}')],
        ),
    ]
    model.will(Streamed(anthropic_events(blocks, "tool_use")))
    list(client(model).messages.create(messages=HELLO, stream=True, **ASKED))
    answer = listening.answer()
    assert answer.metadata["parts"] == [
        {"type": "reasoning", "content": "Hm,\nyes."},
        {"type": "text", "content": "Look: "},
        {"type": "tool_call", "name": "look", "arguments": {"at": "sky"}, "id": "t1"},
    ]
    assert '{"at": "sky"}' in "".join(listening.deltas("tool_call"))
    assert "> Hm,\n> yes." == "".join(listening.deltas("reasoning")).strip()


def test_errors_are_kept_without_the_key(model: ModelServer, listening: Listening) -> None:
    """An error before the answer, and one in the midst of it."""
    error = {"type": "error", "error": {"type": "rate_limit_error", "message": f"slow down, {KEY}"}}
    model.will(Whole(error, status=429))
    with pytest.raises(anthropic.RateLimitError):
        client(model).messages.create(messages=HELLO, **ASKED)
    assert ("RateLimitError", 429) == tuple(listening.answer().metadata["error"][key] for key in ("type", "status"))
    model.will(Streamed([*anthropic_text(["So "], None), ("error", error)]))
    with pytest.raises(anthropic.APIStatusError):
        list(client(model).messages.create(messages=HELLO, stream=True, **ASKED))
    assert ("So ", "error") == (listening.answer().content, listening.answer().metadata["finish"])


@pytest.mark.parametrize("cut", [True, False])
def test_a_stream_that_breaks_off_is_marked(model: ModelServer, listening: Listening, cut: bool) -> None:
    """`cut`, with all that came."""
    model.will(Streamed(anthropic_text(["half"], None), cut=cut))
    try:
        list(client(model).messages.create(messages=HELLO, stream=True, **ASKED))
    except Exception:
        assert cut
    assert ("half", "cut") == (listening.answer().content, listening.answer().metadata["finish"])


def test_an_abandoned_stream_is_marked(model: ModelServer, listening: Listening) -> None:
    """The helper, left before the end."""
    hold = threading.Event()
    model.will(Streamed(anthropic_text(["one"], None), hold=hold))
    with client(model).messages.stream(messages=HELLO, **ASKED) as stream:
        assert "one" == next(iter(stream.text_stream))
    hold.set()
    assert ("one", "abandoned") == (listening.answer().content, listening.answer().metadata["finish"])
