"""The cache in memory: for tests, and for one run that should leave nothing on the disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from csoc.clock import Clock, system_clock
from csoc.fleet.caching import CacheStatus

DEFAULT_SIZE_BYTES = 256_000_000


@dataclass(slots=True)
class _Value:
    content: bytes
    used_at: datetime


class MemoryCache:
    """A `fleet.caching.Cache` whose values end with it. size_bytes: of all values together."""

    def __init__(self, *, size_bytes: int = DEFAULT_SIZE_BYTES, clock: Clock = system_clock) -> None:
        self._size_bytes = size_bytes
        self._clock = clock
        self._lock = Lock()
        # In order of use, the least recently used first.
        self._values: dict[tuple[str, str], _Value] = {}
        self._total = 0
        self._closed = False

    def get_many(self, namespace: str, keys: Iterable[str]) -> dict[str, bytes]:
        """See the port."""
        now = self._clock()
        found: dict[str, bytes] = {}
        with self._lock:
            for key in keys:
                value = self._values.pop((namespace, key), None)
                if value is not None:
                    value.used_at = now
                    self._values[namespace, key] = value
                    found[key] = value.content
        return found

    def put_many(self, namespace: str, items: Mapping[str, bytes]) -> None:
        """See the port."""
        now = self._clock()
        with self._lock:
            if self._closed:
                return
            for key, content in items.items():
                self._remove((namespace, key))
                if len(content) <= self._size_bytes // 4:
                    self._values[namespace, key] = _Value(content, now)
                    self._total += len(content)
            self._shrink(self._size_bytes)

    def prune(self, *, unused_for: timedelta | None = None, size_bytes: int | None = None) -> int:
        """See the port."""
        with self._lock:
            before = len(self._values)
            if unused_for is not None:
                oldest = self._clock() - unused_for
                for identity in [name for name, value in self._values.items() if value.used_at < oldest]:
                    self._remove(identity)
            if size_bytes is not None:
                self._shrink(size_bytes)
            return before - len(self._values)

    def status(self) -> CacheStatus:
        """See the port."""
        return CacheStatus(len(self._values), self._total, "closed" if self._closed else "")

    def close(self) -> None:
        """See the port."""
        with self._lock:
            self._values.clear()
            self._total = 0
            self._closed = True

    def _shrink(self, size_bytes: int) -> None:
        for identity in list(self._values):
            if self._total <= size_bytes:
                return
            self._remove(identity)

    def _remove(self, identity: tuple[str, str]) -> None:
        value = self._values.pop(identity, None)
        if value is not None:
            self._total -= len(value.content)
