"""Secrets leave text before it is written; what is no secret stays."""

from __future__ import annotations

import re
from typing import Any

import pytest

from jupyter_recorder.redact import BUILTIN, HOLD_LIMIT, Redactor, StreamRedactor
from jupyter_recorder.redact.patterns import KEEP_WIDTH
from jupyter_recorder.redact.tokens import _SERVICES as SERVICES

ALNUM40 = "a1B2c3D4e5" * 4
HEX = "0123456789" * 7  # fits all of their classes
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM_BODY = "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AA\n\nMIIEpAIBAAKCAQEA7v+/\r\nabc=\n"

# (text, the secret in it, the kind shown in its place)
SECRETS = [
    ("id AKIAIOSFODNN7EXAMPLE.", "AKIAIOSFODNN7EXAMPLE", "aws-access-key-id"),
    ("ASIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "aws-access-key-id"),
    *((f"({prefix}{ALNUM40})", f"{prefix}{ALNUM40}", "github-token") for prefix in ("ghp_", "gho_", "ghu_", "ghs_")),
    (f"ghr_{ALNUM40}", f"ghr_{ALNUM40}", "github-token"),
    (f"github_pat_11ABC_{ALNUM40}\n", f"github_pat_11ABC_{ALNUM40}", "github-token"),
    ("glpat-abcdefghij0123456789", "glpat-abcdefghij0123456789", "gitlab-token"),
    (f"sk-{ALNUM40}", f"sk-{ALNUM40}", "openai-key"),
    (f"'sk-proj-ab-c_d{ALNUM40}'", f"sk-proj-ab-c_d{ALNUM40}", "openai-key"),
    ("sk-ant-api03-ab_cdefghijk-lmn", "sk-ant-api03-ab_cdefghijk-lmn", "anthropic-key"),
    ("xoxb-123456789012-abcdefghijkl", "xoxb-123456789012-abcdefghijkl", "slack-token"),
    ("AIzaSy0123456789-_abcdefghijklmnopqrstu ", "AIzaSy0123456789-_abcdefghijklmnopqrstu", "google-api-key"),
    ("sk_live_abcdefghijklmnop1234", "sk_live_abcdefghijklmnop1234", "stripe-key"),
    ("rk_live_abcdefghijklmnop1234", "rk_live_abcdefghijklmnop1234", "stripe-key"),
    (f"npm_{ALNUM40}", f"npm_{ALNUM40}", "npm-token"),
    (f"pypi-AgEIcHlwaS5vcmc{ALNUM40}", f"pypi-AgEIcHlwaS5vcmc{ALNUM40}", "pypi-token"),
    (f"hf_{ALNUM40}", f"hf_{ALNUM40}", "huggingface-token"),
    *((f"={prefix}{HEX}", f"{prefix}{HEX}", kind) for kind, prefix, _, _ in SERVICES),
    (f"SG.{ALNUM40[:22]}.{HEX}", f"SG.{ALNUM40[:22]}.{HEX}", "sendgrid-key"),
    (f"jwt {JWT};", JWT, "jwt"),
    (f"\x1b[32mghp_{ALNUM40}\x1b[0m", f"ghp_{ALNUM40}", "github-token"),
    (f"line\\nghp_{ALNUM40}", f"ghp_{ALNUM40}", "github-token"),
    (f"\\npm_{ALNUM40}", f"npm_{ALNUM40}", "npm-token"),
    (f"é{JWT}é", JWT, "jwt"),
    (f"-----BEGIN RSA PRIVATE KEY-----{PEM_BODY}-----END RSA PRIVATE KEY-----\nok", PEM_BODY, "private-key"),
    (f"-----BEGIN PRIVATE KEY-----{PEM_BODY}", PEM_BODY, "private-key"),
    ("Authorization: Bearer abc.def-123\r\n", "abc.def-123", "authorization"),
    ("-H 'authorization: Basic dXNlcjpwYXNz'", "dXNlcjpwYXNz", "authorization"),
    ('{"Authorization": "Bearer abcdef"}', "abcdef", "authorization"),
    ("sent Bearer abcdefghij0123456789.", "abcdefghij0123456789.", "authorization"),
    ("postgres://user:pw@host/db", "pw", "url-password"),
    ("redis://:p@ss@host:6379", "p@ss", "url-password"),
    ("https://user:$ecret@host", "$ecret", "url-password"),
    (
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE",
        "aws-secret-key",
    ),
    ('"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG"', "wJalrXUtnFEMI/K7MDENG", "aws-secret-key"),
    ("export PASSWORD=y", "y", "password"),
    ("PGPASSWORD=hunter psql", "hunter", "password"),
    ("DB_PASSWORD='correct horse é'", "correct horse é", "password"),
    ('password="a\\"b c"; x', 'a\\"b c', "password"),
    ('{\\"password\\": \\"hunter\\", \\"user\\": \\"bob\\"}', "hunter", "password"),
    ("Password: hunter2\n", "hunter2", "password"),
    ("host=x password=letters user=y", "letters", "password"),
    ('def connect(password: str = "hunter")', "hunter", "password"),
    ('if password == "hunter":', "hunter", "password"),
    ('"password"\x1b[0m: \x1b[32m"abc def"\x1b[0m', "abc def", "password"),
    ('api_key: "0123456789abcdef"', "0123456789abcdef", "api-key"),
    ("X-Api-Key: 0123456789abcdef\n", "0123456789abcdef", "api-key"),
    ('os.environ["API_KEY"] = "xyz123"', "xyz123", "api-key"),
    ("AccountKey=abc/def+1234==;EndpointSuffix=x", "abc/def+1234==", "api-key"),
    ("?access_token=abcdef123456&x=1", "abcdef123456", "token"),
    ("GITHUB_TOKEN=abcdefgh", "abcdefgh", "token"),
    ("client_secret: 'abc-def'", "abc-def", "secret"),
    ("MY_SECRET_KEY=abc,def;ghi", "abc,def;ghi", "secret"),
    ("mysql --password=foo -u x", "foo", "password"),
    ("prog --db-password hunter --user bob", "hunter", "password"),
    ("prog --token 'a b' x", "a b", "secret"),
    ("prog --api-key Abc1", "Abc1", "secret"),
]

HARMLESS = [
    "token = tokenizer(text)",
    "token = tokenizer.encode2(x)[0]",
    "token=token",
    "password: str",
    "def f(password: str, token: Optional[str] = None, secret: bytes = b''):",
    "password=password)",
    "password = getpass('Password: ')",
    'print("password: " + pw + "x")',
    "secret = sha256(x)",
    "api_key = os.environ['X']",
    "max_tokens=4096, tokens: 512, 'token_count': 12345678",
    "TOKENIZERS_PARALLELISM=false",
    "PASSWORD=$(cat x) TOKEN=${TOKEN} SECRET=$SECRET A_TOKEN=<your-token>",
    '"eos_token": "<|im_end|>", "pad_token": "[PAD]", "token": "international"',
    "--token TOKEN  the token; --password is asked for; --secret=<name>",
    "The password must be at least 8 characters. Token: none.",
    'f"password={password}"',
    "div.sk-toggleable__control:checked~label.sk-toggleable__label-arrow, sk-estimator-doc-link",
    "task-abcdefghijklmnopqrstuvwxyz disk-0123456789abcdef0123456789abcdef",
    "https://example.com:8080/@user?x=a:b@c http://[::1]:80/ ssh://git@host:22/x",
    "npm_config_registry=https://x hf_hub_download(repo) pypi-publish",
    "-----BEGIN CERTIFICATE-----\nMIIEpAIBAAKCAQEA7v\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIEpAIBAAKCAQEA7v\n",
    'grep "-----BEGIN RSA PRIVATE KEY-----"',
    "Authorization: required. The bearer of this letter",
    "PWD=/home/ana OLDPWD=/tmp bypass=12345678",
    "eyJ.eyJ. and keyJournal.eyJhbGciOiJIUzI1NiJ9",
    "[redacted:password]: abc12345",
]


@pytest.mark.parametrize(("text", "secret", "kind"), SECRETS)
def test_a_secret_is_replaced_and_nothing_else(text: str, secret: str, kind: str) -> None:
    """Of each text, exactly the secret becomes `[redacted:<kind>]`."""
    assert text.replace(secret, f"[redacted:{kind}]") == Redactor().text(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays_the_same_object(text: str) -> None:
    """Code, prose and placeholders come back as the very object that was given."""
    assert text is Redactor().text(text)


@pytest.mark.parametrize(("text", "secret", "kind"), SECRETS)
def test_every_single_cut_of_a_stream_gives_the_same(text: str, secret: str, kind: str) -> None:
    """Cut in two at any place, or into single characters, a text is redacted as a whole one is."""
    expected = Redactor().text(f"before {text} after")
    pieces = [[f"before {text} after"[:cut], f"before {text} after"[cut:]] for cut in range(len(text) + 14)]
    for cut in (*pieces, list(f"before {text} after")):
        stream = StreamRedactor()
        assert expected == "".join([*map(stream.feed, cut), stream.flush()])


def test_a_token_in_a_url_leaves_the_password_beside_it_redacted() -> None:
    """A token that is the user of a URL does not hide the password after it."""
    text = f"https://ghp_{ALNUM40}:pw@github.com/x"
    assert "https://[redacted:github-token]:[redacted:url-password]@github.com/x" == Redactor().text(text)


@pytest.mark.parametrize("enabled", [Redactor(enabled=False), Redactor(patterns=())])
def test_without_patterns_all_passes(enabled: Redactor) -> None:
    """A redactor that is off, or has no patterns, changes nothing."""
    assert "PASSWORD=x" == enabled.text("PASSWORD=x")
    assert ("PASSWORD=x", 0) == ((stream := StreamRedactor(enabled)).feed("PASSWORD=x"), stream.held)


def test_values_are_redacted_leaf_by_leaf() -> None:
    """Every string of a JSON value is redacted, what stands under a secret's name as a whole, images never."""
    value = {"a": ["PASSWORD=x", 1, None, True], "password": "any thing", "image/png": "PASSWORD=x", "n": {"b": "c"}}
    expected = {
        "a": ["PASSWORD=[redacted:password]", 1, None, True],
        "password": "[redacted:password]",
        "image/png": "PASSWORD=x",
        "n": {"b": "c"},
    }
    assert expected == Redactor().value(value)


def test_a_clean_value_comes_back_itself() -> None:
    """A value without secrets is the same object, parts of it too."""
    value: dict[str, Any] = {"a": [1, "x", {"max_tokens": "12345678", "token": ""}], "b": {"c": "PASSWORD=x"}}
    assert value["a"] is Redactor().value(value)["a"]
    assert value["a"] is Redactor().value(value["a"])


def test_a_value_nested_without_end_does_not_exhaust_the_stack() -> None:
    """Nesting deeper than anything that can be shown is cut off."""
    value: Any = "PASSWORD=x"
    for _ in range(10_000):
        value = [value]
    assert "too-deep" in str(Redactor().value(value))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20 12:00:01 INFO server.app: GET /api/items?page=2 200 in 12.5 ms\n",
        "\x1b[1;32mPASS\x1b[0m tests/unit/test_x.py::test_y \x1b[36m[ 50%]\x1b[0m\n",
        "\r 45%|████▌     | 450/1000 [00:04<00:05, 99.80it/s]",
        "ana@host:~/work$ ",
        "Password: ",
        "token = ",
        "------------------------------------------------------------",
        "the name of a URL is https://example.com/",
    ],
)
def test_plain_text_is_not_held(text: str) -> None:
    """Text that can't be the beginning of a secret passes at once, as the object that was given."""
    stream = StreamRedactor()
    assert text is stream.feed(text)
    assert 0 == stream.held


def test_only_the_unfinished_match_is_held() -> None:
    """What stands before a possible secret is given out at once; `held` counts the characters that wait."""
    stream = StreamRedactor()
    assert "é password = '" == stream.feed("é password = 'secrét")
    assert 6 == stream.held


def test_a_name_that_was_given_out_still_tells_its_value() -> None:
    """The value of an assignment is recognised though the name went out long before."""
    stream = StreamRedactor()
    assert ["PASS", "WORD=", "", "[redacted:password]\n"] == [stream.feed(p) for p in ("PASS", "WORD=", "abc", "def\n")]


def test_a_flush_in_the_middle_of_a_secret_does_not_let_its_rest_out() -> None:
    """After a flush that came too early, the rest of the secret is kept back all the same."""
    stream = StreamRedactor()
    given = [stream.feed("key sk-ant-api0"), stream.flush(), stream.feed("3-abcdefghijklmn"), stream.feed("op\n")]
    assert ["key ", "sk-ant-api0", "", "[redacted:anthropic-key]\n"] == given


def test_a_flush_at_the_end_of_a_whole_secret_drops_what_continues_it() -> None:
    """A secret that was already replaced when a flush came swallows the characters that go on with it."""
    stream = StreamRedactor()
    given = [stream.feed("sk-ant-api03-abcdefghijkl"), stream.flush(), stream.feed("mnop"), stream.feed("qr. y")]
    assert ["", "[redacted:anthropic-key]", "", ". y"] == given


def test_a_secret_over_the_limit_is_replaced_to_its_end() -> None:
    """A secret longer than may be held is replaced once the limit is reached, and its rest dropped."""
    stream = StreamRedactor()
    given = [stream.feed("TOKEN=a1"), *(stream.feed("x" * 1000) for _ in range(9)), stream.feed(" end")]
    assert "TOKEN=[redacted:token] end" == "".join(given)


def test_a_false_start_over_the_limit_hides_no_secret_inside_it() -> None:
    """When a beginning grows past the limit and is given up, a secret that began later in it is still found."""
    stream = StreamRedactor()
    text = f"https://user:{'x' * HOLD_LIMIT}:password=hunter2 ghp_{ALNUM40}\n"
    given = "".join(map(stream.feed, text)) + stream.flush()
    assert f"https://user:{'x' * HOLD_LIMIT}:password=[redacted:password] [redacted:github-token]\n" == given


@pytest.mark.parametrize("unit", ["://a:b", "xsk-ant-a", "eyJaaaaaaaa-", "password=", "-----BEGIN ", "token: a", "é"])
@pytest.mark.timeout(20)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    """Two million characters of beginnings that never end are scanned within the time limit, and stay."""
    text = unit * (2_000_000 // len(unit))
    assert text is Redactor().text(text)


@pytest.mark.parametrize("pattern", BUILTIN, ids=lambda p: p.kind)
def test_what_a_pattern_rests_on_is_bounded(pattern: Any) -> None:
    """No `keep` is wider than what a stream remembers, and no pattern has groups of its own."""
    parser = re._parser  # type: ignore[attr-defined]
    assert KEEP_WIDTH >= parser.parse(pattern.keep).getwidth()[1]
    assert 0 == re.compile(pattern.keep + pattern.secret.grow).groups
