"""Readings in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from csoc.clusters.readings import Look, Reading, merged


class MemoryReadings:
    """See csoc.clusters.readings.Readings."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Reading] = {}
        self._lock = threading.Lock()

    def note(self, looks: Sequence[Look]) -> None:
        with self._lock:
            for look in looks:
                key = (look.topic, look.subject)
                self._known[key] = merged(self._known.get(key), look)

    def get(self, subject: str, topic: str) -> Reading | None:
        with self._lock:
            return self._known.get((topic, subject))

    def of_topic(self, topic: str, *, after: str = "", limit: int = 500) -> list[Reading]:
        with self._lock:
            subjects = sorted(subject for known, subject in self._known if known == topic and subject > after)
            return [self._known[topic, subject] for subject in subjects[:limit]]

    def forget(self, subject: str) -> int:
        with self._lock:
            keys = [key for key in self._known if key[1] == subject]
            for key in keys:
                del self._known[key]
            return len(keys)

    def close(self) -> None:
        return None
