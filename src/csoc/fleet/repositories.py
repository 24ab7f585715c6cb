"""The port to everything that is kept in Git: the fleet's repositories, values, charts.

A snapshot must be able to say exactly what it read, so the unit here is a `Tree`: one repository at one commit,
immutable. Reading goes to an object database, never to a work tree; a plain folder (or a work tree with uncommitted
changes) is first written into such a database, so that nothing above this port knows the difference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from itertools import islice
from typing import Protocol


class EntryKind(Enum):
    """What a path in a tree is. Links and submodules are listed, and never followed."""

    FILE = "file"
    LINK = "link"
    SUBMODULE = "submodule"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree: the blob it points to (40 hex digits; equal ids are equal bytes), its kind and size.

    size_bytes is 0 for submodules. `executable` says whether Git's mode has the bit.
    """

    path: str
    blob: str
    kind: EntryKind
    size_bytes: int
    executable: bool = False


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """A commit, for histories. author is "Name <mail>" as Git says (unproven); at is aware, in UTC. before: in the
    history of a path, the blob that it had in each of the commit's parents (None: absent there). co_authors: of its
    trailers, in the same form."""

    commit: str
    author: str
    at: datetime
    subject: str
    before: tuple[str | None, ...] = field(default=(), compare=False)
    co_authors: tuple[str, ...] = ()


_CO_AUTHOR = re.compile(r"^co-authored-by:[ \t]*(?P<who>[^\r\n]{1,500}?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_MOST_CO_AUTHORS = 100


def co_authors(message: str) -> tuple[str, ...]:
    """Whom a commit's message names as authors beside the one of the commit, as hosts do that squash."""
    return tuple(match["who"] for match in islice(_CO_AUTHOR.finditer(message), _MOST_CO_AUTHORS))


@dataclass(frozen=True, slots=True)
class SourceAddress:
    """How to reach a repository. Never holds a credential: those are looked up by URL in csoc's settings.

    url: https://, ssh:// or git@host:path, file:// or a local path (a Git repository, bare or not, or a folder).
    trusted: True only if a person at this csoc typed it. An address found in a repository is never trusted: its host
    and scheme must be allow-listed in the settings, and it cannot be local.
    """

    url: str
    trusted: bool = False


class Tree(Protocol):
    """One repository at one commit."""

    @property
    def repository(self) -> str:
        """Canonical name: normalised URL without user, ".git" and trailing slash; or the path of a local folder."""

    @property
    def commit(self) -> str:
        """40 hex digits. For a folder or a dirty work tree, the id of the commit that csoc made of it."""

    @property
    def revision(self) -> str:
        """The branch, tag or commit that was asked for, or the default branch's name, or "work tree"."""

    @property
    def aliases(self) -> frozenset[str]:
        """Other canonical names known to mean this repository: the remotes of a local clone."""

    def entries(self) -> Mapping[str, Entry]:
        """Every path of the tree. Sorted by path; computed once."""

    def read(self, path: str, *, limit_bytes: int = ...) -> bytes:
        """The bytes of a file.

        Raises NotFoundError (no such path), RejectedError (a link, a submodule, or larger than limit_bytes).
        """


@dataclass(frozen=True, slots=True)
class Change:
    """New bytes for a path (None removes it). expected_blob is what the path held when the change was made:
    None if it was not there. A write is retried on a newer head only if this still holds."""

    path: str
    content: bytes | None
    expected_blob: str | None


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """One commit to make on a branch.

    base: the commit that the changes were made on. read: path to blob (None: absent) for documents that the change
    depends on without writing them. create_branch: make the branch at base (it must not exist). An empty author is
    whoever the repository, the person's Git and the settings name.
    """

    branch: str
    base: str
    changes: Sequence[Change]
    message: str
    author_name: str
    author_email: str
    at: datetime
    read: Mapping[str, str | None]
    create_branch: bool = False


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a branch of a repository on this machine is published.

    remote: its name there. url: without any credential. branch: what the branch is called there ("": not known).
    head: the branch's commit here. ahead: how many commits it has that the remote, when it was last asked, had not.
    """

    remote: str
    url: str
    branch: str
    head: str
    ahead: int


class Repositories(Protocol):
    """Opens repositories and writes to them. Contract: tests/contract/repositories.py."""

    def open(self, address: SourceAddress, revision: str | None = None) -> Tree:
        """The tree at a branch, tag or commit (None: the work tree of a folder, else the default branch).

        What was fetched in the last moments is not fetched again within one Repositories object.

        Raises DeniedError (host or scheme not allowed, or credentials refused), NotFoundError (no such repository or
        revision), UnavailableError (network, time limit), RejectedError (not a repository, or over the limits).
        """

    def default_branch(self, address: SourceAddress) -> str:
        """The branch that a change goes to unless somebody names another: a work tree's own, else the default one.

        Raises as `open`; RejectedError for a folder that is no repository, and where no branch is checked out.
        """

    def upstream(self, address: SourceAddress, revision: str | None = None) -> Upstream | None:
        """The remote that a branch of a local repository (None: the one that is checked out) tracks, else "origin" or
        the only one; None if there is none, and for an address that is not local. No remote is contacted.

        Raises as `open`.
        """

    def history(self, tree: Tree, path: str, *, limit: int = 100) -> Sequence[tuple[CommitInfo, str | None]]:
        """Commits reachable from the tree's commit that changed the path, newest first, each with the blob id that
        the path had after it (None: removed). Empty where there is no history (a plain folder)."""

    def read_blob(self, tree: Tree, blob: str, *, limit_bytes: int = ...) -> bytes:
        """The bytes of any blob in the tree's repository. Raises NotFoundError, RejectedError (too large)."""

    def merge_base(self, tree: Tree, revision: str) -> Tree:
        """The tree at the best common ancestor of the tree's commit and the revision. Raises NotFoundError."""

    def commit(self, address: SourceAddress, request: CommitRequest) -> str:
        """Makes one commit on top of the branch's present head and publishes it; returns its id.

        If the branch moved since `base`, the commit is rebuilt on the new head and tried again (at most 5 times), as
        long as none of the paths in `changes` and `read` differ from what they were. Never forces.

        Raises ConflictError (one of them differs; its text shows both sides; or the branch exists already with
        create_branch), DeniedError (protected branch, no right to push), UnavailableError, NotFoundError.
        """
