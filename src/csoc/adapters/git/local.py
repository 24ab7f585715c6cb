"""Repositories and folders on this machine, named by the person who runs csoc.

What a path means: the top of a Git work tree is its work tree, as it is on disk; a bare repository is its default
branch; anything else, a folder inside a work tree included, is just that folder with all its files. So a part of a
repository can be looked at alone, and `csoc check .` at the top of a clone sees the clone, its remotes and its history.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pygit2
from pygit2.enums import RepositoryOpenFlag

from csoc.adapters.git import gitconfig, revisions
from csoc.adapters.git.folders import Folders, common_dir
from csoc.adapters.git.tree import GitTree, Objects
from csoc.config import Limits
from csoc.errors import DeniedError, NotFoundError, RejectedError
from csoc.fleet import addresses
from csoc.fleet.repositories import Upstream
from csoc.fleet.revisions import Revision, parse_revision

WORK_TREE = "work tree"
_USERINFO = re.compile(r"^(https?://)[^/]*@", re.IGNORECASE)


class LocalRepository:
    """A Git repository on this machine, at a path without links."""

    def __init__(self, path: Path, repository: pygit2.Repository, objects: Objects) -> None:
        self.path = path
        self.repository = repository
        self.objects = objects

    @property
    def aliases(self) -> frozenset[str]:
        """Canonical names of the remotes."""
        try:
            urls = [remote.url for remote in self.repository.remotes]
        except pygit2.GitError:
            return frozenset()
        return frozenset(addresses.canonical_name(url) for url in urls if url) - {str(self.path)}


class Local:
    """Opens what is on this machine. Never writes into it."""

    def __init__(self, folders: Folders, limits: Limits) -> None:
        self._folders = folders
        self._limits = limits
        self._objects: dict[str, Objects] = {}

    def open(self, path: str, revision: str | None) -> GitTree:
        """The tree of a path. Raises NotFoundError, DeniedError, RejectedError, UnavailableError."""
        folder = existing(path)
        found = self.repository(folder)
        if revision is not None:
            if found is None:
                raise NotFoundError(
                    f'The folder has no revision "{revision}"',
                    place=str(folder),
                    fix="Name the top of a Git repository, or leave the revision out",
                )
            return self.at(found, revision)
        if found is None:
            captured = self._folders.plain(folder)
            return GitTree(
                captured.objects,
                repository=str(folder),
                commit=captured.commit,
                revision=WORK_TREE,
                tree=captured.tree,
                history_commit="",
            )
        if found.repository.is_bare:
            head = revisions.head(found.repository)
            if head is None:
                raise NotFoundError("The repository has no commits yet", place=str(folder))
            return self._tree(found, head[1], head[0])
        return self._work_tree(found)

    def branch(self, path: str) -> str:
        """The branch that the repository at a path shows. Raises RejectedError if it is a folder or shows none."""
        folder = existing(path)
        found = self.repository(folder)
        if found is None:
            raise RejectedError(
                "The folder is not the top of a Git repository, so nothing can be committed there",
                place=str(folder),
                fix="Name the top of the repository",
            )
        head = revisions.head(found.repository)
        if head is None and found.repository.is_empty:
            where = shlex.quote(str(folder))
            raise RejectedError(
                "There is no commit in this repository yet",
                place=str(folder),
                fix=f"Make one: git -C {where} add . && git -C {where} commit -m Begin (Git wants user.name and "
                "user.email set)",
            )
        if head is None or head[0] == "HEAD":
            raise RejectedError("No branch is checked out", place=str(folder), fix="Check one out, or name a branch")
        return head[0]

    def upstream(self, path: str, name: str | None) -> Upstream | None:
        """See `Repositories.upstream`. name: a branch, or anything else that can be read, which tracks nothing."""
        found = self.repository(existing(path))
        head = revisions.head(found.repository) if found else None
        if found is None or (name is None and head is None):
            return None
        branch = name or (head[0] if head else "")
        commit = revisions.branch(found.repository, branch) or (
            revisions.resolve(found.repository, parse_revision(name)) if name else head[1] if head else None
        )
        config = dict(gitconfig.entries(common_dir(found.repository) / "config"))
        remote = _remote(found.repository, config.get(f"branch.{branch}.remote", ""))
        if commit is None or remote is None:
            return None
        there = config.get(f"branch.{branch}.merge", "").removeprefix("refs/heads/")
        tracked = revisions.resolve(found.repository, Revision(f"refs/remotes/{remote.name}/{there or branch}"))
        return Upstream(
            remote=str(remote.name),
            url=_USERINFO.sub(r"\1", str(remote.url)),
            branch=there or (branch if tracked else ""),
            head=commit,
            ahead=_ahead(found.repository, commit, tracked, str(remote.name)),
        )

    def at(self, found: LocalRepository, text: str) -> GitTree:
        """The tree at a revision. Raises NotFoundError, RejectedError."""
        commit = revisions.resolve(found.repository, parse_revision(text))
        if commit is None:
            raise NotFoundError(
                f'There is no revision "{text}"', place=str(found.path), fix="Name a branch, tag or commit; or fetch it"
            )
        return self._tree(found, commit, text)

    def repository(self, folder: Path) -> LocalRepository | None:
        """The repository whose top (or whose bare self) is the folder; None if it is a plain folder.

        Raises DeniedError (of another user), RejectedError (opening it would wait for ever; it shows another folder).
        """
        gitconfig.check(folder)
        try:
            repository = pygit2.Repository(str(folder), RepositoryOpenFlag.NO_SEARCH)
            if Path(repository.path).resolve() == folder:
                # Databases without a work tree, whatever their configuration says of one (the inside of .git too).
                repository = pygit2.Repository(str(folder), RepositoryOpenFlag.NO_SEARCH | RepositoryOpenFlag.BARE)
        except pygit2.GitError as error:
            if "not owned" in str(error):
                raise DeniedError(
                    "The repository belongs to another user of this machine",
                    place=str(folder),
                    fix=f"If you trust it: git config --global --add safe.directory {folder}",
                ) from error
            return None
        if not repository.is_bare and Path(repository.workdir).resolve() != folder:
            raise RejectedError(
                "The repository's configuration says that its work tree is another folder (core.worktree)",
                place=str(folder),
                fix="Name that folder, or take core.worktree out of the configuration",
            )
        key = str(folder)
        if key not in self._objects:
            self._objects[key] = Objects(repository, self._limits)
        return LocalRepository(folder, repository, self._objects[key])

    def base(self, found: LocalRepository, commit: str) -> str | None:
        """The commit itself if the repository has it; HEAD's if it was made of its work tree; else None."""
        if isinstance(found.repository.get(commit), pygit2.Commit):
            return commit
        head = revisions.head(found.repository)
        return head[1] if head and not found.repository.is_bare and self._folders.captured(found.path, commit) else None

    def _work_tree(self, found: LocalRepository) -> GitTree:
        captured = self._folders.work_tree(found.path, found.repository)
        head = revisions.head(found.repository)
        if head is not None and (captured is None or found.objects.tree_of(head[1]) == captured.tree):
            return self._tree(found, head[1], WORK_TREE)
        if captured is None:
            raise NotFoundError("The repository has no commits yet", place=str(found.path))
        return GitTree(
            captured.objects,
            repository=str(found.path),
            commit=captured.commit,
            revision=WORK_TREE,
            tree=captured.tree,
            aliases=found.aliases,
            history=found.objects,
            history_commit=head[1] if head else "",
        )

    @staticmethod
    def _tree(found: LocalRepository, commit: str, revision: str) -> GitTree:
        return GitTree(
            found.objects,
            repository=str(found.path),
            commit=commit,
            revision=revision,
            tree=found.objects.tree_of(commit),
            aliases=found.aliases,
        )


def _remote(repository: pygit2.Repository, tracked: str) -> pygit2.Remote | None:
    """The remote of that name, else "origin", else the only one."""
    remotes = {str(remote.name): remote for remote in repository.remotes if remote.url}
    only = next(iter(remotes.values())) if len(remotes) == 1 else None
    return remotes.get(tracked) or remotes.get("origin") or only


def _ahead(repository: pygit2.Repository, commit: str, tracked: str | None, remote: str) -> int:
    """Commits that the tracked branch has not; where none is tracked, those that no branch of the remote has."""
    oid = pygit2.Oid(hex=commit)
    if tracked is not None:
        return repository.ahead_behind(oid, pygit2.Oid(hex=tracked))[0]
    walker = repository.walk(oid)
    for name in repository.references:
        known = revisions.resolve(repository, Revision(name)) if name.startswith(f"refs/remotes/{remote}/") else None
        if known is not None:
            walker.hide(pygit2.Oid(hex=known))
    return sum(1 for _ in walker)


def existing(path: str) -> Path:
    """The folder that a person typed, with links resolved. Raises NotFoundError, RejectedError, DeniedError."""
    folder = Path(path).expanduser()
    try:
        folder = folder.resolve(strict=True)
        is_folder = folder.is_dir()
    except FileNotFoundError:
        raise NotFoundError("There is no such folder", place=path, fix="Check the path") from None
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RejectedError(f"The path cannot be followed: {reason}", place=path) from error
    if not is_folder:
        raise RejectedError("This is not a folder", place=path, fix="Name a folder or a Git repository")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise DeniedError("The folder may not be read", place=path)
    return folder
