"""Semantic versions and constraints as Helm and Argo CD understand them.

A chart's version is often a constraint ("~1.2", ">=1 <3", "*"), and the answer decides what is installed. The rules are
those of the Go library that both use (Masterminds semver 3), including its own ones: "1.2" alone means any 1.2.x, and
pre-releases match only where the constraint itself names one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, total_ordering

_LENGTH = 256  # versions come from strangers
_LARGEST = 2**64 - 1
_TAIL = r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
_VERSION = re.compile(rf"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?{_TAIL}", re.ASCII)
_PART = r"(\d+|[xX*])"
_WILD = rf"v?{_PART}(?:\.{_PART})?(?:\.{_PART})?{_TAIL}"
_ITEM = re.compile(rf"\s*(!=|>=|=>|<=|=<|~>|=|>|<|~|\^|)\s*{_WILD}", re.ASCII)
_RANGE = re.compile(rf"({_WILD})\s+-\s+({_WILD})", re.ASCII)
_SAME = {"=>": ">=", "=<": "<=", "~>": "~", "=": ""}


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version; text is how it was written. Build metadata counts for nothing in comparisons."""

    major: int
    minor: int
    patch: int
    pre: str = ""
    text: str = ""

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """ "1.2.3-rc.1+x", "v1.2" (missing parts are 0); None if it is none."""
        match = _VERSION.fullmatch(text) if len(text) <= _LENGTH else None
        if match is None:
            return None
        major, minor, patch = (int(part or 0) for part in match.groups()[:3])
        if max(major, minor, patch) > _LARGEST:
            return None
        return cls(major, minor, patch, match[4] or "", text)

    def _key(self) -> tuple[int, int, int, bool, list[tuple[bool, int, str]]]:
        # A release stands above its pre-releases; numbers stand below words (semver.org, 11).
        parts = [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in self.pre.split(".")]
        parts = [(word, number, part if word else "") for word, number, part in parts]
        return self.major, self.minor, self.patch, not self.pre, parts if self.pre else []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key() == other._key()

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash((self.major, self.minor, self.patch, self.pre))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One comparison. parts: how many numbers are given (0 for "*"); the others are wild."""

    operator: str
    version: Version
    parts: int

    def allows(self, version: Version, pre: bool) -> bool:
        if version.pre and not pre:
            return False
        return _CHECKS[self.operator](self, version)

    def equal(self, version: Version) -> bool:
        return self.tilde(version) if self.parts < 3 else version == self.version

    def different(self, version: Version) -> bool:
        if self.parts == 3:
            return version != self.version
        given = (self.version.major, self.version.minor)[: max(self.parts, 1)]
        return (version.major, version.minor)[: len(given)] != given

    def greater(self, version: Version) -> bool:
        if self.parts == 3:
            return version > self.version
        given = (self.version.major, self.version.minor)[: max(self.parts, 1)]
        return (version.major, version.minor)[: len(given)] > given

    def less(self, version: Version) -> bool:
        return version < self.version

    def at_least(self, version: Version) -> bool:
        return version >= self.version

    def at_most(self, version: Version) -> bool:
        if self.parts == 3:
            return version <= self.version
        if self.parts == 2:
            return (version.major, version.minor) <= (self.version.major, self.version.minor)
        # "<=*" is "<=0" to the Go library, which compares no more than the major number.
        return version.major <= self.version.major

    def tilde(self, version: Version) -> bool:
        if version < self.version:
            return False
        own = self.version
        if self.parts == 0 or (self.parts == 3 and (own.major, own.minor, own.patch) == (0, 0, 0)):
            return True
        return version.major == own.major and (self.parts == 1 or version.minor == own.minor)

    def caret(self, version: Version) -> bool:
        own = self.version
        if version < own:
            return False
        if self.parts == 0:
            return True
        if own.major > 0 or self.parts == 1:
            return version.major == own.major
        if version.major > 0:
            return False
        if own.minor > 0 or self.parts == 2:
            return version.minor == own.minor
        return version.minor == 0 and version.patch == own.patch


_CHECKS = {
    "": _Comparison.equal,
    "!=": _Comparison.different,
    ">": _Comparison.greater,
    "<": _Comparison.less,
    ">=": _Comparison.at_least,
    "<=": _Comparison.at_most,
    "~": _Comparison.tilde,
    "^": _Comparison.caret,
}


@dataclass(frozen=True, slots=True)
class Constraint:
    """What versions are wanted: alternatives, each a list of comparisons that all hold."""

    alternatives: tuple[tuple[_Comparison, ...], ...]

    @classmethod
    @lru_cache(maxsize=4096)  # thousands of Applications name the same few revisions
    def parse(cls, text: str) -> Constraint | None:
        """ "^1.2 || >=3 <4", "1.x", "1.2 - 2.3"; "" is "*". None if it is none."""
        if len(text) > _LENGTH:
            return None
        text = _RANGE.sub(lambda match: f">= {match[1]}, <= {match[7]} ", text.strip() or "*")
        alternatives = [_comparisons(part) for part in text.split("||")]
        if any(not comparisons for comparisons in alternatives):
            return None
        return cls(tuple(tuple(comparisons) for comparisons in alternatives))

    def allows(self, version: Version) -> bool:
        """True if the version is wanted."""
        for comparisons in self.alternatives:
            pre = any(comparison.version.pre for comparison in comparisons)
            if all(comparison.allows(version, pre) for comparison in comparisons):
                return True
        return False


def _comparisons(text: str) -> list[_Comparison]:
    """The comparisons of one alternative; [] if it is none. Between two stands white space or a comma."""
    found: list[_Comparison] = []
    position = 0
    while match := _ITEM.match(text, position):
        if found and not (text[position] == "," or text[position].isspace() or text[position - 1] == ","):
            return []
        operator, numbers = match[1], match.groups()[1:4]
        given: list[int] = []
        for number in numbers:
            if number is None or number in "xX*":
                break
            given.append(int(number))
        major, minor, patch = [*given, 0, 0, 0][:3]
        version = Version(major, minor, patch, match[5] or "", match[0].strip())
        found.append(_Comparison(_SAME.get(operator, operator), version, len(given)))
        position = match.end()
        rest = text[position:].lstrip()
        if not rest:
            return found
        if rest.startswith(","):
            position = len(text) - len(rest) + 1
    return []


def is_exact(text: str) -> bool:
    """True if the text names one version and no range: three numbers, nothing before or beside them."""
    match = _VERSION.fullmatch(text.strip()) if len(text) <= _LENGTH else None
    return match is not None and match[3] is not None


def newest(versions: Iterable[str], wanted: str) -> str | None:
    """Which of the versions Helm takes: the one that is written exactly so, else the highest that is allowed.

    wanted: a version, a constraint, or "" for the highest release. None if there is none, or `wanted` is neither.
    """
    known = [version for version in map(Version.parse, versions) if version is not None]
    for version in known:
        if wanted and version.text == wanted:
            return version.text
    constraint = Constraint.parse(wanted)
    if constraint is None:
        return None
    allowed = [version for version in known if constraint.allows(version)]
    return max(allowed).text if allowed else None
