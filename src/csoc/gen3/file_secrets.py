"""Finds secrets in any text file of a repository: a key file, notes with a token, a values file that nothing reads yet.

What rules see of values is a small part of what a repository holds, and whoever has a clone has all of it. Shapes of
keys and tokens are looked for everywhere; what only its key's name gives away, in files of keys and values. Most files
hold nothing, so a file is first asked in a way that costs a second for 60 MB, and read closely only if it may.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from csoc.errors import CsocError
from csoc.fleet.masking import looks_secret
from csoc.fleet.masking.tokenshapes import BASIC, BEARER, HEADER, KEY_IN_URL, PATTERNS, Shape
from csoc.fleet.values import look_up
from csoc.fleet.yaml import yamltext
from csoc.gen3.plain_secrets import opens_much, secrets_in

_YAML = (".yaml", ".yml")
_BINARY_SAMPLE = 8_000
_SHORTEST = 15
_GUESSED = frozenset({BASIC, BEARER, HEADER, KEY_IN_URL, "a secret in a URL", "a password in a URL"})
# Shapes that are a secret wherever they stand; those with a group rest on the words around it.
_EXACT: tuple[Shape, ...] = tuple(
    shape for shape in PATTERNS if shape.reason not in _GUESSED and "secret" not in shape.expression.groupindex
)
_MARKS = (b"-----BEGIN ", b"hooks.slack.com/", b"api/webhooks/", b"webhook.office.com/")
_MARKED = tuple(
    shape for shape in _EXACT if any(sign in mark.decode().lower() for sign in shape.signs for mark in _MARKS)
)
_PREFIXED = tuple(shape for shape in _EXACT if shape not in _MARKED)
_WORDS = bytes(code if (chr(code).isalnum() and code < 128) or chr(code) in "_-." else 32 for code in range(256))
_PREFIX = re.compile(
    rb"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA|eyJ|gh[pousr]_|github_pat_|gl[a-z]{2,6}-|npm_|hf_|api_org_|pypi-|dckr_|"
    rb"hv[sbr]\.|SG\.|dapi|[sr]k_(?:live|test)_|whsec_|SK|sk-|xox|xapp-|GOCSPX-|ya29\.|glsa_|dop_v1_|shpat_|sntry|"
    rb"lin_api_|PMAK-|ATATT3|AGE-SECRET-KEY-1|AIza)"
)
_HINTS = (b"pass", b"pwd", b"secret", b"token", b"key", b"cred", b"auth", b"salt", b"dsn", b"hook", b"value")
_ENTRY = re.compile(
    r"\s*(?:-\s+)?(?:export\s+)?(?P<q>[\"']?)(?P<key>[A-Za-z_][\w.-]{0,100})(?P=q)\s{0,4}[:=]\s{0,8}(?P<value>\S.*)$"
)
_NAME = re.compile(r"\s*(?:-\s+)?[\"']?name[\"']?\s{0,4}:\s{0,8}[\"']?(?P<name>[\w.-]{1,100})[\"']?\s*$")
_COMMENT = re.compile(r"\s#.*$")
_CONSTANTS = frozenset({"true", "false", "null", "~", "yes", "no", "on", "off", "|", ">", "|-", ">-", "|+", ">+"})
_LONGEST_LINE = 20_000


@dataclass(frozen=True, slots=True)
class FileSecret:
    """One secret. line: from 1. reason: a clause for readers. text: the secret itself, which goes nowhere."""

    line: int
    reason: str
    opens_much: bool
    text: str


def is_text(content: bytes) -> bool:
    """As Git tells: no zero byte near the beginning."""
    return b"\0" not in content[:_BINARY_SAMPLE]


def holds_keys(path: str) -> bool:
    """Whether a file is one of keys and values, by its name."""
    name = path.rpartition("/")[2].lower()
    return name.endswith((*_YAML, ".env")) or name == ".env" or name.startswith(".env.")


def secrets_in_file(content: bytes, *, keys: bool) -> list[FileSecret]:
    """Every secret of a text file, by line. keys: whether the names of keys are judged too."""
    found: dict[tuple[int, str], FileSecret] = {}
    for item in _shapes(content):
        found.setdefault((item.line, item.text), item)
    if keys:
        lines = {item.line for item in found.values()}
        for item in _by_key_parsed(list(_by_key(content)), content):
            if item.line not in lines:
                found.setdefault((item.line, item.text), item)
    return sorted(found.values(), key=lambda item: (item.line, item.reason))


def _shapes(content: bytes) -> Iterator[FileSecret]:
    if any(mark in content for mark in _MARKS):
        text = content.decode("utf-8", "replace")
        for shape in _MARKED:
            for match in shape.expression.finditer(text):
                yield _secret(text.count("\n", 0, match.start()) + 1, shape, match[0])
    words = {word for word in content.translate(_WORDS).split() if len(word) >= _SHORTEST}
    for word in words:
        if _PREFIX.search(word):
            yield from _in_word(word, content)


def _in_word(word: bytes, content: bytes) -> Iterator[FileSecret]:
    text = word.decode("ascii")
    lowered = text.lower()
    for shape in _PREFIXED:
        match = shape.expression.search(text) if any(sign in lowered for sign in shape.signs) else None
        if match is None:
            continue
        start = content.find(word)
        while start >= 0:
            yield _secret(content.count(b"\n", 0, start) + 1, shape, match[0])
            start = content.find(word, start + len(word))
        return


def _secret(line: int, shape: Shape, text: str) -> FileSecret:
    return FileSecret(line, shape.reason, opens_much("", shape.reason), text)


def _by_key_parsed(guessed: list[FileSecret], content: bytes) -> Iterator[FileSecret]:
    """What the lines let one guess, as YAML has it; a template, and other files of keys and values, are no YAML."""
    if not guessed:
        return
    try:
        documents = yamltext.parse(content)
    except CsocError:
        yield from guessed
        return
    if not any(isinstance(document.data, (dict, list)) for document in documents):
        yield from guessed
        return
    for document in documents:
        for path, reason, much in secrets_in(document.data):
            line, _ = document.position(path) or (document.line, 1)
            key = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
            yield FileSecret(line, f"{key}: {reason}", much, str(look_up(document.data, path)))


def _by_key(content: bytes) -> Iterator[FileSecret]:
    lowered = content.lower()
    if not any(hint in lowered for hint in _HINTS):
        return
    if b"\nkind: secret\n" in b"\n" + lowered.replace(b"\r", b""):
        return  # its data is encoded, and a rule of its own decodes it
    named = ""
    for number, (raw, small) in enumerate(zip(content.split(b"\n"), lowered.split(b"\n"), strict=True), 1):
        if len(raw) > _LONGEST_LINE or not (b":" in raw or b"=" in raw):
            continue
        line = raw.decode("utf-8", "replace").rstrip("\r")
        if b"name" in small and (match := _NAME.match(line)):
            named = match["name"]
            continue
        entry = _ENTRY.match(line) if any(hint in small for hint in _HINTS) else None
        if entry is None:
            continue
        key = named if entry["key"] == "value" and named else entry["key"]
        value = _plain(entry["value"])
        reason = looks_secret((key,), value) if value is not None else None
        if reason:
            yield FileSecret(number, f"{key}: {reason}", opens_much(key, reason), str(value))


def _plain(written: str) -> str | int | None:
    """A scalar as it is written in a line, without quotes and comment; None for what is no secret."""
    text = _COMMENT.sub("", written).strip()
    if text[:1] in ('"', "'") and text.endswith(text[:1]) and len(text) > 1:
        return text[1:-1]
    if text.lower() in _CONSTANTS or text[:1] in ("&", "*", "!"):
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text
