"""Hides what looks secret before it can reach a reader: one place for pages, findings, errors and logs.

Masking errs on the side of hiding in values, and never hides names (of keys, secrets, files), since those are what a
reader acts on. What a key says and what a value looks like are judged together; `secretkeys` and `secrettext` hold
the two halves.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.fleet.masking import secretkeys, secrettext, yamlsecrets
from csoc.fleet.masking.secretkeys import Steps, Suspicion
from csoc.fleet.masking.yamlsecrets import MASK, Part, Secrets
from csoc.fleet.yaml import yamlscalars

__all__ = [
    "MASK",
    "MaskedFile",
    "hidden_texts",
    "hide_words",
    "judged_path",
    "looks_secret",
    "mask_file",
    "mask_text",
    "mask_tree",
    "masked",
]

_WIDTH = 80
_SECRET_DATA = ("data", "stringData")
_IN_SECRET = "\0in a Secret"  # noqa: S105 - a step of a path that no file can hold
_NAMES = ("name", "key", "variable", "parameter")
_VALUES = ("value", "defaultValue")
_SMALLEST_SECRET_NUMBER = 100  # below it, a number counts or switches something
_EMBEDDED_CHARACTERS = 2_000_000
_EMBEDDED_DEPTH = 6
# A file in a text is only read if one of its keys might be one of a secret; escapes could spell any.
_HINT = re.compile(r"(?i)pass|pw|secret|token|key|cred|auth|salt|hmac|jwt|login|dsn|userdb|hook|pepper|\\[ux]")
_TOKEN = re.compile(r"\w+")
_WORDS_OF_ONE_TOKEN = 50  # beyond that, the token they begin with is hidden, which takes less time


def masked(path: Steps, value: object) -> str:
    """A value for readers: one line of at most 80 characters, masked where key or content look secret. Text stands in
    quotes where it would look like another value without them."""
    text = ""
    for piece in _pieces(path, value, nested=False):
        text += piece
        if len(text) > 4 * _WIDTH:
            break
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1].rstrip() + "…"


def looks_secret(path: Steps, value: object) -> str | None:
    """Why the value at a path is a secret that should not be where it is, as a clause ("a private key"); None if it is
    none: a placeholder, a reference, a name, or nothing that looks secret. Collections give None; ask for each leaf.
    """
    level = secretkeys.suspicion(path)
    if isinstance(value, str):
        by_key = secrettext.reason_by_key(level, value)
        inside = next((reason for _, _, reason in secrettext.spans(value)), None)
        return inside or by_key
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    is_secret = level is Suspicion.STRONG and abs(value) >= _SMALLEST_SECRET_NUMBER
    return "its key says that it is a secret" if is_secret else None


def mask_tree(data: Any, path: Steps = ()) -> Any:
    """The same shape with every secret replaced by MASK, also in Kubernetes Secrets and in lists of name and value.

    A text that only holds a secret somewhere inside keeps the rest of itself. Nothing of the argument is changed.
    """
    if isinstance(data, Mapping):
        return {key: mask_tree(value, step) for key, value, step in _children(data, path)}
    if isinstance(data, (list, tuple)):
        beside = _JUDGES.listed(data)
        return [
            _apply(item, [*_leaf_parts(item, path), *beside[index]])
            if index in beside and isinstance(item, str)
            else mask_tree(item, (*path, index))
            for index, item in enumerate(data)
        ]
    return _mask_leaf(data, path)


def judged_path(data: Any, path: Steps) -> Steps:
    """The path that the value at a path of data is judged by: that of {name: DB_PASSWORD, value: ...} ends with the
    name. For `masked` and `looks_secret`, where data is at hand."""
    judged: Steps = ()
    for step in path:
        if isinstance(data, Mapping):
            judged = next((way for key, _, way in _children(data, judged) if key == step), (*judged, step))
            data = data.get(step)
        else:
            judged = (*judged, step)
            in_list = isinstance(data, (list, tuple)) and isinstance(step, int) and 0 <= step < len(data)
            data = data[step] if in_list else None
    return judged


def hidden_texts(data: Any) -> list[str]:
    """The texts of a tree that `mask_tree` hides, longest first; of a text that only holds a secret, the secret."""
    return sorted(set(_hidden(data, ())), key=len, reverse=True)


def _hidden(data: Any, path: Steps) -> Iterator[str]:
    if isinstance(data, Mapping):
        for _, value, step in _children(data, path):
            yield from _hidden(value, step)
    elif isinstance(data, (list, tuple)):
        beside = _JUDGES.listed(data)
        for index, item in enumerate(data):
            yield from _hidden(item, (*path, index))
            yield from (item[part.start : part.end] for part in beside.get(index, ()) if isinstance(item, str))
    else:
        text = str(data)
        yield from (text[part.start : part.end] if isinstance(data, str) else text for part in _leaf_parts(data, path))
        yield from _embedded(text, 0).words


def mask_text(text: str) -> str:
    """A free text (an error, a message of Helm's) with the secrets inside it replaced by MASK."""
    return _apply(text, _text_parts(text))


@dataclass(frozen=True, slots=True)
class MaskedFile:
    """A YAML file for readers. text: with secrets replaced, in as many lines as before. words: the texts that were
    hidden. manifest: whether a Kubernetes Secret is among it."""

    text: str
    words: frozenset[str]
    manifest: bool


def mask_file(text: str) -> MaskedFile | None:
    """A whole file, keys and comments too; None for what is no YAML, and so cannot be judged."""
    found = yamlsecrets.find(text, _JUDGES)
    if found is None:
        return None
    return MaskedFile(
        _apply(text, [*found.parts, *_text_parts(text)], keep_lines=True), frozenset(found.words), found.manifest
    )


def hide_words(text: str, words: Collection[str]) -> str:
    """The text with these words replaced by MASK wherever they stand as words: a comment may tell a password."""
    by_token: dict[str, list[str]] = {}
    for word in words:
        first = _TOKEN.search(word)
        if first and word.strip("*"):
            by_token.setdefault(first[0], []).append(word)
    for first_token, same in by_token.items():
        if len(same) > _WORDS_OF_ONE_TOKEN:
            same[:] = [first_token]
    parts = []
    for token in _TOKEN.finditer(text):
        for word in by_token.get(token[0], ()):
            start = token.start() - word.index(token[0])
            if start >= 0 and text.startswith(word, start):
                parts.append(Part(start, start + len(word)))
    return _apply(text, parts)


def _apply(text: str, parts: Iterable[Part], *, keep_lines: bool = False) -> str:
    pieces, position = [], 0
    for part in sorted(parts):
        if part.end <= position:
            continue
        if part.start >= position:
            pieces += [text[position : part.start], part.mask]
        if keep_lines:
            pieces.append(f"\n{MASK}" * text.count("\n", max(part.start, position), part.end))
        position = part.end
    return "".join(pieces) + text[position:]


def _text_parts(text: str) -> list[Part]:
    return [Part(start, end) for start, end, _ in secrettext.spans(text)]


def _mask_leaf(value: Any, path: Steps) -> Any:
    parts = _leaf_parts(value, path)
    if not parts:
        return value
    return _apply(value, parts) if isinstance(value, str) else MASK


def _leaf_parts(value: Any, path: Steps, depth: int = 0) -> list[Part]:
    """The secret parts of a scalar at a path; for what is no text, any part means all of it."""
    if value is None or isinstance(value, bool):
        return []
    whole = Part(0, len(value) if isinstance(value, str) else 1)
    if _IN_SECRET in path and value != "":
        return [whole]
    if not isinstance(value, str):
        return [whole] if looks_secret(path, value) else []
    if secrettext.reason_by_key(secretkeys.suspicion(path), value):
        return [whole]
    return [*_embedded(value, depth).parts, *_text_parts(value)]


def _embedded(text: str, depth: int) -> Secrets:
    """The secrets of a text that is a YAML or JSON file itself."""
    is_file = len(text) <= _EMBEDDED_CHARACTERS and ":" in text and ("\n" in text or text.lstrip()[:1] in ("{", "["))
    if not is_file or depth >= _EMBEDDED_DEPTH or not _HINT.search(text):
        return Secrets()
    return _read_embedded(text, depth)


@functools.lru_cache(maxsize=64)
def _read_embedded(text: str, depth: int) -> Secrets:
    return yamlsecrets.find(text, _Judges(depth + 1)) or Secrets()


@dataclass(frozen=True, slots=True)
class _Judges:
    """What is secret in data and in nodes. depth: of texts within texts."""

    depth: int = 0

    def leaf(self, value: object, path: Steps) -> list[Part]:
        return _leaf_parts(value, path, self.depth)

    def listed(self, values: Sequence[object]) -> dict[int, list[Part]]:
        """Arguments of a command: what follows `--password`, and what only shows in the whole command line."""
        texts = [value if isinstance(value, str) else "" for value in values]
        if len(texts) < 2 or not any(text.startswith("-") or text.endswith((":", "=")) for text in texts):
            return {}
        found: dict[int, list[Part]] = {}
        for index, (before, text) in enumerate(itertools.pairwise(texts), 1):
            flag = before.strip()
            level = secretkeys.key_suspicion(flag) if flag.startswith("-") and not set(flag) & set("= :") else None
            if text and level and level >= Suspicion.MEDIUM and secrettext.reason_by_key(level, text):
                found[index] = [Part(0, len(text))]
        line, index, begin = " ".join(texts), 0, 0
        alone = _text_parts(texts[0])
        for part in sorted(_text_parts(line)):
            while begin + len(texts[index]) <= part.start:
                begin += len(texts[index]) + 1
                index += 1
                alone = _text_parts(texts[index])
            if Part(part.start - begin, part.end - begin) not in alone:
                found.setdefault(index, []).append(Part(max(0, part.start - begin), len(texts[index])))
        return found

    def entered(self, entries: Sequence[tuple[str, object]], path: Steps) -> list[tuple[Steps, bool]]:
        """The value of {name: DB_PASSWORD, value: ...} is judged by that name, and everything in the data of a
        Kubernetes Secret is secret."""
        is_secret = any(
            key == "kind" and isinstance(value, str) and value.strip() == "Secret" for key, value in entries
        )
        names = [value for key, value in entries if key in _NAMES and isinstance(value, str)]
        named = [(*path, *name.split(".")) for name in names]
        found: list[tuple[Steps, bool]] = []
        for key, _ in entries:
            if is_secret and key in _SECRET_DATA:
                found.append(((_IN_SECRET, key), True))
            elif named and key in _VALUES:
                found.append((max([*named, (*path, key)], key=secretkeys.suspicion), False))
            else:
                found.append(((*path, key), False))
        return found


_JUDGES = _Judges()


def _children(data: Mapping[Any, Any], path: Steps) -> Iterator[tuple[Any, Any, Steps]]:
    """Each entry with the path to judge it by."""
    entries = [(key, value if isinstance(value, str) else None) for key, value in data.items()]
    for (key, value), (step, _) in zip(data.items(), _JUDGES.entered(entries, path), strict=True):
        yield key, value, step


def _pieces(path: Steps, value: Any, *, nested: bool) -> Iterator[str]:
    """The value as short flow YAML, piece by piece, so that a long one is not written out."""
    if isinstance(value, Mapping):
        yield "{"
        for index, (key, item, step) in enumerate(_children(value, path)):
            yield f"{', ' if index else ''}{' '.join(str(key).split())}: "
            yield from _pieces(step, item, nested=True)
        yield "}"
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        yield "["
        beside = _JUDGES.listed(value[: 4 * _WIDTH])
        for index, item in enumerate(value):
            yield ", " if index else ""
            if index in beside and isinstance(item, str):
                yield _leaf_text(_apply(item, [*_leaf_parts(item, path), *beside[index]]), nested=True)
            else:
                yield from _pieces((*path, index), item, nested=True)
        yield "]"
    else:
        yield _leaf_text(_mask_leaf(value, path), nested=nested)


def _leaf_text(value: Any, *, nested: bool) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    text = str(value)
    line = " ".join(text.split())
    # How a text of several lines is laid out does not show; a space at the end of one line does.
    exact = (line != text and "\n" not in text.rstrip("\n")) or text[:1] in ('"', "'")
    if exact or not text or not yamlscalars.reads_as_text(text) or (nested and any(sign in text for sign in ",{}[]")):
        return json.dumps(text if exact else line, ensure_ascii=False)
    return line
