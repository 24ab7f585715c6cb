"""From the name of a revision to a commit. Names are looked up as names; nothing in them is ever interpreted."""

from __future__ import annotations

import pygit2

from csoc.errors import NotFoundError
from csoc.fleet.revisions import Revision


def resolve(repository: pygit2.Repository, revision: Revision) -> str | None:
    """The commit that a revision means in a repository, or None. Raises NotFoundError (stepped back too far)."""
    commit = _named(repository, revision)
    if commit is None:
        return None
    for _ in range(revision.back):
        if not commit.parent_ids or commit.parent_ids[0] not in repository:
            raise NotFoundError(f'The history of "{revision.name}" is shorter than {revision.back} steps')
        commit = commit.parents[0]
    return str(commit.id)


def head(repository: pygit2.Repository) -> tuple[str, str] | None:
    """Name of the default branch (what HEAD is) and its commit; None if there are no commits."""
    try:
        reference = repository.lookup_reference("HEAD")
        target = reference.target
        name = target.removeprefix("refs/heads/") if isinstance(target, str) else "HEAD"
        commit = reference.peel(pygit2.Commit)
    except (KeyError, pygit2.GitError):
        return None
    return name, str(commit.id)


def branch(repository: pygit2.Repository, name: str) -> str | None:
    """The commit of a branch, or None."""
    return resolve(repository, Revision(f"refs/heads/{name}"))


def _named(repository: pygit2.Repository, revision: Revision) -> pygit2.Commit | None:
    if revision.is_commit:
        return _peeled(repository.get(revision.name))
    names = ("HEAD",) if revision.name == "HEAD" else revision.references()
    if revision.name != "HEAD" and not revision.name.startswith("refs/"):
        names = (*names, f"refs/remotes/{revision.name}")  # "origin/main", in a person's own clone
    for name in names:
        try:
            return _peeled(repository.get(str(repository.lookup_reference(name).resolve().target)))
        except (KeyError, ValueError, pygit2.GitError):
            continue
    if revision.may_be_commit:
        try:
            return _peeled(repository.git_object_lookup_prefix(revision.name))
        except (KeyError, ValueError, pygit2.GitError):
            return None  # none, or several
    return None


def _peeled(found: pygit2.Object | None) -> pygit2.Commit | None:
    if found is None or isinstance(found, pygit2.Commit):
        return found
    try:
        peeled = found.peel(pygit2.Commit)
    except (ValueError, pygit2.GitError):
        return None  # a tag of a file or of a folder
    return peeled if isinstance(peeled, pygit2.Commit) else None
