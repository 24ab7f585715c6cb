"""Places where the contract suite of repositories runs: in memory, on a bare repository, and over smart HTTP.

A site makes repositories behind the port's back, as other people do, so that the suite speaks only of what the port
shows of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pygit2
from pygit2.enums import FileMode, ObjectType

from csoc.fleet.repositories import Repositories, SourceAddress
from csoc.testing.repositories import Content, Link, MemoryRepositories, MemoryRepository, Submodule
from tests.contract.git_http import GitServer

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


class Site(Protocol):
    """One repository as its owners see it."""

    address: SourceAddress

    def write(
        self,
        branch: str,
        files: Mapping[str, Content],
        message: str = "Change",
        *,
        author: str = "Ada <ada@example.org>",
        at: datetime = MONDAY,
        parents: Sequence[str] | None = None,
    ) -> str: ...

    def tag(self, name: str, commit: str, *, annotated: bool = False) -> None: ...

    def protect(self, branch: str, message: str) -> None: ...

    def head(self, branch: str) -> str: ...


class World(Protocol):
    """An implementation of the port with repositories for it."""

    @property
    def repositories(self) -> Repositories: ...

    def site(self, name: str, *, default_branch: str = "main") -> Site: ...

    def look_again(self) -> Repositories:
        """A new object of the implementation, which has fetched nothing yet."""


@dataclass
class MemorySite:
    repository: MemoryRepository
    address: SourceAddress

    def write(self, branch: str, files: Mapping[str, Content], message: str = "Change", **more: object) -> str:
        more.setdefault("at", MONDAY)
        return self.repository.write(branch, files, message, **more)  # type: ignore[arg-type]

    def tag(self, name: str, commit: str, *, annotated: bool = False) -> None:
        self.repository.tags[name] = commit

    def protect(self, branch: str, message: str) -> None:
        self.repository.protected[branch] = message

    def head(self, branch: str) -> str:
        return self.repository.branches[branch]


class MemoryWorld:
    def __init__(self) -> None:
        self.repositories: MemoryRepositories = MemoryRepositories()

    def site(self, name: str, *, default_branch: str = "main") -> Site:
        url = f"https://git.example.org/{name}"
        return MemorySite(self.repositories.add(url, default_branch=default_branch), SourceAddress(url, trusted=True))

    def look_again(self) -> Repositories:
        return self.repositories


@dataclass
class GitSite:
    """A bare repository, written to with libgit2 and without the code under test."""

    path: Path
    address: SourceAddress

    def write(
        self,
        branch: str,
        files: Mapping[str, Content],
        message: str = "Change",
        *,
        author: str = "Ada <ada@example.org>",
        at: datetime = MONDAY,
        parents: Sequence[str] | None = None,
    ) -> str:
        repository = pygit2.Repository(str(self.path))
        reference = f"refs/heads/{branch}"
        if parents is None:
            parents = [self.head(branch)] if reference in repository.references else []
        index = pygit2.Index()
        if parents:
            index.read_tree(repository[parents[0]].peel(pygit2.Tree))
        for path, content in files.items():
            if content is None:
                index.remove(path)
            else:
                index.add(_entry(repository, path, content))
        name, _, mail = author.removesuffix(">").partition(" <")
        signature = pygit2.Signature(name, mail, int(at.timestamp()), 0)
        tree = index.write_tree(repository)
        oid = repository.create_commit(
            None, signature, signature, message, tree, [pygit2.Oid(hex=one) for one in parents]
        )
        repository.references.create(reference, oid, force=True)
        return str(oid)

    def tag(self, name: str, commit: str, *, annotated: bool = False) -> None:
        repository = pygit2.Repository(str(self.path))
        if annotated:
            signature = pygit2.Signature("Ada", "ada@example.org", 0, 0)
            repository.create_tag(name, pygit2.Oid(hex=commit), ObjectType.COMMIT, signature, "A release")
        else:
            repository.references.create(f"refs/tags/{name}", pygit2.Oid(hex=commit))

    def protect(self, branch: str, message: str) -> None:
        hook = self.path / "hooks" / "update"
        hook.write_text(f'#!/bin/sh\n[ "$1" = "refs/heads/{branch}" ] && echo "{message}" >&2 && exit 1\nexit 0\n')
        hook.chmod(0o755)

    def head(self, branch: str) -> str:
        return str(pygit2.Repository(str(self.path)).references[f"refs/heads/{branch}"].target)


def _entry(repository: pygit2.Repository, path: str, content: Content) -> pygit2.IndexEntry:
    if isinstance(content, Submodule):
        return pygit2.IndexEntry(path, pygit2.Oid(hex=content.commit), FileMode.COMMIT)
    if isinstance(content, Link):
        return pygit2.IndexEntry(path, repository.create_blob(content.target.encode()), FileMode.LINK)
    assert content is not None
    return pygit2.IndexEntry(path, repository.create_blob(content), FileMode.BLOB)


class GitWorld:
    """Bare repositories in a folder; reached by path, or through a server if there is one."""

    def __init__(self, make: type | object, folder: Path, server: GitServer | None) -> None:
        self._make = make
        self._folder = folder
        self._server = server
        self.repositories: Repositories = self.look_again()

    def site(self, name: str, *, default_branch: str = "main") -> Site:
        path = self._folder / f"{name}.git"
        repository = pygit2.init_repository(str(path), bare=True, initial_head=default_branch)
        repository.config["http.receivepack"] = "true"
        url = self._server.url(path.name) if self._server else str(path)
        return GitSite(path, SourceAddress(url, trusted=True))

    def look_again(self) -> Repositories:
        return self._make()  # type: ignore[operator,no-any-return]
