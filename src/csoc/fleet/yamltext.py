"""YAML as Helm and Argo CD read it, with the place of every node, within limits.

Go's YAML parsers decide what a Gen3 value means: `on` is a boolean, `2025.10` a number, a date is text, the last of two
equal keys wins. Reading the same file with other rules would show a fleet that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.values import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost before it is refused."""

    size_bytes: int = 10_000_000
    depth: int = 100
    nodes: int = 2_000_000  # after aliases are expanded
    documents: int = 1_000


class YamlError(RejectedError):
    """A file that is not YAML, or over the limits. line and column count from 1 (0: unknown)."""

    def __init__(self, cause: str, *, line: int = 0, column: int = 0, fix: str = "") -> None:
        super().__init__(cause, fix=fix)
        self.line = line
        self.column = column


class YamlDocument:
    """One document of a file. Positions are worked out on first use, since most documents never need them."""

    index: int
    line: int
    data: Any

    def position(self, path: Path) -> tuple[int, int] | None:
        """Line and column (from 1) of the key (or the list item) at the path; None if the document has no such path."""
        raise NotImplementedError

    def duplicates(self) -> list[tuple[Path, int]]:
        """Keys that stand twice in one mapping, with the line of the later one (which wins)."""
        raise NotImplementedError


def parse(content: bytes, limits: Limits | None = None) -> tuple[YamlDocument, ...]:
    """Every document of a file; empty documents are left out. Raises YamlError."""
    raise NotImplementedError
