"""The openai package, its own code against a server that speaks its wire format."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from typing import Any

import openai
import pytest
from listening import KEY, Listening, run
from model_server import (
    USAGE,
    ModelServer,
    Streamed,
    Whole,
    chunk,
    openai_continued,
    openai_continued_whole,
    openai_text,
    openai_whole,
)

from jupyter_recorder.timeline import fold

PIECES = ["Hel", "lo, ", "wörld", "!\n", "Bye."]
HELLO: list[Any] = [{"role": "user", "content": "hi"}]


def client(model: ModelServer, **options: Any) -> openai.OpenAI:
    """Return a client."""
    return openai.OpenAI(base_url=f"{model.url}/v1", api_key=KEY, max_retries=0, **options)


def async_client(model: ModelServer) -> openai.AsyncOpenAI:
    """Return an asynchronous client."""
    return openai.AsyncOpenAI(base_url=f"{model.url}/v1", api_key=KEY, max_retries=0)


def ask(model: ModelServer, messages: list[Any] = HELLO, **options: Any) -> Any:
    """Ask in one go."""
    return client(model).chat.completions.create(model="small", messages=messages, **options)


def test_a_whole_answer_is_recorded(model: ModelServer, listening: Listening) -> None:
    """Question and answer are messages; the answer has its model, usage and reason, and follows the question."""
    model.will(openai_whole({"content": "Hello."}))
    assert "Hello." == ask(model).choices[0].message.content

    question, answer = listening.messages()
    assert [("user", "hi"), ("assistant", "Hello.")] == listening.said()
    assert ("small", question.message_id) == (answer.model, answer.parent_id)
    assert (USAGE, "stop", "small-2026") == tuple(
        answer.metadata[key] for key in ("usage", "finish_reason", "response_model")
    )
    assert "finish" not in answer.metadata


def test_deltas_keep_their_times(model: ModelServer, listening: Listening) -> None:
    """Deltas that come more than 100 ms apart are a line each, with the time at which they came."""
    steps, seen = threading.Semaphore(1), [time.time()]
    model.will(Streamed(openai_text(PIECES), steps))
    stream = ask(model, stream=True)
    assert isinstance(stream, openai.Stream)
    for one in stream:
        if one.choices and one.choices[0].delta.content:
            seen.append(time.time())
            time.sleep(0.11)
        steps.release()

    assert PIECES == listening.deltas()
    at = [one["at"] for one in listening.events() if one["type"] == "message_append" and one["content_delta"]]
    assert all(a * 1000 - 50 <= at <= b * 1000 + 50 for (a, b), at in zip(itertools.pairwise(seen), at, strict=True))
    assert (USAGE, "stop") == (listening.answer().metadata["usage"], listening.answer().metadata["finish_reason"])


def test_an_asynchronous_stream_is_recorded(model: ModelServer, listening: Listening) -> None:
    """The same, awaited."""
    model.will(Streamed(openai_text(PIECES)))

    async def read() -> list[str]:
        stream = await async_client(model).chat.completions.create(model="small", messages=HELLO, stream=True)
        assert isinstance(stream, openai.AsyncStream)
        return [piece async for one in stream if one.choices and (piece := one.choices[0].delta.content)]

    assert PIECES == run(read())
    assert "".join(PIECES) == listening.answer().content == "".join(listening.deltas())


def test_tools_and_reasoning_are_parts(model: ModelServer, listening: Listening) -> None:
    """A model that thinks and calls two tools: parts hold it all, and deltas say which they belong to."""
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    other = {"index": 1, "id": "c2", "type": "function", "function": {"name": "time", "arguments": "{}"}}
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "reasoning_content": "Hm,\n"},
        {"reasoning_content": "ask."},
        {"content": "Let me look."},
        {"tool_calls": [call]},
        *({"tool_calls": [{"index": 0, "function": {"arguments": text}}]} for text in ('{"town": ', '"Bern"}')),
        {"tool_calls": [other]},
    ]
    model.will(Streamed([*map(chunk, deltas), chunk({}, "tool_calls"), (None, "[DONE]")]))
    list(ask(model, stream=True))

    answer = listening.answer()
    assert answer.metadata["parts"] == [
        {"type": "reasoning", "content": "Hm,\nask."},
        {"type": "text", "content": "Let me look."},
        {"type": "tool_call", "name": "weather", "arguments": {"town": "Bern"}, "id": "c1"},
        {"type": "tool_call", "name": "time", "arguments": {}, "id": "c2"},
    ]
    assert '{"town": "Bern"}' in "".join(listening.deltas("tool_call"))
    assert "> Hm,\n> ask." in answer.content
    assert "**→ weather**" in answer.content
    assert "tool_calls" == answer.metadata["finish_reason"]


def test_history_is_recorded_once(model: ModelServer, listening: Listening) -> None:
    """A conversation of three calls, with a tool and a picture: each message is there once, in its order."""
    tool_call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sky"}'}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}
    messages: list[Any] = [{"role": "system", "content": "Be short."}]
    messages.append({"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]})
    model.will(openai_whole({"content": None, "tool_calls": [tool_call]}, "tool_calls"))
    messages.append(ask(model, messages).choices[0].message)
    messages.append({"role": "tool", "tool_call_id": "c1", "content": "a bird"})
    model.will(Streamed(openai_text(["A ", "bird. "])))
    text = "".join(one.choices[0].delta.content or "" for one in ask(model, messages, stream=True) if one.choices)
    messages += [{"role": "assistant", "content": text.strip()}, {"role": "user", "content": "Sure?"}]
    model.will(openai_whole({"content": "Yes."}))
    ask(model, messages)

    roles = [message.role for message in listening.messages()]
    assert ["system", "user", "assistant", "tool", "assistant", "user", "assistant"] == roles
    user = listening.messages()[1]
    picture = {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "aGVsbG8="}
    assert [{"type": "text", "content": "What is it?"}, picture] == user.metadata["parts"]
    parents = [message.parent_id for message in listening.messages()][2:]
    assert [message.message_id for message in listening.messages()][1:-1] == parents


def test_every_way_to_call_counts(model: ModelServer, listening: Listening) -> None:
    """Raw responses, helpers, and what is parsed: each call is recorded, once, and gives what the package promises."""
    calls = client(model).chat.completions
    model.will(openai_whole({"content": "raw"}))
    raw = calls.with_raw_response.create(model="small", messages=HELLO)
    assert "raw" == raw.parse().choices[0].message.content  # type: ignore[attr-defined]
    model.will(Streamed(openai_text(["raw ", "stream"])))
    list(calls.with_raw_response.create(model="small", messages=HELLO, stream=True).parse())
    model.will(Streamed(openai_text(["lines ", "read"])))
    with calls.with_streaming_response.create(model="small", messages=HELLO, stream=True) as response:
        assert [] != [line for line in response.iter_lines() if "read" in line]
    model.will(openai_whole({"content": "late body"}))
    with calls.with_streaming_response.create(model="small", messages=HELLO) as response:
        assert b"late body" in response.read()
    model.will(Streamed(openai_text(["by ", "helper"])))
    with calls.stream(model="small", messages=HELLO) as events:
        assert "by helper" == events.get_final_completion().choices[0].message.content

    answers = [text for role, text in listening.said() if role == "assistant"]
    assert ["raw", "raw stream", "lines read", "late body", "by helper"] == answers
    assert [] == [one for one in listening.messages() if "finish" in one.metadata]


def test_an_asynchronous_raw_response_counts(model: ModelServer, listening: Listening) -> None:
    """Awaited raw responses and helpers, too."""

    async def ask_all() -> None:
        calls = async_client(model).chat.completions
        model.will(Streamed(openai_text(["one"])))
        raw = await calls.with_raw_response.create(model="small", messages=HELLO, stream=True)
        assert [None] != [one async for one in raw.parse()]  # type: ignore[attr-defined]
        model.will(Streamed(openai_text(["two"])))
        async with calls.stream(model="small", messages=HELLO) as events:
            await events.get_final_completion()

    run(ask_all())
    assert ["one", "two"] == [text for role, text in listening.said() if role == "assistant"]


def test_an_error_is_kept_without_the_key(model: ModelServer, listening: Listening) -> None:
    """A refused call reaches the program as it was; the recording has its type, status and message, not the key."""
    message = f"Incorrect API key provided: {KEY}. Also sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"
    model.will(Whole({"error": {"message": message, "type": "invalid_request_error"}}, status=401))
    with pytest.raises(openai.AuthenticationError, match=KEY):
        ask(model)

    answer = listening.answer()
    assert ("error", "AuthenticationError", 401) == (
        answer.metadata["finish"],
        answer.metadata["error"]["type"],
        answer.metadata["error"]["status"],
    )
    assert "Incorrect API key" in answer.metadata["error"]["message"]
    assert b"sk-proj-abc" not in listening.folder_bytes()


def test_an_error_inside_a_stream_is_kept(model: ModelServer, listening: Listening) -> None:
    """What came before it stays."""
    error = (None, {"error": {"message": "overloaded", "type": "server_error"}})
    model.will(Streamed([*openai_text(["So "], None), error]))
    with pytest.raises(openai.APIError):
        list(ask(model, stream=True))
    assert ("So ", "error") == (listening.answer().content, listening.answer().metadata["finish"])
    assert "overloaded" in listening.answer().metadata["error"]["message"]


@pytest.mark.parametrize("cut", [True, False])
def test_a_stream_that_breaks_off_is_marked(model: ModelServer, listening: Listening, cut: bool) -> None:
    """Whether the connection breaks or the service just stops: `cut`, with all that came."""
    model.will(Streamed(openai_text(["half ", "an"], None), cut=cut))
    try:
        list(ask(model, stream=True))
    except Exception:
        assert cut
    assert ("half an", "cut") == (listening.answer().content, listening.answer().metadata["finish"])


def test_an_abandoned_stream_is_marked(model: ModelServer, listening: Listening) -> None:
    """A program that reads no further: by closing it, or by letting go of it."""
    hold = threading.Event()
    model.will(Streamed(openai_text(["one", "two"], None), hold=hold))
    with ask(model, stream=True) as stream:
        assert "one" == next(one.choices[0].delta.content for one in stream if one.choices[0].delta.content)
    assert ("one", "abandoned") == (listening.answer().content, listening.answer().metadata["finish"])
    model.will(Streamed(openai_text(["three"], None), hold=hold))
    for one in ask(model, stream=True):
        if one.choices[0].delta.content:
            break
    listening.until(lambda: "three" == listening.answer().content and "finish" in listening.answer().metadata)
    hold.set()
    assert "abandoned" == listening.answer().metadata["finish"]


def test_a_stream_that_outlasts_the_recording_is_marked(model: ModelServer, listening: Listening) -> None:
    """What had come is there, marked as cut; the program gets the rest all the same."""
    hold = threading.Event()
    model.will(Streamed(openai_text(["one", "two"]), hold=hold))
    shown: list[str] = []
    for piece in ask(model, stream=True):
        shown.extend(one.delta.content or "" for one in piece.choices)
        if "".join(shown) == "one" and not hold.is_set():
            listening.recorder.stop()
            hold.set()
    assert "onetwo" == "".join(shown)
    answer = fold(listening.library.find(listening.recorder.id).events()).messages.popitem()[1]
    assert ("assistant", "one", "cut") == (answer.role, answer.content, answer.metadata["finish"])


def test_a_cancelled_stream_is_marked(model: ModelServer, listening: Listening) -> None:
    """A task that is cancelled while it waits for the next token."""
    hold = threading.Event()
    model.will(Streamed(openai_text(["one"], None), hold=hold))

    async def read() -> None:
        came = asyncio.Event()

        async def consume() -> None:
            async for one in await async_client(model).chat.completions.create(
                model="small", messages=HELLO, stream=True
            ):
                if one.choices[0].delta.content:
                    came.set()

        task = asyncio.create_task(consume())
        await came.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(read())
    hold.set()
    assert ("one", "cancelled") == (listening.answer().content, listening.answer().metadata["finish"])


def test_garbage_is_kept(model: ModelServer, listening: Listening) -> None:
    """A service that answers with a page: the program gets what the package makes of it, the recording the text."""
    model.will(Whole("<h1>Bad gateway</h1>", kind="text/html"))
    assert "<h1>Bad gateway</h1>" == ask(model)
    assert ("<h1>Bad gateway</h1>", "error") == (listening.answer().content, listening.answer().metadata["finish"])


def test_calls_side_by_side_stay_apart(model: ModelServer, listening: Listening) -> None:
    """Ten calls at a time, streamed: each answer is whole and follows its question."""
    for _ in range(10):
        model.will(Streamed(openai_text(PIECES)))

    async def one(calls: openai.AsyncOpenAI, number: int) -> None:
        asked: list[Any] = [{"role": "user", "content": f"question {number}"}]
        async for _ in await calls.chat.completions.create(model="small", messages=asked, stream=True):
            pass

    async def all_of_them() -> None:
        calls = async_client(model)
        await asyncio.gather(*(one(calls, number) for number in range(10)))

    run(all_of_them())
    by_id = {message.message_id: message for message in listening.messages()}
    answers = [message for message in by_id.values() if message.role == "assistant"]
    assert ["".join(PIECES)] * 10 == [message.content for message in answers]
    assert {f"question {n}" for n in range(10)} == {by_id[one.parent_id or ""].content for one in answers}


def test_text_completions_are_recorded(model: ModelServer, listening: Listening) -> None:
    """The older interface: one prompt or several, numbers for tokens, whole, streamed, raw and awaited."""
    model.will(openai_continued_whole(" one", " two"), Streamed(openai_continued(PIECES)))
    model.will(openai_continued_whole(" raw"), Streamed(openai_continued(PIECES[:1])))
    client(model).completions.create(model="small", prompt=["first", "second"])
    list(client(model).completions.create(model="small", prompt="third", stream=True))
    client(model).completions.with_raw_response.create(model="small", prompt=[1, 2])

    async def ask() -> None:
        stream = await openai.AsyncOpenAI(base_url=f"{model.url}/v1", api_key=KEY).completions.create(
            model="small", prompt="fourth", stream=True
        )
        assert PIECES[:1] == [one.choices[0].text async for one in stream if one.choices[0].text]

    run(ask())
    said = [("user", "first"), ("user", "second"), ("assistant", " one"), ("assistant", " two")]
    said += [("user", "third"), ("assistant", "".join(PIECES)), ("user", "[1, 2]"), ("assistant", " raw")]
    assert [*said, ("user", "fourth"), ("assistant", PIECES[0])] == listening.said()
    assert USAGE == listening.messages()[2].metadata["usage"]
    assert "stop" == listening.answer().metadata["finish_reason"]
    assert "finish" not in listening.answer().metadata


def test_responses_are_recorded(model: ModelServer, listening: Listening) -> None:
    """The Responses API, whole and streamed, one going on from the other by its id."""
    text = {"type": "output_text", "text": "Four.", "annotations": []}
    item = {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": [text]}
    form = {"id": "resp_1", "object": "response", "created_at": 1, "model": "small-2026", "status": "completed"}
    form |= {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "output": [item]}
    model.will(Whole(form))
    first = client(model).responses.create(model="small", input="2+2?", instructions="Be short.")
    assert "Four." == first.output_text
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**form, "id": "resp_2", "status": "in_progress", "output": []}},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Easy."},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Still "},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "four."},
        {"type": "response.completed", "response": {**form, "id": "resp_2"}},
    ]
    model.will(Streamed([(one["type"], one) for one in events]))
    list(client(model).responses.create(model="small", input="Sure?", previous_response_id="resp_1", stream=True))

    assert [("system", "Be short."), ("user", "2+2?"), ("assistant", "Four.")] == listening.said()[:3]
    one, two, three = listening.messages()[2:]
    assert (one.message_id, two.message_id) == (two.parent_id, three.parent_id)
    assert {"type": "text", "content": "Still four."} in three.metadata["parts"]
    assert "completed" == three.metadata["finish_reason"]


def test_a_huge_message_stands_in_a_blob(model: ModelServer, listening: Listening) -> None:
    """A picture of a megabyte and an answer as long are recorded as they were; the journal stays short."""
    picture, text = "QUFB" * 300_000, "word " * 250_000
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
    model.will(openai_whole({"content": text}))
    ask(model, [{"role": "user", "content": [image]}])

    user, answer = listening.messages()
    assert (picture, text) == (user.metadata["parts"][0]["content"], answer.content)
    assert (listening.recorder.path / "session.ndjson").stat().st_size < 20_000


def test_an_awaited_error_is_kept_without_the_key(model: ModelServer, listening: Listening) -> None:
    """An awaited call that fails has its error as its answer; who awaits it gets it as ever."""
    model.will(Whole({"error": {"message": f"no quota for {KEY}", "type": "insufficient_quota"}}, status=429))

    async def ask() -> None:
        with pytest.raises(openai.RateLimitError, match=KEY):
            await async_client(model).chat.completions.create(model="small", messages=HELLO)

    run(ask())
    answer = listening.answer()
    assert ("error", "RateLimitError", 429) == (
        answer.metadata["finish"],
        answer.metadata["error"]["type"],
        answer.metadata["error"]["status"],
    )
    assert "no quota" in answer.metadata["error"]["message"]
