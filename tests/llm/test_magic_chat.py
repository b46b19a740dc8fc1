"""`%record chat` in a real kernel."""

from __future__ import annotations

from pathlib import Path

from kernels import Kernel, of_type
from model_server import ModelServer, Streamed, openai_text


def test_on_and_off_in_a_kernel(model: ModelServer, tmp_path: Path) -> None:
    """`on` before the recording begins is said, counts, is shown by `status`, and ends with `off`."""
    kernel = Kernel(tmp_path)
    try:
        assert "once a recording runs" in kernel.run("%record chat on").out
        assert "calls to chat models are recorded" in kernel.run("%record start demo").out
        model.will(*(Streamed(openai_text(["one ", "two"])) for _ in range(2)))
        ask = (
            f"import openai; client = openai.OpenAI(base_url={model.url + '/v1'!r}, api_key='none-of-yours')\n"
            "for _ in client.chat.completions.create(model='small', stream=True,\n"
            "    messages=[{'role': 'user', 'content': 'hi'}]): pass"
        )
        assert "ok" == kernel.run(ask).status
        assert "calls to chat models are recorded" in kernel.run("%record status").out
        assert "not recorded any more" in kernel.run("%record chat off").out
        assert "ok" == kernel.run(ask).status
        assert "give it" in (shown := kernel.run("%record chat maybe")).err or "choose from" in shown.err
        kernel.run("%record stop")
    finally:
        kernel.shut_down()
    assert ["user", "assistant"] == [one["role"] for one in of_type(kernel.events("demo"), "message_add")]
