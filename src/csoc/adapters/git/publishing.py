"""Makes a commit a branch's new head in a repository on this machine, compared and swapped, never forced.

Where the branch is checked out, its work tree must follow, or the next commit of its owner would take the change back.
Only the changed paths are touched, and only if nobody has changed them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pygit2
from pygit2.enums import BranchType, FileStatus, RepositoryState

from csoc.adapters.git.folders import common_dir, is_sparse
from csoc.adapters.git.local import LocalRepository
from csoc.adapters.git.transfers import MovedError
from csoc.clock import random_ids
from csoc.errors import ConflictError, CsocError, DeniedError, RejectedError, UnavailableError
from csoc.fleet.repositories import CommitRequest
from csoc.usecases import worktree


def checked_out(found: LocalRepository, branch: str) -> bool:
    """True if the repository's own work tree shows the branch.

    Raises DeniedError if another work tree does, ConflictError if the branch is being rebased.
    """
    repository = found.repository
    head = _head_name(Path(repository.path) / "HEAD")
    if found.path.name == ".git":
        raise RejectedError(
            "This is the inside of a repository", place=str(found.path), fix="Name its work tree instead"
        )
    mine = not repository.is_bare and head == branch
    if not repository.is_bare and branch in _under_way(Path(repository.path)):
        raise ConflictError(
            f'A rebase or bisection of the branch "{branch}" is under way in the work tree',
            place=str(found.path),
            fix="Finish it first",
        )
    if not mine:
        known = repository.lookup_branch(branch, BranchType.LOCAL)
        if known is not None and known.is_checked_out() and not (repository.is_bare and head == branch):
            raise DeniedError(
                f'The branch "{branch}" is checked out in another work tree',
                place=str(common_dir(repository)),
                fix="Name that work tree instead",
            )
    return mine


def check_work_tree(found: LocalRepository, request: CommitRequest) -> None:
    """Raises ConflictError, RejectedError or UnavailableError if the changed paths cannot follow in the work tree."""
    repository = found.repository
    if repository.state() != RepositoryState.NONE:
        raise ConflictError(
            "A merge, rebase or the like is under way in the work tree", place=str(found.path), fix="Finish it first"
        )
    if (Path(repository.path) / "index.lock").exists():
        raise UnavailableError("Git is at work in the work tree", place=str(found.path), fix="Try again")
    index = {change.path: change.path in repository.index for change in request.changes}
    for change in request.changes:
        target = found.path / change.path
        if _leaves(found.path, target):
            raise RejectedError("A link in the work tree leads elsewhere", place=change.path, fix="Remove the link")
        try:
            status = repository.status_file(change.path)
        except KeyError:
            # Neither in the index, nor in the commit, nor on disk.
            continue
        on_disk = os.path.lexists(target)
        if status == FileStatus.WT_DELETED and not on_disk and is_sparse(repository):
            continue  # left out of the checkout, so there is nothing to lose
        if status != FileStatus.CURRENT or (on_disk and not index[change.path]):
            raise ConflictError(
                "The file has uncommitted changes in the work tree",
                place=change.path,
                fix="Commit them or undo them first",
            )


def move_branch(found: LocalRepository, branch: str, commit: str, head: str | None, subject: str) -> None:
    """Moves the branch from `head` (None: makes it) to the commit. Raises MovedError, UnavailableError."""
    repository = found.repository
    oid = pygit2.Oid(hex=commit)
    try:
        if head is None:
            repository.create_reference_direct(f"refs/heads/{branch}", oid, force=False, message=f"csoc: {subject}")
            return
        reference = repository.lookup_reference(f"refs/heads/{branch}").resolve()
        if str(reference.target) != head:
            raise MovedError
        # libgit2 compares with the target that it has just looked up, under the reference's lock.
        reference.set_target(oid, f"csoc: {subject}")
    except (KeyError, ValueError, pygit2.AlreadyExistsError) as error:
        raise MovedError from error
    except pygit2.GitError as error:
        if "modified" in str(error) or "changed" in str(error):
            raise MovedError from error
        raise UnavailableError(f"The branch cannot be moved: {error}", place=branch) from error


def follow(found: LocalRepository, request: CommitRequest) -> None:
    """Brings the changed paths of work tree and index to what was committed. Raises UnavailableError."""
    repository = found.repository
    try:
        repository.index.read(force=True)
        for change in request.changes:
            if change.content is None:
                worktree.remove_file(found.path, change.path)
                if change.path in repository.index:
                    repository.index.remove(change.path)
            else:
                worktree.replace_file(found.path, change.path, change.content, random_ids)
                repository.index.add(change.path)
        repository.index.write()
    except (OSError, pygit2.GitError, CsocError) as error:
        raise UnavailableError(
            f"The commit is made, but the work tree could not follow: {error}",
            place=str(found.path),
            fix="Run git status there; git checkout HEAD -- PATH brings a file up to date",
        ) from error


def _under_way(inside: Path) -> set[str]:
    """Branches that Git will move when a rebase or a bisection ends."""
    files = ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START")
    return {_head_name(inside / name).removeprefix("refs/heads/") for name in files} - {""}


def _head_name(file: Path) -> str:
    try:
        return file.read_text().strip().removeprefix("ref: refs/heads/")
    except OSError:
        return ""


def _leaves(top: Path, target: Path) -> bool:
    """True if a link stands at the target or on the way to it."""
    while target != top:
        if target.is_symlink():
            return True
        target = target.parent
    return False
