"""A user's own patterns: the same text goes, however it comes in pieces; what cannot be used is refused."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_recorder.errors import InvalidPattern
from jupyter_recorder.redact import BUILTIN, Redactor, StreamRedactor, pattern_of

PATTERNS = [
    r"ACME-\d{6}", r"(?i)project falcon", r"ab+c", r"[^a-z\s]{3}x", r"(?:foo|bar)+!", r"zoë|Ñandú", r"k.v",
    r"[éa]{2}\w+?;", r"\d{3}-\d{2,4}", r"x(y(z)?)*w", r"\Sq\D", "a{2,3}b", "(?s)a.b", "(?:a|ab|abc)x", "(?i:e)k",
    r"x{0}q\d",
]  # fmt: skip


@pytest.mark.parametrize("expression", PATTERNS)
@given(data=st.data())
def test_any_cut_takes_out_the_same(expression: str, data: st.DataObject) -> None:
    """Redacted in pieces, a text is what it is redacted as a whole; the pattern is in it nowhere."""
    redactor = Redactor((pattern_of(expression),))
    hits = st.from_regex(expression, fullmatch=True).filter(lambda text: len(text) < 50)
    text = "".join(data.draw(st.lists(hits | st.text("abckvxyz ACMEéë0-;!\n", max_size=8), max_size=6)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    stream = StreamRedactor(redactor)
    pieces = [stream.feed(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    whole = redactor.text(text)
    assert whole == "".join(pieces) + stream.flush()
    assert ("[redacted:custom]" in whole) == (re.search(expression, text, re.ASCII) is not None)


@pytest.mark.parametrize(
    "expression",
    ["", "(", "a*", "(x|)", "^a", "a$", r"\bx", "(?=a)b", "(?<!a)b", r"(a)\1", "[à-ü]", "[^é]", "x{5000}", "a" * 2000,
     "((a{100}){100}){100}", "(" * 499 + "a" + ")" * 499],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(expression: str) -> None:
    """What is no expression, matches nothing, or rests on what a piece does not show, is a clear error."""
    with pytest.raises(InvalidPattern, match="can't be used to redact"):
        pattern_of(expression)


@pytest.mark.parametrize("char", ["0", "é", "😀"])
def test_the_longest_expression_is_taken(char: str) -> None:
    """As long as it may be, of characters of any width."""
    assert "a[redacted:custom]b" == Redactor((pattern_of(char * 1000),)).text(f"a{char * 1000}b")


def test_own_patterns_stay_linear() -> None:
    """What stalls a backtracking engine takes no time here, as a whole and in pieces."""
    redactor = Redactor((*BUILTIN, pattern_of("(a+)+x"), pattern_of("(?:a|aa)+y")))
    text = "a" * 200_000
    began = time.process_time()
    assert text == redactor.text(text)

    assert 10 > time.process_time() - began
