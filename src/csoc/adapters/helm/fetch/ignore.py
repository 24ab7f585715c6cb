"""The .helmignore file of a chart folder, as Helm reads it (Helm: pkg/ignore).

It looks like .gitignore and is not: the first rule that matches decides, a pattern with a slash must match the whole
path, "**" is an error, and a rule with "!" ignores everything that it does not match.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from csoc.errors import RejectedError

_LONGEST = 500
_DEFAULT = "templates/.?*"

_Token = Callable[[str], bool] | None  # None is a star
_Tokens = tuple[_Token, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: tuple[_Tokens, ...]  # one a path segment
    negated: bool
    folders_only: bool
    whole_path: bool

    def matches(self, path: str) -> bool:
        segments = path.split("/") if self.whole_path else [path.rpartition("/")[2]]
        return len(segments) == len(self.pattern) and all(map(_matches, self.pattern, segments))


class Ignore:
    """The rules of one chart. Raises RejectedError for a file that Helm would refuse."""

    def __init__(self, content: bytes = b"") -> None:
        lines = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()
        rules = [_rule(line.strip()) for line in [*lines[:5_000], _DEFAULT]]
        self._rules = [rule for rule in rules if rule is not None]

    def ignores(self, path: str, *, folder: bool = False) -> bool:
        """True if Helm leaves out this file, or this folder with everything in it. path is inside the chart."""
        for rule in self._rules:
            applies = folder or not rule.folders_only
            if rule.negated:
                if not applies or not rule.matches(path):
                    return True
            elif applies and rule.matches(path):
                return True
        return False

    def leaves_out(self, path: str) -> bool:
        """True if the file or one of the folders above it is ignored."""
        parts = path.split("/")
        above: Sequence[str] = ["/".join(parts[:count]) for count in range(1, len(parts))]
        return any(self.ignores(folder, folder=True) for folder in above) or self.ignores(path)


def _rule(line: str) -> _Rule | None:
    if not line or line.startswith("#"):
        return None
    if "**" in line or len(line) > _LONGEST:
        raise RejectedError(
            'A rule of .helmignore is too long or uses "**", which Helm does not know',
            place=f".helmignore: {line[:80]}",
        )
    negated = line.startswith("!")
    text = line.removeprefix("!")
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    pattern = tuple(_tokens(part) for part in text.removeprefix("/").split("/"))
    return _Rule(pattern, negated, folders_only, "/" in text)


def _tokens(pattern: str) -> _Tokens:
    """One segment of Go's filepath.Match: * and ? stop at slashes, [a-z] and [^a-z], a backslash makes plain."""
    tokens: list[_Token] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            tokens += [] if tokens[-1:] == [None] else [None]
        elif char == "?":
            tokens.append(lambda _: True)
        elif char == "\\" and position < len(pattern):
            tokens.append(pattern[position].__eq__)
            position += 1
        elif char == "[":
            end = pattern.find("]", position + 1)
            if end < 0:
                raise RejectedError("A rule of .helmignore is not a pattern", place=f".helmignore: {pattern[:80]}")
            tokens.append(_among(pattern[position:end]))
            position = end + 1
        else:
            tokens.append(char.__eq__)
    return tuple(tokens)


def _among(text: str) -> Callable[[str], bool]:
    inverse = text.startswith("^")
    chars = text.removeprefix("^")
    ranges: list[tuple[str, str]] = []
    position = 0
    while position < len(chars):
        last = chars[position + 2] if chars[position + 1 : position + 2] == "-" and position + 2 < len(chars) else ""
        ranges.append((chars[position], last or chars[position]))
        position += 3 if last else 1
    return lambda char: any(low <= char <= high for low, high in ranges) != inverse


def _matches(tokens: _Tokens, text: str) -> bool:
    """Steps back to the last star only, so that no pattern takes longer than its length times the text's."""
    here = there = 0
    star, resume = -1, 0
    while there < len(text):
        token = tokens[here] if here < len(tokens) else _never
        if token is None:
            star, resume = here, there
            here += 1
        elif token(text[there]):
            here, there = here + 1, there + 1
        elif star >= 0:
            resume += 1
            here, there = star + 1, resume
        else:
            return False
    return all(token is None for token in tokens[here:])


def _never(_: str) -> bool:
    return False
