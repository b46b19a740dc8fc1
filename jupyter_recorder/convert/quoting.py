"""Recorded content put into other languages so that it stays content there; pure.

Whatever was recorded may be hostile: a title that ends a comment, a message that opens a tag, a command that leaves a
quote open for what follows it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

_PUNCTUATION: Final = re.compile(r"([\\`*_{}\[\]()<>#!|~&$])")
_FENCE: Final = re.compile(r"(`{3,})([^`]*)|(~{3,})(.*)")
_TICKS: Final = re.compile(r"`+")
_LIVE: Final = re.compile(r"\b(javascript|vbscript|data|file)(\\?):", re.IGNORECASE)
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_UNQUOTED: Final = r"[A-Za-z0-9_ ./:=,@%+~*?|;>&-]"
_PLAIN_COMMAND: Final = re.compile(rf"""[A-Za-z0-9_./~](?:{_UNQUOTED}|"[^"\\$`!\n]*"|'[^'\n]*')*""")
_GOES_ON: Final = ("|", "&", "\\", ">")
_AMPERSAND: Final = re.compile(r"&(#|[A-Za-z0-9]+;)?")
# fmt: off
_RESERVED: Final = frozenset({
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "select", "function",
    "time", "coproc", "in", "eval", "exec", "exit", "return", "break", "continue",
})
# fmt: on


def one_line(text: str) -> str:
    """Return `text` on one line, without control characters."""
    return " ".join(CONTROL.sub(" ", text).split())


# -- Markdown


def literal(text: str) -> str:
    """Return `text` on one line of Markdown as it stands: nothing in it is markup."""
    return _PUNCTUATION.sub(r"\\\1", one_line(text))


def fenced(text: str, info: str = "") -> str:
    """Return a code block that nothing in `text` can end."""
    longest = max((len(found) for found in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    body = CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return f"{fence}{info}\n{body}{'' if body.endswith(chr(10)) or not body else chr(10)}{fence}"


def inert(markdown: str) -> str:
    """Return recorded Markdown in which no HTML and no script link is live, wherever it is rendered.

    Code blocks and spans stay as they are where every reader of CommonMark agrees that they are code: fences at the
    beginning of a line, and spans that open and close on one line. A fence left open is closed.
    """
    lines: list[str] = []
    fence = ""
    unsure = False
    for line in CONTROL.sub("\ufffd", markdown.replace("\r\n", "\n").replace("\r", "\n")).split("\n"):
        if fence:
            lines.append(line)
            fence = "" if _closes(line, fence) else fence
            continue
        opened = _FENCE.fullmatch(line)
        if opened is not None:
            fence = opened[1] or opened[3]
            lines.append(fence + _dead(opened[2] or opened[4] or ""))
            continue
        unsure = (unsure and bool(line.strip())) or _has_open_span(line)
        lines.append(_dead(line) if unsure else "".join(_dead_outside_spans(line)))
    return "\n".join([*lines, fence] if fence else lines)


def _closes(line: str, fence: str) -> bool:
    text = line.strip(" ")
    return len(line) - len(line.lstrip(" ")) <= 3 and len(text) >= len(fence) and set(text) == {fence[0]}


def _dead(text: str) -> str:
    """Keep tags, entities and script links from being any, also where a renderer decodes entities twice."""
    plain = _AMPERSAND.sub(lambda found: f"&amp;\u200b{found[1]}" if found[1] else "&amp;", text)
    plain = plain.replace("<", "&lt;")
    return _LIVE.sub(r"\1&#8203;:", plain)


def _spans(line: str) -> list[tuple[int, int]] | None:
    """Return where code spans stand that open and close on this line; None if one is left open."""
    if "\\`" in line:
        return None
    runs = [(match.start(), match.end()) for match in _TICKS.finditer(line)]
    found, index = [], 0
    while index < len(runs):
        start, end = runs[index]
        close = next((n for n in range(index + 1, len(runs)) if runs[n][1] - runs[n][0] == end - start), None)
        if close is None:
            return None
        found.append((start, runs[close][1]))
        index = close + 1
    return found


def _has_open_span(line: str) -> bool:
    return _spans(line) is None


def _dead_outside_spans(line: str) -> Iterator[str]:
    done = 0
    for start, end in _spans(line) or ():
        yield _dead(line[done:start])
        yield line[start:end]
        done = end
    yield _dead(line[done:])


# -- bash


def comment(text: str) -> str:
    """Return a line of bash that says `text` and does nothing."""
    return f"# {one_line(text)}"


def command(text: str) -> str:
    """Return lines of bash that run `text` and end with it: it leaves no quote, bracket or here-document open.

    What is plainly one whole command stands as it was typed; anything else is quoted and evaluated.
    """
    text = text.replace("\0", "\ufffd").strip("\n")
    words = text.split()
    plain = _PLAIN_COMMAND.fullmatch(text) is not None and not text.rstrip().endswith(_GOES_ON)
    if plain and words[0] not in _RESERVED:
        return text
    return f"eval -- {shlex.quote(text)}"
