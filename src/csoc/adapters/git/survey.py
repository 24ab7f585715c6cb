"""Counts what a folder holds before anything in it is read, so that the wrong folder costs a moment and not minutes.

Whoever names their home folder or "/" by mistake hears at once how much is there, where most of it is, and which limit
it is over. Large files of kinds that no fleet is made of are listed and never read.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from csoc.config import Limits
from csoc.errors import RejectedError, UnavailableError

SMALL_BYTES = 1_000_000
_KINDS = (".yaml", ".yml", ".json", ".tgz", ".tpl")


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was counted. file: where it is; found: what lstat says of it."""

    path: str
    file: str
    found: os.stat_result

    @property
    def wanted(self) -> bool:
        """True if it is read: a small file may be anything, a large one is of a kind that a fleet is made of."""
        return self.found.st_size <= SMALL_BYTES or self.path.lower().endswith(_KINDS)


@dataclass
class Survey:
    """One count of the folder `root`. seen: every file, link, pipe or device in it."""

    root: Path
    limits: Limits
    seen: list[Seen] = field(default_factory=list)
    _number: int = 0
    _bytes: int = 0
    _per_part: Counter[str] = field(default_factory=Counter)
    _bytes_per_part: Counter[str] = field(default_factory=Counter)

    def walk(self) -> list[Seen]:
        """Everything below the root except what is named ".git". No link is followed.

        Raises RejectedError as soon as a limit is passed, UnavailableError for a folder that cannot be read.
        """
        waiting = [""]
        while waiting:
            prefix = waiting.pop()
            for entry in _listed(self.root / prefix):
                if entry.name == ".git":
                    continue
                path = f"{prefix}{entry.name}"
                self._count(path)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{path}/")
                else:
                    self.take(path, entry.path)
        return self.seen

    def take(self, path: str, file: str) -> None:
        """Counts one file. Raises RejectedError if the bytes that would be read pass the limit, UnavailableError."""
        try:
            found = os.lstat(file)
        except FileNotFoundError:
            return  # gone since it was listed
        except OSError as error:
            raise UnavailableError(f"The file cannot be looked at: {error.strerror}", place=path) from error
        one = Seen(path, file, found)
        self.seen.append(one)
        if not (stat.S_ISREG(found.st_mode) and one.wanted):
            return
        size = min(found.st_size, self.limits.file_bytes)
        self._bytes += size
        self._bytes_per_part[_part(path)] += size
        if self._bytes > self.limits.folder_bytes:
            raise RejectedError(
                f"The folder holds more than {self.limits.folder_bytes} bytes that csoc would read, most of them below "
                f"{_most(self._bytes_per_part)} (nothing was read)",
                place=str(self.root),
                fix="Name a smaller folder, or raise limits.folder_bytes in the settings",
            )

    def _count(self, path: str) -> None:
        self._number += 1
        self._per_part[_part(path)] += 1
        if self._number > self.limits.folder_entries:
            yaml = sum(1 for one in self.seen if one.path.endswith((".yaml", ".yml")))
            raise RejectedError(
                f"The folder holds more than {self.limits.folder_entries} files and folders; of those counted, {yaml} "
                f"are YAML and most are below {_most(self._per_part)} (nothing was read)",
                place=str(self.root),
                fix="Name a smaller folder or a Git repository, or raise limits.folder_entries in the settings",
            )


def _part(path: str) -> str:
    return path.partition("/")[0]


def _most(counted: Counter[str]) -> str:
    return repr(counted.most_common(1)[0][0][:80])


def _listed(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except FileNotFoundError:
        return  # gone since it was listed
    except OSError as error:
        raise UnavailableError(f"The folder cannot be read: {error.strerror}", place=str(folder)) from error
