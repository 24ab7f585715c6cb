"""Bare clones of remote repositories in the cache.

A clone is whole (history and pull requests need it), holds branches and tags, and neither a URL nor a credential. It
belongs to the canonical name, so that the https and the ssh address of a repository share one.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pygit2

from csoc.adapters.git.locks import held, shared
from csoc.adapters.git.transfers import Callbacks, MovedError, Transfers, clean
from csoc.adapters.git.tree import Objects
from csoc.config import Limits
from csoc.errors import DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.addresses import Address

_KEPT = ("refs/heads/", "refs/tags/")
_REFERENCES = 200_000
# How servers (and libgit2 for them) say that they do not give a commit which no branch or tag holds.
_NOT_GIVEN = ("cannot fetch a specific object", "not our ref", "could not read from remote repository")
_SETTINGS = {
    # A redirect would be a way around the allow-list, and to a credential.
    "http.followRedirects": "false",
    "core.logAllRefUpdates": "false",
    "core.symlinks": "false",
}


@dataclass
class Clone:
    """One clone. in_use: a lock, held for as long as this is at hand, that keeps the clone from being tidied away.
    fetched_at: when this process last asked the server, on the monotonic clock."""

    address: Address
    path: Path
    objects: Objects
    in_use: IO[bytes]
    fetched_at: float | None = None

    @property
    def repository(self) -> pygit2.Repository:
        """libgit2's view of it."""
        return self.objects.repository


class Clones:
    """Makes, finds and brings up to date the clones below a folder."""

    def __init__(self, cache_dir: Path, transfers: Transfers, limits: Limits) -> None:
        self._folder = cache_dir / "git"
        self._transfers = transfers
        self._limits = limits
        self._clones: dict[Path, Clone] = {}

    def find(self, address: Address) -> Clone:
        """The clone of an address, made empty if there is none. No network."""
        # http is kept apart: what came over it may have been altered on the way.
        name = f"{address.name}#{'http' if address.scheme == 'http' else ''}"
        path = self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:40]}.git"
        clone = self._clones.get(path)
        if clone is None:
            in_use = shared(path.with_suffix(".use"), self._limits.lock_seconds, address.url)
            with held(path.with_suffix(".lock"), self._limits.lock_seconds, address.url):
                if not path.exists():
                    _create(path)
            objects = Objects(pygit2.Repository(str(path)), self._limits)
            clone = self._clones[path] = Clone(address, path, objects, in_use)
        return clone

    def refresh(self, address: Address, *, trusted: bool, force: bool = False) -> Clone:
        """The clone with the server's present branches and tags. Not fetched again within `limits.fresh_seconds`.

        Raises DeniedError, NotFoundError, UnavailableError, RejectedError (over the limits).
        """
        clone = self.find(address)
        fresh = clone.fetched_at is not None and time.monotonic() - clone.fetched_at < self._limits.fresh_seconds
        if fresh and not force:
            return clone
        callbacks = self._transfers.callbacks(address, trusted=trusted)
        self._transfers.run(address, lambda: self._fetch(clone.path, address, callbacks))
        clone.fetched_at = time.monotonic()
        return clone

    def fetch_commit(self, clone: Clone, commit: str, *, address: Address, trusted: bool) -> bool:
        """Asks the server for a commit that no branch or tag holds. False if it does not give it."""
        callbacks = self._transfers.callbacks(address, trusted=trusted)

        def work() -> None:
            repository = pygit2.Repository(str(clone.path))
            with held(clone.path.with_suffix(".lock"), self._limits.lock_seconds, address.url):
                remote = repository.remotes.create_anonymous(address.url)
                remote.fetch([f"{commit}:refs/csoc/commits/{commit}"], callbacks=callbacks, proxy=True)

        try:
            self._transfers.run(address, work)
        except NotFoundError:
            return False
        except UnavailableError as error:
            if any(words in error.cause for words in _NOT_GIVEN):
                return False
            raise
        return clone.repository.get(commit) is not None

    def push(
        self, clone: Clone, branch: str, commit: str, head: str | None, *, address: Address, trusted: bool
    ) -> None:
        """Publishes a commit as the branch's new head, which was `head` (None: there was no branch).

        Raises MovedError (the branch is elsewhere by now), DeniedError (the server refuses), UnavailableError.
        """
        callbacks = self._transfers.callbacks(address, trusted=trusted)
        callbacks.expected_head = head
        name = f"refs/heads/{branch}"

        def work() -> None:
            repository = pygit2.Repository(str(clone.path))
            local = f"refs/csoc/pushes/{commit}"
            repository.create_reference_direct(local, pygit2.Oid(hex=commit), force=True)
            try:
                # No "+": the server is never asked to throw anything away.
                repository.remotes.create_anonymous(address.url).push(
                    [f"{local}:{name}"], callbacks=callbacks, proxy=True
                )
            finally:
                repository.references.delete(local)

        try:
            self._transfers.run(address, work)
        except UnavailableError as error:
            if "fast-forward" in error.cause or "fastforward" in error.cause:
                raise MovedError from error
            raise
        if callbacks.refused:
            raise _refusal(callbacks, name, address)
        clone.repository.create_reference_direct(name, pygit2.Oid(hex=commit), force=True)

    def _fetch(self, path: Path, address: Address, callbacks: Callbacks) -> None:
        with held(path.with_suffix(".lock"), self._limits.lock_seconds, address.url):
            # An object of its own: libgit2's repositories are not for two threads.
            repository = pygit2.Repository(str(path))
            remote = repository.remotes.create_anonymous(address.url)
            heads = remote.list_heads(callbacks=callbacks, proxy=True)
            callbacks.check_time()
            if len(heads) > _REFERENCES:
                raise RejectedError(f"The repository has more than {_REFERENCES} references", place=address.url)
            wanted = {str(head.name): str(head.oid) for head in heads if _kept(head.name)}
            present = {name: str(repository.lookup_reference(name).target) for name in _present(repository)}
            for name in present.keys() - wanted.keys():
                repository.references.delete(name)
            if any(present.get(name) != oid for name, oid in wanted.items()):
                specs = [f"+{prefix}*:{prefix}*" for prefix in _KEPT]
                remote.fetch(specs, callbacks=callbacks, proxy=True)
            default = _default_branch(heads, wanted)
            if default:
                repository.set_head(default)


def _create(path: Path) -> None:
    """Makes an empty clone beside its place and moves it there, so that it is there with its settings or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix="new-"))
    try:
        repository = pygit2.init_repository(str(temporary / "git"), bare=True)
        for key, value in _SETTINGS.items():
            repository.config[key] = value
        (temporary / "git").rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _kept(name: str | None) -> bool:
    # "^{}" is the commit behind a tag, listed beside it.
    return name is not None and name.startswith(_KEPT) and not name.endswith("^{}")


def _present(repository: pygit2.Repository) -> list[str]:
    return [name for name in repository.listall_references() if name.startswith(_KEPT)]


def _default_branch(heads: list[pygit2.remotes.RemoteHead], wanted: dict[str, str]) -> str:
    """The branch that HEAD is on the server; guessed by its commit where an old server does not say."""
    head = next((head for head in heads if head.name == "HEAD"), None)
    if head is None:
        return ""
    if head.symref_target:
        return str(head.symref_target) if head.symref_target.startswith("refs/heads/") else ""
    same = [name for name, oid in wanted.items() if oid == str(head.oid) and name.startswith("refs/heads/")]
    return next((name for name in ("refs/heads/main", "refs/heads/master") if name in same), same[0] if same else "")


def _refusal(callbacks: Callbacks, name: str, address: Address) -> Exception:
    message = callbacks.refused.get(name) or next(iter(callbacks.refused.values()))
    low = message.lower()
    if any(
        word in low for word in ("fetch first", "non-fast-forward", "stale info", "cannot lock ref", "failed to update")
    ):
        return MovedError()
    remarks = clean(callbacks.remarks)
    said = f"{clean(message)} ({remarks})" if remarks else clean(message)
    if "no such" in low:
        return NotFoundError(f"The server refuses: {said}", place=address.url)
    return DeniedError(
        f"The server does not take the commit: {said}",
        place=f"{address.url} {name}",
        fix="Open a pull request instead, or ask for the right to write to the branch",
    )
