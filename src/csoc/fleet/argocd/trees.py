"""From (repository URL, revision) in an Application to the tree that it means: the one at hand, or another one opened.

Each pair is opened once, failures included: a repository that cannot be reached is one Problem with all its places,
and never the same as a repository with nothing in it. How many are tried is limited, since each may cost seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from csoc.errors import CsocError, Kind
from csoc.fleet.argocd.model import Problem
from csoc.fleet.argocd.same_repository import Identity, repository_key
from csoc.fleet.location import Location
from csoc.fleet.masking import mask_text
from csoc.fleet.repositories import Tree

UNREACHABLE = "unreachable repository"
OpenTree = Callable[[str, str], Tree]
"""Opens (repository URL, revision as written). Raises CsocError."""
# Without a network each attempt may last until its time limit, and nobody waits for that a hundred times.
_TRIES = 3


@dataclass(slots=True)
class _Failure:
    repo_url: str
    revision: str
    cause: str
    fix: str
    places: set[Location] = field(default_factory=set)


class Trees:
    """The trees of one reading. open_tree None: no other repository is opened, and each one named is a Problem."""

    def __init__(self, home: Tree, identity: Identity, open_tree: OpenTree | None = None, *, limit: int = 200) -> None:
        self.home = home
        self.identity = identity
        self._open_tree = open_tree
        self._limit = limit
        self._opened: dict[tuple[str, str], Tree] = {}
        self._failures: dict[tuple[str, str], _Failure] = {}
        self._beyond: dict[tuple[str, str], Location | None] = {}
        self._unanswered: Counter[str] = Counter()
        self._answered: set[str] = set()

    def is_home(self, repo_url: str, revision: str) -> bool:
        """True if the pair means the tree at hand."""
        if not self.identity.is_self(repo_url):
            return False
        is_commit_prefix = len(revision) >= 7 and self.home.commit.startswith(revision)
        return revision in self.identity.revisions or is_commit_prefix

    def resolve(self, repo_url: str, revision: str, place: Location | None) -> Tree | None:
        """The tree, or None if it cannot be had; that is remembered with the place and becomes a Problem."""
        if self.is_home(repo_url, revision):
            return self.home
        key = (repository_key(repo_url), revision)
        if key in self._opened:
            return self._opened[key]
        failure = self._failures.get(key)
        if failure is None and len(self._opened) + len(self._failures) >= self._limit:
            self._beyond.setdefault(key, place)
            return None
        if failure is None:
            opened = self._open(repo_url, revision)
            if not isinstance(opened, _Failure):
                self._opened[key] = opened
                return opened
            failure = self._failures[key] = opened
        if place is not None:
            failure.places.add(place)
        return None

    def _open(self, repo_url: str, revision: str) -> Tree | _Failure:
        if self._open_tree is None:
            return _Failure(repo_url, revision, "other repositories were not asked for", "")
        host = repository_key(repo_url).partition("/")[0]
        if self._unanswered[host] >= _TRIES and host not in self._answered:
            return _Failure(repo_url, revision, f"{host} did not answer {_TRIES} times, and was not asked again", "")
        try:
            found = self._open_tree(repo_url, revision)
            self._answered.add(host)
            return found
        except CsocError as error:
            if error.kind is Kind.UNAVAILABLE:
                self._unanswered[host] += 1
            else:
                self._answered.add(host)
            missing = "it was looked for and is not there: " if error.kind is Kind.NOT_FOUND else ""
            return _Failure(repo_url, revision, missing + error.cause, error.fix)

    def why_not(self, repo_url: str, revision: str) -> tuple[str, str] | None:
        """Why a pair could not be had, and the fix, if it was asked for and could not."""
        failure = self._failures.get((repository_key(repo_url), revision))
        return (failure.cause, failure.fix) if failure is not None else None

    def opened(self) -> tuple[Tree, ...]:
        """The home tree and every other one, in the order of opening."""
        return (self.home, *self._opened.values())

    def problems(self) -> tuple[Problem, ...]:
        """One Problem for each (repository, revision) that could not be had."""
        found: list[Problem] = []
        for failure in self._failures.values():
            places = failure.places or [Location(self.home.repository, self.home.commit, "")]
            revision = f' at revision "{failure.revision}"' if failure.revision else ""
            cause = f"{mask_text(failure.repo_url)}{revision} could not be read: {failure.cause}"
            found.append(problem_at(UNREACHABLE, cause, places, failure.fix))
        if self._beyond:
            count = len(self._beyond)
            what = "repository or revision was" if count == 1 else "repositories and revisions were"
            cause = f"{count} more {what} not read: no more than {self._limit} are"
            whole = Location(self.home.repository, self.home.commit, "")
            found.append(problem_at(UNREACHABLE, cause, {place or whole for place in self._beyond.values()}))
        return tuple(found)


def problem_at(kind: str, cause: str, places: Collection[Location], fix: str = "") -> Problem:
    """One Problem with several places: it stands at the first."""
    first, *others = sorted(set(places))
    return Problem(kind, cause, first, fix, tuple(others))
