"""What was asked for in resources that are no object of their service."""

from __future__ import annotations

import threading

from csoc.emulator.cloudformation.resources.handler import Context, Properties


class Placed:
    """What was asked for in resources that are no object of their service, such as a policy on several queues: their
    identifiers alone do not say where they are. Threads may share it."""

    def __init__(self) -> None:
        self._properties: dict[tuple[str, str, str], Properties] = {}
        self._lock = threading.Lock()

    def keep(self, context: Context, physical_id: str, properties: Properties) -> None:
        with self._lock:
            self._properties[context.account, context.region, physical_id] = properties

    def kept(self, context: Context, physical_id: str) -> Properties | None:
        """Empty for what was deleted; None for what was never heard of."""
        with self._lock:
            return self._properties.get((context.account, context.region, physical_id))

    def forget(self, context: Context, physical_id: str) -> None:
        with self._lock:
            self._properties[context.account, context.region, physical_id] = {}

    def of_account(self, account: str) -> list[Properties]:
        """All that is placed in an account."""
        with self._lock:
            return [properties for key, properties in self._properties.items() if key[0] == account]
