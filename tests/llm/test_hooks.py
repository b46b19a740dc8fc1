"""What `on` changes in other packages, and that `off` puts it back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import anthropic._base_client
import litellm
import openai
import openai._base_client
import pytest
from listening import KEY, Listening
from litellm.litellm_core_utils.streaming_handler import CustomStreamWrapper
from litellm.responses import streaming_iterator
from litellm.text_completions.streaming_iterator import TextCompletionStreamWrapper
from model_server import ModelServer, Streamed, openai_text, openai_whole

from jupyter_recorder import active
from jupyter_recorder.capture import llm
from jupyter_recorder.capture.llm import call
from jupyter_recorder.library.library import Library

HELLO: list[Any] = [{"role": "user", "content": "hi"}]


def places() -> list[Any]:
    """Return all that `on` may change."""
    found: list[Any] = [list(sys.meta_path)]
    for module in (openai._base_client, anthropic._base_client):
        found += [module.SyncAPIClient.request, module.AsyncAPIClient.request]
    for kind in (CustomStreamWrapper, TextCompletionStreamWrapper):
        found += [vars(kind).get(name) for name in ("__next__", "__anext__", "close", "aclose")]
    streams = [kind for kind in vars(streaming_iterator).values() if isinstance(kind, type)]
    found += [vars(kind).get(name) for kind in streams for name in ("__next__", "__anext__", "aclose")]
    texts = (litellm.text_completion, litellm.atext_completion)
    for function in (litellm.completion, litellm.acompletion, *texts, litellm.responses, litellm.aresponses):
        found += [function, *(cell.cell_contents for cell in function.__closure__ or ())]
    return found


def ask(model: ModelServer, client: openai.OpenAI | None = None, **options: Any) -> Any:
    """Ask."""
    client = client or openai.OpenAI(base_url=f"{model.url}/v1", api_key=KEY, max_retries=0)
    return client.chat.completions.create(model="small", messages=HELLO, **options)


def test_off_restores_everything() -> None:
    """After `on`, `on` and `off` every place holds the very object that it held before."""
    before = places()
    llm.on()
    llm.on()
    assert before[1] is not openai._base_client.SyncAPIClient.request
    llm.off()
    after = places()
    assert before[0] == after[0]
    assert all(one is other for one, other in zip(before[1:], after[1:], strict=True))
    llm.off()


def test_clients_made_before_count_and_none_after_off(model: ModelServer, tmp_path: Path) -> None:
    """A client that is older than `on` is recorded; after `off` nothing is, but a stream in the air is to its end."""
    client = openai.OpenAI(base_url=f"{model.url}/v1", api_key=KEY, max_retries=0)
    raw = client.chat.completions.with_raw_response.create
    recorder = active.start("calls", library=Library(tmp_path))
    llm.on()
    model.will(openai_whole({"content": "one"}), Streamed(openai_text(["two"])), openai_whole({"content": "three"}))
    raw(model="small", messages=HELLO)
    stream = ask(model, client, stream=True)
    llm.off()
    list(stream)
    ask(model, client)
    active.stop()
    journal = (recorder.path / "session.ndjson").read_text("utf-8")
    assert ['"one"' in journal, '"two"' in journal, '"three"' in journal] == [True, True, False]


def test_without_a_recording_nothing_happens(model: ModelServer) -> None:
    """Calls go through as ever."""
    llm.on()
    try:
        model.will(openai_whole({"content": "one"}))
        assert "one" == ask(model).choices[0].message.content
    finally:
        llm.off()


def test_a_recording_that_ends_leaves_the_stream(model: ModelServer, listening: Listening) -> None:
    """A stream that outlives its recording gives all that it has; what came before the end is recorded."""
    model.will(Streamed(openai_text(["one", "two"])))
    stream = ask(model, stream=True)
    first = next(one.choices[0].delta.content for one in stream if one.choices[0].delta.content)
    active.stop()
    assert "two" in [one.choices[0].delta.content for one in stream if one.choices]
    assert first in (listening.recorder.path / "session.ndjson").read_text("utf-8")


@pytest.mark.parametrize("place", ["took", "answered", "_say", "_one"])
def test_a_recorder_that_fails_fails_no_call(
    model: ModelServer, listening: Listening, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Whatever breaks in the recorder: the program gets its answer, and the recording says what is missing."""

    def broken(*_: Any) -> Any:
        raise RuntimeError("broken")

    if place in ("took", "answered"):
        monkeypatch.setattr(call, "plain", broken)
    else:
        monkeypatch.setattr(call.Call, place, broken)
    model.will(openai_whole({"content": "one"}), Streamed(openai_text(["two"])))
    assert "one" == ask(model).choices[0].message.content
    assert "two" in [one.choices[0].delta.content for one in ask(model, stream=True) if one.choices]
    notes = [one["text"] for one in listening.events() if one["type"] == "note"]
    assert any("could not be recorded whole: RuntimeError" in text for text in notes)


def test_packages_that_are_imported_later_count(model: ModelServer, tmp_path: Path) -> None:
    """`on` imports none of them; each is recorded once the program imports it, and `off` leaves no finder behind."""
    program = f"""
import sys
from jupyter_recorder import active
from jupyter_recorder.capture import llm
from jupyter_recorder.library.library import Library
active.start("later", library=Library({str(tmp_path)!r}))
before = list(sys.meta_path)
llm.on()
assert not {{"openai", "anthropic", "litellm"}} & set(sys.modules)
import openai
openai.OpenAI(base_url={model.url + "/v1"!r}, api_key="none").chat.completions.create(
    model="small", messages=[{{"role": "user", "content": "hi"}}])
llm.off()
assert before == sys.meta_path
active.stop()
"""
    model.will(openai_whole({"content": "late"}))
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    (journal,) = tmp_path.glob("*/session.ndjson")
    assert '"content":"late"' in journal.read_text("utf-8")
