"""What the services' forms say, by example: every kind of content that a request, an answer or a stream may hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from jupyter_recorder.capture.llm import anthropic, openai, responses
from jupyter_recorder.capture.llm.neutral import Form, Outcome, Piece, Said
from jupyter_recorder.convert import parts

PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}


def said(form: Form, body: dict[str, Any]) -> list[Said]:
    """Return the messages of a request."""
    return form.request(body).messages


def streamed(form: Form, events: Iterable[dict[str, Any]]) -> tuple[list[Piece], Outcome]:
    """Return the pieces of a stream, and how it ended."""
    reader = form.reader()
    return [piece for event in events for piece in reader.take(event)], reader.outcome


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "hi"}, parts.text("hi")),
        ({"type": "refusal", "refusal": "no"}, parts.text("no")),
        (PNG, parts.blob("image/png", "QUJD")),
        ({"type": "input_image", "image_url": "https://host/a.png"}, parts.uri("https://host/a.png", "image/*")),
        ({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}}, parts.blob("audio/wav", "QUJD")),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,QUJD"}},
         parts.blob("application/pdf", "QUJD")),
        ({"type": "input_file", "file_id": "f1"}, {"type": "file", "modality": "file", "file_id": "f1"}),
    ],
)  # fmt: skip
def test_every_kind_of_content_is_kept(block: dict[str, Any], part: dict[str, Any]) -> None:
    """In OpenAI's chat completions and in its Responses; what is not known is no part, and costs no other one."""
    content = [block, {"type": "hologram"}, {"type": "text", "text": "end"}]
    expected = [Said("user", [part, parts.text("end")])]
    assert expected == said(openai.FORM, {"messages": [{"role": "user", "content": content}]})
    assert expected == said(responses.FORM, {"input": [{"role": "user", "content": content}]})


def test_an_assistants_thoughts_refusals_and_calls_are_kept() -> None:
    """As a chat completion has them, its old form of a call too; what a tool answers with pictures is the tool's."""
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "[1]"}},
        {"id": "c2", "type": "custom", "custom": {"name": "run", "input": "ls"}},
    ]
    old = {"name": "old", "arguments": "{}"}
    assistant = {"role": "assistant", "reasoning_content": "hm", "refusal": "no", "tool_calls": calls}
    tool = {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "2"}, PNG]}
    first, second, answer = said(openai.FORM, {"messages": [assistant, {"function_call": old}, tool]})
    called = [parts.tool_call("add", "[1]", "c1"), parts.tool_call("run", "ls", "c2")]
    assert Said("assistant", [parts.reasoning("hm"), parts.text("no"), *called]) == first
    assert [parts.tool_call("old", "{}")] == second.parts
    assert Said("tool", [parts.tool_response("2", "c1"), parts.blob("image/png", "QUJD")]) == answer


def test_what_responses_go_on_from_is_kept() -> None:
    """Thoughts, calls and what tools answered, as a program hands them back; one answer's items are one message."""
    items = [
        {"role": "user", "content": "how much?"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "add them"}], "content": []},
        {"type": "function_call", "name": "add", "arguments": "[1, 1]", "call_id": "c1"},
        {"type": "web_search_call", "id": "w1", "action": {"query": "sum"}},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "2"}]},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "plain"},
        {"type": "item_reference", "id": "x"},
    ]
    system, question, answer, output, plain = said(responses.FORM, {"input": items, "instructions": "be brief"})
    assert Said("system", [parts.text("be brief")]) == system
    assert Said("user", [parts.text("how much?")]) == question
    calls = [parts.tool_call("add", "[1, 1]", "c1"), parts.tool_call("web_search", {"query": "sum"}, "w1")]
    assert Said("assistant", [parts.reasoning("add them"), *calls]) == answer
    assert Said("tool", [parts.tool_response("2", "c1")]) == output
    assert Said("tool", [parts.tool_response("plain", "c2")]) == plain


def test_a_call_in_a_stream_of_responses_has_its_name() -> None:
    """The name comes once, before the arguments; each piece of them is told to be that call's."""
    call = {"type": "function_call", "name": "add", "call_id": "c1"}
    found, outcome = streamed(
        responses.FORM,
        [
            {"type": "response.output_item.added", "output_index": 1, "item": call},
            {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "[1,"},
            {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": " 1]"},
            {
                "type": "response.incomplete",
                "response": {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            },
        ],
    )
    assert [("", "add", "c1"), ("[1,", "add", "c1"), (" 1]", "add", "c1")] == [
        (piece.text, piece.name, piece.call_id) for piece in found
    ]
    assert 1 == len({piece.key for piece in found})
    assert {0: "max_output_tokens"} == outcome.finish_reasons


@pytest.mark.parametrize(
    ("form", "event", "error"),
    [
        (responses.FORM, {"type": "error", "code": "rate", "message": "slow down", "param": None},
         {"code": "rate", "message": "slow down"}),
        (anthropic.FORM, {"type": "error", "error": {"type": "overloaded_error"}}, {"type": "overloaded_error"}),
        (openai.FORM, {"error": {"message": "no"}}, {"message": "no"}),
    ],
)  # fmt: skip
def test_an_error_in_a_stream_is_how_it_ended(form: Form, event: dict[str, Any], error: dict[str, Any]) -> None:
    """It is no piece of the answer, and the answer is not whole."""
    found, outcome = streamed(form, [event])
    assert ([], error, False) == (found, outcome.error, outcome.ended)


def test_blocks_that_begin_with_something_in_them_lose_nothing() -> None:
    """A stream of Anthropic's messages whose blocks begin with text, a thought or a call's whole input."""
    blocks = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "He"},
        {"type": "server_tool_use", "id": "t1", "name": "search", "input": {"q": "x"}},
        {"type": "text", "text": ""},
    ]
    begun = [{"type": "content_block_start", "index": at, "content_block": block} for at, block in enumerate(blocks)]
    grown = {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "llo"}}
    ignored = {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}}
    found, _ = streamed(anthropic.FORM, [*begun, grown, ignored, {"type": "ping"}])
    assert [("reasoning", "hm"), ("text", "He"), ("tool_call", '{"q": "x"}'), ("text", "llo")] == [
        (piece.kind, piece.text) for piece in found
    ]
    assert (found[1].key, "search", "t1") == (found[3].key, found[2].name, found[2].call_id)


def test_what_tools_answered_is_the_tools() -> None:
    """Anthropic's messages have it under the user's name; only what else stands there is the user's."""
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "2"}]}
    body = {
        "messages": [{"role": "user", "content": [result, {"type": "text", "text": "and now?"}]}, {"content": [result]}]
    }
    assert ["tool", "user", "tool"] == [one.role for one in said(anthropic.FORM, body)]
