"""What a secret looks like by itself, and what only stands in for one.

The patterns are the published shapes of tokens (AWS, GitHub, GitLab, Slack, Google, JWT, PEM) and the places where
passwords hide in text: URLs, connection strings, headers, `key: value` inside a string that is itself a file.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Iterator

from csoc.fleet.masking.secretkeys import Suspicion, key_suspicion, names_a_key

Span = tuple[int, int, str]  # start and end of the secret part, and the reason

_BASIC, _BEARER = "a basic auth header", "a bearer token"
_PATTERNS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "-----BEGIN",
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{1,40}-----|\Z)", re.S
        ),
        "a private key",
    ),
    ("A", re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])"), "an AWS access key"),
    (
        "eyJ",
        re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
        "a JSON web token",
    ),
    (
        "_",
        re.compile(r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"),
        "a GitHub token",
    ),
    ("glpat-", re.compile(r"(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,}"), "a GitLab token"),
    ("xox", re.compile(r"(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,}"), "a Slack token"),
    ("xapp-", re.compile(r"(?<![A-Za-z0-9])xapp-[0-9]-[A-Za-z0-9-]{10,}"), "a Slack token"),
    (
        "hooks",
        re.compile(r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[A-Za-z0-9/_-]{8,}"),
        "a Slack webhook",
    ),
    ("api/webhooks/", re.compile(r"(?<=api/webhooks/)[0-9]{5,}/[A-Za-z0-9_-]{20,}"), "a webhook with its key"),
    ("webhook.office.com", re.compile(r"(?<=webhook\.office\.com/)webhookb2/[A-Za-z0-9@/-]{20,}"), "a Teams webhook"),
    ("AIza", re.compile(r"(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"), "a Google API key"),
    ("sk-", re.compile(r"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{20,}"), "an API key"),
    (
        "://",
        re.compile(r"(?<=://)[^\s/@:?#'\"<>|{}$]{0,200}:(?P<secret>[^\s/@'\"<>]{1,400})@(?=[^\s@]{1,300})"),
        "a password in a URL",
    ),
    (
        "=",
        re.compile(
            r"(?i)(?<![a-z])(?:AccountKey|SharedAccessKey|SharedAccessSignature|Pwd)\s?=\s?(?P<secret>[^;\s'\"]{4,})"
        ),
        "a connection string with its key",
    ),
    ("", re.compile(r"(?i)(?<![a-z])basic\s+(?P<secret>[a-z0-9+/]{12,}={0,2})(?![a-z0-9+/=])"), _BASIC),
    ("", re.compile(r"(?i)(?<![a-z])bearer\s+(?P<secret>[a-z0-9._~+/-]{20,}=*)"), _BEARER),
)

_ASSIGNMENT = re.compile(
    r"(?<![\w.])(?<!\w-)(?P<key>[A-Za-z_][\w.-]{1,60})(?P<sign>\\?[\"']?[ \t]{0,4}(?:=>|[:=])[ \t]{0,4})"
    r"(?:(?P<quote>\\?[\"'])(?P<quoted>[^\"'\\\r\n]{1,400})(?P=quote)|(?P<bare>[^\s\"',;(){}\[\]]{1,400}))"
)
_PLACEHOLDER = re.compile(
    r"(?i)(?:\*+|[|>][-+]?|x{3,}|-+|_+|\.{3}|none|null|nil|n/?a|tbd|todo|empty|undefined|redacted|masked|hidden|anonymous|"
    r"<[^<>]{0,200}>|(?:.*[^a-z])?(?:replace[-_ ]?(?:me|this|with)|change[-_ ]?(?:me|this|it)|placeholder|dummy|"
    r"example|fill[-_ ]?(?:me|in))(?:[^a-z].*)?|your[-_ ].{0,100})"
)
_REFERENCE = re.compile(
    r"(?is)(?:\$\{.+\}|\$\(.+\)|(?-i:\$[A-Z_][A-Z0-9_]*)|%\w+%|\{\{.+\}\}|<path:.+>|vault:.+|vault://.+|ref\+.+|op://.+|arn:[a-z-]+:.+|"
    r"ENC\[.+\]|secretsmanager:.+|ssm:.+|awssm:.+|gcp-?sm:.+|file:.+|env:.+|\.?\.?(?:/[\w.-]+){2,}|[\w-]+(?:/[\w.-]+)*\.(?:ya?ml|json|"
    r"txt|pem|key|crt|env|conf|cfg|ini|properties))\Z"
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_./][A-Za-z0-9]+)+\Z")
_WORD = re.compile(r"(?:[A-Za-z]{0,24}[0-9]{0,4}[A-Za-z]{0,24}|[0-9]{1,14})\Z")
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_.~-]+\Z")
_PUBLIC = re.compile(
    r"(?:pub[0-9a-f]{32}|pk_(?:live|test)_\w+|data:[a-z]+/.*|ssh-(?:rsa|ed25519|dss) .*|https?://[^:@\s]+(?:@.*)?)\Z",
    re.S,
)
_LONG_TEXT = 2000  # characters of one scalar beyond which it is a file and no secret by itself


def is_stand_in(text: str) -> bool:
    """Whether a text is empty, a placeholder, or a reference to where the secret is."""
    stripped = text.strip()
    if not stripped:
        return True
    return bool(_PLACEHOLDER.fullmatch(stripped[:300]) or _REFERENCE.match(stripped[:300]))


def reason_by_key(level: Suspicion, text: str) -> str | None:
    """Why a text is a secret, given what its key says; None if it is not."""
    if level is Suspicion.NONE or is_stand_in(text):
        return None
    if level is Suspicion.STRONG:
        return "its key says that it is a secret"
    stripped = text.strip()
    if _PUBLIC.match(stripped) or names_a_key(stripped):
        return None
    if level is Suspicion.MEDIUM:
        is_name = _is_name(stripped) or (stripped.count(" ") > 2 and not _looks_random(stripped, 16))
        return None if is_name else "its key says that it is a secret"
    shortest = 20 if level is Suspicion.WEAK else 32
    return "it looks random, and its key speaks of secrets" if _looks_random(stripped, shortest) else None


def spans(text: str) -> Iterator[Span]:
    """The secret parts inside a text, whatever its key is. Spans may overlap."""
    for sign, pattern, reason in _PATTERNS:
        if sign and sign not in text:
            continue
        for match in pattern.finditer(text):
            group = "secret" if "secret" in pattern.groupindex else 0
            if group == 0 or (not is_stand_in(match[group]) and _is_plausible(reason, match[group])):
                yield *match.span(group), reason
    yield from _assignments(text)


def _assignments(text: str) -> Iterator[Span]:
    if ":" not in text and "=" not in text:
        return
    position = 0
    while match := _ASSIGNMENT.search(text, position):
        group = "quoted" if match["quoted"] is not None else "bare"
        level, value = key_suspicion(match["key"].rpartition(".")[2]), match[group]
        # A word after `token:` in a sentence is no token, so a bare word must look like one.
        bare_word = group == "bare" and _is_bare_word(match, level)
        if level >= Suspicion.WEAK and not bare_word and reason_by_key(level, value):
            yield *match.span(group), f"the value of {match['key']}"
            position = match.end()
        else:
            # The value may itself be a key, as in `env: password=...`.
            position = match.start(group) if level is Suspicion.NONE else match.end()


def _is_bare_word(match: re.Match[str], level: Suspicion) -> bool:
    """Whether what follows a key in a text is code or a sentence: `token = read(file)`, `password: must be`."""
    value, rest = match["bare"], match.string[match.end() : match.end() + 2]
    if level is not Suspicion.STRONG:
        return not _looks_random(value, 8)
    is_code = rest[:1] in ("(", "[") or re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", value) is not None
    is_sentence = ":" in match["sign"] and value.isalpha() and rest[:1] == " " and rest[1:].isalpha()
    return is_code or is_sentence


def _is_plausible(reason: str, text: str) -> bool:
    """Whether what stands behind "basic" or "bearer" is more than the next word of a sentence."""
    if reason == _BASIC:
        try:
            return b":" in base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            return False
    return reason != _BEARER or _looks_random(text, 20)


def _is_name(text: str) -> bool:
    """Whether a text reads like the name of something: words joined by dashes, dots or slashes."""
    return _NAME.match(text) is not None and _is_words(text)


def _looks_random(text: str, shortest: int) -> bool:
    """Whether a text is one long word without spaces that mixes letters and digits as keys do."""
    if not shortest <= len(text) <= _LONG_TEXT or not _OPAQUE.match(text):
        return False
    digits = sum(char.isdigit() for char in text)
    if digits < 2 or digits == len(text) or _is_words(text):
        return False
    counts = Counter(text)
    entropy = -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())
    return entropy >= (2.5 if len(text) < 20 else 3.0)


def _is_words(text: str) -> bool:
    parts = re.split(r"[-_./=~+]", text)
    return len(parts) > 1 and all(_WORD.match(part) for part in parts)
