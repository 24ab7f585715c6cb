"""Remembers between runs where things stand in Application files.

To find a line, a file's bytes are read and composed again, which for thousands of Applications takes longer than all
else in a warm start. What was asked of a content once is asked again next time, so the answers are kept by blob.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from csoc.fleet.caching import Cache
from csoc.fleet.code_digest import code_digest
from csoc.fleet.values import Path

At = tuple[int, int] | None
Known = dict[tuple[int, Path, str], At]
# What is asked of a content, and how what was answered is kept.
_CODE = ("csoc.fleet.argocd.reading", "csoc.fleet.argocd.positions")


def _namespace() -> str:
    """Changes with the code that finds positions."""
    return f"argocd-positions-{code_digest(*_CODE)}"


class Positions:
    """Positions by blob: a mapping for each, which its users read and add to. cache None: for this run only."""

    def __init__(self, cache: Cache | None = None) -> None:
        self._cache = cache
        self._known: dict[str, Known] = {}
        self._stored: dict[str, int] = {}

    def of(self, blob: str) -> Known:
        """What is known of a blob; (document index, path, what was asked) to (line, column)."""
        return self._known.setdefault(blob, {})

    def load(self, blobs: Iterable[str]) -> None:
        """Fetches what earlier runs found out about these blobs."""
        missing = [blob for blob in dict.fromkeys(blobs) if blob not in self._known]
        if self._cache is None or not missing:
            return
        for blob, content in self._cache.get_many(_namespace(), missing).items():
            known = _decoded(content)
            if known is not None:
                self._known[blob] = known
                self._stored[blob] = len(known)

    def save(self) -> None:
        """Keeps what this run found out."""
        if self._cache is None:
            return
        new = {blob: known for blob, known in self._known.items() if len(known) > self._stored.get(blob, 0)}
        if new:
            self._cache.put_many(_namespace(), {blob: _encoded(known) for blob, known in new.items()})
            self._stored.update({blob: len(known) for blob, known in new.items()})


def _encoded(known: Known) -> bytes:
    return json.dumps([[index, path, what, at] for (index, path, what), at in known.items()]).encode()


def _decoded(content: bytes) -> Known | None:
    """None for what cannot be what was stored."""
    try:
        known: Known = {}
        for index, path, what, at in json.loads(content):
            known[(int(index), tuple(path), str(what))] = None if at is None else (int(at[0]), int(at[1]))
    except (ValueError, TypeError, IndexError, RecursionError):
        return None
    return known
