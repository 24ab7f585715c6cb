"""The port `fleet.repositories.Repositories` on Git, through libgit2: no git program is ever run.

Remote repositories are read from bare clones in the cache, local ones from their own databases, folders and work trees
from databases that csoc makes of them. One object of this class is one look at the world: what it fetched a moment ago
it does not fetch again.
"""

from __future__ import annotations

import functools
import socket
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

import pygit2

from csoc.adapters.git import history, publishing, revisions, writing
from csoc.adapters.git.clones import Clone, Clones
from csoc.adapters.git.credentials import Credentials
from csoc.adapters.git.folders import Folders, common_dir
from csoc.adapters.git.github_app import AppTokens
from csoc.adapters.git.identity import author_of
from csoc.adapters.git.local import Local, LocalRepository, existing
from csoc.adapters.git.transfers import MovedError, Transfers, clean
from csoc.adapters.git.tree import GitTree
from csoc.clock import Clock, system_clock
from csoc.config import Settings
from csoc.errors import ConflictError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet import addresses, conflicts
from csoc.fleet.addresses import Address
from csoc.fleet.repositories import CommitInfo, CommitRequest, SourceAddress, Tree, Upstream
from csoc.fleet.revisions import parse_revision

P = ParamSpec("P")
T = TypeVar("T")

_ATTEMPTS = 5
_TREES_REMEMBERED = 200


def _in_our_words(method: Callable[P, T]) -> Callable[P, T]:
    """What libgit2 says beyond what was expected means that a database is damaged or half there."""

    @functools.wraps(method)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except pygit2.GitError as error:
            raise UnavailableError(
                f"Git cannot read the repository: {clean(str(error))}",
                fix="Run git fsck on it; if it is a clone in csoc's cache, delete the cache",
            ) from error

    return wrapped


class GitRepositories:
    """Opens and writes Git repositories.

    resolve: looks up a host's addresses; environ: where variables are read. Both are for tests to replace.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock = system_clock,
        resolve: addresses.Resolve | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._policy = addresses.Policy.of(settings)
        self._resolve = _Remembered(resolve or system_resolve, settings.limits.fresh_seconds)
        apps = AppTokens(seconds=settings.limits.connect_seconds, clock=clock)
        self.credentials = Credentials(settings, apps, environ)
        self._transfers = Transfers(self.credentials, settings.limits)
        self._clones = Clones(settings.cache_dir, self._transfers, settings.limits)
        self._folders = Folders(settings.cache_dir, settings.limits)
        self._local = Local(self._folders, settings.limits)
        self._trees: dict[tuple[str, str, str], GitTree] = {}

    def forget(self) -> None:
        """Servers that were not reached may be asked again: the next look at the fleet begins."""
        self._transfers.forget()

    @_in_our_words
    def open(self, address: SourceAddress, revision: str | None = None) -> Tree:
        """See the port."""
        found = self._checked(address)
        if found.local:
            return self._local.open(found.path, revision)
        if revision is not None:
            parsed = parse_revision(revision)
            clone = self._clones.find(found)
            if parsed.is_commit and isinstance(clone.repository.get(parsed.name), pygit2.Commit):
                # A commit never changes, so there is nothing to ask the server.
                return self._tree(clone, found, parsed.name, revision)
        clone = self._clones.refresh(found, trusted=address.trusted)
        if revision is None:
            head = revisions.head(clone.repository)
            if head is None:
                raise NotFoundError("The repository has no commits yet", place=found.url)
            return self._tree(clone, found, head[1], head[0])
        return self._tree(clone, found, self._resolved(clone, found, revision, trusted=address.trusted), revision)

    def default_branch(self, address: SourceAddress) -> str:
        """See the port."""
        found = self._checked(address)
        if not found.local:
            return self.open(address).revision
        return self._local.branch(found.path)

    @_in_our_words
    def upstream(self, address: SourceAddress, revision: str | None = None) -> Upstream | None:
        """See the port."""
        found = self._checked(address)
        return self._local.upstream(found.path, revision) if found.local else None

    @_in_our_words
    def history(self, tree: Tree, path: str, *, limit: int = 100) -> Sequence[tuple[CommitInfo, str | None]]:
        """See the port. For a work tree: the commits before it."""
        own = _own(tree)
        return history.changes(own.history, own.history_commit, path, limit) if own.history_commit else []

    @_in_our_words
    def read_blob(self, tree: Tree, blob: str, *, limit_bytes: int | None = None) -> bytes:
        """See the port. limit_bytes None means the settings' limit."""
        own = _own(tree)
        place = f"{tree.repository} {blob[:40]}"
        if len(blob) != 40 or not all(char in "0123456789abcdef" for char in blob):
            raise NotFoundError("This is not the id of a blob", place=place)
        source = own.objects if own.objects.size(blob) is not None else own.history
        return source.read(blob, limit_bytes, place)

    @_in_our_words
    def merge_base(self, tree: Tree, revision: str) -> Tree:
        """See the port. For a work tree: with what it was made from."""
        own = _own(tree)
        repository = own.history.repository
        other = revisions.resolve(repository, parse_revision(revision)) if own.history_commit else None
        if other is None:
            raise NotFoundError(
                f'There is no revision "{revision}"'
                if own.history_commit
                else "This folder has no history to look back in",
                place=tree.repository,
                fix="Name a branch, tag or commit that is here, or bring it here first (git fetch)"
                if own.history_commit
                else "Name the top of a Git repository with at least one commit",
            )
        base = repository.merge_base(own.history_commit, other)
        if base is None:
            raise NotFoundError(
                f'Nothing is common with "{revision}"',
                place=tree.repository,
                fix="If this is a shallow clone, fetch the whole history",
            )
        return GitTree(
            own.history,
            repository=tree.repository,
            commit=str(base),
            revision=str(base),
            tree=own.history.tree_of(str(base)),
            aliases=tree.aliases,
        )

    @_in_our_words
    def commit(self, address: SourceAddress, request: CommitRequest) -> str:
        """See the port. An empty author means the one that Git would take, or the settings' (see `identity`)."""
        conflicts.check_request(request)
        found = self._checked(address)
        if not found.local:
            return self._commit_remote(found, self._signed(request, None), trusted=address.trusted)
        folder = existing(found.path)
        local = self._local.repository(folder)
        if local is None:
            raise RejectedError(
                "The folder is not the top of a Git repository, so nothing can be committed there",
                place=str(folder),
                fix="Name the top of the repository",
            )
        return self._commit_local(local, self._signed(request, local))

    def _signed(self, request: CommitRequest, local: LocalRepository | None) -> CommitRequest:
        if request.author_name and request.author_email:
            return request
        if local is None:
            name, mail = author_of(self._settings, self._environ)
        else:
            places = [common_dir(local.repository), Path(local.repository.path)]
            name, mail = author_of(self._settings, self._environ, repository=local.repository, places=places)
        return replace(request, author_name=request.author_name or name, author_email=request.author_email or mail)

    def _checked(self, source: SourceAddress) -> Address:
        address = addresses.parse(source.url)
        if address.scheme == "oci":
            raise RejectedError("An OCI registry holds charts, not Git repositories", place=address.url)
        addresses.check(address, self._policy, self._resolve, trusted=source.trusted)
        if source.trusted:
            # Whoever types an address means its host: what it refers to there may be read as well.
            self._policy = self._policy.including(address)
        return address

    def _resolved(self, clone: Clone, address: Address, text: str, *, trusted: bool) -> str:
        revision = parse_revision(text)
        commit = revisions.resolve(clone.repository, revision)
        if (
            commit is None
            and revision.is_commit
            and self._clones.fetch_commit(clone, revision.name, address=address, trusted=trusted)
        ):
            commit = revisions.resolve(clone.repository, revision)
        if commit is None:
            raise NotFoundError(
                f'There is no revision "{text}"', place=address.url, fix="Name a branch, tag or commit that is there"
            )
        return commit

    def _tree(self, clone: Clone, address: Address, commit: str, revision: str) -> GitTree:
        key = str(clone.path), commit, revision
        if key not in self._trees:
            if len(self._trees) >= _TREES_REMEMBERED:
                self._trees.pop(next(iter(self._trees)))
            self._trees[key] = GitTree(
                clone.objects,
                repository=address.name,
                commit=commit,
                revision=revision,
                tree=clone.objects.tree_of(commit),
            )
        return self._trees[key]

    def _commit_remote(self, address: Address, request: CommitRequest, *, trusted: bool) -> str:
        for _ in range(_ATTEMPTS):
            clone = self._clones.refresh(address, trusted=trusted, force=True)
            head = revisions.branch(clone.repository, request.branch)
            base = request.base if isinstance(clone.repository.get(request.base), pygit2.Commit) else None
            parent = _parent(request, head, base, address.url)
            writing.check_expected(clone.objects, parent, request)
            commit = writing.build(clone.objects, parent, request)
            try:
                self._clones.push(clone, request.branch, commit, head, address=address, trusted=trusted)
            except MovedError:
                continue
            except UnavailableError:
                # The server may have taken the commit, and only its answer was lost.
                if not self._has_taken(clone, address, request.branch, commit, trusted=trusted):
                    raise
            return commit
        raise _never_still(request, address.url)

    def _has_taken(self, clone: Clone, address: Address, branch: str, commit: str, *, trusted: bool) -> bool:
        self._clones.refresh(address, trusted=trusted, force=True)
        head = revisions.branch(clone.repository, branch)
        return head is not None and (head == commit or clone.repository.descendant_of(head, commit))

    def _commit_local(self, local: LocalRepository, request: CommitRequest) -> str:
        base = self._local.base(local, request.base)
        for _ in range(_ATTEMPTS):
            head = revisions.branch(local.repository, request.branch)
            parent = _parent(request, head, base, str(local.path))
            follows = publishing.checked_out(local, request.branch)
            if follows:
                # First, since a change that is not committed would else look like one on the branch.
                publishing.check_work_tree(local, request)
            writing.check_expected(local.objects, parent, request)
            commit = writing.build(local.objects, parent, request)
            try:
                publishing.move_branch(local, request.branch, commit, head, request.message.partition("\n")[0])
            except MovedError:
                continue
            if follows:
                publishing.follow(local, request)
            return commit
        raise _never_still(request, str(local.path))


class _Remembered:
    """A look-up of hosts that asks once in a while: a fleet names the same few hosts thousands of times."""

    def __init__(self, resolve: addresses.Resolve, seconds: float) -> None:
        self._resolve = resolve
        self._seconds = seconds
        self._known: dict[tuple[str, int], tuple[float, Sequence[str] | OSError]] = {}

    def __call__(self, host: str, port: int) -> Sequence[str]:
        known = self._known.get((host, port))
        if known is None or time.monotonic() - known[0] >= self._seconds:
            found: Sequence[str] | OSError
            try:
                found = self._resolve(host, port)
            except OSError as error:
                found = error  # without a network each look-up takes its time to fail
            known = self._known[host, port] = time.monotonic(), found
        if isinstance(known[1], OSError):
            raise known[1]
        return known[1]


def system_resolve(host: str, port: int) -> Sequence[str]:
    """A host's addresses as this machine knows them; none where a proxy speaks to the host, since it looks them up."""
    proxied = urllib.request.getproxies().get("https") and not urllib.request.proxy_bypass(host)
    if proxied:
        return []
    return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})


def _own(tree: Tree) -> GitTree:
    if isinstance(tree, GitTree):
        return tree
    raise RejectedError("The tree was opened by something else", place=tree.repository)


def _parent(request: CommitRequest, head: str | None, base: str | None, place: str) -> str:
    if base is None:
        raise NotFoundError("The commit that the change was made on is not there", place=f"{place} {request.base}")
    if request.create_branch:
        if head is not None:
            raise ConflictError(f'The branch "{request.branch}" exists already', place=place, fix="Use another name")
        return base
    if head is None:
        raise NotFoundError(f'There is no branch "{request.branch}"', place=place, fix="Check its name")
    return head


def _never_still(request: CommitRequest, place: str) -> UnavailableError:
    return UnavailableError(
        f'The branch "{request.branch}" moved {_ATTEMPTS} times while the commit was made', place=place, fix="Try again"
    )
