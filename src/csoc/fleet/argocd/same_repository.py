"""Which repository URL means the repository that is being read, and which of its revisions.

Applications name their own repository by URL and branch. A reader has it as a clone with remotes, as a plain folder or
on a branch of a pull request, and asks what those Applications would deploy from what is there. So the URL must be
recognised, with the evidence for it, and the branch that most of them name is taken to be what is at hand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from csoc.fleet.addresses import canonical_name
from csoc.fleet.repositories import Tree

_MIN_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Reference:
    """One naming of a repository by an Application: its URL, the revision as written ("" if none), and the paths in it
    that the Application names."""

    repo_url: str
    revision: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """What the repository at hand is called. keys: as `repository_key` makes them. revisions: as written in
    Applications, that mean the tree at hand. evidence: why the names are taken for it. notes: what a reader should
    know, e.g. that a branch of another name was taken for the folder at hand."""

    keys: frozenset[str]
    revisions: frozenset[str]
    evidence: str
    notes: tuple[str, ...] = ()

    def is_self(self, repo_url: str) -> bool:
        """True if the URL means the repository at hand."""
        return repository_key(repo_url) in self.keys


@lru_cache(maxsize=4096)
def repository_key(url: str) -> str:
    """The canonical name of a repository's address ("github.com/a/b" for https and ssh alike); equal for equal ones."""
    return canonical_name(url.strip()).rstrip("/") or "/"


def identify(tree: Tree, references: Iterable[Reference], stated: Collection[str] = ()) -> Identity:
    """Works out the names of the tree's repository.

    references: all that Applications name. stated: URLs that a person says mean this repository; they are added to
    what the repository itself knows, and no guess is made then.
    """
    known = list(references)
    # Names of trees are canonical already; one with a port ("host:3000/a/b") would read like the address of a shell.
    keys = {name.rstrip("/") or "/" for name in (tree.repository, *tree.aliases)}
    keys |= {repository_key(url) for url in stated}
    evidence = "its own name and remotes"
    if stated:
        evidence = "stated: " + ", ".join(sorted(stated))
    hint: tuple[str, ...] = ()
    if not stated and not any(repository_key(reference.repo_url) in keys for reference in known):
        guess = _by_paths(tree, known)
        if guess is not None and _is_local(tree):
            keys.add(guess[0])
            evidence = f"{guess[0]} is taken for this repository: {guess[1]}"
        elif guess is not None:
            # It has a name of its own, so this may be a copy of the other (a fork) or something quite different.
            hint = (f"{guess[0]} may be this repository: {guess[1]}; if it is, say so: --own-url {guess[2]}",)
    ours = [reference for reference in known if repository_key(reference.repo_url) in keys]
    revisions, notes = _revisions(tree, ours)
    return Identity(frozenset(keys), revisions, evidence, (*notes, *hint))


def _is_local(tree: Tree) -> bool:
    """True if nothing but paths of this machine names the repository: a copy of a copy knows no more than a folder."""
    return all(name.startswith(("/", ".")) for name in (tree.repository, *tree.aliases))


def folders(paths: Iterable[str]) -> set[str]:
    """Every folder that holds one of the paths, at any depth; "" is the root."""
    found = {""}
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found


def _by_paths(tree: Tree, references: Sequence[Reference]) -> tuple[str, str, str] | None:
    """The key of the URL most of whose named paths exist in the tree, with the evidence, and the URL as it is written;
    None if less than half do."""
    named: dict[str, set[str]] = defaultdict(set)
    for reference in references:
        named[repository_key(reference.repo_url)].update(
            path.strip("/") for path in reference.paths if path.strip("/.")
        )
    entries = tree.entries()
    there = folders(entries)
    counts = {key: sum(path in entries or path in there for path in paths) for key, paths in named.items() if paths}
    if not counts:
        return None
    best = max(counts, key=lambda key: (counts[key], counts[key] / len(named[key]), key))
    if counts[best] == 0 or counts[best] / len(named[best]) < _MIN_SHARE:
        return None
    total = len(named[best])
    url = next(item.repo_url for item in references if repository_key(item.repo_url) == best)
    return best, f"{counts[best]} of {total} paths it names exist here", url


def _revisions(tree: Tree, ours: Sequence[Reference]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The revisions that mean the tree at hand: its own, none, HEAD, and the one that most references name."""
    revisions = {"", "HEAD", tree.revision, tree.commit}
    counts = Counter(reference.revision for reference in ours)
    most = max(counts, key=lambda revision: (counts[revision], revision), default="")
    if most in revisions:
        return frozenset(revisions), ()
    note = (
        f'revision "{most}", which {counts[most]} of {len(ours)} references to this repository name, '
        f'is taken for what was read ("{tree.revision}")'
    )
    return frozenset({*revisions, most}), (note,)
