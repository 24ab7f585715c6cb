"""How often which operation was called, and by whom: tests count effects with it."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

from csoc.emulator.cloud.calls import Call


@dataclass(frozen=True, slots=True, order=True)
class Counted:
    """What is counted together. caller: ARN of the user or role, "" for nobody. by: the AWS service that called in the
    caller's name, "" if none did."""

    account: str
    service: str
    operation: str
    caller: str
    by: str


class Counts:
    """A count of calls, refused ones included. Threads may share it."""

    def __init__(self) -> None:
        self._counts: Counter[Counted] = Counter()
        self._lock = threading.Lock()

    def note(self, call: Call) -> None:
        """One more call."""
        identity = call.identity
        kind = Counted(identity.account, call.service, call.operation, identity.principal, identity.service)
        with self._lock:
            self._counts[kind] += 1

    def all(self) -> dict[Counted, int]:
        """All counts since the start, or since they were last cleared."""
        with self._lock:
            return dict(self._counts)

    def clear(self) -> None:
        """Begins at zero."""
        with self._lock:
            self._counts.clear()
