"""Repositories in memory: the port without Git, for tests of everything that stands on it.

It passes the same contract suite as the real one, so that a test which uses it says something about the real one too.
Ids of blobs are Git's own; ids of commits are hashes of what they hold.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType

from csoc.config import Settings
from csoc.errors import ConflictError, DeniedError, NotFoundError, RejectedError
from csoc.fleet import addresses, conflicts, revisions
from csoc.fleet.repositories import (
    CommitInfo,
    CommitRequest,
    Entry,
    EntryKind,
    SourceAddress,
    Tree,
    Upstream,
    co_authors,
)

_READ_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link, as a file of `MemoryRepository.write`."""

    target: str


@dataclass(frozen=True, slots=True)
class Submodule:
    """A submodule at a commit, as a file of `MemoryRepository.write`."""

    commit: str


Content = bytes | Link | Submodule | None


@dataclass(frozen=True)
class _Commit:
    info: CommitInfo
    parents: tuple[str, ...]
    entries: Mapping[str, Entry]


@dataclass
class MemoryRepository:
    """One repository: branches and tags by name, each a commit. `protected` maps branches to the host's refusal."""

    name: str
    default_branch: str = "main"
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    protected: dict[str, str] = field(default_factory=dict)
    aliases: frozenset[str] = frozenset()
    blobs: dict[str, bytes] = field(default_factory=dict)
    commits: dict[str, _Commit] = field(default_factory=dict)

    def write(
        self,
        branch: str,
        files: Mapping[str, Content],
        message: str = "Change",
        *,
        author: str = "Ada <ada@example.org>",
        at: datetime = datetime(2026, 1, 1, tzinfo=UTC),
        parents: Sequence[str] | None = None,
    ) -> str:
        """One commit on a branch (made if need be); None removes a file. parents: the branch's head if not given."""
        if parents is None:
            parents = [self.branches[branch]] if branch in self.branches else []
        entries = dict(self.commits[parents[0]].entries) if parents else {}
        for path, content in files.items():
            if content is None:
                entries.pop(path, None)
            else:
                entries[path] = self._entry(path, content)
        entries = dict(sorted(entries.items()))
        state = repr((sorted((e.path, e.blob, e.kind.value) for e in entries.values()), parents, author, at, message))
        commit = hashlib.sha1(state.encode(), usedforsecurity=False).hexdigest()
        subject = message.splitlines()[0] if message else ""
        info = CommitInfo(commit, author, at, subject, co_authors=co_authors(message))
        self.commits[commit] = _Commit(info, tuple(parents), MappingProxyType(entries))
        self.branches[branch] = commit
        return commit

    def _entry(self, path: str, content: bytes | Link | Submodule) -> Entry:
        if isinstance(content, Submodule):
            return Entry(path, content.commit, EntryKind.SUBMODULE, 0)
        data = content.target.encode() if isinstance(content, Link) else content
        blob = blob_id(data)
        self.blobs[blob] = data
        return Entry(path, blob, EntryKind.LINK if isinstance(content, Link) else EntryKind.FILE, len(data))

    def resolve(self, text: str) -> str:
        """The commit that a revision means. Raises NotFoundError, RejectedError."""
        revision = revisions.parse_revision(text)
        commit = self._named(revision)
        if commit is None:
            raise NotFoundError(f'There is no revision "{text}"', place=self.name, fix="Name a branch, tag or commit")
        for _ in range(revision.back):
            if not self.commits[commit].parents:
                raise NotFoundError(f'There is no revision "{text}": the history is shorter', place=self.name)
            commit = self.commits[commit].parents[0]
        return commit

    def _named(self, revision: revisions.Revision) -> str | None:
        if revision.name == "HEAD":
            return self.branches.get(self.default_branch)
        if revision.is_commit:
            return revision.name if revision.name in self.commits else None
        known = {f"refs/heads/{name}": commit for name, commit in self.branches.items()}
        known |= {f"refs/tags/{name}": commit for name, commit in self.tags.items()}
        for reference in revision.references():
            if reference in known:
                return known[reference]
        if revision.may_be_commit:
            fitting = [commit for commit in self.commits if commit.startswith(revision.name)]
            return fitting[0] if len(fitting) == 1 else None
        return None

    def ancestors(self, commit: str) -> Iterator[str]:
        """The commit and everything before it, newest first."""
        seen = {commit}
        queue = [(-self.commits[commit].info.at.timestamp(), commit)]
        while queue:
            _, commit = heapq.heappop(queue)
            yield commit
            for parent in self.commits[commit].parents:
                if parent not in seen:
                    seen.add(parent)
                    heapq.heappush(queue, (-self.commits[parent].info.at.timestamp(), parent))


@dataclass(frozen=True)
class MemoryTree:
    """One repository in memory at one commit."""

    source: MemoryRepository
    commit: str
    revision: str

    @property
    def repository(self) -> str:
        """Canonical name."""
        return self.source.name

    @property
    def aliases(self) -> frozenset[str]:
        """Other names of the repository."""
        return self.source.aliases

    def entries(self) -> Mapping[str, Entry]:
        """Every path of the tree."""
        return self.source.commits[self.commit].entries

    def read(self, path: str, *, limit_bytes: int = _READ_BYTES) -> bytes:
        """The bytes of a file."""
        entry = self.entries().get(path)
        if entry is None:
            raise NotFoundError("There is no such file", place=path)
        if entry.kind is not EntryKind.FILE:
            raise RejectedError(f"A {entry.kind.value} is never followed", place=path)
        return _within(self.source.blobs[entry.blob], limit_bytes, path)


class MemoryRepositories:
    """The port, on repositories that `add` made. Addresses are judged as the real one judges them."""

    def __init__(self, settings: Settings | None = None, *, resolve: addresses.Resolve | None = None) -> None:
        self._policy = addresses.Policy.of(settings or Settings())
        self._author = (settings or Settings()).author
        self._resolve: addresses.Resolve = resolve or (lambda *_: ["93.184.216.34"])
        self._repositories: dict[str, MemoryRepository] = {}
        self.upstreams: dict[str, Upstream] = {}

    def add(self, url: str, *, default_branch: str = "main", aliases: Iterable[str] = ()) -> MemoryRepository:
        """An empty repository at an address."""
        address = addresses.parse(url)
        repository = MemoryRepository(address.name, default_branch, aliases=frozenset(aliases))
        self._repositories[address.name] = repository
        return repository

    def open(self, address: SourceAddress, revision: str | None = None) -> Tree:
        """The tree at a revision, or at the default branch."""
        repository = self._find(address)
        if revision is None:
            if repository.default_branch not in repository.branches:
                raise NotFoundError("The repository has no commits yet", place=repository.name)
            return MemoryTree(repository, repository.branches[repository.default_branch], repository.default_branch)
        return MemoryTree(repository, repository.resolve(revision), revision)

    def default_branch(self, address: SourceAddress) -> str:
        """The branch that `add` was told of."""
        return self._find(address).default_branch

    def upstream(self, address: SourceAddress, revision: str | None = None) -> Upstream | None:  # noqa: ARG002
        """What a test put into `upstreams` for a folder."""
        return self.upstreams.get(address.url)

    def history(self, tree: Tree, path: str, *, limit: int = 100) -> Sequence[tuple[CommitInfo, str | None]]:
        """Commits that changed the path, newest first."""
        repository = self._of(tree)
        found: list[tuple[CommitInfo, str | None]] = []
        seen = {tree.commit}
        queue = [(-repository.commits[tree.commit].info.at.timestamp(), 0, tree.commit)]
        while queue and len(found) < limit:
            commit = repository.commits[heapq.heappop(queue)[2]]
            blob = _blob(commit, path)
            same = [parent for parent in commit.parents if _blob(repository.commits[parent], path) == blob]
            if not same and (commit.parents or blob is not None):
                before = tuple(_blob(repository.commits[parent], path) for parent in commit.parents)
                found.append((replace(commit.info, before=before), blob))
            for parent in same[:1] or commit.parents:
                if parent not in seen:
                    seen.add(parent)
                    heapq.heappush(queue, (-repository.commits[parent].info.at.timestamp(), len(seen), parent))
        return found

    def read_blob(self, tree: Tree, blob: str, *, limit_bytes: int = _READ_BYTES) -> bytes:
        """The bytes of any blob."""
        repository = self._of(tree)
        if blob not in repository.blobs:
            raise NotFoundError("There is no such blob", place=f"{repository.name} {blob}")
        return _within(repository.blobs[blob], limit_bytes, blob)

    def merge_base(self, tree: Tree, revision: str) -> Tree:
        """The tree at the best common ancestor."""
        repository = self._of(tree)
        mine = set(repository.ancestors(tree.commit))
        for commit in repository.ancestors(repository.resolve(revision)):
            if commit in mine:
                return MemoryTree(repository, commit, commit)
        raise NotFoundError(f'Nothing is common with "{revision}"', place=repository.name)

    def commit(self, address: SourceAddress, request: CommitRequest) -> str:
        """Makes one commit. Nothing else happens meanwhile in memory, so there is nothing to try again."""
        repository = self._find(address)
        conflicts.check_request(request)
        request = replace(
            request,
            author_name=request.author_name or self._author.name,
            author_email=request.author_email or self._author.email,
        )
        if not request.author_name or not request.author_email:
            raise RejectedError("A commit needs the name and the mail address of its author")
        if request.base not in repository.commits:
            raise NotFoundError("The commit that the change was made on is not there", place=request.base)
        parent = self._parent(repository, request)
        expected = conflicts.expected_blobs(request)
        found = {path: _blob(repository.commits[parent], path) for path in expected}
        differing = conflicts.differing(expected, found)
        if differing:
            differences = [self._difference(repository, path, expected[path], found[path]) for path in differing]
            raise conflicts.conflict(request.branch, differences)
        entries = repository.commits[parent].entries
        for change in request.changes:
            _check_place(entries, change.path)
        if all(
            change.content is not None and blob_id(change.content) == found[change.path] for change in request.changes
        ):
            raise RejectedError("The commit would change nothing", place=request.branch)
        if request.branch in repository.protected:
            raise DeniedError(
                f'The branch "{request.branch}" cannot be written to: {repository.protected[request.branch]}',
                place=repository.name,
                fix="Open a pull request instead",
            )
        return repository.write(
            request.branch,
            {change.path: change.content for change in request.changes},
            request.message,
            author=f"{request.author_name} <{request.author_email}>",
            at=request.at,
            parents=[parent],
        )

    def _parent(self, repository: MemoryRepository, request: CommitRequest) -> str:
        head = repository.branches.get(request.branch)
        if request.create_branch:
            if head is not None:
                raise ConflictError(f'The branch "{request.branch}" exists already', place=repository.name)
            return request.base
        if head is None:
            raise NotFoundError(f'There is no branch "{request.branch}"', place=repository.name)
        return head

    @staticmethod
    def _difference(
        repository: MemoryRepository, path: str, expected: str | None, found: str | None
    ) -> conflicts.Difference:
        blobs = repository.blobs
        return conflicts.Difference(path, expected, found, blobs.get(expected or "", b""), blobs.get(found or "", b""))

    def _find(self, source: SourceAddress) -> MemoryRepository:
        address = addresses.parse(source.url)
        addresses.check(address, self._policy, self._resolve, trusted=source.trusted)
        if source.trusted:
            self._policy = self._policy.including(address)
        repository = self._repositories.get(address.name)
        if repository is None:
            raise NotFoundError("There is no such repository", place=address.name, fix="Check the address")
        return repository

    def _of(self, tree: Tree) -> MemoryRepository:
        if isinstance(tree, MemoryTree):
            return tree.source
        raise RejectedError("The tree was opened by something else", place=tree.repository)


def blob_id(content: bytes) -> str:
    """The id that Git gives to a file's bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _blob(commit: _Commit, path: str) -> str | None:
    entry = commit.entries.get(path)
    return entry.blob if entry else None


def _check_place(entries: Mapping[str, Entry], path: str) -> None:
    parts = path.split("/")
    above = {"/".join(parts[:count]) for count in range(1, len(parts))}
    if above & entries.keys() or any(known.startswith(f"{path}/") for known in entries):
        raise RejectedError("A path of the commit is a folder, or lies below a file", place=path)
    if path in entries and entries[path].kind is not EntryKind.FILE:
        raise RejectedError("A link or a submodule is never written to", place=path)


def _within(content: bytes, limit_bytes: int, place: str) -> bytes:
    if len(content) > limit_bytes:
        raise RejectedError(f"The file has {len(content)} bytes; at most {limit_bytes} are read", place=place)
    return content
