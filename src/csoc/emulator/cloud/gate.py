"""Lets calls pass side by side, and now and then nobody: while the state of the emulator is copied."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Calls are let through together; whoever wants to be alone waits until they are done. A call that a service makes
    while it answers another one belongs to that one, so a thread that is in does not wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._closed = False
        self._thread = threading.local()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """For one call."""
        depth = getattr(self._thread, "depth", 0)
        if depth == 0:
            with self._changed:
                self._changed.wait_for(lambda: not self._closed)
                self._inside += 1
        self._thread.depth = depth + 1
        try:
            yield
        finally:
            self._thread.depth = depth
            if depth == 0:
                with self._changed:
                    self._inside -= 1
                    self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Until the block ends nobody else is in. Not for use within `passing`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._closed = True
            self._changed.wait_for(lambda: self._inside == 0)
        try:
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()
