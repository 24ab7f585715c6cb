"""Writes files into the work tree that a person pointed csoc at, as a formatter does: nothing is committed.

The tree was read a moment ago and belongs to somebody who may be working in it. So a file is only replaced while it
still holds the bytes that were read, never through a link, and never outside the folder; and either all files are as
they were when the first is written, or none is touched. Where Git shows a file with the line ends of Windows and keeps
it without, it is read as Git keeps it and written as it stood there.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from csoc.clock import Ids
from csoc.errors import ConflictError, DeniedError, RejectedError, UnavailableError
from csoc.fleet.repositories import Tree

WORK_TREE = "work tree"
_CHANGED = "The file changed since it was read"
_LINE_ENDS_SEEN = 64_000


@dataclass(frozen=True, slots=True)
class FileWrite:
    """New bytes for a path. before: what it held when it was read, None if it was not there."""

    path: str
    before: bytes | None
    after: bytes


def is_work_tree(tree: Tree) -> bool:
    """True for a folder on this machine as it is on disk, not at a commit."""
    return tree.revision == WORK_TREE and tree.repository.startswith("/")


def write_files(tree: Tree, writes: Sequence[FileWrite], ids: Ids) -> None:
    """Replaces the files in the work tree. ids: for the names of files that are half written.

    Raises ConflictError (a file is not what was read), RejectedError (not a work tree; a link; a path that leaves it),
    DeniedError, UnavailableError. Unless the disk fails on the way, all files are written or none.
    """
    if not is_work_tree(tree):
        raise RejectedError(
            "This is not a work tree, so its files cannot be changed in place",
            place=tree.repository,
            fix="Use --pull-request, or `csoc fleet set`",
        )
    top = Path(tree.repository)
    for write in writes:
        with _folder(top, write.path, make=False) as folder:
            if _present(folder, write) not in _shown(write.before):
                raise ConflictError(_CHANGED, place=write.path, fix="Run csoc again")
    for write in writes:
        with _folder(top, write.path, make=write.before is None) as folder:
            _replace(folder, write, f".csoc-{ids()}")


def replace_file(top: Path, path: str, content: bytes, ids: Ids) -> None:
    """Puts a file of a commit into its place, whatever stood there, with its rights and line ends, and never through a
    link. Raises RejectedError (a link on the way), DeniedError, UnavailableError."""
    name = path.rpartition("/")[2]
    with _folder(top, path, make=True) as folder, _our_words(path):
        if folder is None:
            raise UnavailableError("The folder of the file is gone", place=path)
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except FileNotFoundError:
            mode, present = None, b""
        else:
            with os.fdopen(file, "rb") as opened:
                mode = stat.S_IMODE(os.fstat(file).st_mode)
                present = opened.read(len(content) * 2 + _LINE_ENDS_SEEN)
        _put(folder, name, f".csoc-{ids()}", _ended(content, present), mode)


def remove_file(top: Path, path: str) -> None:
    """Removes a file and the folders that it leaves empty, none of them through a link. Raises as `replace_file`."""
    with _folder(top, path, make=False) as folder, _our_words(path):
        if folder is not None:
            with suppress(FileNotFoundError):
                os.unlink(path.rpartition("/")[2], dir_fd=folder)
    parent = path.rpartition("/")[0]
    while parent:
        with _folder(top, parent, make=False) as folder:
            try:
                if folder is not None:
                    os.rmdir(parent.rpartition("/")[2], dir_fd=folder)
            except OSError:
                return  # not empty, or no folder any more: it stays
        parent = parent.rpartition("/")[0]


@contextmanager
def _folder(top: Path, path: str, *, make: bool) -> Iterator[int | None]:
    """The open folder of a path, reached without following a link; None if it is not there and is not to be made."""
    *parts, name = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in (*parts, name)):
        raise RejectedError("The path leaves the work tree", place=path)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    with _our_words(path):
        folder = os.open(top, flags)
    try:
        for part in parts:
            with _our_words(path):
                if make:
                    _make(part, folder)
                try:
                    below = os.open(part, flags, dir_fd=folder)
                except FileNotFoundError:
                    yield None
                    return
                os.close(folder)
                folder = below
        yield folder
    finally:
        os.close(folder)


def _make(name: str, folder: int) -> None:
    try:
        os.mkdir(name, 0o777, dir_fd=folder)
    except FileExistsError:
        return


def _present(folder: int | None, write: FileWrite) -> bytes | None:
    """What the file holds now; None if it is not there."""
    name = write.path.rpartition("/")[2]
    if folder is None:
        return None
    with _our_words(write.path):
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except FileNotFoundError:
            return None
        with os.fdopen(file, "rb") as content:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise RejectedError("This is not a regular file", place=write.path)
            # One byte more than it can have held: enough to see that it grew.
            return content.read(len(write.before or b"") * 2 + 1)


def _replace(folder: int | None, write: FileWrite, temporary: str) -> None:
    if folder is None:
        raise ConflictError(_CHANGED, place=write.path, fix="Run csoc again")
    name = write.path.rpartition("/")[2]
    with _our_words(write.path):
        mode = None
        if write.before is not None:
            mode = stat.S_IMODE(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        present = _present(folder, write)
        if present not in _shown(write.before):
            raise ConflictError(_CHANGED, place=write.path, fix="Run csoc again")
        after = write.after if present == write.before else _windows(write.after)

        def unchanged() -> None:
            if _present(folder, write) != present:
                raise ConflictError(_CHANGED, place=write.path, fix="Run csoc again")

        _put(folder, name, temporary, after, mode, unchanged)


def _put(
    folder: int,
    name: str,
    temporary: str,
    content: bytes,
    mode: int | None,
    last_look: Callable[[], None] = lambda: None,
) -> None:
    """Writes beside the file and renames, so that nobody ever sees half of it. last_look: raises to leave it be."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(temporary, flags, 0o666, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as opened:
            if mode is not None:
                os.fchmod(file, mode)
            opened.write(content)
        last_look()
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise


def _shown(content: bytes | None) -> tuple[bytes | None, ...]:
    """What may stand on disk where Git keeps these bytes: themselves, or with the line ends of Windows."""
    return (content,) if content is None or b"\r\n" in content else (content, _windows(content))


def _ended(content: bytes, present: bytes) -> bytes:
    """The content with the line ends of what is there, if all of those are of Windows and none of its own are."""
    if b"\r\n" in present and b"\r\n" not in content and present.count(b"\n") == present.count(b"\r\n"):
        return _windows(content)
    return content


def _windows(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


@contextmanager
def _our_words(path: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise DeniedError("The file may not be changed", place=path) from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise RejectedError("A link stands on the way to the file", place=path, fix="Remove the link") from error
        raise UnavailableError(f"The file cannot be changed: {error.strerror}", place=path) from error


def contents(writes: Sequence[FileWrite]) -> Mapping[str, bytes | None]:
    """Path to new content, as commits and overlays want it."""
    return {write.path: write.after for write in writes}
