"""Path patterns as the parts of Argo CD match them, without regular expressions.

Argo CD uses four dialects: Go's path.Match for directories of the git generator, git's pathspecs for its files,
doublestar for value files (since 3.4) and gobwas for `directory.include`. A pattern comes from a repository that
anybody may have written, so matching must not back-track without limit: each star is tried greedily, one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_MAX_ALTERNATIVES = 200
_SPECIAL = "*?["

Token = tuple[str, str]


def is_pattern(text: str) -> bool:
    """True if Argo CD expands the text as a pattern: it holds one of * ? [."""
    return any(character in text for character in _SPECIAL)


def matches_path(pattern: str, path: str) -> bool:
    """Go's path.Match: no wildcard matches a slash. A malformed pattern matches nothing."""
    segments, wanted = path.split("/"), pattern.split("/")
    return len(segments) == len(wanted) and all(map(matches_segment, wanted, segments))


def matches_doublestar(pattern: str, path: str) -> bool:
    """As matches_path, with {a,b} for alternatives and ** for any number of folders."""
    return any(_matches_folders(option.split("/"), path.split("/")) for option in alternatives(pattern))


def matches_pathspec(pattern: str, path: str) -> bool:
    """`git ls-files -- pattern`: a file, everything below a folder, or a pattern whose stars also match slashes."""
    pattern = pattern.strip("/")
    if pattern in ("", "."):
        return True
    if path == pattern or path.startswith(pattern + "/"):
        return True
    return is_pattern(pattern) and matches_segment(pattern, path)


def matches_anywhere(pattern: str, path: str) -> bool:
    """gobwas without separators, as `directory.include` and `exclude` use it: stars match slashes, {a,b} works."""
    return any(matches_segment(option, path) for option in alternatives(pattern))


def alternatives(pattern: str) -> list[str]:
    """A pattern with {a,b} as the patterns without; at most 200 of them, and the text itself if braces do not match."""
    pending, done = [pattern], []
    while pending:
        text = pending.pop()
        opened = text.find("{")
        closed = _closing(text, opened)
        if opened < 0 or closed < 0:
            done.append(text)
            continue
        parts = _split_top(text[opened + 1 : closed])
        if len(pending) + len(done) + len(parts) > _MAX_ALTERNATIVES:
            return [pattern]
        pending.extend(text[:opened] + part + text[closed + 1 :] for part in reversed(parts))
    return done


def _closing(text: str, opened: int) -> int:
    depth = 0
    for at in range(max(opened, 0), len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return -1


def _split_top(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _matches_folders(wanted: list[str], segments: list[str]) -> bool:
    """Whether segments match, ** being any number of them. Row by row, so that many ** cost no more than one."""
    reached: Iterable[int] = {0}
    for pattern in wanted:
        now: set[int] = set()
        if pattern == "**":
            lowest = min(reached, default=None)
            if lowest is not None:
                now = set(range(lowest, len(segments) + 1))
        else:
            now = {at + 1 for at in reached if at < len(segments) and matches_segment(pattern, segments[at])}
        if not now:
            return False
        reached = now
    return len(segments) in reached


def matches_segment(pattern: str, text: str) -> bool:
    """A pattern of * ? [a-z] [^a-z] and \\escapes against a text, the slash being like any other character."""
    tokens = _tokens(pattern)
    if tokens is None:
        return False
    at = position = 0
    star = mark = -1
    while at < len(text):
        if position < len(tokens) and tokens[position][0] == "*":
            star, mark = position, at
            position += 1
        elif position < len(tokens) and _matches_one(tokens[position], text[at]):
            position += 1
            at += 1
        elif star >= 0:
            mark += 1
            at, position = mark, star + 1
        else:
            return False
    return all(kind == "*" for kind, _ in tokens[position:])


@lru_cache(maxsize=1024)
def _tokens(pattern: str) -> tuple[Token, ...] | None:
    """(kind, text): "*", "?", "literal" with its character, "set" with what stands between the brackets."""
    tokens: list[Token] = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        if character in "*?":
            if not (character == "*" and tokens and tokens[-1][0] == "*"):
                tokens.append((character, ""))
        elif character == "[":
            end = pattern.find("]", at + 2)
            if end < 0:
                return None
            tokens.append(("set", pattern[at + 1 : end]))
            at = end
        else:
            if character == "\\":
                at += 1
                if at >= len(pattern):
                    return None
            tokens.append(("literal", pattern[at]))
        at += 1
    return tuple(tokens)


def _matches_one(token: Token, character: str) -> bool:
    kind, text = token
    if kind == "literal":
        return text == character
    if kind == "?":
        return True
    negated = text[:1] in ("^", "!")
    body = text[1:] if negated else text
    at, found = 0, False
    while at < len(body):
        if at + 2 < len(body) and body[at + 1] == "-":
            found = found or body[at] <= character <= body[at + 2]
            at += 3
        else:
            found = found or body[at] == character
            at += 1
    return found != negated
