"""Layer 2: secrets that are known by what stands before them: assignments, options, headers, URLs.

The name stays, the value goes. In code, `token = tokenizer(x)` and `password: str` are no secrets, so the rules
depend on the form: `NAME=value` of a shell takes all up to the next blank; quotes take their content; a bare value
elsewhere must hold a digit or a symbol and end as a plain word does.

Sources: RFC 6750 and RFC 7617 (Authorization), RFC 3986 section 3.2.1 (user information in a URL).
"""

from __future__ import annotations

from typing import Final

from .grammar import Part, Pattern, either, headed, mixed, some

_CONTROL: Final = r"\x00-\x20\x7f"
_GAP: Final = r"(?:[ \t]{0,16}(?:\x1b\[[0-9;]{0,11}m)?[ \t]{0,2})"
_SUFFIX: Final = "(?:[_-]?(?:key|value|prod|dev|test|[0-9]{1,2}))?"
_ASSIGN: Final = rf"(?:\\?[\"'`]\]?)?{_GAP}(?:[=!:]=|=>|:{_GAP}str{_GAP}=|:|=){_GAP}"

# `$NAME`, `${…}`, `$(…)`, `<placeholder>` and `{placeholder}` are no secrets; `[` begins a list or our replacement.
_SHELL: Final = rf"[^{_CONTROL}\"'`<>()\[\]{{}}]"
_SHELL_FIRST: Final = rf"[^{_CONTROL}\"'`<>()\[\]{{}}$=]"
_SHELL_END: Final = rf"(?:[{_CONTROL}\"'`<>)\]}}]|\z)"
_PLAIN: Final = r"[A-Za-z_.!?/+*=:\x80-\xff-]"
_TELLING: Final = "[0-9@#%^~]"
_PLAIN_END: Final = rf"(?:[{_CONTROL}\"'`,;&|<>)\]}}\\]|\z)"
_QUOTE_END: Final = r"(?:[\"'\\\r\n]|\z)"


def _or_dollar(first: str, chars: str, least: int, *, more: str = "") -> Part:
    """Match `headed` or a value that begins with `$` and is no variable; `more` may follow a text cut in an escape."""
    name = rf"[^{_CONTROL}\"'`<>()\[\]{{}}\\A-Z_$]"
    plain = headed(first, chars, least)
    dollar = Part(rf"\${name}{chars}{{{max(0, least - 2)},}}", rf"\$(?:{name}{chars}*)?")
    both = either(plain, dollar)
    return Part(both.full, f"{both.grow}{more}")


def _shell(least: int) -> Part:
    return _or_dollar(_SHELL_FIRST, _SHELL, least)


def _bare(least: int) -> Part:
    return mixed(_PLAIN, _TELLING, "[$]", least)


def _phrase(quote: str) -> Part:
    """Match what stands in quotes, blanks and escapes included."""
    chars = rf"(?:[^{quote}\\\r\n]|\\[^\r\n])"
    return _or_dollar(rf"[^{_CONTROL}{quote}\\<>()\[\]{{}}$,;+]", chars, 1, more=r"\\?")


def _quoted(kind: str, keep: str, value: Part | None) -> list[Pattern]:
    """Match a value in either quote, and in quotes that are escaped themselves (JSON in JSON); None takes any."""
    found = []
    for quote in ('"', "'"):
        opened = rf"{keep}[bBrRuU]?{quote}"
        tail = rf"[^{quote}\r\n]" if value is None else ""
        post = "" if value is None else _QUOTE_END
        found.append(Pattern(kind, value or _phrase(quote), opened, post, tail, layer=2))
    inner = value or _or_dollar(rf"[^{_CONTROL}\"\\<>()\[\]{{}}$,;+]", r"[^\"\\\r\n]", 1)
    found.append(Pattern(kind, inner, rf"{keep}\\\"", _QUOTE_END, layer=2))
    return found


def _assigned(kind: str, names: str, *, env: int, bare: int, quoted: Part | None) -> list[Pattern]:
    """Match assignments to `names`: the least lengths of a shell's value and of a bare one, and what quotes hold."""
    name = f"(?i:{names}{_SUFFIX})"
    return [
        Pattern(kind, _shell(env), f"(?:{names.upper()}{_SUFFIX.upper()})=", _SHELL_END, _SHELL, layer=2),
        Pattern(kind, _bare(bare), name + _ASSIGN, _PLAIN_END, f"(?:{_PLAIN}|{_TELLING})", layer=2),
        *_quoted(kind, name + _ASSIGN, quoted),
    ]


def _option(kind: str, names: str) -> list[Pattern]:
    keep = f"--(?:[a-z0-9]{{1,16}}-){{0,3}}{names}"
    word = rf"[^{_CONTROL}\"'`<>()\[\]{{}}$=A-Z_-]"
    # An upper-case word alone is a usage text's metavariable (`--token TOKEN`), a short one is prose (`--token is`).
    named = Part(f"[A-Z_]+{word}{_SHELL}*", f"[A-Z_]+(?:{word}{_SHELL}*)?")
    return [
        Pattern(kind, either(_or_dollar(word, _SHELL, 1), named), f"{keep}=", _SHELL_END, _SHELL, layer=2),
        Pattern(kind, either(_or_dollar(word, _SHELL, 4), named), f"{keep} ", _SHELL_END, _SHELL, layer=2),
        *_quoted(kind, f"{keep}[= ]", None),
    ]


def _authorization() -> list[Pattern]:
    scheme = "(?i:bearer|basic|token|apikey|digest|bot) {1,2}"
    header = rf"(?i:authorization){_ASSIGN}[bBrRuU]?\\?[\"']?{scheme}"
    chars = "[A-Za-z0-9._~+/=-]"
    return [
        Pattern("authorization", some(chars, 4), header, tail=chars, layer=2),
        Pattern("authorization", _bare(16), r"\b[Bb]earer ", _PLAIN_END, chars, layer=2),
    ]


def _url() -> Pattern:
    user = r"(?:[A-Za-z0-9._~%!*+$-]{0,128}|\[redacted:[a-z0-9-]{1,32}\])"
    chars = rf"[^{_CONTROL}\"'`<>/\\]"
    first = rf"[^{_CONTROL}\"'`<>/\\@\[{{$]"
    return Pattern("url-password", _or_dollar(first, chars, 1), f"://{user}:", "@", layer=2)


_WORD6: Final = headed(rf"[^{_CONTROL}\"'`<>()\[\]{{}}\\$]", rf"[^{_CONTROL}\"'\\]", 6)

SURROUNDED: Final = (
    *_option("password", "(?:password|passwd|passphrase|pass)"),
    *_option("secret", "(?:token|secret|api-?key|access-key|private-key)"),
    *_authorization(),
    _url(),
    *_assigned("aws-secret-key", "secret[_-]?access[_-]?key", env=6, bare=8, quoted=_WORD6),
    *_assigned("password", "(?:pass(?:word|wd|phrase|code)|[_;-]pwd|[_-]pass)", env=1, bare=4, quoted=None),
    # `password=word` of a connection string; in code a comma or a bracket would follow.
    Pattern("password", some("[A-Za-z]", 6), "(?i:password|passwd)=", rf"(?:[{_CONTROL}\"'&;|]|\z)", layer=2),
    *_assigned("secret", "secret", env=6, bare=6, quoted=_WORD6),
    *_assigned(
        "api-key",
        "(?:api|access|account|auth|private|signing|encryption|master)[_-]?key",
        env=6,
        bare=8,
        quoted=_WORD6,
    ),
    *_assigned("token", "token", env=6, bare=8, quoted=_bare(8)),
)
