"""What a secret looks like by itself, and what only stands in for one.

`tokenshapes` knows the published shapes of tokens. Here are the places where passwords hide in text: `key: value` in a
string that is itself a file, elements, arguments of commands; and what a value must look like to count. All of it takes
time linear in the text, which anybody may have written: every repetition in a pattern has a bound, or cannot begin
again where it has been. (`linearregex` takes patterns of others, and is too slow for all the text that is masked.)
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Iterator

from csoc.fleet.masking import tokenshapes
from csoc.fleet.masking.secretkeys import Suspicion, key_suspicion, names_a_key, words_of

Span = tuple[int, int, str]  # start and end of the secret part, and the reason

_ASSIGNMENT = re.compile(
    r"(?<![\w.])(?<!\w-)(?P<key>[A-Za-z_][\w.-]{1,60})(?P<sign>\\?[\"']?[ \t]{0,4}(?:=>|:=|:(?!=)|=)[ \t]{0,4})"
    r"(?:(?P<quote>\\?[\"'])(?P<quoted>[^\"'\\\r\n]{1,400})(?P=quote)|(?P<bare>[^\s\"',;(){}\[\]]{1,400}))"
)
_ELEMENT = re.compile(
    r"<(?P<key>[A-Za-z_][\w.:-]{1,60})(?:\s[^<>]{0,200})?>\s{0,20}(?:<!\[CDATA\[)?(?P<secret>[^<>\]]{1,400})(?:\]\]>)?\s{0,20}</"
)
_ARGUMENT = re.compile(
    r"(?<![\w-])--?(?P<key>[A-Za-z][\w.-]{1,60})(?P<sign>['\"]?[ \t]{0,4},[ \t]{0,4}|[ \t]{1,8})"
    r"(?:(?P<quote>['\"])(?P<quoted>[^'\"\r\n]{1,400})(?P=quote)|(?P<bare>[^\s\"',;(){}\[\]-][^\s\"',;(){}\[\]]{0,400}))"
)
_DIRECTIVE = re.compile(
    r"(?m)^[ \t]{0,20}(?:ENV|ARG|setenv|set -gx|set -x)[ \t]{1,8}"
    r"(?P<key>[A-Za-z_]\w{1,60})[ \t]{1,8}(?P<secret>[^\s=]{1,400})"
)
# The first words of a sentence that speaks of an option and gives it no value.
_SENTENCE = words_of(
    "a an and are argument as at be before but by can cannot could does else failed flag for from has have if "
    "in into is it may must no nor not of on option or parameter please required set should so than that the "
    "then they this to unless use used using value was were when which while will with without you your"
)
_BLOCK = re.compile(
    r"(?m)^(?P<indent>[ \t]{0,80})(?P<dash>- {1,8})?(?P<quote>[\"']?)(?P<key>[A-Za-z_][\w.-]{1,60})(?P=quote)"
    r"[ \t]{0,4}:[ \t]{1,4}[|>][-+0-9]{0,2}[ \t]{0,8}(?:#.*)?$"
)
_PLACEHOLDER = re.compile(
    r"(?i)(?:\*+|[|>][-+]?|x{3,}|-+|_+|\.{3}|none|null|nil|n/?a|tbd|todo|empty|undefined|redacted|masked|hidden|anonymous|"
    # Words around a placeholder are words too: with a digit or another sign among them it may be a real one.
    r"<[^<>]{0,200}>|(?:[a-z_ -]*[^a-z])?(?:replace[-_ ]?(?:me|this|with)|change[-_ ]?(?:me|this|it)|placeholder|dummy|"
    r"example|fill[-_ ]?(?:me|in))(?:[^a-z0-9!][a-z_ -]*)?|your[-_ ][a-z_ -]{0,100})"
)
_REFERENCE = re.compile(
    r"(?is)(?:\$\{.+\}|\{\w*\}|%s|%\(\w+\)s|\$\(.+\)|(?-i:\$[A-Z_][A-Z0-9_]*)|%\w+%|\{\{[^\"'`]+\}\}|<path:.+>|vault:[\w.-]*[/#].+|vault://.+|ref\+.+|op://.+|arn:[a-z-]+:.+|"
    r"ENC\[.+\]|(?-i:csoc/[a-z][a-z0-9]{9}/[a-z0-9][a-z0-9._-]*)|secretsmanager:.+|ssm:.+|awssm:.+|gcp-?sm:.+|file:.+|env:.+|(?-i:\.?\.?(?:/[a-z.][\w.-]*){2,})|(?-i:[a-z][a-z0-9_-]*(?:/[\w.-]+)*)\.(?:ya?ml|json|"
    r"txt|pem|key|crt|env|conf|cfg|ini|properties))\Z"
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_./][A-Za-z0-9]+)+\Z")
_WORD = re.compile(r"(?:[A-Za-z]{0,24}[0-9]{0,4}[A-Za-z]{0,24}|[0-9]{1,14})\Z")
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_.~-]+\Z")
_PUBLIC = re.compile(
    r"(?:pub[0-9a-f]{32}|pk_(?:live|test)_\w+|data:[a-z]+/.*|ssh-(?:rsa|ed25519|dss) .*|https?://[^:@\s]+(?:@.*)?)\Z",
    re.S,
)
_LOGIN = re.compile(r"[A-Za-z_][\w.@-]{0,60}:(?!//)(?=[^\s:/]*[^a-z\s:/-])(?=[^\s:/]*[^\s:/0-9])[^\s:/]{4,200}\Z")
_SHORTEST_TOKEN = 20
_ONE_WORD = re.compile(r"[\w.]*\Z")
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
        is_name = _is_name(stripped) or (_is_sentence(stripped) and not _looks_random(stripped, 16))
        return None if is_name else "its key says that it is a secret"
    if level is Suspicion.WEAK and _LOGIN.match(stripped):
        return "a login with its password"
    shortest = 20 if level is Suspicion.WEAK else 32
    return "it looks random, and its key speaks of secrets" if _looks_random(stripped, shortest) else None


def _is_sentence(text: str) -> bool:
    """Prose about a secret, rather than a secret of several words."""
    return text.count(" ") > 2 and (len(text) > 60 or text.endswith((".", "?", "!")))


def spans(text: str) -> Iterator[Span]:
    """The secret parts inside a text, whatever its key is. Spans may overlap."""
    if len(text) < _SHORTEST_TOKEN and _ONE_WORD.match(text):
        return
    lowered = text.lower()
    for pattern in tokenshapes.PATTERNS:
        if not any(sign in lowered for sign in pattern.signs):
            continue
        for match in pattern.expression.finditer(text):
            group = "secret" if "secret" in pattern.expression.groupindex else 0
            if group == 0 or (not is_stand_in(match[group]) and _is_plausible(pattern.reason, match[group])):
                yield *match.span(group), pattern.reason
    for login in tokenshapes.LOGINS:
        yield from _logins(login, text)
    yield from _assignments(text)
    yield from _arguments(text)
    yield from _named(text)
    yield from _blocks(text)


def _logins(login: tokenshapes.Login, text: str) -> Iterator[Span]:
    """Passwords in the rest of each line that calls a program."""
    end = 0
    for program in login.program.finditer(text) if login.sign in text else ():
        if program.start() < end:
            continue
        end = text.find("\n", program.end())
        end = len(text) if end < 0 else end
        for match in login.argument.finditer(text, program.end(), end):
            if not is_stand_in(match["secret"]) and not match["secret"].isdigit():
                yield *match.span("secret"), "a login with its password"


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


def _arguments(text: str) -> Iterator[Span]:
    """`--password X`, and ["--password", "X"] in a list."""
    if "-" not in text:
        return
    for match in _ARGUMENT.finditer(text):
        group = "quoted" if match["quoted"] is not None else "bare"
        level, value = key_suspicion(match["key"]), match[group]
        if level < Suspicion.MEDIUM or value.lower() in _SENTENCE or not reason_by_key(level, value):
            continue
        if level is Suspicion.STRONG or group == "quoted" or _looks_random(value, 8):
            yield *match.span(group), f"the value of --{match['key']}"


def _named(text: str) -> Iterator[Span]:
    """Elements of XML, and variables of an image's build file."""
    for sign, pattern in (("</", _ELEMENT), (" ", _DIRECTIVE)):
        for match in pattern.finditer(text) if sign in text else ():
            if key_suspicion(match["key"]) >= Suspicion.MEDIUM and reason_by_key(
                key_suspicion(match["key"]), match["secret"]
            ):
                yield *match.span("secret"), f"the value of {match['key']}"


def _blocks(text: str) -> Iterator[Span]:
    """Lines of a block below a key that holds a secret, in a text that may be no YAML as a whole (a template)."""
    end = 0
    for match in _BLOCK.finditer(text) if "\n" in text else ():
        if match.start() < end or key_suspicion(match["key"]) < Suspicion.MEDIUM:
            continue
        depth = len(match["indent"]) + len(match["dash"] or "")
        first = end = match.end() + 1
        while end < len(text):
            stop = text.find("\n", end) + 1 or len(text) + 1
            line = text[end : stop - 1]
            if line.strip() and len(line) - len(line.lstrip()) <= depth:
                break
            end = stop
        body = text[first : min(end, len(text))]
        lead, length = len(body) - len(body.lstrip()), len(body.strip())
        if length and reason_by_key(key_suspicion(match["key"]), body):
            yield first + lead, first + lead + length, f"the value of {match['key']}"


def _is_bare_word(match: re.Match[str], level: Suspicion) -> bool:
    """Whether what follows a key in a text is code or a sentence: `token = read(file)`, `password: must be`."""
    value, rest = match["bare"], match.string[match.end() : match.end() + 2]
    if level is not Suspicion.STRONG:
        # A variable of a shell is written in capitals and without spaces: what stands behind it is its value.
        is_export = match["sign"] == "=" and level is Suspicion.MEDIUM and match["key"].isupper() and len(value) > 3
        return not is_export and not _looks_random(value, 8)
    is_code = rest[:1] in ("(", "[") or re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", value) is not None
    is_sentence = ":" in match["sign"] and value.isalpha() and rest[:1] == " " and rest[1:].isalpha()
    return is_code or is_sentence


def _is_plausible(reason: str, text: str) -> bool:
    """Whether what stands behind "basic" or "bearer" is more than the next word of a sentence, and the like."""
    if reason == tokenshapes.BASIC:
        try:
            return b":" in base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            return False
    if reason == tokenshapes.HEADER:
        is_variable = text.startswith("$") and text[1:].isidentifier()
        return not is_variable and text.lower() not in _SENTENCE and not text.lower().startswith(("token", "auth"))
    if reason == tokenshapes.KEY_IN_URL:
        return _looks_random(text, 16)
    return reason != tokenshapes.BEARER or _looks_random(text, 20)


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
