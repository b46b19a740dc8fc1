"""Layer 1: tokens that are known by their own spelling.

The published formats: AWS "Unique identifiers" (IAM user guide), GitHub "About authentication" (token formats), GitLab
"Token overview" (prefixes), Slack "Token types", Stripe "API keys", RFC 7519 (JWT), RFC 7468 (PEM). The least lengths
are below the published ones, since examples and older tokens are shorter, and above what words reach.
"""

from __future__ import annotations

from typing import Final

from .grammar import Part, Pattern, lit, seq, some

# The end of a colour sequence or an escaped line break may stand directly before a token: no word boundary there.
EDGE: Final = r"(?:\b|[\[;0-9][mKJHG]|\\[nrt])"
_ALNUM: Final = "[A-Za-z0-9]"
_WORD: Final = "[A-Za-z0-9_-]"


def _tokens(kind: str, *prefixes: str, body: str = _ALNUM, least: int) -> list[Pattern]:
    return [Pattern(kind, seq(lit(prefix), some(body, least)), EDGE, tail=body) for prefix in prefixes]


def _aws_key_id(prefix: str) -> Pattern:
    return Pattern("aws-access-key-id", seq(lit(prefix), some("[A-Z0-9]", 16, 16)), EDGE, post=r"\b")


def _google() -> Pattern:
    # The exact length and an end: four letters alone come up by chance in base64.
    return Pattern("google-api-key", seq(lit("AIza"), some(_WORD, 35, 35)), EDGE, post=r"(?:[^A-Za-z0-9_-]|\z)")


def _sendgrid() -> Pattern:
    body = (lit("SG."), some(_WORD, 16, 32), lit("."), some(_WORD, 32))
    return Pattern("sendgrid-key", seq(*body), EDGE, tail=_WORD)


def _jwt() -> Pattern:
    section = (lit("eyJ"), some(_WORD, 8), lit("."))
    return Pattern("jwt", seq(*section, *section, some(_WORD, 8)), EDGE, tail=_WORD)


def _private_key() -> Pattern:
    # Single dashes stand in the old header lines ("DEK-Info: AES-128-CBC"), five in a row in the footer alone.
    chars = r"A-Za-z0-9+/=\s\\:,"
    body = Part(f"(?:[{chars}]|-[A-Za-z0-9]){{16,}}", f"(?:(?:[{chars}]|-[A-Za-z0-9])+-?|-)")
    header = "-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    return Pattern("private-key", body, header, tail=f"[{chars}]")


# Of services whose tokens say by their beginning what they are; the formats are those that their makers publish (the
# rules of gitleaks, MIT, collect them). Each first letter that is new here costs: what a piece ends with may begin one.
_HEX: Final = "[0-9a-f]"
_SERVICES: Final[tuple[tuple[str, str, str, int], ...]] = (
    ("age-key", "AGE-SECRET-KEY-1", "[A-Z0-9]", 40),
    ("atlassian-token", "ATATT3", "[A-Za-z0-9_=-]", 60),
    ("gitlab-token", "glrt-", _WORD, 16),
    ("gitlab-token", "gldt-", _WORD, 16),
    ("gitlab-token", "glptt-", _WORD, 16),
    ("google-oauth-secret", "GOCSPX-", _WORD, 20),
    ("grafana-token", "glsa_", "[A-Za-z0-9_]", 30),
    ("groq-key", "gsk_", _ALNUM, 40),
    ("huggingface-token", "api_org_", _ALNUM, 30),
    ("new-relic-key", "NRAK-", _ALNUM, 20),
    ("notion-token", "ntn_", _ALNUM, 40),
    ("perplexity-key", "pplx-", _ALNUM, 40),
    ("replicate-token", "r8_", _ALNUM, 30),
    ("rubygems-key", "rubygems_", _HEX, 40),
    ("sentry-token", "sntrys_", "[A-Za-z0-9_+/=-]", 40),
    ("sentry-token", "sntryu_", _HEX, 40),
    ("shopify-token", "shpat_", "[0-9A-Fa-f]", 32),
    ("shopify-token", "shpss_", "[0-9A-Fa-f]", 32),
    ("slack-token", "xapp-", "[A-Za-z0-9-]", 20),
    ("supabase-token", "sbp_", _HEX, 40),
    ("vault-token", "hvs.", _WORD, 24),
    ("vault-token", "hvb.", _WORD, 24),
    ("xai-key", "xai-", _ALNUM, 40),
)

TOKENS: Final = (
    _private_key(),
    _aws_key_id("AKIA"),
    _aws_key_id("ASIA"),
    *_tokens("github-token", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", least=20),
    *_tokens("github-token", "github_pat_", body="[A-Za-z0-9_]", least=20),
    *_tokens("gitlab-token", "glpat-", body=_WORD, least=16),
    *_tokens("anthropic-key", "sk-ant-", body=_WORD, least=12),
    *_tokens("openai-key", "sk-proj-", "sk-svcacct-", "sk-admin-", body=_WORD, least=12),
    # No dash or underscore here: `sk-toggleable__label` and its like are style classes in scikit-learn's outputs.
    *_tokens("openai-key", "sk-", least=20),
    *_tokens("slack-token", "xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", body="[A-Za-z0-9-]", least=10),
    *_tokens("stripe-key", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_", least=16),
    *_tokens("npm-token", "npm_", least=30),
    *_tokens("pypi-token", "pypi-", body=_WORD, least=50),
    *_tokens("huggingface-token", "hf_", least=30),
    _google(),
    _sendgrid(),
    *(pattern for kind, prefix, body, least in _SERVICES for pattern in _tokens(kind, prefix, body=body, least=least)),
    _jwt(),
)
