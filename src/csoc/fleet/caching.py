"""The port to a cache of what was worked out from content: parsed files, facts, renderings.

A key names the content that a value was made from (a blob's id, a digest) and the namespace names the code that made
it, with a version, so that nothing ever needs to be invalidated: other content has another key, other code another
namespace. Whoever loses the cache loses time and nothing else, so reading and writing never fail.

What is cached can hold secrets, since files in Git can. An implementation that keeps values on a disk keeps them where
only the user can read them, beside the clones that hold the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """How a cache is. size_bytes: of the values. problem: what keeps it from working, or ""."""

    entries: int
    size_bytes: int
    problem: str = ""


class Cache(Protocol):
    """Values by namespace and key. Contract: tests/contract/caching.py.

    Values are JSON as bytes, never pickles: whoever can write the file must not thereby run code. A value may vanish at
    any time (least recently used first), and a value that was cut or altered is possible: a caller that cannot read a
    value treats it as absent.
    """

    def get_many(self, namespace: str, keys: Iterable[str]) -> dict[str, bytes]:
        """The values that are there; keys that are not are left out. Counts as use. Never raises."""

    def put_many(self, namespace: str, items: Mapping[str, bytes]) -> None:
        """Keeps values, replacing what the keys held. A value too large for the cache is not kept. Never raises."""

    def prune(self, *, unused_for: timedelta | None = None, size_bytes: int | None = None) -> int:
        """Removes what was not used for that long (use is recorded by the day), then the least recently used until the
        values are no larger than size_bytes. Returns how many were removed. Never raises."""

    def status(self) -> CacheStatus:
        """Counts what is there. Never raises."""

    def close(self) -> None:
        """Releases files. The cache is empty and keeps nothing afterwards."""
