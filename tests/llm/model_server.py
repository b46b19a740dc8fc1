"""A local server that answers as models' services do, byte for byte as a test says."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 20.0


@dataclass
class Whole:
    """An answer in one piece."""

    body: Any
    status: int = 200
    kind: str = "application/json"


@dataclass
class Streamed:
    """An answer by server-sent events: each (name or None, data), with `steps` one each time that it is released.

    `cut`: the connection breaks after the last one. `hold`: it is not ended before the test says so.
    """

    events: list[tuple[str | None, Any]]
    steps: threading.Semaphore | None = None
    cut: bool = False
    hold: threading.Event | None = None


@dataclass
class ModelServer:
    """Gives the answers in `answers` in their order; keeps what it was asked in `asked`."""

    url: str
    answers: list[Whole | Streamed] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def will(self, *answers: Whole | Streamed) -> None:
        """Answer so, next."""
        self.answers.extend(answers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        model = self.server.model
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model.asked.append({"path": self.path, "body": body})
        answer = model.answers.pop(0)
        if isinstance(answer, Whole):
            self._whole(answer)
        else:
            with contextlib.suppress(OSError):  # the client has gone
                self._stream(answer)

    def _whole(self, answer: Whole) -> None:
        data = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, answer: Streamed) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for name, data in answer.events:
            if answer.steps is not None:
                answer.steps.acquire(timeout=PATIENCE)
            text = data if isinstance(data, str) else json.dumps(data)
            self._chunk((f"event: {name}\n" if name else "") + f"data: {text}\n\n")
        if answer.hold is not None:
            answer.hold.wait(PATIENCE)
        if answer.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    model: ModelServer

    def handle_error(self, *_: object) -> None:
        """A client that goes is no error."""


@contextlib.contextmanager
def serving() -> Iterator[ModelServer]:
    """Run such a server."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.model = ModelServer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.model
    finally:
        server.shutdown()
        server.server_close()


# -- the services' forms


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> tuple[None, Any]:
    """Return an event of OpenAI's chat completions."""
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish}] if delta is not None or finish else []
    form = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "small-2026"}
    return None, {**form, "choices": choices, **more}


USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


def openai_text(pieces: list[str], finish: str | None = "stop") -> list[tuple[str | None, Any]]:
    """Return the events of an answer of OpenAI's."""
    said = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": piece}) for piece in pieces)]
    if finish is None:
        return said
    return [*said, chunk({}, finish), chunk(usage=USAGE), (None, "[DONE]")]


def openai_whole(message: dict[str, Any], finish: str = "stop") -> Whole:
    """Return a whole answer of OpenAI's."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    form = {"id": "chatcmpl-2", "object": "chat.completion", "created": 1, "model": "small-2026", "usage": USAGE}
    return Whole({**form, "choices": [choice]})


def openai_continued(pieces: list[str]) -> list[tuple[str | None, Any]]:
    """Return the events of a text completion of OpenAI's."""
    said = [_continued({"index": 0, "text": piece, "logprobs": None, "finish_reason": None}) for piece in pieces]
    last = _continued({"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"})
    return [*((None, one) for one in said), (None, last), (None, "[DONE]")]


def openai_continued_whole(*texts: str) -> Whole:
    """Return a text completion of OpenAI's in one piece, with one choice or several."""
    choices = [{"index": at, "text": text, "logprobs": None, "finish_reason": "stop"} for at, text in enumerate(texts)]
    return Whole({**_continued(*choices), "usage": USAGE})


def _continued(*choices: dict[str, Any]) -> dict[str, Any]:
    form = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "small-2026"}
    return {**form, "choices": list(choices)}


def anthropic_events(
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]], stop: str | None = "end_turn"
) -> list[tuple[str | None, Any]]:
    """Return the events of an answer of Anthropic's: each block as it begins, and its deltas."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "tall-2026", "content": []}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 1}}
    found: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    for index, (block, deltas) in enumerate(blocks):
        found.append({"type": "content_block_start", "index": index, "content_block": block})
        found += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        found.append({"type": "content_block_stop", "index": index})
    if stop:
        delta = {"stop_reason": stop, "stop_sequence": None}
        found.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}})
        found.append({"type": "message_stop"})
    return [(event["type"], event) for event in found]


def anthropic_text(pieces: list[str], stop: str | None = "end_turn") -> list[tuple[str | None, Any]]:
    """Return the events of an answer of Anthropic's that is text."""
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return anthropic_events([({"type": "text", "text": ""}, deltas)], stop)


def anthropic_whole(content: list[dict[str, Any]], stop: str = "end_turn") -> Whole:
    """Return a whole answer of Anthropic's."""
    form = {"id": "msg_2", "type": "message", "role": "assistant", "model": "tall-2026", "stop_sequence": None}
    return Whole({**form, "content": content, "stop_reason": stop, "usage": {"input_tokens": 3, "output_tokens": 5}})
