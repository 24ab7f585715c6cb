"""A tree with some files changed, for looking at what a change would do before anybody commits it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from csoc.errors import NotFoundError, RejectedError
from csoc.fleet.repositories import Entry, EntryKind, Tree

_READ_BYTES = 20_000_000


def blob_id(content: bytes) -> str:
    """The id that Git gives to this content: 40 hex digits."""
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


class OverlayTree:
    """See the module. files: path to new content; None removes the path. Everything else is the base's."""

    def __init__(self, base: Tree, files: Mapping[str, bytes | None]) -> None:
        self._base = base
        self._files = dict(files)
        digest = hashlib.sha1(base.commit.encode(), usedforsecurity=False)
        for path in sorted(self._files):
            content = self._files[path]
            digest.update(f"\0{path}\0{'' if content is None else blob_id(content)}".encode())
        self._commit = digest.hexdigest()
        self._entries: dict[str, Entry] | None = None

    @property
    def base(self) -> Tree:
        """The tree below the changes."""
        return self._base

    @property
    def repository(self) -> str:
        return self._base.repository

    @property
    def commit(self) -> str:
        """An id for this content; no repository has a commit of that name."""
        return self._commit

    @property
    def revision(self) -> str:
        return self._base.revision

    @property
    def aliases(self) -> frozenset[str]:
        return self._base.aliases

    def entries(self) -> Mapping[str, Entry]:
        """The base's entries with the changes."""
        if self._entries is None:
            entries = dict(self._base.entries())
            for path, content in self._files.items():
                if content is None:
                    entries.pop(path, None)
                    continue
                old = entries.get(path)
                new = Entry(path, blob_id(content), EntryKind.FILE, len(content))
                entries[path] = replace(new, executable=old.executable) if old else new
            self._entries = dict(sorted(entries.items()))
        return self._entries

    def read(self, path: str, *, limit_bytes: int = _READ_BYTES) -> bytes:
        """The new content of a changed file, else the base's."""
        if path not in self._files:
            return self._base.read(path, limit_bytes=limit_bytes)
        content = self._files[path]
        if content is None:
            raise NotFoundError("The change removes this file", place=path)
        if len(content) > limit_bytes:
            raise RejectedError(f"The file has {len(content)} bytes, more than the {limit_bytes} allowed", place=path)
        return content
