"""A recording as the recorder would leave it, made by hand: cells, an error, a coloured terminal and a chat."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from typing import Any

from jupyter_recorder.replay.bundle import ReplayData

START = 1_795_216_501_000
ESC = "\x1b["
SECONDS = 42.0


class Journal:
    """Numbered lines on one clock."""

    def __init__(self, **header: Any) -> None:
        self.lines: list[dict[str, Any]] = [
            {"type": "header", "format": "jupyter-recorder", "version": 1, "segment": 0, "first_seq": 1, **header}
        ]

    def add(self, seconds: float, kind: str, **fields: Any) -> None:
        at = START + round(seconds * 1000)
        self.lines.append({"seq": len(self.lines), "at": at, "type": kind, **fields})

    def encode(self) -> bytes:
        lines = sorted(self.lines, key=lambda line: line.get("at", 0))
        return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def png(width: int = 420, height: int = 180) -> bytes:
    """A smooth picture, drawn without any library: a falling curve on white."""
    rows = []
    for y in range(height):
        row = bytearray([0])
        for x in range(width):
            curve = 20 + (height - 40) * (1 - 0.96 ** (x / 4))
            near = abs(y - curve) < 2
            grid = y % 36 == 0 or x % 60 == 0
            row += bytes((62, 99, 221) if near else (236, 238, 242) if grid else (255, 255, 255))
        rows.append(bytes(row))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


PICTURE = base64.b64encode(png()).decode()
PICTURE_SHA256 = hashlib.sha256(PICTURE.encode()).hexdigest()

TABLE = """<div><style scoped>.dataframe tbody tr th { vertical-align: top; }</style>
<table border="1" class="dataframe"><thead>
<tr style="text-align: right;"><th></th><th>city</th><th>riders</th></tr></thead><tbody>
<tr><th>0</th><td>Lyon</td><td>1204</td></tr><tr><th>1</th><td>Porto</td><td>987</td></tr>
<tr><th>2</th><td>Ghent</td><td>641</td></tr></tbody></table></div>"""

LOAD = "import pandas as pd\nriders = pd.read_csv('riders.csv')\nriders.head(3)"
TRAIN = """for epoch in range(8):
    loss = train(model, riders)
    print(f'epoch {epoch}  loss {loss:.3f}')
plot(history)"""
REPAIR = "holdout = pd.read_csv('holdout.csv')\nevaluate(model, holdout)"

ANSWER = """The loss falls **fast at first**, then flattens: the learning rate is too high for the last epochs.

Try a schedule:

```python
scheduler = CosineAnnealing(start=3e-3, end=3e-5)
```

1. keep the first five epochs as they are
2. then decay towards `3e-5`

See [the notes on schedules](https://example.org/schedules) for why."""


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    """What a cell prints."""
    return {"output_type": "stream", "name": name, "text": text}


def display(data: dict[str, Any]) -> dict[str, Any]:
    """What a cell displays."""
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _result(count: int, data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "execute_result", "execution_count": count, "data": data, "metadata": {}}


def _cells(journal: Journal) -> None:
    _load(journal)
    journal.add(4.0, "marker", label="Train the model")
    _train(journal)
    journal.add(30.0, "cell_start", cell_id="c3", execution_count=3, source="evaluate(model, holdout)")
    journal.add(30.6, "output", cell_id="c3", output=_error())
    journal.add(30.7, "cell_end", cell_id="c3", status="error", duration_ms=640)
    journal.add(33.0, "note", text="holdout was never loaded: see cell 4")
    _repair(journal)


def _load(journal: Journal) -> None:
    journal.add(0.5, "cell_start", cell_id="c1", execution_count=1, source=LOAD)
    table = {"text/html": TABLE, "text/plain": "   city  riders\n0  Lyon    1204"}
    journal.add(1.8, "output", cell_id="c1", output=_result(1, table))
    journal.add(1.9, "cell_end", cell_id="c1", status="ok", duration_ms=1400)


def _train(journal: Journal) -> None:
    journal.add(4.5, "cell_start", cell_id="c2", execution_count=2, source=TRAIN)
    for epoch in range(8):
        loss = 0.9 * 0.72**epoch + 0.08
        text = f"{ESC}36mepoch {epoch}{ESC}0m  loss {ESC}1;32m{loss:.3f}{ESC}0m\n"
        journal.add(5.0 + epoch * 0.8, "output", cell_id="c2", output=stream(text))
    reference = {"blob": PICTURE_SHA256, "size": len(PICTURE), "mime": "image/png"}
    figure = {"image/png": reference, "text/plain": "<Figure size 420x180>"}
    journal.add(11.8, "output", cell_id="c2", output=display(figure))
    journal.add(12.0, "cell_end", cell_id="c2", status="ok", duration_ms=7500)


def _repair(journal: Journal) -> None:
    journal.add(36.0, "cell_start", cell_id="c4", execution_count=4, source=REPAIR)
    for step in range(11):
        bar = f"\r{'█' * step:<10} {step * 10:3d} %"
        journal.add(36.4 + step * 0.3, "output", cell_id="c4", output=stream(bar, "stderr"))
    journal.add(SECONDS - 1, "output", cell_id="c4", output=_result(4, {"text/plain": "{'mae': 41.2, 'r2': 0.87}"}))
    journal.add(SECONDS, "cell_end", cell_id="c4", status="ok", duration_ms=6000)


def _error() -> dict[str, Any]:
    red, green, off = f"{ESC}0;31m", f"{ESC}0;32m", f"{ESC}0m"
    traceback = [
        f"{red}---------------------------------------------------------------------------{off}",
        f"{red}NameError{off}                                 Traceback (most recent call last)",
        f"Cell {green}In[3], line 1{off}\n{green}----> 1{off} evaluate(model, holdout)",
        f"{red}NameError{off}: name 'holdout' is not defined",
    ]
    why = "name 'holdout' is not defined"
    return {"output_type": "error", "ename": "NameError", "evalue": why, "traceback": traceback}


def _chat(journal: Journal) -> None:
    question = "Why does the loss flatten after epoch 5?"
    journal.add(14.0, "message_add", message_id="m1", role="user", by="ana", content=question)
    journal.add(15.5, "message_add", message_id="m2", role="assistant", model="small-1", content="")
    words = ANSWER.split(" ")
    offset = 0
    for index in range(0, len(words), 3):
        delta = " ".join(words[index : index + 3]) + " "
        journal.add(15.6 + index * 0.12, "message_append", message_id="m2", content_delta=delta, offset=offset)
        offset += len(delta.encode())
    journal.add(24.0, "message_update", message_id="m2", content=ANSWER, is_complete=True)
    journal.add(26.0, "message_add", message_id="m3", role="user", by="ana", content="Thanks, I'll try that.")


def cast() -> bytes:
    """A coloured test run, a pause, a marker, and a second run."""
    header = {"version": 2, "width": 80, "height": 24, "timestamp": START // 1000, "env": {"TERM": "xterm-256color"}}
    dot, end = f"{ESC}32m.{ESC}0m", f"{' ' * 48}[100%]\r\n"
    prompt = f"{ESC}1;34m~/riders{ESC}0m $ "
    events: list[list[Any]] = [[0.0, "o", prompt]]
    events += [[round(0.3 + index * 0.07, 3), "o", char] for index, char in enumerate("pytest -q")]
    events.append([1.0, "o", "\r\n"])
    events += [[round(1.4 + index * 0.15, 3), "o", f"{ESC}31mF{ESC}0m" if index == 17 else dot] for index in range(24)]
    failed = f"\r\n{ESC}1;31mFAILED{ESC}0m tests/test_model.py::{ESC}1mtest_holdout{ESC}0m - NameError\r\n"
    summary = f"{ESC}31m1 failed{ESC}0m, {ESC}32m23 passed{ESC}0m in 3.71s  日本語\r\n"
    passed = f"{ESC}1;32m24 passed{ESC}0m in 0.88s\r\n"
    events += [[5.2, "o", end + failed], [5.3, "o", summary + prompt]]
    events += [[12.0, "m", "tests again"], [12.1, "o", "pytest -q\r\n"], [13.0, "o", dot * 24 + end + passed]]
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in [header, *events])


def recording() -> ReplayData:
    """The whole fixture: a notebook, a terminal and a chat."""
    identity = {"id": "riders-20261120-231501", "name": "riders", "kind": "notebook", "started_at": START}
    journal = Journal(**identity)
    _cells(journal)
    _chat(journal)
    command = {"track": "terminal", "command": "pytest -q"}
    journal.add(18.0, "terminal_start", file="terminal.cast", cols=80, rows=24, **command)
    journal.add(32.0, "terminal_end", track="terminal", exit_code=0)
    manifest = {**identity, "title": "Riders: a model in four cells", "state": "completed", "ended_at": START + 43_000}
    return ReplayData(manifest, journal.encode(), {"terminal.cast": cast()}, {PICTURE_SHA256: PICTURE.encode()})
