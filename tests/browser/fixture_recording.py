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


TABLE = """<div><style scoped>.dataframe tbody tr th { vertical-align: top; }</style>
<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>city</th><th>riders</th></tr></thead>
<tbody><tr><th>0</th><td>Lyon</td><td>1204</td></tr><tr><th>1</th><td>Porto</td><td>987</td></tr>
<tr><th>2</th><td>Ghent</td><td>641</td></tr></tbody></table></div>"""

ANSWER = """The loss falls **fast at first**, then flattens: the learning rate is too high for the last epochs.

Try a schedule:

```python
scheduler = CosineAnnealing(start=3e-3, end=3e-5)
```

1. keep the first five epochs as they are
2. then decay towards `3e-5`

See [the notes on schedules](https://example.org/schedules) for why."""


def _cells(journal: Journal) -> None:
    journal.add(0.5, "cell_start", cell_id="c1", execution_count=1, source="import pandas as pd\nriders = pd.read_csv('riders.csv')\nriders.head(3)")
    journal.add(1.8, "output", cell_id="c1", output=_result(1, {"text/html": TABLE, "text/plain": "   city  riders\n0  Lyon    1204"}))
    journal.add(1.9, "cell_end", cell_id="c1", status="ok", duration_ms=1400)
    journal.add(4.0, "marker", label="Train the model")
    journal.add(4.5, "cell_start", cell_id="c2", execution_count=2, source="for epoch in range(8):\n    loss = train(model, riders)\n    print(f'epoch {epoch}  loss {loss:.3f}')\nplot(history)")
    for epoch in range(8):
        loss = 0.9 * 0.72**epoch + 0.08
        text = f"{ESC}36mepoch {epoch}{ESC}0m  loss {ESC}1;32m{loss:.3f}{ESC}0m\n"
        journal.add(5.0 + epoch * 0.8, "output", cell_id="c2", output={"output_type": "stream", "name": "stdout", "text": text})
    journal.add(11.8, "output", cell_id="c2", output=_display(_blob(journal)))
    journal.add(12.0, "cell_end", cell_id="c2", status="ok", duration_ms=7500)
    journal.add(30.0, "cell_start", cell_id="c3", execution_count=3, source="evaluate(model, holdout)")
    journal.add(30.6, "output", cell_id="c3", output=_error())
    journal.add(30.7, "cell_end", cell_id="c3", status="error", duration_ms=640)
    journal.add(33.0, "note", text="holdout was never loaded: see cell 4")
    journal.add(36.0, "cell_start", cell_id="c4", execution_count=4, source="holdout = pd.read_csv('holdout.csv')\nevaluate(model, holdout)")
    for step in range(11):
        bar = f"\r{'█' * step:<10} {step * 10:3d} %"
        journal.add(36.4 + step * 0.3, "output", cell_id="c4", output={"output_type": "stream", "name": "stderr", "text": bar})
    journal.add(SECONDS - 1, "output", cell_id="c4", output=_result(4, {"text/plain": "{'mae': 41.2, 'r2': 0.87}"}))
    journal.add(SECONDS, "cell_end", cell_id="c4", status="ok", duration_ms=6000)


PICTURE = base64.b64encode(png()).decode()


def _blob(journal: Journal) -> dict[str, Any]:
    reference = {"blob": hashlib.sha256(PICTURE.encode()).hexdigest(), "size": len(PICTURE), "mime": "image/png"}
    return {"image/png": reference, "text/plain": "<Figure size 420x180>"}


def _result(count: int, data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "execute_result", "execution_count": count, "data": data, "metadata": {}}


def _display(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _error() -> dict[str, Any]:
    red, green, off = f"{ESC}0;31m", f"{ESC}0;32m", f"{ESC}0m"
    traceback = [
        f"{red}---------------------------------------------------------------------------{off}",
        f"{red}NameError{off}                                 Traceback (most recent call last)",
        f"Cell {green}In[3], line 1{off}\n{green}----> 1{off} evaluate(model, holdout)",
        f"{red}NameError{off}: name 'holdout' is not defined",
    ]
    return {"output_type": "error", "ename": "NameError", "evalue": "name 'holdout' is not defined", "traceback": traceback}


def _chat(journal: Journal) -> None:
    journal.add(14.0, "message_add", message_id="m1", role="user", by="ana", content="Why does the loss flatten after epoch 5?")
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
    """A coloured test run, with a pause, a resize and a wide character."""
    header = {"version": 2, "width": 80, "height": 24, "timestamp": START // 1000, "env": {"TERM": "xterm-256color"}}
    events: list[list[Any]] = [[0.0, "o", f"{ESC}1;34m~/riders{ESC}0m $ "]]
    t = 0.3
    for char in "pytest -q":
        events.append([round(t, 3), "o", char])
        t += 0.07
    events.append([round(t + 0.1, 3), "o", "\r\n"])
    for index in range(24):
        mark = f"{ESC}31mF{ESC}0m" if index == 17 else f"{ESC}32m.{ESC}0m"
        events.append([round(1.4 + index * 0.15, 3), "o", mark])
    events += [
        [5.2, "o", f"{' ' * 48}[100%]\r\n\r\n{ESC}1;31mFAILED{ESC}0m tests/test_model.py::{ESC}1mtest_holdout{ESC}0m - NameError\r\n"],
        [5.3, "o", f"{ESC}31m1 failed{ESC}0m, {ESC}32m23 passed{ESC}0m in 3.71s  日本語\r\n{ESC}1;34m~/riders{ESC}0m $ "],
        [12.0, "m", "tests again"],
        [12.1, "o", "pytest -q\r\n"],
        [13.0, "o", "".join(f"{ESC}32m.{ESC}0m" for _ in range(24)) + f"{' ' * 48}[100%]\r\n{ESC}1;32m24 passed{ESC}0m in 0.88s\r\n"],
    ]  # fmt: skip
    lines = [header, *events]
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def recording(*, cells: bool = True, terminal: bool = True, chat: bool = True) -> ReplayData:
    """The fixture with the tracks that are asked for."""
    name = "riders"
    journal = Journal(id="riders-20261120-231501", name=name, kind="notebook", started_at=START)
    if cells:
        _cells(journal)
    if terminal:
        journal.add(18.0, "terminal_start", track="terminal", file="terminal.cast", cols=80, rows=24, command="pytest -q")
        journal.add(32.0, "terminal_end", track="terminal", exit_code=0)
    if chat:
        _chat(journal)
    manifest = {
        "id": "riders-20261120-231501",
        "name": name,
        "title": "Riders: a model in four cells",
        "kind": "notebook",
        "state": "completed",
        "started_at": START,
        "ended_at": START + 43_000,
    }
    blobs = {hashlib.sha256(PICTURE.encode()).hexdigest(): PICTURE.encode()}
    return ReplayData(manifest, journal.encode(), {"terminal.cast": cast()} if terminal else {}, blobs if cells else {})
