"""A few files of a tree, for whoever asks about one environment of a fleet with thousands."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from csoc.errors import NotFoundError
from csoc.fleet.repositories import Entry, Tree

_READ_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class ExcerptTree:
    """See the module. paths: those that stay; one that the tree does not have is left out."""

    base: Tree
    paths: Collection[str]
    _entries: Mapping[str, Entry] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        wanted = frozenset(self.paths)
        kept = {path: entry for path, entry in self.base.entries().items() if path in wanted}
        object.__setattr__(self, "_entries", kept)

    @property
    def repository(self) -> str:
        return self.base.repository

    @property
    def commit(self) -> str:
        """An id for this content; no repository has a commit of that name."""
        named = "\0".join([self.base.commit, *self._entries])
        return hashlib.sha1(named.encode(), usedforsecurity=False).hexdigest()

    @property
    def revision(self) -> str:
        return self.base.revision

    @property
    def aliases(self) -> frozenset[str]:
        return self.base.aliases

    def entries(self) -> Mapping[str, Entry]:
        """The base's entries at these paths."""
        return self._entries

    def read(self, path: str, *, limit_bytes: int = _READ_BYTES) -> bytes:
        """As the base's. Raises NotFoundError for a path that does not stay."""
        if path not in self._entries:
            raise NotFoundError(f"There is no file {path} in this part of the tree", place=self.base.repository)
        return self.base.read(path, limit_bytes=limit_bytes)
