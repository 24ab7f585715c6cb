"""Where something stands. Every fact, finding and edit in csoc points to one of these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file as it was read.

    repository: canonical name of the repository (see `fleet.repositories`). commit: 40 hex digits of what was read.
    path: inside the repository, with "/". line and column count from 1; 0 means "the whole file".
    """

    repository: str
    commit: str
    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path
