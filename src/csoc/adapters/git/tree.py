"""A repository at one commit, read from object databases.

Tree objects are parsed here from their bytes and remembered by their id: a fleet has tens of thousands of files, most
folders are the same from commit to commit, and a re-read must cost what has changed and not what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import pygit2
from pygit2.enums import ObjectType

from csoc.config import Limits
from csoc.errors import NotFoundError, RejectedError, UnavailableError
from csoc.fleet.repositories import Entry, EntryKind

_TREE_BYTES = 64_000_000
_DEPTH = 100
# What pygit2 raises for an object that is not there or damaged; a kind that no object has is a ValueError.
_UNREADABLE = (KeyError, ValueError, pygit2.GitError)
_FOLDERS_REMEMBERED = 200_000

_Folder = tuple[tuple[Entry, ...], tuple[tuple[str, bytes], ...]]


class Objects:
    """Object databases that belong together, and what was learned from them. Objects never change, so nothing expires.

    remake: makes databases again that can be made again, and says whether it did. It is asked when an object that
    should be there cannot be read, and then calls `reopen`.
    """

    def __init__(
        self, repository: pygit2.Repository, limits: Limits, *, remake: Callable[[], bool] | None = None
    ) -> None:
        self.repository = repository
        self.limits = limits
        self._odb = repository.odb
        self._remake = remake
        self._sizes: dict[str, int] = {}
        self._left_out: frozenset[str] = frozenset()
        self._folders: dict[tuple[bytes, str], _Folder] = {}

    def know_sizes(self, sizes: Mapping[str, int]) -> None:
        """Adds sizes of blobs that are not kept in the database (files over the limit)."""
        self._sizes.update(sizes)

    def leave_out(self, blobs: Iterable[str]) -> None:
        """Adds ids that stand for files which were never read."""
        self._left_out |= frozenset(blobs)

    def reopen(self, repository: pygit2.Repository) -> None:
        """Goes on with databases that were made again."""
        self.repository = repository
        self._odb = repository.odb

    def listing(self, tree: str) -> Mapping[str, Entry]:
        """Every path below a tree object, sorted. Raises RejectedError (over the limits, malformed)."""
        found: list[Entry] = []
        waiting: list[tuple[str, bytes, int]] = [("", bytes.fromhex(tree), 0)]
        folders = 0
        while waiting:
            prefix, oid, depth = waiting.pop()
            if depth > _DEPTH:
                raise RejectedError(f"The repository has folders more than {_DEPTH} deep", place=prefix[:200])
            entries, below = self._folder(oid, prefix)
            found += entries
            folders += 1
            # Folders count as well: a tree that holds itself many times over has few files and endless folders.
            if len(found) + folders > self.limits.tree_entries:
                raise RejectedError(
                    f"The repository has more than {self.limits.tree_entries} paths",
                    fix="Raise limits.tree_entries in the settings, or name a smaller folder",
                )
            waiting += ((path, child, depth + 1) for path, child in below)
        found.sort(key=lambda entry: entry.path)
        return MappingProxyType({entry.path: entry for entry in found})

    def blob_at(
        self, tree: str, path: str, known: dict[tuple[int, bytes], tuple[int, bytes] | None] | None = None
    ) -> tuple[str, int] | None:
        """The blob's (or link's, or submodule's) id and mode at a path; None if the path is no file there.

        known: remembers what folders on the way hold, for many calls with the same path.
        """
        memory = {} if known is None else known
        oid, mode = bytes.fromhex(tree), 0o040000
        for level, name in enumerate(path.split("/")):
            if not _is_folder(mode):
                return None
            key = level, oid
            if key not in memory:
                memory[key] = _found(self._tree_bytes(oid, path), name.encode(errors="replace"))
            step = memory[key]
            if step is None:
                return None
            mode, oid = step
        return None if _is_folder(mode) else (oid.hex(), mode)

    def size(self, blob: str) -> int | None:
        """The bytes of a blob; None if it is not there."""
        known = self._sizes.get(blob)
        if known is not None:
            return known
        try:
            kind, size = self._odb.read_header(pygit2.Oid(hex=blob))
        except _UNREADABLE:
            # A clone may well lack an object; a database that can be made again lacks none of its own.
            return None
        if kind != ObjectType.BLOB:
            return None
        self._sizes[blob] = size
        return size

    def read(self, blob: str, limit_bytes: int | None, place: str) -> bytes:
        """The bytes of a blob, whose size is looked up first. limit_bytes: None means the settings' limit."""
        limit = self.limits.file_bytes if limit_bytes is None else limit_bytes
        size = self.size(blob)
        if size is None:
            raise NotFoundError("There is no such blob in the repository", place=place)
        if size > limit:
            raise RejectedError(f"The file has {size} bytes; at most {limit} are read", place=place)
        if blob in self._left_out:
            raise RejectedError(
                f"The file has {size} bytes and is of a kind that is left out of folders where it is so large",
                place=place,
            )
        try:
            return self._odb_read(pygit2.Oid(hex=blob))
        except _UNREADABLE as error:
            raise UnavailableError("The file's content is not in this clone", place=place, fix="Try again") from error

    def tree_of(self, commit: str) -> str:
        """The tree object of a commit. Raises NotFoundError."""
        found = self.repository.get(commit)
        if not isinstance(found, pygit2.Commit):
            raise NotFoundError("There is no such commit in the repository", place=commit)
        return str(found.tree_id)

    def _folder(self, oid: bytes, prefix: str) -> _Folder:
        known = self._folders.get((oid, prefix))
        if known is not None:
            return known
        entries: list[Entry] = []
        below: list[tuple[str, bytes]] = []
        for mode, raw_name, child in _parse_tree(self._tree_bytes(oid, prefix)):
            # A name that is not UTF-8 is shown with escapes; it stays readable through its blob.
            name = raw_name.decode(errors="backslashreplace")
            if name in ("", ".", "..") or "/" in name:
                raise RejectedError("The repository holds a malformed folder", place=prefix[:200])
            if _is_folder(mode):
                below.append((f"{prefix}{name}/", child))
            else:
                entries.append(self._entry(f"{prefix}{name}", mode, child.hex()))
        folder = tuple(entries), tuple(below)
        if len(self._folders) < _FOLDERS_REMEMBERED:
            self._folders[oid, prefix] = folder
        return folder

    def _entry(self, path: str, mode: int, blob: str) -> Entry:
        if mode & 0o170000 == 0o160000:
            return Entry(path, blob, EntryKind.SUBMODULE, 0)
        kind = EntryKind.LINK if mode & 0o170000 == 0o120000 else EntryKind.FILE
        return Entry(path, blob, kind, self.size(blob) or 0, kind is EntryKind.FILE and bool(mode & 0o111))

    def _header(self, oid: pygit2.Oid) -> tuple[int, int]:
        try:
            return self._odb.read_header(oid)
        except _UNREADABLE:
            if self._remake is None or not self._remake():
                raise
        return self._odb.read_header(oid)

    def _odb_read(self, oid: pygit2.Oid) -> bytes:
        try:
            return self._odb.read(oid)[1]
        except _UNREADABLE:
            if self._remake is None or not self._remake():
                raise
        return self._odb.read(oid)[1]

    def _tree_bytes(self, oid: bytes, place: str) -> bytes:
        wanted = pygit2.Oid(raw=oid)
        try:
            kind, size = self._header(wanted)
            if kind != ObjectType.TREE or size > _TREE_BYTES:
                raise RejectedError("The repository holds a malformed or very large folder", place=place[:200])
            # libgit2 knows the header of the empty tree without having it.
            return self._odb_read(wanted) if size else b""
        except _UNREADABLE as error:
            raise UnavailableError(
                "A folder of the repository is not in this clone", place=place[:200], fix="Fetch the repository wholly"
            ) from error


class GitTree:
    """A `fleet.repositories.Tree` on object databases.

    history_commit: where the history begins ("" if there is none); the commit itself unless this is a work tree.
    history: the databases that hold it.
    """

    def __init__(
        self,
        objects: Objects,
        *,
        repository: str,
        commit: str,
        revision: str,
        tree: str,
        aliases: frozenset[str] = frozenset(),
        history: Objects | None = None,
        history_commit: str | None = None,
    ) -> None:
        self.objects = objects
        self.tree = tree
        self.history = history or objects
        self.history_commit = commit if history_commit is None else history_commit
        self._repository = repository
        self._commit = commit
        self._revision = revision
        self._aliases = aliases
        self._entries: Mapping[str, Entry] | None = None

    @property
    def repository(self) -> str:
        """Canonical name of the repository, or the folder's path."""
        return self._repository

    @property
    def commit(self) -> str:
        """40 hex digits."""
        return self._commit

    @property
    def revision(self) -> str:
        """What was asked for."""
        return self._revision

    @property
    def aliases(self) -> frozenset[str]:
        """Canonical names of the remotes of a local clone."""
        return self._aliases

    def entries(self) -> Mapping[str, Entry]:
        """Every path of the tree, sorted; computed once. Raises RejectedError (over the limits)."""
        if self._entries is None:
            self._entries = self.objects.listing(self.tree)
        return self._entries

    def read(self, path: str, *, limit_bytes: int | None = None) -> bytes:
        """The bytes of a file; limit_bytes None means the settings' limit."""
        entry = self.entries().get(path)
        if entry is None:
            raise NotFoundError("There is no such file", place=path)
        if entry.kind is not EntryKind.FILE:
            raise RejectedError(f"A {entry.kind.value} is never followed", place=path)
        return self.objects.read(entry.blob, limit_bytes, path)

    def __repr__(self) -> str:
        return f"GitTree({self._repository!r}, {self._commit!r})"


def _parse_tree(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """Mode, name and id of each entry of a tree object. Raises RejectedError (malformed)."""
    found: list[tuple[int, bytes, bytes]] = []
    at = 0
    try:
        while at < len(data):
            space = data.index(b" ", at, at + 8)
            zero = data.index(b"\0", space)
            found.append((int(data[at:space], 8), data[space + 1 : zero], data[zero + 1 : zero + 21]))
            at = zero + 21
    except ValueError:
        raise RejectedError("The repository holds a malformed folder") from None
    if at != len(data):
        raise RejectedError("The repository holds a malformed folder")
    return found


def _found(data: bytes, name: bytes) -> tuple[int, bytes] | None:
    # A tree without these bytes does not hold the name; one with them may hold them inside an id.
    if b" " + name + b"\0" not in data:
        return None
    return next(((mode, child) for mode, found, child in _parse_tree(data) if found == name), None)


def _is_folder(mode: int) -> bool:
    return mode & 0o170000 == 0o040000
