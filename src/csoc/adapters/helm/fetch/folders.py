"""Chart folders where they lie: in a Git tree, or on this machine's disk because a person named them.

Both are listed without following a link; what a link says is read and judged by `archive`. A folder can lead to the
charts beside it (`file://../common`), as far as the repository reaches and no farther.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from csoc.adapters.helm.fetch.archive import Member
from csoc.errors import NotFoundError, RejectedError, UnavailableError
from csoc.fleet.repositories import Entry, EntryKind, Repositories, Tree

_KINDS = {EntryKind.FILE: "file", EntryKind.LINK: "link", EntryKind.SUBMODULE: "submodule"}
_MOST_MEMBERS = 50_000
_READ_BYTES = 60_000_000


class Root(Protocol):
    """A tree of folders. Paths are relative to it, with "/", normalised; "" is the root itself."""

    def members(self, folder: str) -> list[Member]:
        """Everything below a folder, with paths relative to it. [] if there is no such folder.

        Raises RejectedError, UnavailableError.
        """


class TreeRoot:
    """A Git tree."""

    def __init__(self, tree: Tree, repositories: Repositories) -> None:
        self._tree = tree
        self._repositories = repositories

    def members(self, folder: str) -> list[Member]:
        """See `Root`."""
        prefix = f"{folder}/" if folder else ""
        return [
            Member(path[len(prefix) :], _KINDS[entry.kind], entry.size_bytes, _Reader(self, entry))
            for path, entry in self._tree.entries().items()
            if path.startswith(prefix)
        ]

    def read(self, entry: Entry) -> bytes:
        """A file's bytes, or where a link leads."""
        if entry.kind is EntryKind.LINK:
            return self._repositories.read_blob(self._tree, entry.blob, limit_bytes=_READ_BYTES)
        return self._tree.read(entry.path, limit_bytes=_READ_BYTES)


class _Reader:
    def __init__(self, root: TreeRoot, entry: Entry) -> None:
        self._root = root
        self._entry = entry

    def __call__(self) -> bytes:
        return self._root.read(self._entry)


class DiskRoot:
    """A folder on disk. Nothing outside it is read, whatever links say."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()

    @classmethod
    def around(cls, chart: Path) -> tuple[DiskRoot, str]:
        """The root for a chart folder, and the folder's path in it: the repository that it is in, else its parent."""
        chart = chart.resolve()
        root = next((above for above in chart.parents if (above / ".git").exists()), chart.parent)
        root = chart if (chart / ".git").exists() else root
        return cls(root), "" if root == chart else chart.relative_to(root).as_posix()

    def members(self, folder: str) -> list[Member]:
        """See `Root`."""
        start = self._path / folder
        if not start.is_dir():
            return []
        if not start.resolve().is_relative_to(self._path):
            raise RejectedError("A folder leads out of the repository by a link", place=folder)
        found: list[Member] = []
        for path, entry in _walk(start, ""):
            found.append(_member(path, entry))
            if len(found) > _MOST_MEMBERS:
                raise RejectedError(f"The folder has more than {_MOST_MEMBERS:,} files", place=str(start))
        return found


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    pending = [(folder, prefix)]
    while pending:
        current, shown = pending.pop()
        try:
            with os.scandir(current) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            raise UnavailableError(f"The folder cannot be read: {error.strerror}", place=str(current)) from error
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != ".git":
                    pending.append((current / entry.name, f"{shown}{entry.name}/"))
            else:
                yield f"{shown}{entry.name}", entry


def _member(path: str, entry: os.DirEntry[str]) -> Member:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError as error:
        raise UnavailableError(f"The file cannot be read: {error.strerror}", place=entry.path) from error
    if stat.S_ISLNK(found.st_mode):
        return Member(path, "link", found.st_size, lambda: os.fsencode(Path(entry.path).readlink()))
    kind = "file" if stat.S_ISREG(found.st_mode) else "device, pipe or socket"
    return Member(path, kind, found.st_size, lambda: read_file(Path(entry.path), _READ_BYTES))


def read_file(path: Path, limit_bytes: int) -> bytes:
    """The bytes of a regular file, which may not be a link by now.

    Raises NotFoundError, UnavailableError, RejectedError (too large, or not a regular file).
    """
    try:
        # Without blocking, since opening a pipe would wait for somebody to write.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFoundError("The file does not exist", place=str(path)) from None
    except OSError as error:
        raise UnavailableError(f"The file cannot be read: {error.strerror}", place=str(path)) from error
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise RejectedError("This is not a regular file", place=str(path))
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise RejectedError(f"The file is larger than {limit_bytes:,} bytes", place=str(path))
    return content
