"""`%%ai` cells of jupyter-ai, in a real kernel under `%record chat on`."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernels import BESIDE, Kernel, of_type
from model_server import ModelServer, openai_whole

pytestmark = pytest.mark.skipif(
    not (BESIDE / "jupyter_ai_magic_commands").is_dir(), reason="jupyter-ai's magics are not installed: make setup"
)


def test_each_question_and_each_answer_is_recorded_once(model: ModelServer, tmp_path: Path) -> None:
    """The second call repeats the first one's messages, and goes through litellm and openai: each is there once."""
    settings = {"PYTHONPATH": str(BESIDE), "OPENAI_API_KEY": "none", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    kernel = Kernel(tmp_path, env=settings)
    try:
        assert "ok" == kernel.run("%load_ext jupyter_ai_magic_commands").status
        kernel.run("%record start demo")
        kernel.run("%record chat on")
        for question, answer in (("what is an ack?", "a promise"), ("and a nack?", "none")):
            model.will(openai_whole({"role": "assistant", "content": answer}))
            ran = kernel.run(f"%%ai openai/gpt-4o --api-base {model.url}/v1\n{question}")
            assert answer == ran.displays[0]["text/markdown"], ran.err
        kernel.run("%record stop")
    finally:
        kernel.shut_down()
    assert 3 == len(model.asked[-1]["body"]["messages"])
    said = [(one["role"], one["content"]) for one in of_type(kernel.events("demo"), "message_add")]
    assert [
        ("user", "what is an ack?"),
        ("assistant", "a promise"),
        ("user", "and a nack?"),
        ("assistant", "none"),
    ] == said
