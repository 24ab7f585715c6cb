"""Who owns which file, by a CODEOWNERS file: so that a change across many files becomes one pull request for each
group of people who have to agree, and nobody is asked about files of others.

GitHub and Gitea give the same name to different things. GitHub's patterns are like those of .gitignore, and the last
line that matches decides, even if it names nobody. Gitea's are regular expressions for the whole path, every line that
matches adds its owners, and "!" means "all files that this does not match". The file comes from a repository, so both
are matched in linear time within a budget (see `fleet.linearregex`).

Sources: "About code owners" of GitHub's documentation; `models/issues/pull.go` and `services/issue/pull.go` of Gitea
1.25. Where they say nothing, GitHub's patterns are taken as its checker of the file takes them: brackets and "!" are
errors, and a line with an error is left out.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from enum import Enum

from csoc.errors import RejectedError
from csoc.fleet.linearregex import (
    Budget,
    Cat,
    Char,
    Node,
    Pattern,
    Repeat,
    UnsupportedPatternError,
    build,
    compile_pattern,
    literal,
)

MAX_FILE_BYTES = 3_000_000
"""GitHub does not load a larger file."""

MAX_RULES = 5_000
_MAX_STATES = 200_000
_MAX_PATTERN = 1_000
_MAX_OWNERS = 100


class Dialect(Enum):
    """Whose rules a CODEOWNERS file follows: those of the host that the repository is on."""

    GITHUB = "github"
    GITEA = "gitea"


LOCATIONS: dict[Dialect, tuple[str, ...]] = {
    Dialect.GITHUB: (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    Dialect.GITEA: ("CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS"),
}
"""Where the host looks, in order; the first that is there counts. GitHub reads the base branch, Gitea the default."""


@dataclass(frozen=True, slots=True)
class OwnersProblem:
    """A line that the host leaves out (0: the whole file), and why.

    unsupported: the host does understand the line and csoc does not, so that owners may be missing.
    """

    line: int
    cause: str
    unsupported: bool = False


@dataclass(slots=True)
class Rule:
    """One line. owners are as written, each with "@" (or a mail address, GitHub); none means "nobody"."""

    line: int
    pattern: str
    owners: tuple[str, ...]
    negated: bool
    compiled: Pattern = field(repr=False)

    def covers(self, path: str, budget: Budget) -> bool:
        """Whether the rule is about the path. Raises RejectedError if the budget does not suffice."""
        return self.compiled.matches(path, budget) != self.negated


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """A parsed CODEOWNERS file: rules in their order, and what could not be used."""

    dialect: Dialect
    rules: tuple[Rule, ...]
    problems: tuple[OwnersProblem, ...]

    def owners(self, path: str, budget: Budget | None = None) -> frozenset[str]:
        """Who owns a path ("a/b.yaml"); empty if nobody does.

        Raises RejectedError if the patterns need more steps than the budget has.
        """
        budget = budget or Budget()
        if self.dialect is Dialect.GITEA:
            return frozenset(owner for rule in self.rules if rule.covers(path, budget) for owner in rule.owners)
        for rule in reversed(self.rules):
            if rule.covers(path, budget):
                return frozenset(rule.owners)
        return frozenset()


def find_codeowners(paths: Container[str], dialect: Dialect) -> str | None:
    """The path of the CODEOWNERS file that the host would use, or None."""
    return next((path for path in LOCATIONS[dialect] if path in paths), None)


def group_by_owners(paths: Iterable[str], codeowners: CodeOwners) -> dict[frozenset[str], list[str]]:
    """Paths by their set of owners, both in order; one pull request for each. Files of nobody are under frozenset().

    Raises RejectedError if the patterns need too much time.
    """
    budget = Budget()
    groups: dict[frozenset[str], list[str]] = {}
    for path in sorted(set(paths)):
        groups.setdefault(codeowners.owners(path, budget), []).append(path)
    return dict(sorted(groups.items(), key=lambda group: sorted(group[0])))


def parse_codeowners(content: bytes, dialect: Dialect) -> CodeOwners:
    """Parses a file. Lines that cannot be used are problems, as they are for the host.

    Raises RejectedError if it has more or larger patterns than csoc reads: half of them would give wrong owners.
    """
    if len(content) > MAX_FILE_BYTES:
        cause = f"the file is larger than {MAX_FILE_BYTES} bytes, so it is not loaded"
        return CodeOwners(dialect, (), (OwnersProblem(0, cause),))
    parse = _parse_github if dialect is Dialect.GITHUB else _parse_gitea
    rules: list[Rule] = []
    problems: list[OwnersProblem] = []
    spelling: dict[str, str] = {}
    states = 0
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), start=1):
        if len(rules) >= MAX_RULES or states >= _MAX_STATES or len(problems) >= MAX_RULES:
            raise RejectedError(
                "The CODEOWNERS file has more or larger patterns than csoc reads", fix="Merge lines with wider patterns"
            )
        try:
            rule = parse(number, line)
        except RejectedError as error:
            problems.append(OwnersProblem(number, error.cause, isinstance(error, UnsupportedPatternError)))
            continue
        if rule is not None:
            # Hosts do not tell "@Ada" from "@ada", so neither may end in a group of its own.
            rule.owners = tuple(dict.fromkeys(spelling.setdefault(owner.lower(), owner) for owner in rule.owners))
            rules.append(rule)
            states += rule.compiled.size
    return CodeOwners(dialect, tuple(rules), tuple(problems))


_GITHUB_OWNER = re.compile(
    r"@[A-Za-z0-9][A-Za-z0-9_-]{0,99}(/[A-Za-z0-9_.-]{1,100})?|[^\s@/]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII
)
_WORD = re.compile(r"(?:\\.|[^\s\\])+|\\")


def _parse_github(number: int, line: str) -> Rule | None:
    words = _WORD.findall(line)
    comment = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
    words = words[:comment]
    if not words:
        return None
    pattern, owners = words[0], words[1:]
    wrong = [owner for owner in owners if not _GITHUB_OWNER.fullmatch(owner)]
    if wrong:
        raise RejectedError(f"{wrong[0][:80]!r} is neither @user nor @organisation/team nor a mail address")
    _check_size(pattern, owners)
    return Rule(number, pattern, tuple(owners), False, _github_pattern(pattern))


def _check_size(pattern: str, owners: list[str]) -> None:
    if len(pattern) > _MAX_PATTERN or len(owners) > _MAX_OWNERS:
        raise RejectedError(f"a line may have {_MAX_PATTERN} characters of pattern and {_MAX_OWNERS} owners")


_NO_SLASH = Char("/".__ne__)
_SLASH = Char("/".__eq__)
_SOME = Repeat(Char(lambda _: True), 1, None)
_FOLDERS = Repeat(Cat((_SOME, _SLASH)), 0, 1)
_BELOW: Node = Cat((_SLASH, _SOME))


def _github_pattern(pattern: str) -> Pattern:
    """A pattern like those of .gitignore, for the whole path of a file.

    With a slash at the beginning or in the middle it starts at the root, else in any folder. A name covers the file of
    that name and all below a folder of that name; with a slash at the end only the latter; a "*" that is the whole last
    part covers files directly there and nothing below, unlike in .gitignore.
    """
    refused = {
        "!": '"!" does not turn a pattern around here',
        "\\#": 'a pattern cannot begin with "#", escaped or not',
    }
    for start, cause in refused.items():
        if pattern.startswith(start):
            raise RejectedError(cause)
    if "[" in pattern or "]" in pattern:
        raise RejectedError("square brackets have no meaning here")
    if "***" in pattern:
        raise RejectedError("three stars in a row have no meaning here")
    segments = [segment for segment in pattern.split("/") if segment]
    if not segments:
        raise RejectedError("the pattern names nothing")
    anchored = "/" in pattern.rstrip("/")
    nodes: list[Node] = [] if anchored else [_FOLDERS]
    for segment in segments[:-1]:
        nodes += [_FOLDERS] if segment == "**" else [*_segment(segment), _SLASH]
    last = segments[-1]
    nodes += [_SOME] if last == "**" else _segment(last)
    if pattern.endswith("/"):
        nodes.append(_BELOW)
    elif last not in {"*", "**"}:
        nodes.append(Repeat(_BELOW, 0, 1))
    return build(Cat(tuple(nodes)))


def _segment(segment: str) -> list[Node]:
    """One part between slashes: "*" is any text, "?" any character, a backslash takes the next one as it is."""
    if segment == "*":
        return [Repeat(_NO_SLASH, 1, None)]
    nodes: list[Node] = []
    escaped = False
    for char in segment:
        if escaped or char not in "\\*?":
            nodes.append(literal(char))
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            nodes.append(Repeat(_NO_SLASH, 0, None) if char == "*" else _NO_SLASH)
    return nodes


def _parse_gitea(number: int, line: str) -> Rule | None:
    words = _gitea_words(line)
    if not words:
        return None
    if len(words) < 2:
        raise RejectedError("a line needs a pattern and an owner")
    pattern, names = words[0], [word.removeprefix("@") for word in words[1:]]
    owners = [f"@{name}" for name in names if name and name.count("/") <= 1 and "@" not in name]
    if not owners:
        raise RejectedError("none of the owners is a user or an organisation/team")
    _check_size(pattern, owners)
    return Rule(number, pattern, tuple(owners), pattern.startswith("!"), compile_pattern(pattern.removeprefix("!")))


def _gitea_words(line: str) -> list[str]:
    """Words of a line. A backslash takes the next character as it is and vanishes, so two of them stand for the one
    that the expression shall see; "#" begins a comment wherever it stands."""
    words: list[str] = []
    word = ""
    escaped = False
    for char in line.strip().replace("\t", " "):
        if escaped:
            word += char
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == "#":
            break
        elif char == " ":
            words += [word] if word else []
            word = ""
        else:
            word += char
    return [*words, word] if word else words
