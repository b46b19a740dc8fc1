"""What redaction promises for any text, however it is cut."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_recorder.redact import HOLD_LIMIT, Redactor, StreamRedactor

SECRETS = (
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_" + "a1B2c3D4e5" * 4,
    "github_pat_" + "11ABCDE_" * 5,
    "glpat-abcdefghij0123456789",
    "sk-proj-abcdefghij0123456789",
    "sk-ant-api03-abcdefghijklmnop",
    "sk-abcdefghijklmnopqrstuvwxyz",
    "xoxb-123456789012-abcdefghijkl",
    "AIza" + "Sy0123456789-_abcdefghijklmnopqrstu",
    "sk_live_abcdefghijklmnop1234",
    "npm_" + "a1B2c3D4e5" * 4,
    "pypi-" + "AgEIcHlwaS5vcmc" * 5,
    "hf_" + "a1B2c3D4e5" * 4,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "PASSWORD=hunter2",
    "password=hunter2",
    "password=letters",
    'api_key: "0123456789abcdef"',
    "password = 'correct horse é'",
    'password="a\\"b c"',
    '{\\"password\\": \\"hunter\\"}',
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "--password hunter2",
    "--token=Abc1",
    "TOKEN=$ecret1x",
    "Authorization: Bearer abc.def-123",
    "Authorization: Basic dXNlcjpwYXNz",
    "postgres://user:p@ss@host/db",
    "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,AA\n\nMIIEpAIBAA\r\nabc=\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7v",
)
NOISE = (
    *" \n\t\r\"'`=:;,&@/\\-_.[]{}()<>$%~|0aAmkeéß€😀",
    "\ud83d",
    "\x1b[0m",
    "\x1b[1;32m",
    "\\n",
    "://",
    "https://user:",
    "password",
    "PASSWORD=",
    "token: ",
    "secret",
    "sk-",
    "eyJ",
    "eyJabcdefghij.",
    "--token ",
    "Bearer ",
    "Authorization: ",
    "-----",
    "-----BEGIN PRIVATE KEY-----",
    "[redacted:token]",
    "str",
)

pieces = st.one_of(st.sampled_from(NOISE), st.sampled_from(SECRETS), st.text(max_size=8))
texts = st.lists(pieces, max_size=14).map("".join)
relaxed = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def streamed(text: str, cuts: list[int]) -> str:
    """Feed `text` cut at `cuts`."""
    stream = StreamRedactor()
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    given_out = [stream.feed(text[a:b]) for a, b in itertools.pairwise(edges)]
    return "".join(given_out) + stream.flush()


@relaxed
@given(texts, st.lists(st.integers(0, 400), max_size=6))
def test_a_stream_cut_anywhere_gives_what_the_whole_gives(text: str, cuts: list[int]) -> None:
    """However a text is cut, the stream gives what the whole text gives."""
    assert Redactor().text(text) == streamed(text, cuts)


@relaxed
@given(texts)
def test_a_stream_of_single_characters_gives_what_the_whole_gives(text: str) -> None:
    """One character at a time, the stream gives what the whole text gives."""
    assert Redactor().text(text) == streamed(text, list(range(len(text))))


@relaxed
@given(texts)
def test_redacting_twice_changes_nothing(text: str) -> None:
    """What redaction gives is not redacted again."""
    once = Redactor().text(text)
    assert once == Redactor().text(once)


@relaxed
@given(st.lists(texts, max_size=6))
def test_no_more_than_the_limit_is_held(chunks: list[str]) -> None:
    """A stream never holds more than its limit, and holds nothing after a flush."""
    stream = StreamRedactor()
    for chunk in chunks:
        stream.feed(chunk * 40)
        assert stream.held <= HOLD_LIMIT
    stream.flush()
    assert not stream.pending


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NOISE + SECRETS), inner)),
    max_leaves=8,
)


@relaxed
@given(json_values)
def test_a_value_is_redacted_once_and_keeps_its_shape(value: Any) -> None:
    """A redacted value has the same keys and lengths, and comes back itself when redacted again."""
    once = Redactor().value(value)
    assert shape(value) == shape(once)
    assert once is Redactor().value(once)


def shape(value: Any) -> Any:
    """Reduce a value to its structure."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value)
