"""A model for the tutorial that needs no network: it speaks OpenAI's chat completions, and knows one story."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STORY = "A walrus counted the ice floes. One drifted off while it counted, so it began again, and again, until spring."
PAUSE_SECONDS = 0.03


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer a request, as a stream of words if that is asked."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["model"] != "walrus":
            message = f"no model {asked['model']}; your key {self.headers['Authorization'].split()[-1]} is for walrus"
            return self._send(404, json.dumps({"error": {"message": message, "type": "not_found_error"}}))
        turns = sum(message["role"] == "user" for message in asked["messages"])
        answer = STORY if turns == 1 else f"I have told you {turns - 1} of my stories. That was all of them."
        usage = {"prompt_tokens": len(asked["messages"]), "completion_tokens": len(answer.split())}
        if not asked.get("stream"):
            whole = {"message": {"role": "assistant", "content": answer}, "finish_reason": "stop", "index": 0}
            return self._send(200, json.dumps(_form("chat.completion", [whole], usage=usage)))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for word in answer.split(" "):
            self._event(_form("chat.completion.chunk", [{"index": 0, "delta": {"content": word + " "}}]))
            time.sleep(PAUSE_SECONDS)
        done = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
        self._event(_form("chat.completion.chunk", done, usage=usage))
        self.wfile.write(b"data: [DONE]\n\n")
        return None

    def _event(self, value: Any) -> None:
        self.wfile.write(f"data: {json.dumps(value)}\n\n".encode())
        self.wfile.flush()

    def _send(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _form(kind: str, choices: list[Any], **more: Any) -> dict[str, Any]:
    return {"id": "walrus-1", "object": kind, "created": 1, "model": "walrus", "choices": choices, **more}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A reader that goes away is no error."""


def start() -> str:
    """Run the model in this process; return its address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/v1"
