"""Whatever was recorded, an export of it runs nothing, ends no block early and shows no markup of its own."""

from __future__ import annotations

import json
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import golden_convert as golden
import mistune
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_recorder.convert.quoting import command, comment, fenced, inert, literal
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.recorder import Recorder

TOUCH = "touch CANARY"
LABELS = [
    f"\n{TOUCH}\n", f"$({TOUCH})", f"`{TOUCH}`", f"'; {TOUCH}; '", f'"; {TOUCH}; "', f"EOF\n{TOUCH}", f"}}\n{TOUCH}",
    f"*/ {TOUCH}", f")\n{TOUCH}\n(", f"\r{TOUCH}", f"\u2028{TOUCH}", f"\x0b{TOUCH}", "\\", "#", "---\nlayout: x\n---",
]  # fmt: skip
OPEN = [
    'echo "', "echo '", "cat <<EOF", "cat <<'EOF'", "echo $(", "echo `", "echo ${x", "if true; then", "f() {", "(", "{",
    "echo \\", "true &&", "true |", "case x in", "while false; do", "[[ a ==", "echo $'", "x=(", "echo \0",
]  # fmt: skip
HTML = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "```\n<script>alert(1)</script>",
    "- a\n  ```\n<b onclick=x>", "`<b>", "`` ` <img src=x onerror=alert(1)>", "[x](javascript:alert(1))",
    "[x](java&#115;cript:alert(1))", "[x](java&#115cript:alert(1))", "[x](javascript&colon;alert(1))",
    "[x]: javascript:alert(1)\n\n[x]", "![x](data:text/html,<script>alert(1)</script>)", "<!-- a\n\n# b",
    "&lt;script&gt;", "    ```\n<script>alert(1)</script>", "~~~\nx\n~~~\n<iframe src=x>", "<a href='x'>",
    "> ```\n<script>alert(1)</script>", "[x](<javascript:alert(1)>)", "[x](JaVaScRiPt\\:alert(1))",
    "<javascript:alert(1)>", "a `b\n\n<script>`</script>", "\\`<script>alert(1)</script>`", "``` <b>\nx\n```",
    "<style>*{x:y}</style>", "<svg onload=alert(1)>", "<xmp><b>",
]  # fmt: skip


class Live(HTMLParser):
    """Notes what in a page of HTML is alive: tags that Markdown alone makes none of, handlers, script addresses."""

    # fmt: off
    PLAIN = frozenset({
        "p", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a",
        "img", "hr", "br", "del", "table", "thead", "tbody", "tr", "th", "td",
    })
    # fmt: on

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is no plain tag."""
        if tag not in self.PLAIN:
            self.found.append(tag)
        for name, value in attrs:
            address = "".join((value or "").lower().split())
            if name.startswith("on") or (name in ("href", "src") and address.startswith(("javascript:", "vbscript:"))):
                self.found.append(f"{name}={value}")
            if name == "href" and address.startswith("data:"):
                self.found.append(f"{name}={value}")

    def handle_comment(self, data: str) -> None:
        """A comment hides what follows."""
        self.found.append(f"<!--{data}")


def live(markdown: str) -> list[str]:
    """Render Markdown with everything allowed, and return what is alive in it."""
    parser = Live()
    html = mistune.create_markdown(escape=False, renderer=Permissive(), plugins=["table", "strikethrough", "url"])(
        markdown
    )
    parser.feed(str(html))
    parser.close()
    return parser.found


class Permissive(mistune.HTMLRenderer):
    """A renderer that lets every address through."""

    def __init__(self) -> None:
        super().__init__(escape=False, allow_harmful_protocols=True)


@pytest.fixture
def hostile(tmp_path: Path) -> Recording:
    """Return a recording that is hostile wherever it holds text."""
    library = Library(tmp_path / "root")
    recorder = Recorder.start(
        library, "evil", "notebook", title="</script><script>alert(1)</script>\n---\n# $(touch CANARY)"
    )
    for text in (*LABELS, *HTML):
        recorder.mark(text)
        recorder.note(text)
        recorder.chat.add(text[:40] or "user", text, model=text)
        recorder.record({"type": "gap", "reason": text})
        recorder.record({"type": "cell_start", "cell_id": text, "execution_count": 1, "source": "1"})
        for output in ({"output_type": "stream", "name": "stdout", "text": f"```\n{text}\n\x1b]0;x\x07"},
                       {"output_type": "display_data", "metadata": {}, "data": {"text/html": text, "text/plain": text}},
                       {"output_type": "error", "ename": text, "evalue": text, "traceback": [text]}):  # fmt: skip
            recorder.record({"type": "output", "cell_id": text, "output": output})
    track = recorder.terminal(80, 24)
    for text in (*OPEN, *LABELS[5:7]):
        recorder.record(
            {"type": "command_start", "track": "terminal", "command": f"true {text}", "cwd": f"/x\n{TOUCH}"}
        )
        recorder.record({"type": "command_end", "track": "terminal", "exit_code": 0, "duration_ms": 1})
        recorder.mark(f"$({TOUCH}) \" ' ` EOF )")
    track.output(b"```\r\n<script>alert(1)</script>\r\n")
    track.end(0)
    recorder.stop()
    return library.find(recorder.id)


@pytest.mark.parametrize("text", OPEN)
def test_a_script_runs_its_commands_alone(text: str, tmp_path: Path) -> None:
    """Markers, titles and folders run nothing, even after a command that leaves everything open."""
    script = tmp_path / "x.sh"
    script.write_text("\n".join(["echo begun", command(f"true {text}"), *map(comment, LABELS)]) + "\n")
    ran = subprocess.run(["bash", script], cwd=tmp_path, capture_output=True, stdin=subprocess.DEVNULL, check=False)

    assert b"begun\n" == ran.stdout
    assert not (tmp_path / "CANARY").exists()


def test_a_hostile_recording_as_a_script_runs_nothing_else(hostile: Recording, tmp_path: Path) -> None:
    """The exported script leaves no trace of what stands beside its commands."""
    place = tmp_path / "run"
    place.mkdir()
    (place / "x.sh").write_bytes(golden.exported(hostile, "bash", tmp_path))
    subprocess.run(["bash", "x.sh"], cwd=place, capture_output=True, stdin=subprocess.DEVNULL, check=False)

    assert ["x.sh"] == [path.name for path in place.iterdir()]


@pytest.mark.parametrize("text", ["ls -l", "git commit -m 'a b'", "make && ./run > out.txt", 'echo "hi there" | wc'])
def test_a_plain_command_stands_as_it_was_typed(text: str) -> None:
    """What is plainly one whole command needs no quoting."""
    assert text == command(text)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="a \"'`$(){}[]<>|&;\\\n#!=*?~", max_size=12))
def test_a_command_never_takes_in_what_follows(text: str) -> None:
    """Whatever a command is, bash reads the line after it as a line of its own."""
    script = f"if false; then\n:\n{command(text)}\nfi\necho reached\n"
    ran = subprocess.run(["bash", "-c", script], capture_output=True, timeout=20, check=False)

    assert b"reached\n" == ran.stdout


def test_a_hostile_recording_as_markdown_is_inert(hostile: Recording, tmp_path: Path) -> None:
    """No tag, handler, comment or script address of the recording is alive, and there is no front matter."""
    text = golden.exported(hostile, "markdown", tmp_path).decode()

    assert text.startswith("# ")
    assert [] == live(text)


@pytest.mark.parametrize("text", HTML)
def test_markdown_of_a_message_is_inert(text: str) -> None:
    """Each way of getting markup through is none, and neither is it for what stands after."""
    assert [] == live(f"{inert(text)}\n\n<!-- ours -->".replace("<!-- ours -->", "end"))
    assert [] == live(f"{literal(text)}\n\n{fenced(text)}\n\n{inert(text)}")


FRAGMENTS = st.sampled_from([
    "`", "``", "```", "~~~", "\n", "\n\n", "<b onclick=x>", "<script>", "</script>", "<!--", "    ", "  ", "- ", "> ",
    "1. ", "a", "\\", "[x](", "javascript:alert(1)", ")", "[x]: ", "&#106;avascript:x", "<", ">", "&", "|", "#", "\t",
    "=", "---", "<![CDATA[",
])  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(FRAGMENTS, max_size=14))
def test_no_markdown_comes_alive(fragments: list[str]) -> None:
    """Fences, spans, lists and tags in any order: nothing is alive in what comes out, nor in what follows it."""
    assert [] == live(f"{inert(''.join(fragments))}\n\nthe end `<x>`")


def test_ordinary_markdown_stays_as_it_is() -> None:
    """Code with tags, emphasis, lists and links of ordinary messages are unchanged."""
    text = "# A *b*\n\n- `<div>` and [x](https://example.org)\n\n```html\n<div>&amp;</div>\n```\n\n1. one"
    assert text == inert(text)


def test_a_hostile_recording_as_a_notebook_holds_no_code_of_its_own(hostile: Recording, tmp_path: Path) -> None:
    """Only cells and commands that were run are code; all else is text, and inert."""
    notebook = nbformat.reads(golden.exported(hostile, "notebook", tmp_path).decode(), as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]

    assert len(HTML) + len(LABELS) == sum(cell.source == "1" for cell in code)
    assert all(cell.source == "1" or cell.source == "" or cell.source.startswith("%%bash\ntrue ") for cell in code)
    for cell in notebook.cells:
        assert cell.cell_type == "code" or [] == live(cell.source)


def test_plain_text_moves_no_cursor(hostile: Recording, tmp_path: Path) -> None:
    """A text that is printed in a terminal sends it no escape."""
    text = golden.exported(hostile, "text", tmp_path).decode()

    assert not {"\x1b", "\x07", "\x9b", "\r", "\x08"} & set(text)


def test_json_exports_are_json(hostile: Recording, tmp_path: Path) -> None:
    """Chats and GenAI messages are one JSON value each, with every message in it."""
    for name in ("otel", "chat"):
        assert len(HTML) + len(LABELS) == len(json.loads(golden.exported(hostile, name, tmp_path))["messages"])


def test_a_page_is_ended_by_nothing_in_it(hostile: Recording, tmp_path: Path) -> None:
    """The page of a hostile recording has as many scripts as that of another, and no tag in its title."""
    plain = golden.exported(golden.everything(tmp_path / "other"), "html", tmp_path).decode()
    page = golden.exported(hostile, "html", tmp_path).decode()

    assert plain.count("<script") == page.count("<script")
    assert "alert(1)</script>" not in page
