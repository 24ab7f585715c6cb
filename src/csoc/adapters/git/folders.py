"""Plain folders and work trees, written into csoc's own object databases so that they read like any commit.

Nothing is ever written into the user's repository. What a file held is remembered by its size, times and inode, as
Git's own index does, so that opening an unchanged folder again reads no file. All of it can be made again, so a
database that turns out to be damaged, at once or in the middle of reading, is dropped and the folder captured anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import FileStatus

from csoc.adapters.git.locks import held
from csoc.adapters.git.packs import PackWriter, object_id
from csoc.adapters.git.survey import Seen, Survey
from csoc.adapters.git.tree import Objects
from csoc.config import Limits
from csoc.errors import RejectedError, UnavailableError

_VERSION = 2
_PACKS = 50
_PACK_AGE_SECONDS = 3_600
# A file written this shortly before it is read may change again without its times changing.
_RACY_NS = 100_000_000
_CHUNK = 1 << 20
_FILE, _PROGRAM, _LINK, _SUBMODULE, _FOLDER = 0o100644, 0o100755, 0o120000, 0o160000, 0o040000
_SIGNATURE = "csoc <csoc@localhost> 0 +0000"

_Stat = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Captured:
    """A folder as a commit. objects: databases that hold it."""

    objects: Objects
    tree: str
    commit: str


@dataclass
class _Scan:
    """One capture while it is made. files: path to (mode, blob)."""

    known: dict[str, tuple[_Stat, str]]
    writer: PackWriter
    started_ns: int
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    cache: dict[str, tuple[_Stat, str]] = field(default_factory=dict)


class Folders:
    """Captures folders. now_ns: the clock that file times are compared with, in nanoseconds."""

    def __init__(self, cache_dir: Path, limits: Limits, *, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._cache_dir = cache_dir / "folders"
        self._limits = limits
        self._now_ns = now_ns
        self._objects: dict[str, Objects] = {}
        self._users: dict[str, pygit2.Repository | None] = {}
        self._scans: dict[str, Callable[[_Scan], None]] = {}
        self._remade: set[str] = set()

    def plain(self, folder: Path) -> Captured:
        """Every file below a folder except what is named ".git". Links are listed and never followed.

        Raises RejectedError (over the limits), UnavailableError (a folder that cannot be read).
        """
        return self._capture(folder, lambda scan: self._scan_folder(folder, scan), None)

    def work_tree(self, folder: Path, repository: pygit2.Repository) -> Captured | None:
        """The work tree of a repository: what is tracked, as it is on disk, and what is neither tracked nor ignored.

        None if it is what the repository's HEAD holds. Repositories inside it that are no submodules are left out, as
        Git does. Raises as `plain`.
        """
        try:
            changed = repository.status(untracked_files="all")
        except pygit2.GitError as error:
            raise UnavailableError(f"Git cannot tell the state of the work tree: {error}", place=str(folder)) from error
        own = {path: FileStatus(flags) for path, flags in changed.items() if not path.endswith("/")}
        if is_sparse(repository):
            # What a sparse checkout leaves out is not on disk, and not deleted either.
            own = {path: flags for path, flags in own.items() if flags != FileStatus.WT_DELETED}
        if not own and not repository.head_is_unborn:
            return None
        return self._capture(folder, lambda scan: self._scan_work_tree(folder, repository, own, scan), repository)

    def captured(self, folder: Path, commit: str) -> bool:
        """True if the commit is one that was made of this folder."""
        return self._objects_of(folder, None).repository.get(commit) is not None

    def _capture(self, folder: Path, scan_into: Callable[[_Scan], None], user: pygit2.Repository | None) -> Captured:
        place = self._place(folder)
        with held(place.with_suffix(".lock"), self._limits.lock_seconds, str(folder)):
            if not _is_whole(place):
                self._drop(folder)
            _remove_halves(place)
            objects = self._objects_of(folder, user)
            self._scans[_key(place, user)] = scan_into
            try:
                return self._write(place, objects, scan_into)
            except (ValueError, pygit2.GitError):
                self._drop(folder)
                return self._write(place, objects, scan_into, known=False)

    def _write(
        self, place: Path, objects: Objects, scan_into: Callable[[_Scan], None], *, known: bool = True
    ) -> Captured:
        """Captures into the database at `place`, whose lock is held. known: what was read before is not read again."""
        packs = _packs(place)
        rewrite = len(packs) > _PACKS
        remembered = _load_state(place, self._limits.file_bytes) if known and not rewrite else {}
        scan = _Scan(remembered, PackWriter(place / "objects" / "pack"), self._now_ns())
        try:
            scan_into(scan)
            tree = _write_tree(scan, objects, force=rewrite)
            text = f"tree {tree}\nauthor {_SIGNATURE}\ncommitter {_SIGNATURE}\n\nWhat the folder holds\n"
            commit = object_id("commit", text.encode())
            if rewrite or commit not in objects.repository:
                scan.writer.add("commit", text.encode())
            scan.writer.close()
        finally:
            scan.writer.discard()
        if rewrite:
            _remove_old(packs)
        if rewrite or not known or scan.cache != scan.known:
            _save_state(place, scan.cache, self._limits.file_bytes)
        objects.know_sizes(scan.sizes)
        objects.leave_out(scan.left_out)
        return Captured(objects, tree, commit)

    def _remake(self, folder: Path, user: pygit2.Repository | None) -> bool:
        """Drops a database that cannot be read and captures the folder again, once. False if that was done already."""
        place = self._place(folder)
        key = _key(place, user)
        scan_into = self._scans.get(key)
        if scan_into is None or key in self._remade:
            return False
        self._remade.add(key)
        with held(place.with_suffix(".lock"), self._limits.lock_seconds, str(folder)):
            self._drop(folder)
            self._write(place, self._objects[key], scan_into, known=False)
        return True

    def _drop(self, folder: Path) -> None:
        """Removes the database of a folder. Whoever reads from it elsewhere captures the folder again as well."""
        place = self._place(folder)
        shutil.rmtree(place, ignore_errors=True)
        for key, user in self._users.items():
            if key.removesuffix("+") == str(place):
                self._objects[key].reopen(self._opened(place, user))

    def _place(self, folder: Path) -> Path:
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:40]
        return self._cache_dir / f"{name}.git"

    def _objects_of(self, folder: Path, user: pygit2.Repository | None) -> Objects:
        place = self._place(folder)
        key = _key(place, user)
        if key not in self._objects:
            repository = self._opened(place, user)
            self._objects[key] = Objects(repository, self._limits, remake=lambda: self._remake(folder, user))
            self._users[key] = user
        return self._objects[key]

    @staticmethod
    def _opened(place: Path, user: pygit2.Repository | None) -> pygit2.Repository:
        """The database at a place, made if it is not there, and made anew if it is half there."""
        try:
            if not (place / "HEAD").read_bytes().startswith(b"ref: refs/heads/"):
                shutil.rmtree(place, ignore_errors=True)
            repository = pygit2.Repository(str(place))
        except (OSError, pygit2.GitError):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            repository = pygit2.init_repository(str(place), bare=True)
        if user is not None:
            repository.odb.add_disk_alternate(str(common_dir(user) / "objects"))
        return repository

    def _scan_folder(self, root: Path, scan: _Scan) -> None:
        for seen in Survey(root, self._limits).walk():
            self._take(seen, scan)

    def _scan_work_tree(
        self, root: Path, repository: pygit2.Repository, changed: dict[str, FileStatus], scan: _Scan
    ) -> None:
        try:
            index = [(entry.path, int(entry.mode), str(entry.id)) for entry in repository.index]
        except pygit2.GitError as error:
            raise UnavailableError(f"Git's index cannot be read: {error}", place=str(root)) from error
        self._count(len(index) + len(changed), root)
        disk = FileStatus.WT_MODIFIED | FileStatus.WT_TYPECHANGE | FileStatus.CONFLICTED | FileStatus.WT_NEW
        tracked = set()
        survey = Survey(root, self._limits)
        for path, mode, blob in index:
            tracked.add(path)
            flags = changed.get(path)
            if flags is None or (mode == _SUBMODULE and not flags & FileStatus.WT_DELETED):
                scan.files[path] = mode, blob
            elif flags & disk:
                survey.take(path, f"{root}/{path}")
            elif not flags & FileStatus.WT_DELETED:
                scan.files[path] = mode, blob
        for path, flags in changed.items():
            if flags & disk and path not in tracked:
                survey.take(path, f"{root}/{path}")
        for seen in survey.seen:
            self._take(seen, scan)

    def _take(self, seen: Seen, scan: _Scan) -> None:
        """One file as it is on disk."""
        path, found = seen.path, seen.found
        if stat.S_ISLNK(found.st_mode):
            try:
                scan.files[path] = _LINK, scan.writer.add("blob", os.fsencode(os.readlink(seen.file)))  # noqa: PTH115
            except FileNotFoundError:
                return  # gone since it was counted
            except OSError as error:
                raise UnavailableError(f"The link cannot be looked at: {error.strerror}", place=path) from error
            return
        if not stat.S_ISREG(found.st_mode):
            return  # pipes, sockets and devices are nothing that Git knows
        mode = _PROGRAM if found.st_mode & stat.S_IXUSR else _FILE
        if seen.wanted:
            blob = self._blob(seen.file, path, found, scan)
        else:
            blob = object_id("blob", b"csoc leaves out %d %s" % (found.st_size, os.fsencode(path)))
            scan.left_out.add(blob)
        scan.files[path] = mode, blob
        scan.sizes[blob] = found.st_size

    def _blob(self, file: str, path: str, found: os.stat_result, scan: _Scan) -> str:
        times = _times(found)
        known = scan.known.get(path)
        if known is not None and known[0] == times:
            scan.cache[path] = known
            return known[1]
        try:
            blob, after = self._store(file, scan.writer)
        except OSError:
            # Listed, and refused when it is read: one unreadable file must not cost the rest.
            return object_id("blob", b"csoc cannot read " + os.fsencode(path))
        if after == times and max(times[1:3]) < scan.started_ns - _RACY_NS:
            scan.cache[path] = times, blob
        return blob

    def _store(self, file: str, writer: PackWriter) -> tuple[str, _Stat]:
        """Writes a file's bytes as a blob; only works out the id where it is over the limit and will not be read."""
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as opened:
            size = os.fstat(handle).st_size
            if size <= self._limits.file_bytes:
                return writer.add("blob", opened.read(self._limits.file_bytes + 1)), _times(os.fstat(handle))
            digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
            left = size
            while left > 0 and (chunk := opened.read(min(left, _CHUNK))):
                digest.update(chunk)
                left -= len(chunk)
            return digest.hexdigest(), _times(os.fstat(handle))

    def _count(self, number: int, root: Path) -> None:
        if number > self._limits.tree_entries:
            raise RejectedError(
                f"The folder holds more than {self._limits.tree_entries} files",
                place=str(root),
                fix="Name a smaller folder, or raise limits.tree_entries in the settings",
            )


def common_dir(repository: pygit2.Repository) -> Path:
    """The folder that holds a repository's objects and branches, also for a linked work tree."""
    path = Path(repository.path)
    try:
        return (path / (path / "commondir").read_text().strip()).resolve()
    except OSError:
        return path


def is_sparse(repository: pygit2.Repository) -> bool:
    """True if the checkout leaves out files. libgit2 does not tell which, so a file that is not there counts as one."""
    try:
        return repository.config.get_bool("core.sparseCheckout")
    except (KeyError, ValueError, pygit2.GitError):
        return False


def _write_tree(scan: _Scan, objects: Objects, *, force: bool) -> str:
    """Writes the tree objects of the files, deepest first. Returns the id of the uppermost."""
    folders: dict[str, list[tuple[bytes, int, str]]] = {"": []}
    for path, (mode, blob) in scan.files.items():
        parent, _, name = path.rpartition("/")
        folders.setdefault(parent, []).append((os.fsencode(name), mode, blob))
        while parent and parent not in folders:
            folders[parent] = []
        while parent:
            parent = parent.rpartition("/")[0]
            folders.setdefault(parent, [])
    for folder in sorted(folders, key=lambda name: (name.count("/"), name), reverse=True):
        if not folder:
            continue
        parent, _, name = folder.rpartition("/")
        folders[parent].append((os.fsencode(name), _FOLDER, _tree_object(folders[folder], scan, objects, force)))
    return _tree_object(folders[""], scan, objects, force)


def _tree_object(entries: list[tuple[bytes, int, str]], scan: _Scan, objects: Objects, force: bool) -> str:
    # Git sorts folders as if their names ended with a slash.
    entries.sort(key=lambda entry: entry[0] + b"/" if entry[1] == _FOLDER else entry[0])
    content = b"".join(b"%o %s\0" % (mode, name) + bytes.fromhex(blob) for name, mode, blob in entries)
    tree = object_id("tree", content)
    if force or tree not in objects.repository:
        scan.writer.add("tree", content)
    return tree


def _times(found: os.stat_result) -> _Stat:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _key(place: Path, user: pygit2.Repository | None) -> str:
    return f"{place}{'+' if user else ''}"


def _packs(place: Path) -> list[Path]:
    return sorted((place / "objects" / "pack").glob("pack-*.idx"))


def _pack_sizes(place: Path) -> dict[str, list[int]]:
    """The bytes of each index and of its pack; -1 for a pack that is not there."""
    sizes = {}
    for index in _packs(place):
        pack = index.with_suffix(".pack")
        sizes[index.name] = [index.stat().st_size, pack.stat().st_size if pack.exists() else -1]
    return sizes


def _state(place: Path) -> dict[str, Any]:
    """What was remembered; nothing if it cannot be read."""
    try:
        state = json.loads((place / "files.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) and state.get("version") == _VERSION else {}


def _is_whole(place: Path) -> bool:
    """False if a file of the database is gone, cut short or left by a capture that was ended in the middle."""
    sizes = _pack_sizes(place)
    remembered = _state(place).get("packs", {})
    whole = all(pack > 0 for _, pack in sizes.values())
    return whole and isinstance(remembered, dict) and all(sizes.get(name) == size for name, size in remembered.items())


def _load_state(place: Path, file_bytes: int) -> dict[str, tuple[_Stat, str]]:
    state = _state(place)
    try:
        # What was over another limit has an id and no content.
        if state.get("file_bytes") != file_bytes:
            return {}
        return {path: ((size, mtime, ctime, inode), blob) for path, size, mtime, ctime, inode, blob in state["files"]}
    except (ValueError, KeyError, TypeError):
        return {}


def _save_state(place: Path, cache: dict[str, tuple[_Stat, str]], file_bytes: int) -> None:
    files = [[path, *times, blob] for path, (times, blob) in cache.items()]
    state = {"version": _VERSION, "file_bytes": file_bytes, "packs": _pack_sizes(place), "files": files}
    temporary = place / "files.json.new"
    temporary.write_text(json.dumps(state, separators=(",", ":")), encoding="utf-8")
    temporary.replace(place / "files.json")


def _remove_halves(place: Path) -> None:
    """Removes what a capture that was killed left behind; the lock says that none is at work."""
    for half in (place / "objects" / "pack").glob("tmp_*"):
        half.unlink(missing_ok=True)


def _remove_old(packs: list[Path]) -> None:
    """Removes packs that a rewrite has made needless; young ones stay, since another csoc may be reading them."""
    for index in packs:
        if index.exists() and time.time() - index.stat().st_mtime > _PACK_AGE_SECONDS:
            index.unlink(missing_ok=True)
            index.with_suffix(".pack").unlink(missing_ok=True)
