"""What a run says while it works, masked before anybody can read it.

Lines are kept here until the store takes them: a database that is locked for a moment costs no line.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from datetime import datetime

from csoc.clock import Clock
from csoc.errors import UnavailableError
from csoc.fleet.masking import MASK, mask_text
from csoc.operations.runs import MOST_CHARACTERS, RunStore

_MOST_UNSTORED = 10_000


class RunLog:
    """The log of one run, as one executor writes it. Threads may share it."""

    def __init__(self, store: RunStore, run_id: str, clock: Clock) -> None:
        self._store = store
        self._run_id = run_id
        self._clock = clock
        self._unstored: list[tuple[datetime, int | None, str, str]] = []
        self._words: set[str] = set()
        self._lock = threading.Lock()

    def hide(self, words: Collection[str]) -> None:
        """Words that no line shows from here on."""
        with self._lock:
            self._words |= {word for word in words if word}

    def masked(self, text: str) -> str:
        """A text as it may be kept and shown."""
        with self._lock:
            for word in sorted(self._words, key=len, reverse=True):
                text = text.replace(word, MASK)
        return mask_text(text)[:MOST_CHARACTERS]

    def add(self, step: int | None, what: str, text: str) -> None:
        """A line, stored at once if the store answers."""
        line = (self._clock(), step, what, self.masked(text))
        with self._lock:
            if len(self._unstored) < _MOST_UNSTORED:
                self._unstored.append(line)
            elif len(self._unstored) == _MOST_UNSTORED:
                why = f"The database did not take lines; those after the first {_MOST_UNSTORED} were not kept"
                self._unstored.append((line[0], step, "warning", why))
        self.flush()

    def flush(self) -> None:
        """Stores what is not stored yet, if the store answers."""
        with self._lock:
            if not self._unstored:
                return
            try:
                self._store.log(self._run_id, self._unstored)
            except UnavailableError:
                return
            self._unstored = []
