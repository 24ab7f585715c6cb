"""The folder where csoc keeps clones, charts and parsed files: usable or an error, private, and of a bounded size.

Everything in it can be had again, so what was not used for long goes, and beyond a size what was used longest ago. What
another csoc uses stays: a clone is used under a shared lock, and one that is locked is never removed; a captured folder
whose database vanishes is captured again by whoever reads it; single files are read at once. The SQLite cache bounds
itself.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from csoc.adapters.store.cache import FILE_NAME
from csoc.clock import Clock, system_clock
from csoc.config import Settings
from csoc.errors import UnavailableError

_DATABASES = ("git", "folders")
_FILES = ("charts", "dictionaries")
_MARK = "tidied"
_LOCK = "tidy.lock"
_OWN = frozenset((*_DATABASES, *_FILES, _MARK, _LOCK))
_EVERY_SECONDS = 600
# Whoever has just found something may be about to read it.
_SETTLED_SECONDS = 3_600
_UNFINISHED = (".new-", "new-")  # what was being written when a process ended


@dataclass(frozen=True, slots=True)
class _Item:
    """Something that can be removed. used_at: seconds since 1970."""

    path: Path
    used_at: float
    size_bytes: int


class CacheFolder:
    """csoc's cache folder. size_bytes: of clones, captured folders, charts and dictionaries together; days: how long
    something may lie unused."""

    def __init__(self, path: Path, *, size_bytes: int, days: int, clock: Clock = system_clock) -> None:
        self._path = path
        self._size_bytes = size_bytes
        self._days = days
        self._clock = clock

    @classmethod
    def from_settings(cls, settings: Settings, clock: Clock = system_clock) -> Self:
        """As csoc's settings say."""
        return cls(settings.cache_dir, size_bytes=settings.cache_bytes, days=settings.cache_days, clock=clock)

    @property
    def unused_for(self) -> timedelta:
        """How long something may lie unused."""
        return timedelta(days=self._days)

    def prepare(self) -> None:
        """Makes the folder, for its owner only. Raises UnavailableError if nothing can be written into it."""
        try:
            self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=self._path):
                pass
        except (OSError, ValueError) as error:  # a name with a null byte in it is a ValueError
            raise UnavailableError(
                f"The cache of csoc cannot be used: {getattr(error, 'strerror', None) or error}",
                place=str(self._path),
                fix="Make it a folder that you may write to, or name another in CSOC_CACHE_DIR (or cache_dir)",
            ) from error
        self._make_private()

    def tidy(self) -> bool:
        """Removes what is too old or too much. False if it was not looked at: that is done every ten minutes at most,
        and by one csoc at a time. Never raises: whoever cannot tidy has a larger cache."""
        try:
            with _alone(self._path / _LOCK) as alone:
                if not alone or not self._is_due():
                    return False
                self._remove()
                (self._path / _MARK).touch(mode=0o600)
                now = self._clock().timestamp()
                os.utime(self._path / _MARK, (now, now))
                return True
        except OSError:
            return False

    def _make_private(self) -> None:
        """Narrows a folder that others can enter, if nothing but csoc's own is in it: it may be somebody's home."""
        with suppress(OSError):
            found = self._path.stat()
            names = [entry.name for entry in self._path.iterdir()]
            own = all(name in _OWN or name.startswith(FILE_NAME) for name in names)
            if own and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
                self._path.chmod(0o700)

    def _is_due(self) -> bool:
        try:
            age = self._clock().timestamp() - (self._path / _MARK).stat().st_mtime
        except FileNotFoundError:
            return True
        return not 0 <= age < _EVERY_SECONDS

    def _remove(self) -> None:
        now = self._clock().timestamp()
        items = sorted(self._items(), key=lambda item: item.used_at)
        total = sum(item.size_bytes for item in items)
        for item in items:
            age = now - item.used_at
            too_old = age > self.unused_for.total_seconds()
            if age < _SETTLED_SECONDS or not (too_old or total > self._size_bytes):
                continue
            if _removed(item.path):
                total -= item.size_bytes

    def _items(self) -> Iterator[_Item]:
        for folder in _DATABASES:
            for entry in _entries(self._path / folder):
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False) and (path.suffix == ".git" or _is_unfinished(entry.name)):
                    yield _Item(path, _used_at(path), _size(path))
        for folder in _FILES:
            for path, found in _files(self._path / folder):
                yield _Item(path, found.st_mtime, found.st_size)


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Holds a lock while the block runs; False if another holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _removed(path: Path) -> bool:
    """Removes it, unless it is in use."""
    if not path.is_dir():
        with suppress(OSError):
            path.unlink()
            return True
        return False
    if _is_unfinished(path.name):
        shutil.rmtree(path, ignore_errors=True)
        return True
    # Both are held, as those who read and those who write do; the files stay, since others may wait for them.
    with _alone(path.with_suffix(".use")) as unused, _alone(path.with_suffix(".lock")) as still:
        if not (unused and still):
            return False
        leaving = Path(tempfile.mkdtemp(dir=path.parent, prefix="new-"))
        path.rename(leaving / path.name)  # at once, so that nobody finds half of it
    shutil.rmtree(leaving, ignore_errors=True)
    return True


def _used_at(path: Path) -> float:
    """When a database was used last: its locks are marked at each use."""
    times = []
    for mark in (path, path.with_suffix(".use"), path.with_suffix(".lock")):
        with suppress(OSError):
            times.append(mark.stat().st_mtime)
    return max(times, default=0.0)


def _is_unfinished(name: str) -> bool:
    return name.startswith(_UNFINISHED)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    pending = [folder]
    while pending:
        for entry in _entries(pending.pop()):
            if entry.is_dir(follow_symlinks=False):
                pending.append(Path(entry.path))
            else:
                with suppress(OSError):  # gone by now
                    yield Path(entry.path), entry.stat(follow_symlinks=False)


def _size(folder: Path) -> int:
    return sum(found.st_size for _, found in _files(folder))
